"""Photos made by the tests themselves: EXIF with GPS and orientation, comments, PNG, WebP, HEIC, bombs."""

import io
import struct
import zlib

import pillow_heif
from PIL import Image, ImageDraw
from PIL.ExifTags import GPS, IFD, Base

pillow_heif.register_heif_opener()


def scene(width: int = 1200, height: int = 800) -> Image.Image:
    """A picture whose upper left corner is red, so that a test can tell which way is up."""
    image = Image.new("RGB", (width, height), "#9ab")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 4, height // 4), fill="#d00")
    draw.ellipse((width // 2, height // 2, width - 10, height - 10), fill="#262")
    return image


def exif(orientation: int = 1) -> Image.Exif:
    """Camera, owner and place, as phones write them."""
    data = Image.Exif()
    data[Base.Make], data[Base.Model], data[Base.Artist] = "HUAWEI", "P40", "林阿伯"
    data[Base.Orientation] = orientation
    data.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (22.0, 58.0, 12.0)})
    return data


def jpeg_with_everything(orientation: int = 1, width: int = 1200, height: int = 800) -> bytes:
    """EXIF, GPS, XMP and a comment in one JPEG."""
    target = io.BytesIO()
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>secret place</x:xmpmeta>"
    scene(width, height).save(target, "JPEG", exif=exif(orientation), comment=b"secret words", xmp=xmp, quality=85)
    return target.getvalue()


def encoded(kind: str, orientation: int = 1) -> bytes:
    """The scene as PNG, WEBP or HEIF, with EXIF."""
    target = io.BytesIO()
    scene().save(target, kind, exif=exif(orientation).tobytes())
    return target.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that claims 3.6 thousand million pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body

"""Photos made by the tests themselves: EXIF with GPS and orientation, comments, odd modes, PNG, WebP, HEIC, bombs."""

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


def encoded(kind: str, orientation: int = 1, mode: str = "RGB") -> bytes:
    """The scene as PNG, WEBP or HEIF, with EXIF."""
    target = io.BytesIO()
    scene().convert(mode).save(target, kind, exif=exif(orientation).tobytes())
    return target.getvalue()


def jpeg(mode: str = "RGB", progressive: bool = False, **more: object) -> bytes:
    """The scene as a JPEG without any other data."""
    target = io.BytesIO()
    scene().convert(mode).save(target, "JPEG", progressive=progressive, **more)
    return target.getvalue()


def ycck() -> bytes:
    """The scene as Photoshop writes it for print: Y, Cb, Cr of the inks, and no black. CMYK is written inverted."""
    target = io.BytesIO()
    bands = scene().convert("YCbCr").split()
    Image.merge("CMYK", [*bands, Image.new("L", scene().size, 0)]).save(target, "JPEG", quality=95)
    written = target.getvalue()
    adobe = written.index(b"Adobe")
    return written[: adobe + 11] + b"\x02" + written[adobe + 12 :]


def claiming(picture: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header claims another size than it has."""
    frame = max(picture.find(b"\xff\xc0\x00\x11\x08"), picture.find(b"\xff\xc2\x00\x11\x08")) + 5
    return picture[:frame] + struct.pack(">HH", height, width) + picture[frame + 4 :]


def heic_claiming(picture: bytes, width: int, height: int) -> bytes:
    """A HEIC whose header claims another size than it has."""
    before, *boxes = picture.split(b"ispe\0\0\0\0")
    return before + b"".join(b"ispe\0\0\0\0" + struct.pack(">II", width, height) + box[8:] for box in boxes)


def scans(count: int) -> bytes:
    """A progressive JPEG that refines its picture again and again, for a few bytes each time."""
    picture = jpeg(progressive=True)
    last, end = picture.rfind(b"\xff\xda"), len(picture) - 2
    return picture[:end] + picture[last:end] * (count - picture.count(b"\xff\xda")) + picture[end:]


def one_colour_at_a_time() -> bytes:
    """The header of a JPEG that is not progressive, and has a scan for each colour all the same."""
    picture = jpeg()
    first = picture.index(b"\xff\xda")
    return picture[:first] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + picture[first + 14 :]


def pieces(count: int) -> bytes:
    """A JPEG with so many empty comments before its picture."""
    picture = jpeg()
    return picture[:2] + b"\xff\xfe\x00\x02" * count + picture[2:]


def deep_grey() -> bytes:
    """A PNG with 16 bits of grey: black on the left, half in the middle, white on the right."""
    target = io.BytesIO()
    row = b"".join(shade * 100 for shade in (b"\x00\x00", b"\x00\x80", b"\xff\xff"))
    Image.frombytes("I;16", (300, 100), row * 100).save(target, "PNG")
    return target.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that claims 3.6 thousand million pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body

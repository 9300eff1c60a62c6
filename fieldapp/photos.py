"""Photos and voice notes: take the bytes safely, and publish upright copies that say nothing but the picture.

The upload only hashes, checks the header, fsyncs and renames (resizing inside the request is seven times
slower); the worker decodes. Publishing fails closed: what cannot be shown clean is not shown at all.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

register_heif_opener(thumbnails=False)

READERS = ("JPEG", "PNG", "WEBP", "HEIF")
MEDIA_TYPES = {"PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}  # else JPEG, MPO included
SIZES = {"full": 1600, "thumb": 320}  # longest side in pixels
MAX_PIXELS = {"JPEG": 130_000_000, "MPO": 130_000_000}  # decoded at a fraction of their size
MAX_PIXELS_DECODED_WHOLE = 50_000_000
CHUNK = 256 * 1024

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked on the header, before a single pixel is decoded


class BadFile(ValueError):
    """A file that cannot be taken or shown; `reason` is a key for the sentence shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLarge(BadFile):
    """More bytes than the manifest or the instance allows."""


class WrongType(BadFile):
    """Not one of the formats we take."""


@dataclass(frozen=True)
class Upload:
    """What the header says about a file that is now on disk. Sizes in pixels, None for sound."""

    media_type: str
    width: int | None = None
    height: int | None = None


class Store:
    """The folder tree of files: `originals` are read by the worker only, `copies` are what people see."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("incoming", "originals", "copies", "unreadable"):
            (root / folder).mkdir(parents=True, exist_ok=True, mode=0o700)

    def original(self, file_id: UUID) -> Path:
        """Where the bytes stand as the phone sent them."""
        return self._path("originals", file_id, "")

    def copy(self, file_id: UUID, size: str) -> Path:
        """Where the published copy of this size stands ("full" or "thumb")."""
        return self._path("copies", file_id, f"-{size}.jpg")

    def receive(self, stream: IO[bytes], file_id: UUID, sha256: str, size: int, sound: bool) -> Upload:
        """Store exactly `size` bytes with this hash, durably, and say what they are.

        Raises TooLarge, WrongType or BadFile and leaves nothing behind. Safe to repeat: the name is the id.
        """
        temporary = self.root / "incoming" / f"{file_id}-{uuid4().hex}"
        try:
            with temporary.open("xb") as target:
                os.fchmod(target.fileno(), 0o600)
                if _copy_hashed(stream, target, size) != sha256:
                    raise BadFile("hash_mismatch")
                target.flush()
                upload = sniff_sound(temporary) if sound else inspect(temporary)
                os.fsync(target.fileno())
            _rename(temporary, self.original(file_id))
        finally:
            temporary.unlink(missing_ok=True)
        return upload

    def publish(self, file_id: UUID) -> None:
        """Make the published copies of a received photo. Raises BadFile when it cannot be decoded or cleaned."""
        for size, picture in render(self.original(file_id)).items():
            temporary = self.root / "incoming" / f"{file_id}-{uuid4().hex}"
            with temporary.open("xb") as target:
                target.write(picture)
                target.flush()
                os.fsync(target.fileno())
            _rename(temporary, self.copy(file_id, size))

    def set_apart(self, file_id: UUID) -> None:
        """Move an original that cannot be shown to the folder of unreadable ones."""
        source = self.original(file_id)
        if source.exists():
            _rename(source, self._path("unreadable", file_id, ""))

    def _path(self, folder: str, file_id: UUID, suffix: str) -> Path:
        return self.root / folder / file_id.hex[-2:] / f"{file_id}{suffix}"


def inspect(path: Path) -> Upload:
    """Read a picture's header only. Raises WrongType or BadFile("too_many_pixels")."""
    try:
        with Image.open(path, formats=READERS) as image:
            kind, (width, height) = str(image.format), image.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise WrongType("not_a_photo") from error
    if width * height > MAX_PIXELS.get(kind, MAX_PIXELS_DECODED_WHOLE):
        raise BadFile("too_many_pixels")
    return Upload(MEDIA_TYPES.get(kind, "image/jpeg"), width, height)


def sniff_sound(path: Path) -> Upload:
    """Tell the container of a voice note by its first bytes. Raises WrongType."""
    with path.open("rb") as source:
        head = source.read(12)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Upload("audio/webm")
    if head.startswith(b"OggS"):
        return Upload("audio/ogg")
    if head[4:8] == b"ftyp":
        return Upload("audio/mp4")
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return Upload("audio/wav")
    raise WrongType("not_sound")


def render(path: Path) -> dict[str, bytes]:
    """The published copies as JPEG bytes by size name: upright, sRGB, nothing in them but the picture.

    JPEG is decoded at a fraction (an aspect-true draft box), resized, and only then turned: half the time and
    memory of turning first. Raises BadFile.
    """
    try:
        with Image.open(path, formats=READERS) as image:
            full = _shrunk(image, SIZES["full"], draft=True)
            full = ImageOps.exif_transpose(full)
            full = _plain(full)
            thumb = _shrunk(full, SIZES["thumb"])
            return {"full": _jpeg(full, 82), "thumb": _jpeg(thumb, 78)}
    except (BadFile, MemoryError):
        raise
    except Exception as error:  # a decoder may fail in any way on a hostile file; all of them mean "not shown"
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the picture's: try again later
        raise BadFile("unreadable") from error


def only_picture(jpeg: bytes) -> bool:
    """True when a JPEG holds no EXIF, XMP, ICC, comment or other application data beside the JFIF header."""
    position = 2
    while position + 4 <= len(jpeg):
        marker = jpeg[position + 1]
        if marker == 0xDA:  # the picture itself follows
            return jpeg.endswith(b"\xff\xd9")
        if 0xE1 <= marker <= 0xEF or marker == 0xFE:
            return False
        position += 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
    return False


def _shrunk(image: Image.Image, longest: int, draft: bool = False) -> Image.Image:
    scale = longest / max(image.size)
    if scale >= 1:
        image.load()
        return image.copy()
    box = ceil(image.width * scale), ceil(image.height * scale)
    if draft:
        image.draft("RGB", box)
    small = image.resize(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    small.info = dict(image.info)
    return small


def _plain(image: Image.Image) -> Image.Image:
    """Flattened on white and turned into sRGB, without any of the file's other data."""
    profile = image.info.get("icc_profile")
    if image.mode in ("RGBA", "LA", "PA", "P"):
        image = image.convert("RGBA")
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        image = flat
    elif image.mode != "RGB":
        image = image.convert("RGB")
        profile = None  # it described another colour model
    if profile:
        image = _in_srgb(image, profile)
    image.info = {}
    return image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return found or image
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile only costs a shade of colour


def _jpeg(image: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality, optimize=False, progressive=False)
    picture = target.getvalue()
    if not only_picture(picture):
        raise BadFile("not_clean")
    return picture


def _copy_hashed(stream: IO[bytes], target: IO[bytes], size: int) -> str:
    """Copy at most `size` bytes; the hash (hex) of what came. One byte more raises TooLarge."""
    digest, left = hashlib.sha256(), size
    while left and (chunk := stream.read(min(CHUNK, left))):
        digest.update(chunk)
        target.write(chunk)
        left -= len(chunk)
    if not left and stream.read(1):
        raise TooLarge("larger_than_declared")
    return digest.hexdigest()


def _rename(source: Path, target: Path) -> None:
    """Move durably: the folder's entry is on disk when this returns."""
    if not target.parent.exists():
        target.parent.mkdir(exist_ok=True, mode=0o700)
        _sync_folder(target.parent.parent)
    source.rename(target)
    _sync_folder(target.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

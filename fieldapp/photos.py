"""Photos and voice notes: take the bytes safely, and publish upright copies that say nothing but the picture.

The upload only hashes, checks the header, fsyncs and links (resizing inside the request is seven times
slower); the worker decodes. Publishing fails closed: what cannot be shown clean is not shown at all.
"""

import hashlib
import io
import os
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

import pillow_heif
from PIL import Image, ImageCms, ImageOps

from fieldapp.filetypes import READERS, sniff_sound
from fieldapp.filetypes import BadFile as BadFile  # these are what callers of the store meet
from fieldapp.filetypes import TooLarge as TooLarge
from fieldapp.filetypes import Upload as Upload
from fieldapp.filetypes import WrongType as WrongType
from fieldapp.filetypes import inspect as inspect

SIZES = {"full": 1600, "thumb": 320}  # longest side in pixels
ENDINGS = {"voice": ".m4a"}  # every other copy is a JPEG
CHUNK = 256 * 1024
STRIP_PIXELS = 1_000_000
SMOOTH = ("RGB", "L", "CMYK")  # modes that can be resized well as they are


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
        """Where the published copy of this size stands ("full" or "thumb"; "voice" of a voice note)."""
        return self._path("copies", file_id, f"-{size}{ENDINGS.get(size, '.jpg')}")

    def receive(self, stream: IO[bytes], file_id: UUID, sha256: str, size: int, sound: bool) -> Upload:
        """Store exactly `size` bytes with this hash, durably, and say what they are.

        Raises TooLarge, WrongType or BadFile and leaves nothing behind. Safe to repeat: the name is the id, and
        what stands under it is never replaced; other bytes raise BadFile("other_content").
        """
        temporary = self._temporary(file_id)
        try:
            with temporary.open("xb") as target:
                os.fchmod(target.fileno(), 0o600)
                if _copy_hashed(stream, target, size) != sha256:
                    raise BadFile("hash_mismatch")
                target.flush()
                upload = sniff_sound(temporary) if sound else inspect(temporary)
                os.fsync(target.fileno())
            self._keep(temporary, file_id, sha256)
        finally:
            temporary.unlink(missing_ok=True)
        return upload

    def received(self, file_id: UUID) -> Path:
        """The original of a file that waits for the worker. Raises BadFile("missing") when it is not there."""
        (self.root / "originals").stat()  # a folder that is gone is the machine's trouble, not the file's
        source = self.original(file_id)
        if not source.exists():
            raise BadFile("missing")
        return source

    def develop(self, file_id: UUID) -> dict[str, bytes]:
        """The copies to publish of a received photo (see `render`)."""
        return render(self.received(file_id))

    def scratch(self, file_id: UUID) -> Path:
        """A name for a file that is thrown away; what is left of it when its maker dies is swept."""
        return self._temporary(file_id)

    def publish(self, file_id: UUID, copies: dict[str, bytes]) -> None:
        """Put these copies, by size name, where people see them."""
        for size, content in copies.items():
            temporary = self._temporary(file_id)
            with temporary.open("xb") as target:
                target.write(content)
                target.flush()
                os.fsync(target.fileno())
            _rename(temporary, self.copy(file_id, size))

    def set_apart(self, file_id: UUID) -> None:
        """Move an original that cannot be shown to the folder of unreadable ones."""
        source = self.original(file_id)
        if source.exists():
            _rename(source, self._path("unreadable", file_id, ""))

    def _keep(self, temporary: Path, file_id: UUID, sha256: str) -> None:
        original, apart = self.original(file_id), self._path("unreadable", file_id, "")
        if apart.exists():
            _check_same(apart, sha256)
            return
        _make_folder(original.parent)
        try:
            os.link(temporary, original)
        except FileExistsError:
            _check_same(original, sha256)
        _sync_folder(original.parent)  # also when it stood there: who put it may not have come so far

    def _temporary(self, file_id: UUID) -> Path:
        return self.root / "incoming" / f"{file_id}-{uuid4().hex}"

    def _path(self, folder: str, file_id: UUID, suffix: str) -> Path:
        return self.root / folder / file_id.hex[-2:] / f"{file_id}{suffix}"


def render(path: Path) -> dict[str, bytes]:
    """The published copies as JPEG bytes by size name: upright, sRGB, nothing in them but the picture.

    JPEG is decoded at a fraction (an aspect-true draft box), resized, and only then turned: half the time and
    memory of turning first. Raises BadFile.
    """
    try:
        if pillow_heif.is_supported(path):
            return _copies(_shrunk_heic(path, SIZES["full"]))
        with Image.open(path, formats=READERS) as image:
            # inside, for memory freed before the copies are made goes back to the system and costs a tenth of the time
            return _copies(ImageOps.exif_transpose(_shrunk(image, SIZES["full"])))
    except (BadFile, MemoryError):
        raise
    except Exception as error:  # a decoder may fail in any way on a hostile file; all of them mean "not shown"
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the picture's: try again later
        raise BadFile("unreadable") from error


def looks(path: Path) -> str:
    """What a published picture looks like, in 64 bits as 16 hexadecimal digits: each says whether it grows darker from
    one ninth of a row to the next. Pictures of the same thing from the same side differ in few of them.
    """
    with Image.open(path, formats=("JPEG",)) as image:
        small = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    bits = (small[9 * row + at] > small[9 * row + at + 1] for row in range(8) for at in range(8))
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


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


def _copies(upright: Image.Image) -> dict[str, bytes]:
    full = _plain(upright)
    return {"full": _jpeg(full, 82), "thumb": _jpeg(_shrunk(full, SIZES["thumb"]), 78)}


def _shrunk_heic(path: Path, longest: int) -> Image.Image:
    """HEIC out of the decoder's own memory (through Pillow it would be there twice), which turns it as well."""
    heic = pillow_heif.open_heif(path, convert_hdr_to_8bit=True, remove_stride=False)
    data = memoryview(heic.data)  # decodes; the size and the stride are known for certain only now
    (width, height), mode, stride = heic.size, heic.mode, heic.stride

    def strip(top: int, bottom: int) -> Image.Image:
        rows = data[top * stride : bottom * stride]
        return Image.frombytes(mode, (width, bottom - top), rows, "raw", mode, stride)

    small = _shrunk_in_strips(strip, (width, height), longest)
    small.info = {"icc_profile": heic.info.get("icc_profile")}
    return small


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    box = _box(image.size, longest)
    image.draft("RGB", box)
    image.load()
    if image.mode in SMOOTH:
        small = image.resize(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    else:
        small = _shrunk_in_strips(lambda top, end: image.crop((0, top, image.width, end)), image.size, longest)
    small.info = dict(image.info)
    return small


def _box(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(size))
    return ceil(size[0] * scale), ceil(size[1] * scale)


def _shrunk_in_strips(strip: Callable[[int, int], Image.Image], size: tuple[int, int], longest: int) -> Image.Image:
    """Shrunk by a whole factor strip by strip (a second whole picture would double the memory), then to fit."""
    (width, height), factor = size, max(1, int(0.8 * max(size) / longest))
    rows = factor * max(1, STRIP_PIXELS // (width * factor))
    coarse = None
    for top in range(0, height, rows):
        part = _smooth(strip(top, min(top + rows, height))).reduce(factor)
        coarse = coarse or Image.new(part.mode, (part.width, ceil(height / factor)))
        coarse.paste(part, (0, top // factor))
    assert coarse is not None, "a picture has rows"
    whole = (0, 0, width / factor, height / factor)  # the last coarse pixels stand for less than a whole one
    return coarse.resize(_box(size, longest), Image.Resampling.LANCZOS, box=whole)


def _smooth(image: Image.Image) -> Image.Image:
    """The same in a mode that can be resized without loss: 8 bits, no palette, no two-tone."""
    if image.mode.startswith("I"):  # 16 bits of grey; a plain conversion would clip all but the darkest to white
        return image.point(lambda value: value * (1 / 256)).convert("L")
    return image.convert({"1": "L", "P": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "La": "LA"}.get(image.mode, image.mode))


def _plain(image: Image.Image) -> Image.Image:
    """Flattened on white and turned into sRGB, without any of the file's other data."""
    profile = image.info.get("icc_profile")
    if image.mode in ("RGBA", "LA"):
        image = image.convert("RGBA")
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        image = flat
    if profile:
        image = _in_srgb(image, profile)
    if image.mode != "RGB":
        image = image.convert("RGB")
    image.info = {}
    return image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return found or image
    except (ImageCms.PyCMSError, OSError):
        return image  # a profile that is broken or of another colour model only costs a shade of colour


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


def _check_same(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise BadFile("other_content")


def _rename(source: Path, target: Path) -> None:
    """Move durably, over what may be there: the folder's entry is on disk when this returns."""
    _make_folder(target.parent)
    source.rename(target)
    _sync_folder(target.parent)


def _make_folder(path: Path) -> None:
    if not path.exists():
        path.mkdir(exist_ok=True, mode=0o700)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

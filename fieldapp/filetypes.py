"""What a file says of itself in its first bytes and headers: enough to take it, before anything is decoded."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pillow_heif
from PIL import Image, UnidentifiedImageError

pillow_heif.register_heif_opener(thumbnails=False)

READERS = ("JPEG", "PNG", "WEBP", "HEIF")
MEDIA_TYPES = {"PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}  # else JPEG, MPO included
# So that the worker, 80 MB when idle, stays near 300 MB. A pixel costs while it is decoded: PNG 4 bytes, WebP 16,
# plain HEIC 4.5. JPEG is decoded at a fraction, unless it comes in several scans: then it costs 2 bytes a sample.
MAX_PIXELS = {"JPEG": 130_000_000, "MPO": 130_000_000, "PNG": 40_000_000, "WEBP": 12_500_000, "HEIF": 51_000_000}
MAX_SAMPLES_IN_SCANS = 100_000_000
MOST_SCANS = 100  # encoders make about ten; a bomb makes thousands, each as slow as the whole picture
MOST_SEGMENTS = 4000  # of 64 kB each they would hold more than any file we take
MOST_READS = 20_000
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # as libjpeg looks for the next one: not stuffing, not RST, not fill
SOI, EOI, SOS, TEM = b"\xd8", b"\xd9", b"\xda", b"\x01"
ONE_PASS = (b"\xc0", b"\xc1")  # sequential, Huffman
FRAMES = tuple(bytes([code]) for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC))

# what MediaRecorder and phones write for sound; a HEIC is in the same container, and would be handed out with its GPS
SOUND_BRANDS = b"M4A |M4B |mp41|mp42|isom|iso2|iso4|iso5|iso6|iso8|dash|3gp4|3gp5|3gp6|3gp7|3g2a|MSNV".split(b"|")

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


class _Header(io.BufferedReader):
    """A file being identified. Thousands of tiny pieces would hold up the web server for seconds: ValueError."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._reads_left = MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise ValueError("too many pieces")
        return super().read(size)


def inspect(path: Path) -> Upload:
    """Read a picture's header only. Raises WrongType or BadFile("too_many_pixels")."""
    try:
        with _Header(path) as file, Image.open(file, formats=READERS) as image:
            kind, (width, height), limit = str(image.format), image.size, _max_pixels(image)
            if kind in ("JPEG", "MPO"):
                with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
                    limit = min(limit, _max_pixels_of_jpeg(data))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise WrongType("not_a_photo") from error
    if width * height > limit:
        raise BadFile("too_many_pixels")
    return Upload(MEDIA_TYPES.get(kind, "image/jpeg"), width, height)


def _max_pixels(image: Image.Image) -> int:
    most, info = MAX_PIXELS[str(image.format)], image.info
    if image.format == "HEIF":  # each of these doubles what a pixel costs
        most >>= (image.mode == "RGBA") + (info["bit_depth"] > 8) + (info.get("chroma", 444) > 420)
    return most


def _max_pixels_of_jpeg(data: mmap) -> int:
    """The limit by the way the scans are cut. Raises ValueError when there are far more than any encoder makes.

    One scan of all components is decoded row by row. Of all others libjpeg keeps every sample until the last scan.
    """
    one_pass, components, scans = False, 1, 0
    for marker, at in _markers(data):
        if marker in FRAMES:
            one_pass, components = marker in ONE_PASS, int.from_bytes(data[at + 7 : at + 8])
        elif marker == SOS:
            scans += 1
            if scans == 1 and one_pass and data[at + 2 : at + 3] == bytes([components]):
                return MAX_PIXELS["JPEG"]
            if scans > MOST_SCANS:
                raise ValueError("too many scans")
    return MAX_SAMPLES_IN_SCANS // max(1, components)


def _markers(data: mmap) -> Iterator[tuple[bytes, int]]:
    """A JPEG's markers up to its end, each with where its segment begins. What phones hang on behind is not read."""
    position = 0
    for _ in range(MOST_SEGMENTS):
        found = MARKER.search(data, position)
        if found is None or found[0][1:] == EOI:
            return
        position = found.end()
        yield found[0][1:], position
        if found[0][1:] not in (SOI, TEM):
            position += int.from_bytes(data[position : position + 2])
    raise ValueError("too many segments")


def sniff_sound(path: Path) -> Upload:
    """Tell the container of a voice note by its first bytes. Raises WrongType."""
    with path.open("rb") as source:
        head = source.read(12)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Upload("audio/webm")
    if head.startswith(b"OggS"):
        return Upload("audio/ogg")
    if head[4:8] == b"ftyp" and head[8:12] in SOUND_BRANDS:
        return Upload("audio/mp4")
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return Upload("audio/wav")
    raise WrongType("not_sound")

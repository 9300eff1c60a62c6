"""A form with files, streamed: no file is ever whole in memory, and of one that is too large only so much is stored."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser

if TYPE_CHECKING:
    from werkzeug.formparser import TStreamFactory

MOST_TYPED = 256 * 1024
MOST_PARTS = 200
MANY = 2  # times the files that are taken may be stored: among them may be some that cannot be taken


@dataclass(frozen=True)
class Picked:
    """A file as it came: its name on the phone, its size, its hash; no path when it was too large to be stored."""

    name: str
    size: int
    sha256: str
    path: Path | None


Form = tuple[MultiDict[str, str], list[Picked]]


class _Sink:
    """What the parser writes a file into: hashed on the way, and stored up to `most` bytes."""

    def __init__(self, target: IO[bytes], most: int) -> None:
        self._target, self._most = target, most
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        if self.size <= self._most:
            self._digest.update(data)
            self._target.write(data)
        return len(data)

    def seek(self, *_: object) -> int:
        return 0

    def picked(self, name: str) -> Picked:
        self._target.flush()
        path = Path(self._target.name) if self.size <= self._most else None
        return Picked(name, self.size, self._digest.hexdigest(), path)


@contextmanager
def read(folder: Path, most_bytes: int, most_files: int, most_length: int) -> Iterator[Form]:
    """The request's fields and files. The files lie in `folder` until the end, each of at most `most_bytes`; of far
    more than `most_files` the rest is passed over. Raises RequestEntityTooLarge above `most_length` bytes in all.
    """
    with ExitStack() as open_files:
        sinks: list[_Sink] = []

        def sink(filename: str | None, **_: object) -> IO[bytes]:
            stored = most_bytes if filename and len(sinks) < MANY * most_files else 0
            target = open_files.enter_context(tempfile.NamedTemporaryFile(dir=folder, prefix="form-"))
            sinks.append(_Sink(cast("IO[bytes]", target), stored))
            return cast("IO[bytes]", sinks[-1])

        parser = FormDataParser(
            cast("TStreamFactory", sink), max_form_memory_size=MOST_TYPED, max_form_parts=MOST_PARTS,
            max_content_length=most_length,
        )  # fmt: skip
        _, form, files = parser.parse_from_environ(request.environ)
        named = [one for _, one in files.items(multi=True) if one.filename]
        yield form, [cast(_Sink, one.stream).picked(one.filename or "") for one in named]

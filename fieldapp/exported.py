"""A file of reports that a phone exported (static/js/export.js), read piece by piece and as far as it goes.

Photos stand in it as base64. They are taken out before the JSON is parsed, and decoded while they are copied, so
that 100 MB of them cost no memory.
"""

import binascii
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Any, BinaryIO

import ijson

LONG = re.compile(rb'"([A-Za-z0-9+/=]{4096,})("?)')
MOST_BESIDE_FILES = 4 * 1024 * 1024  # bytes; a report without its files has some 3 kB
DEEPEST = 8
CHUNK = 256 * 1024

Events = Iterator[tuple[str, Any]]
Span = tuple[int, int]


class Unreadable(ValueError):
    """Nothing more can be read from here on; `reason` is a key for the sentence shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Filed:
    """A report as it was filed, without its files, which follow."""

    fields: dict[str, Any]


@dataclass(frozen=True)
class File:
    """A file of the report before it."""

    fields: dict[str, Any]
    data: bytes | mmap
    at: Span | None

    def open(self) -> BinaryIO:
        """Its bytes; they end early where the base64 is broken."""
        text = str(self.fields.get("base64")).encode()
        whole, (start, end) = (self.data, self.at) if self.at else (text, (0, len(text)))
        return io.BufferedReader(_Decoded(whole, start, end), CHUNK)


def read(data: bytes | mmap) -> Iterator[Filed | File]:
    """Every report, each followed by its files. Raises Unreadable where the file is no export, broken or cut off."""
    if not len(data):
        raise Unreadable("empty_export")
    text, spans = _without_files(data)
    begun = False
    try:
        for piece in _pieces(ijson.basic_parse(io.BytesIO(text), use_float=True)):
            begun = True
            if piece is not None:
                yield piece if isinstance(piece, Filed) else File(piece, data, _span(piece, spans))
    except (ijson.JSONError, UnicodeError) as error:
        raise Unreadable("broken_export" if begun else "not_an_export") from error
    if not begun:
        raise Unreadable("not_an_export")


def _without_files(data: bytes | mmap) -> tuple[bytes, list[Span]]:
    """The JSON with "@0", "@1" and so on for each long base64 text, and where those stand."""
    found = list(LONG.finditer(data))
    edges = [0, *(edge for match in found for edge in match.span()), len(data)]
    rest = list(zip(edges[::2], edges[1::2], strict=True))
    if sum(end - start for start, end in rest) > MOST_BESIDE_FILES:
        raise Unreadable("not_an_export")
    parts = [data[start:end] for start, end in rest]
    names = [b'"@%d%b' % (n, match[2]) for n, match in enumerate(found)]
    return b"".join(part for pair in zip(parts, [*names, b""], strict=True) for part in pair), [
        match.span(1) for match in found
    ]


def _span(fields: dict[str, Any], spans: list[Span]) -> Span | None:
    name = str(fields.get("base64"))
    return spans[int(name[1:])] if re.fullmatch(r"@\d{1,6}", name) and int(name[1:]) < len(spans) else None


def _pieces(events: Events) -> Iterator[Filed | dict[str, Any] | None]:
    """None once the list of reports begins, then reports and the fields of their files."""
    if next(events)[0] != "start_map":
        raise Unreadable("not_an_export")
    for event, key in events:
        if event == "end_map":
            return
        opening = next(events)
        if (key, opening[0]) == ("reports", "start_array"):
            yield None
            yield from _reports(events)
        else:
            _value(*opening, events)


def _reports(events: Events) -> Iterator[Filed | dict[str, Any]]:
    for event, value in events:
        if event == "end_array":
            return
        if event == "start_map":
            yield from _report(events)
        else:
            _value(event, value, events)
            yield Filed({})


def _report(events: Events) -> Iterator[Filed | dict[str, Any]]:
    fields: dict[str, Any] = {}
    told = False
    for event, key in events:
        if event == "end_map":
            break
        opening = next(events)
        if (key, opening[0]) == ("files", "start_array"):
            if not told:
                yield Filed(fields)
            told = True
            yield from _files(events)
        else:
            fields[key] = _value(*opening, events)
    if not told:
        yield Filed(fields)


def _files(events: Events) -> Iterator[dict[str, Any]]:
    for event, value in events:
        if event == "end_array":
            return
        fields = _value(event, value, events)
        yield fields if isinstance(fields, dict) else {}


def _value(event: str, value: Any, events: Events, depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise Unreadable("broken_export")
    if event == "start_map":
        made: dict[str, Any] = {}
        for inner, key in events:
            if inner == "end_map":
                break
            made[key] = _value(*next(events), events, depth + 1)
        return made
    if event == "start_array":
        items = []
        for inner, entry in events:
            if inner == "end_array":
                break
            items.append(_value(inner, entry, events, depth + 1))
        return items
    return value


class _Decoded(io.RawIOBase):
    """The bytes that a stretch of base64 stands for."""

    def __init__(self, data: bytes | mmap, start: int, end: int) -> None:
        self._data, self._at, self._end, self._ready = data, start, end, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._at < self._end:
            self._ready = self._next()
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _next(self) -> bytes:
        start, self._at = self._at, min(self._at + CHUNK, self._end)
        try:
            return binascii.a2b_base64(self._data[start : self._at], strict_mode=True)
        except binascii.Error:
            self._at = self._end
            return b""

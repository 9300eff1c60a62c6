"""The little of Markdown that our own guides are written in, as blocks for a template: one text for paper, for the
documents and for the screen. Headings, paragraphs, lists, tables, pictures, **bold** and `keys`; nothing else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

PICTURE = re.compile(r"!\[(.*)\]\((.+)\)")
ITEM = re.compile(r"(?:-|\d+\.) +")
SPANS = re.compile(r"\*\*(.+?)\*\*|`(.+?)`")


@dataclass(frozen=True)
class Block:
    """One part of the text; `lines` are its items, its cells row by row, or what it says."""

    kind: str  # h1, h2, p, ul, ol, table, picture
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    source: str = ""


def blocks(text: str) -> Iterator[Block]:
    """The parts of a text, which blank lines keep apart."""
    for filled, lines in groupby(text.splitlines(), key=lambda line: bool(line.strip())):
        if filled:
            yield _block(tuple(line.strip() for line in lines))


def spans(text: str) -> Iterator[tuple[str, str]]:
    """Pieces of a line: what to mark it with (b, kbd or nothing), and its words."""
    at = 0
    for found in SPANS.finditer(text):
        yield "", text[at : found.start()]
        yield ("b", found[1]) if found[1] else ("kbd", found[2])
        at = found.end()
    yield "", text[at:]


def _block(lines: tuple[str, ...]) -> Block:
    first = lines[0]
    if picture := PICTURE.fullmatch(first):
        return Block("picture", (picture[1],), source=picture[2])
    if first.startswith("#"):
        return Block(f"h{first.count('#', 0, 3)}", (first.lstrip("# "),))
    if first.startswith("|"):
        rows = tuple(tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines)
        return Block("table", rows=(rows[0], *rows[2:]))
    if ITEM.match(first):
        return Block("ul" if first.startswith("-") else "ol", tuple(ITEM.sub("", line, count=1) for line in lines))
    return Block("p", ("".join(lines),))

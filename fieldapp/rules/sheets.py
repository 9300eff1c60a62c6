"""A ledger as a file, written while it is read: CSV, XLSX and GeoJSON, each in pieces and in constant memory.

A cell is text, a number, a local time without zone, or nothing. No text ever becomes a formula: in CSV what a
spreadsheet would reckon with gets an apostrophe before it, in XLSX every text is stored as text.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

Cell = str | int | float | datetime | None
Row = Sequence[Cell]

BOM = "\ufeff"
SHEET_ROWS = 500_000  # Excel ends at 1,048,576; half of that stays far below what a zip entry may hold unannounced
LONGEST = 32_000  # characters; Excel ends at 32,767
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
EPOCH = datetime(1899, 12, 30)
CHUNK = 64 * 1024
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
STYLES = (
    f'{XML}<styleSheet xmlns="{SPREADSHEET}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/>'
    '</numFmts><fonts count="2"><font><sz val="11"/></font><font><b/><sz val="11"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3">'
    '<xf xfId="0"/><xf numFmtId="164" applyNumberFormat="1" xfId="0"/><xf fontId="1" applyFont="1" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def defuse(text: str) -> str:
    """The text as a CSV cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(DANGEROUS) else text


def csv_file(head: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """UTF-8 with the mark by which Excel knows it, CRLF at the ends of lines (RFC 4180)."""
    kept = io.StringIO(BOM, newline="")
    kept.seek(0, io.SEEK_END)
    writer = csv.writer(kept)
    writer.writerow([defuse(name) for name in head])
    for row in rows:
        writer.writerow([_plain(cell) for cell in row])
        if kept.tell() > CHUNK:
            yield _taken(kept)
    yield _taken(kept)


def geojson_file(head: Sequence[str], rows: Iterable[Row], lat: int, lon: int) -> Iterator[bytes]:
    """Points in WGS-84 (RFC 7946), longitude first; what has no place has no geometry. `lat`, `lon`: their columns."""
    names = [name for place, name in enumerate(head) if place not in (lat, lon)]
    yield b'{"type": "FeatureCollection", "features": ['
    between, parts, size = "\n", [], 0
    for row in rows:
        rest = [_said(cell) for place, cell in enumerate(row) if place not in (lat, lon)]
        at = None if row[lat] is None or row[lon] is None else {"type": "Point", "coordinates": [row[lon], row[lat]]}
        feature = {"type": "Feature", "geometry": at, "properties": dict(zip(names, rest, strict=True))}
        parts.append(between + json.dumps(feature, ensure_ascii=False))
        between, size = ",\n", size + len(parts[-1])
        if size > CHUNK:
            yield "".join(parts).encode("utf-8", "replace")
            parts, size = [], 0
    yield "".join([*parts, "\n]}\n"]).encode("utf-8", "replace")


def xlsx_file(head: Sequence[str], rows: Iterable[Row], sheet_rows: int = SHEET_ROWS) -> Iterator[bytes]:
    """A workbook, sent as it grows: a zip needs no way back. A new sheet begins where one is full."""
    sink, stream = _Sink(), iter(rows)
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        sheets, more = 0, True
        while more:
            sheets += 1
            written = 0
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w") as sheet:
                sheet.write(_sheet_begins(head).encode())
                more = False
                for row in stream:
                    sheet.write(_xml_row(row).encode("utf-8", "replace"))
                    written += 1
                    if sink.size > CHUNK:
                        yield sink.take()
                    if written == sheet_rows:
                        more = True
                        break
                sheet.write(b"</sheetData></worksheet>")
            yield sink.take()
        for name, text in _around(sheets).items():
            book.writestr(name, text)
    yield sink.take()


class _Sink(io.RawIOBase):
    """Where the zip writes to, and what has not been sent on yet."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        raise io.UnsupportedOperation  # so that sizes stand after each entry

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        self.size += len(self._parts[-1])
        return len(self._parts[-1])

    def take(self) -> bytes:
        taken, self._parts, self.size = b"".join(self._parts), [], 0
        return taken


def _taken(kept: io.StringIO) -> bytes:
    text = kept.getvalue()
    kept.seek(0)
    kept.truncate()
    return text.encode("utf-8", "replace")


def _plain(cell: Cell) -> Cell:
    return defuse(cell) if isinstance(cell, str) else _said(cell)


def _said(cell: Cell) -> str | int | float | None:
    return cell.strftime("%Y-%m-%d %H:%M") if isinstance(cell, datetime) else cell


def _xml_row(row: Row) -> str:
    return f"<row>{''.join(map(_xml_cell, row))}</row>"


def _xml_cell(cell: Cell) -> str:
    if cell is None or cell == "":
        return "<c/>"
    if isinstance(cell, datetime):
        # in fewer digits 02:56 falls short of itself, and is shown as 02:55
        return f'<c s="1"><v>{(cell - EPOCH).total_seconds() / 86400!r}</v></c>'
    return f"<c><v>{cell!r}</v></c>" if isinstance(cell, int | float) else _xml_text(cell)


def _xml_text(text: str, style: str = "") -> str:
    clean = escape(UNPRINTABLE.sub("", text)[:LONGEST])
    return f'<c{style} t="inlineStr"><is><t xml:space="preserve">{clean}</t></is></c>'


def _sheet_begins(head: Sequence[str]) -> str:
    columns = "".join(f'<col min="{n}" max="{n}" width="18" customWidth="1"/>' for n in range(1, len(head) + 1))
    frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    names = "".join(_xml_text(name, ' s="2"') for name in head)
    return (
        f'{XML}<worksheet xmlns="{SPREADSHEET}"><sheetViews><sheetView workbookViewId="0">{frozen}</sheetView>'
        f"</sheetViews><cols>{columns}</cols><sheetData><row>{names}</row>"
    )


def _around(sheets: int) -> dict[str, str]:
    """The few parts that make sheets a workbook (ECMA-376)."""
    each: Callable[[str], str] = lambda part: "".join(part.format(n=n) for n in range(1, sheets + 1))  # noqa: E731
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return {
        "xl/styles.xml": STYLES,
        "xl/workbook.xml": f'{XML}<workbook xmlns="{SPREADSHEET}" xmlns:r="{OFFICE}"><sheets>'
        + each('<sheet name="台账{n}" sheetId="{n}" r:id="rId{n}"/>')
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        + each(f'<Relationship Id="rId{{n}}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{{n}}.xml"/>')
        + f'<Relationship Id="rIdS" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>'
        + each(f'<Override PartName="/xl/worksheets/sheet{{n}}.xml" ContentType="{kind}.worksheet+xml"/>')
        + "</Types>",
    }

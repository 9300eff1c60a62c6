"""Another office's ledger as CSV: decoded, split, its columns guessed, its times and levels understood."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from hashlib import sha256

from fieldapp.rules import masking
from fieldapp.rules.severity import Severity

MOST_ROWS, MOST_COLUMNS, LONGEST_CELL, LONGEST_NUMBER = 10_000, 60, 4000, 60
DELIMITERS = ",;\t，；|"
EARLIEST_YEAR = 2000
LITTLE = 4  # hexadecimal digits of a hash: they tell two orders apart, and fit millions of people's numbers

# what a column may be, in the order in which columns are given away
FIELDS = ("external", "text", "time", "category", "severity", "village", "place", "lat", "lon")
HEADS = {
    "external": r"编号|单号|流水|案号|\bid\b|number|case_?no",
    "text": r"内容|诉求$|描述|案情|详情|概况|简述|事由|摘要|text|content|description",
    "time": r"时间|日期|time|date",
    "category": r"类别|类型|分类|种类|事项$|category|type",
    "severity": r"级别|等级|紧急|程度|severity|priority|level",
    "village": r"村|社区|辖区|网格|区域|village|area",
    "place": r"地址|地点|位置|address|place",
    "lat": r"纬度|^lat|^y$", "lon": r"经度|^lon|^lng|^x$",
}  # fmt: skip
LEVELS = {
    Severity.RED: ("红", "红色", "特急", "特别紧急", "一级", "重大", "特别重大", "red", "3"),
    Severity.YELLOW: ("黄", "黄色", "紧急", "急", "二级", "较大", "yellow", "2"),
    Severity.BLUE: ("蓝", "蓝色", "普通", "一般", "不急", "三级", "四级", "常规", "blue", "1"),
}
CHINESE_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})[日号]?(?:[T\s]*(\d{1,2})[:时点：](?:(\d{1,2})分?(?:[:：]?(\d{1,2})秒?)?)?"
    r"(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
SERIAL = re.compile(r"\d{5}(?:\.\d+)?")  # days since 1899-12-30, as Excel stores a time


class BadFile(ValueError):
    """It cannot be read as a table; `reason` is a key for the sentence shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Table:
    """The columns that may come in, and the heads of those that stay outside because they tell of people. `file` is
    the hash of the whole file; `hidden` has a little of the hash of each order's number that was masked, by row and
    column.
    """

    heads: list[str]
    rows: list[list[str]]
    personal: list[str]
    file: str = ""
    hidden: dict[str, str] = field(default_factory=dict)

    def little(self, row: int, column: int) -> str | None:
        """What is known of a number that was masked; None where none was."""
        return self.hidden.get(f"{row} {column}")


def read(data: bytes) -> Table:
    """The table without its columns of people and with its texts masked; nothing else of the file is kept.
    Raises BadFile.
    """
    text = _decode(data).replace("\x00", "")
    try:
        lines = list(_lines(text))
    except csv.Error as error:
        raise BadFile("ledger_broken") from error
    if len(lines) < 2 or len(lines[0]) < 2:
        raise BadFile("ledger_no_table")
    return _without_people(lines, sha256(data).hexdigest())


def guess(heads: Sequence[str]) -> dict[str, int]:
    """Which column is what, by its head; each column once."""
    found: dict[str, int] = {}
    for name in FIELDS:
        fits = [place for place, head in enumerate(heads) if _says(name, head) and place not in found.values()]
        if fits:
            found[name] = fits[0]
    return found


def level(text: str) -> Severity | None:
    """The severity that a word of another office stands for; None for one that nobody knows."""
    wanted = text.strip().lower()
    return next((severity for severity, words in LEVELS.items() if wanted in words), None)


def moment(text: str, zone: tzinfo) -> datetime | None:
    """A time as offices write it, on the local clock unless it says otherwise; None where it is none."""
    text = text.strip()
    if SERIAL.fullmatch(text):
        return (datetime(1899, 12, 30) + timedelta(minutes=round(float(text) * 1440))).replace(tzinfo=zone)
    match = CHINESE_TIME.fullmatch(text)
    if not match:
        return None
    *parts, offset = match.groups()
    try:
        if offset:
            zone = datetime.strptime(offset, "%z").tzinfo or zone
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        found = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return found if year >= EARLIEST_YEAR else None


def _says(name: str, head: str) -> bool:
    return re.search(HEADS[name], head.strip(), re.IGNORECASE) is not None


def _lines(text: str) -> Iterator[list[str]]:
    """The head and the rows that are not empty, no more of them than may come in."""
    found = 0
    for line in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)):
        if len(line) > MOST_COLUMNS:
            raise BadFile("ledger_too_many")
        if any(map(str.strip, line)):
            found += 1
            if found > MOST_ROWS + 1:
                raise BadFile("ledger_too_many")
            yield line


def _without_people(lines: list[list[str]], file: str) -> Table:
    width = len(lines[0])
    heads = [head.strip()[:60] or f"第 {place + 1} 列" for place, head in enumerate(lines[0])]
    rows = [[_short(cell.strip()) for cell in (line + [""] * width)[:width]] for line in lines[1:]]
    known = guess(["" if masking.PERSONAL_HEAD.search(head) else head for head in heads])
    personal = [_is_personal(n, heads[n], [row[n] for row in rows[:500]], known) for n in range(width)]
    kept = [n for n in range(width) if not personal[n]]
    masked = [[masking.mask(row[n]) for n in kept] for row in rows]
    hidden = _hidden([[row[n] for n in kept] for row in rows], masked)
    return Table([heads[n] for n in kept], masked, [heads[n] for n in range(width) if personal[n]], file, hidden)


def _short(cell: str) -> str:
    """Ended with a sign, by which everybody sees it, and no number is left that is cut in two."""
    return cell if len(cell) <= LONGEST_CELL else cell[: LONGEST_CELL - 1] + "…"


def _is_personal(place: int, head: str, cells: Sequence[str], known: dict[str, int]) -> bool:
    """The column of orders' numbers stays, though they may look like people's: those are masked one by one."""
    orders = place == known.get("external")
    return masking.is_personal(head, () if orders else cells, place in known.values())


def _hidden(rows: list[list[str]], masked: list[list[str]]) -> dict[str, str]:
    """Cells that may be an order's number but were masked, each with what still tells it from another."""
    return {
        f"{row} {column}": sha256(cell.encode("utf-8", "replace")).hexdigest()[:LITTLE]
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
        if len(cell) <= LONGEST_NUMBER and masked[row][column] != cell.translate(masking.WIDE)
    }


def _decode(data: bytes) -> str:
    """UTF-8, or what Excel writes in China. GB18030 holds every character, so it is asked last."""
    encodings = ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeError:
            continue
    raise BadFile("ledger_encoding")


def _delimiter(text: str) -> str:
    """The one that stands most often in the head, outside of quotes."""
    head = re.sub(r'"[^"]*"', "", text.lstrip().split("\n", 1)[0])
    return max(DELIMITERS, key=head.count)

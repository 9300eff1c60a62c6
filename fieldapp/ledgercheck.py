"""Each row of another office's ledger, checked before anything is written: what is wrong with it, what was not
understood and became something else, whether it is here already, and whether it would call people.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import select

from fieldapp import clock, locating, policies, scope
from fieldapp.clock import rfc3339
from fieldapp.db import db
from fieldapp.models import Area, Category, Ledger, Purpose, Report, User
from fieldapp.rules import gcj, masking, shapes
from fieldapp.rules import ledger as tables
from fieldapp.rules.severity import Severity
from fieldapp.rules.sources import Source
from fieldapp.rules.submission import MAX_TEXT

# as they stand in histories; the office's name is said in the language of the place
NAMES = {
    Source.HOTLINE: "热线", Source.VISIT: "走访 / 来访", Source.POLICE: "警情", Source.OPINION: "舆情",
    Source.PUBLIC: "群众",
}  # fmt: skip
OTHER = "other"
FAR_M = 5000.0  # so far from every boundary of the town a place is not the town's
AHEAD = timedelta(days=1)
ENDINGS = ("村民委员会", "居民委员会", "村委会", "居委会", "社区", "村", "居")
ASKED_AT_ONCE = 500
TELLING = ("text", "time", "village", "place", "lat", "lon", "category")  # and not what is changed later, as a level is


@dataclass
class Line:
    """One row: `problem` is the key of why it cannot be taken, `notices` the keys of what was changed about it."""

    place: int
    cells: list[str]
    external: str = ""
    report_id: UUID | None = None
    body: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    notices: list[str] = field(default_factory=list)
    village: str = ""
    calls: bool = False


@dataclass(frozen=True)
class Checked:
    """All rows; `mark` stands for exactly the good ones."""

    lines: list[Line]
    good: list[Line]
    mark: str

    @property
    def calling(self) -> dict[str, int]:
        """How many of each severity will call people."""
        found: dict[str, int] = {}
        for line in self.good:
            if line.calls:
                found[line.body["severity"]] = found.get(line.body["severity"], 0) + 1
        return found


def check(officer: User, ledger: Ledger, table: tables.Table, now: datetime) -> Checked:
    """Every row of the table, by the columns that were named."""
    reader = _Reader(officer, ledger, table, now)
    lines = [reader.line(row) for row in range(len(table.rows))]
    _twice(lines)
    _known(lines)
    good = [line for line in lines if not line.problem]
    return Checked(lines, good, _mark(good))


class _Fault(ValueError):
    pass


class _Reader:
    """What the rows of one ledger have in common."""

    def __init__(self, officer: User, ledger: Ledger, table: tables.Table, now: datetime) -> None:
        self._town, self._source, self._now = officer.town_code, ledger.source, now
        self._table, self._file = table, table.file or f"ledger {ledger.id}"
        self._brought = ledger.created_at
        self._columns: dict[str, int] = ledger.settings["columns"]
        self._gcj = bool(ledger.settings.get("gcj"))
        self._villages = {_bare(area.name): area for area in db.session.scalars(scope.villages(officer))}
        self._town_name = _bare(db.session.get_one(Area, officer.town_code).name)
        kinds = db.session.scalars(select(Category).where(Category.active))
        self._kinds = {name: kind.code for kind in kinds for name in (kind.name, kind.code)}
        self._calls = lru_cache(200)(self._calls_somebody)

    def line(self, row: int) -> Line:
        cells, (number, little) = self._table.rows[row], self._number(row)
        line = Line(row + 2, cells, number[: tables.LONGEST_NUMBER])
        try:
            self._read(line, cells)
            key = number or self._key(cells, little)
            line.report_id = uuid5(NAMESPACE_URL, f"ledger:{self._town}:{self._source}:{key}")
        except _Fault as fault:
            line.problem = str(fault)
        return line

    def _read(self, line: Line, cells: list[str]) -> None:
        text = self._text(cells)
        severity = self._severity(line, self._cell(cells, "severity"))
        kind = self._kind(line, self._cell(cells, "category"))
        village = self._village(line, cells)
        line.body = {
            "text": text, "category": kind, "severity": severity.word, "position": self._position(cells),
            "village_code": village, "captured_at": rfc3339(self._time(line, self._cell(cells, "time"))),
            "photos": [], "voices": [],
        }  # fmt: skip
        line.calls = self._calls(severity, kind)
        if not line.external:
            line.notices.append("no_external")

    def _number(self, row: int) -> tuple[str, str]:
        """The other office's number of a row, and the little that is known of one that was masked: what is left of
        that is the same for many and no number any more.
        """
        column = self._columns.get("external", -1)
        little, said = self._table.little(row, column), self._cell(self._table.rows[row], "external")
        masked = little is not None or masking.NO_PHONE in said or masking.NO_IDENTITY in said
        return ("", little or "") if masked else (said, "")

    def _key(self, cells: list[str], little: str) -> str:
        """What tells a row without a number from others. Better twice than lost: it also is another one elsewhere, or
        in another file where it has no time.
        """
        said = [self._cell(cells, name) for name in TELLING]
        told = json.dumps([*said, little, "" if self._cell(cells, "time") else self._file], ensure_ascii=False)
        return sha256(told.encode("utf-8", "replace")).hexdigest()

    def _cell(self, cells: list[str], name: str) -> str:
        place = self._columns.get(name)
        return cells[place] if place is not None and place < len(cells) else ""

    def _text(self, cells: list[str]) -> str:
        text, at = self._cell(cells, "text"), self._cell(cells, "place")
        if not text:
            raise _Fault("ledger_no_text")
        text = f"{text}\n地点：{at}" if at and at not in text else text
        if len(text) > MAX_TEXT:
            raise _Fault("ledger_text_long")
        return text

    def _severity(self, line: Line, said: str) -> Severity:
        found = tables.level(said) if said else Severity.BLUE
        if found is None:
            line.notices.append("severity_unknown")
        return found or Severity.BLUE

    def _kind(self, line: Line, said: str) -> str | None:
        if not said:
            return None
        found = self._kinds.get(said) or next(
            (
                self._kinds[part]
                for part in said.replace("-", "/").replace("－", "/").split("/")[::-1]
                if part in self._kinds
            ),
            None,
        )
        if found is None:
            line.notices.append("category_unknown")
            return self._kinds.get(OTHER)
        return found

    def _village(self, line: Line, cells: list[str]) -> str | None:
        """The village that is named in its own column, which must be of this town, or else in the address."""
        said = self._cell(cells, "village")
        if said:
            bare = _bare(said)
            bare = bare.split(self._town_name, 1)[-1] if self._town_name in bare else bare
            found = self._villages.get(_bare(bare)) or (self._within(bare) if bare else None)
            if bare and found is None:
                raise _Fault("ledger_village")
        else:
            found = self._within(f"{self._cell(cells, 'place')} {self._cell(cells, 'text')}")
        if found is None:
            line.notices.append("village_none")
            return None
        line.village = found.short_name
        return found.code

    def _within(self, text: str) -> Area | None:
        """The longest name of a village in a text; never one of a single character."""
        named = [bare for bare in self._villages if len(bare) > 1 and bare in text]
        return self._villages[max(named, key=len)] if named else None

    def _position(self, cells: list[str]) -> dict[str, Any] | None:
        said = [self._cell(cells, name) for name in ("lat", "lon")]
        if not any(said):
            return None
        try:
            lat, lon = (float(part) for part in said)
        except ValueError as error:
            raise _Fault("ledger_place") from error
        south, west, north, east = gcj.CHINA
        if not (south <= lat <= north and west <= lon <= east):
            raise _Fault("ledger_place")
        lat, lon = gcj.from_gcj(lat, lon) if self._gcj else (lat, lon)
        bounded = locating.bounded(self._town)
        if bounded and all(
            shapes.box_metres_away(area.box, lat, lon) > FAR_M or shapes.metres_away(area.shape, lat, lon) > FAR_M
            for area in bounded
        ):
            raise _Fault("ledger_elsewhere")
        return {"lat": round(lat, 6), "lon": round(lon, 6), "accuracy_m": None, "age_s": None, "source": "pin"}

    def _time(self, line: Line, said: str) -> datetime:
        if not said:
            line.notices.append("time_none")
            return self._brought  # and not now: two looks must agree
        found = tables.moment(said, clock.LOCAL)
        if found is None or found > self._now + AHEAD:
            raise _Fault("ledger_time")
        return found

    def _calls_somebody(self, severity: Severity, kind: str | None) -> bool:
        return policies.choose(self._town, Purpose.INTAKE, severity, kind).policy.calls


def _twice(lines: list[Line]) -> None:
    seen: set[UUID] = set()
    for line in lines:
        if line.problem or line.report_id is None:
            continue
        if line.report_id in seen:
            line.problem = "ledger_twice"
        seen.add(line.report_id)


def _known(lines: list[Line]) -> None:
    """What came in before, by whatever file."""
    asked = [line for line in lines if not line.problem]
    for start in range(0, len(asked), ASKED_AT_ONCE):
        some = asked[start : start + ASKED_AT_ONCE]
        here = set(db.session.scalars(select(Report.id).where(Report.id.in_([line.report_id for line in some]))))
        for line in some:
            if line.report_id in here:
                line.problem = "ledger_known"


def _mark(good: list[Line]) -> str:
    said = json.dumps([(str(line.report_id), line.body) for line in good], ensure_ascii=False, sort_keys=True)
    return sha256(said.encode("utf-8", "replace")).hexdigest()[:24]


def _bare(name: str) -> str:
    """南门 of 南门社区居民委员会, 海城 of 海城镇."""
    for ending in (*ENDINGS, "镇", "街道"):
        if len(name) > len(ending) + 1 and name.endswith(ending):
            return _bare(name.removesuffix(ending))
    return name.strip()

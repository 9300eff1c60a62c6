"""Imports: take what a phone could not send, out of a file, through the intake of every other report.

Each report is taken once, as its owner filed it, whoever brings it and however often; the history says who did.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from mmap import mmap
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select

from fieldapp import cases, exported, intake, scope, steps
from fieldapp.clock import rfc3339
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.intake import Expected
from fieldapp.models import Attachment, Case, FieldStep, Kind, Report, User
from fieldapp.photos import BadFile, Store, Upload
from fieldapp.rules.submission import MAX_PHOTOS, MAX_VOICES

LONGEST_ON_A_PHONE = timedelta(days=400)


@dataclass(frozen=True)
class Sort:
    """How one sort of thing in the file is stored: a report, or a step in the field."""

    name: str
    table: type[Report] | type[FieldStep]
    expected: Callable[[User, UUID, UUID], Expected]
    attach: Callable[[UUID, UUID, Upload, datetime], tuple[Any, bool]]
    receipt: Callable[[Any], dict[str, Any]]


REPORT = Sort("report", Report, intake.expected_file, intake.attach, intake.receipt)
STEP = Sort("step", FieldStep, steps.expected_photo, steps.attach, steps.receipt)


@dataclass(frozen=True)
class Fault:
    """A file that was not taken: its kind and number as on the phone (None where the report named no such file)."""

    kind: str | None
    place: int | None
    reason: str


@dataclass
class Line:
    """What became of one report or step: new, known or refused, and how many of its files are here."""

    owner_id: int | None = None
    owner: str = ""
    case: str | None = None  # the case it was done about: then it is a step in the field, and no report
    filed_id: UUID | None = None  # None when it was refused
    title: str = ""
    number: str = ""
    at_our_desk: bool = False
    fresh: bool = False
    added: int = 0
    reason: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    files: list[tuple[Kind, int, int]] = field(default_factory=list)  # kind, here, named
    faults: list[Fault] = field(default_factory=list)

    @property
    def sort(self) -> Sort:
        """A step where a case is named, else a report."""
        return STEP if self.case else REPORT


@dataclass
class Result:
    """What became of the whole file; `fault` says why reading ended early."""

    lines: list[Line] = field(default_factory=list)
    fault: str | None = None


def largest_file(max_photo_bytes: int) -> int:
    """Bytes that the largest report may have as an export."""
    return (MAX_PHOTOS + MAX_VOICES) * max_photo_bytes * 4 // 3 + exported.MOST_BESIDE_FILES


def take(officer: User, data: bytes | mmap, store: Store, max_photo_bytes: int, now: datetime) -> Result:
    """Take every report of an exported file whose owner is of the officer's town, each in its own transaction.

    Never raises for what the file says: a refused report, a damaged photo or a file that is cut off is named in the
    result, and all that was read before stays taken.
    """
    result = Result()
    try:
        for piece in exported.read(data):
            if isinstance(piece, exported.Filed):
                result.lines.append(_take_one(officer, piece.fields, max_photo_bytes, now))
            else:
                _take_file(result.lines[-1], piece, store, now)
    except exported.Unreadable as end:
        result.fault = end.reason
    if not result.lines:
        result.fault = result.fault or "no_reports"
    for line in result.lines:
        _sum_up(line, officer, now)
    return result


def _take_one(officer: User, fields: dict[str, Any], max_bytes: int, now: datetime) -> Line:
    line = Line()
    try:
        filed_id, body = _checked(officer, fields, line)
        with writing():
            owner = db.session.get_one(User, line.owner_id)
            take = _take_step if line.case else _take_report
            line.fresh = take(owner, filed_id, body, line, max_bytes, now)
            line.filed_id = filed_id
            if line.fresh:
                _record(line, officer, now)
    except NotAllowed:
        line.reason = "owner_role"
    except NotHere:
        line.reason = "not_called_to_it"
    except Conflict as error:
        line.reason = error.reason
    except Invalid as error:
        line.reason, line.errors = "invalid", error.errors
    if line.reason:
        line.filed_id = None
    return line


def _take_report(owner: User, filed_id: UUID, body: dict[str, Any], _: Line, max_bytes: int, now: datetime) -> bool:
    report, fresh = intake.submit(owner, filed_id, body, max_bytes, now)
    if fresh:
        _trust_clock(report, now)
    return fresh


def _take_step(owner: User, filed_id: UUID, body: dict[str, Any], line: Line, max_bytes: int, now: datetime) -> bool:
    """It is told as of now: that it waited in a file does not shift the moment it was done."""
    assert line.case is not None
    return steps.submit(owner, line.case, filed_id, body | {"client_now": rfc3339(now)}, max_bytes, now)[1]


def _checked(officer: User, fields: dict[str, Any], line: Line) -> tuple[UUID, dict[str, Any]]:
    """The report's id and body; the line learns whose it is. Raises Invalid or Conflict.

    Of people who are not of this town the answer is the same, whether they exist or not.
    """
    body, owner = fields.get("body"), fields.get("owner")
    if not isinstance(body, dict):
        raise Conflict("not_a_report")
    line.title = " ".join(str(body.get("text") or "").split())[: cases.TITLE_LENGTH]
    whole = isinstance(owner, int) and not isinstance(owner, bool) and 0 < owner < 2**31
    person = db.session.scalar(scope.people(officer).where(User.id == owner)) if whole else None
    if person is None:
        raise Conflict("not_of_this_town")
    line.owner_id, line.owner = person.id, person.name
    if fields.get("case"):
        line.case, line.title = str(fields["case"]), str(body.get("note") or "")[: cases.TITLE_LENGTH]
    if intake.content_hash(body) != fields.get("content_hash"):
        raise Conflict("other_hash")
    try:
        return UUID(str(fields.get("id"))), body | {"client_now": fields.get("saved_at")}
    except ValueError as error:
        raise Conflict("not_a_report") from error


def _trust_clock(report: Report, now: datetime) -> None:
    """The time a report waited in a file says nothing of the phone's clock, unless it is no time it can have waited."""
    if timedelta() <= timedelta(seconds=report.clock_offset_s) <= LONGEST_ON_A_PHONE:
        report.clock_offset_s = 0.0


def _take_file(line: Line, piece: exported.File, store: Store, now: datetime) -> None:
    if line.filed_id is None:
        return
    try:
        file_id = UUID(str(piece.fields.get("id")))
        owner = db.session.get_one(User, line.owner_id)
        expected = line.sort.expected(owner, line.filed_id, file_id)
    except (ValueError, NotHere):
        line.faults.append(Fault(None, None, "not_named"))
        return
    if expected.here:
        return
    db.session.rollback()  # no transaction is open while bytes go to the disk
    try:
        with piece.open() as stream:
            sound = expected.kind == Kind.VOICE
            upload = store.receive(stream, file_id, expected.sha256, expected.bytes, sound)
    except BadFile as bad:
        place = db.session.get_one(Attachment, file_id).position + 1
        line.faults.append(Fault(expected.kind, place, bad.reason))
        return
    with writing():
        _, fresh = line.sort.attach(line.filed_id, file_id, upload, now)
    line.added += fresh


def _sum_up(line: Line, officer: User, now: datetime) -> None:
    """Where it is now, and how many of its files; what was added to a known one is in the history too."""
    if line.filed_id is None:
        return
    if line.added and not line.fresh:
        with writing():
            _record(line, officer, now)
    table = line.sort.table
    query = select(table).where(table.id == line.filed_id).execution_options(populate_existing=True)
    filed = cast(Report | FieldStep, db.session.scalars(query).one())
    receipt = line.sort.receipt(filed)
    for kind, name in ((Kind.PHOTO, "photos"), (Kind.VOICE, "voices")):
        here, missing = (len(receipt[name][part]) for part in ("received", "missing"))
        line.files += [(kind, here, here + missing)] if here + missing else []
    if isinstance(filed, Report):
        line.title = cases.title_of(filed)
    if filed.case:
        line.number, line.at_our_desk = filed.case.number, filed.case.town_code == officer.town_code


def _record(line: Line, officer: User, now: datetime) -> None:
    """The history says who brought it. The case is held before it is written to."""
    table = line.sort.table
    of_it = select(table.case_id).where(table.id == line.filed_id).scalar_subquery()
    case = db.session.scalar(cases.locked(select(Case).where(Case.id == of_it)))
    if case is not None:
        cases.record(case, "imported", officer.id, now, data={line.sort.name: str(line.filed_id)})

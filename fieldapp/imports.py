"""Imports: take what a phone could not send, out of a file, through the intake of every other report.

Each report is taken once, as its owner filed it, whoever brings it and however often; the history says who did.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from mmap import mmap
from typing import Any
from uuid import UUID

from sqlalchemy import select

from fieldapp import cases, exported, intake, scope
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.models import Case, Kind, Report, User
from fieldapp.photos import BadFile, Store
from fieldapp.rules import submission
from fieldapp.rules.submission import MAX_PHOTOS, MAX_VOICES

LONGEST_ON_A_PHONE = timedelta(days=400)


@dataclass(frozen=True)
class Fault:
    """A file that was not taken: its kind and number as on the phone (None where the report named no such file)."""

    kind: str | None
    place: int | None
    reason: str


@dataclass
class Line:
    """What became of one report: new, known or refused, and how many of its files are here."""

    owner_id: int | None = None
    owner: str = ""
    report_id: UUID | None = None  # None when it was refused
    title: str = ""
    number: str = ""
    at_our_desk: bool = False
    fresh: bool = False
    added: int = 0
    reason: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    files: list[tuple[Kind, int, int]] = field(default_factory=list)  # kind, here, named
    faults: list[Fault] = field(default_factory=list)


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
                result.lines.append(_take_report(officer, piece.fields, max_photo_bytes, now))
            else:
                _take_file(result.lines[-1], piece, store, now)
    except exported.Unreadable as end:
        result.fault = end.reason
    if not result.lines:
        result.fault = result.fault or "no_reports"
    for line in result.lines:
        _sum_up(line, officer, now)
    return result


def _take_report(officer: User, fields: dict[str, Any], max_bytes: int, now: datetime) -> Line:
    line = Line()
    try:
        report_id, body = _checked(officer, fields, line)
        with writing():
            owner = db.session.get_one(User, line.owner_id)
            report, line.fresh = intake.submit(owner, report_id, body, max_bytes, now)
            if line.fresh:
                _trust_clock(report, now)
                _record(report, officer, now)
        line.report_id = report_id
    except NotAllowed:
        line.reason = "owner_role"
    except Conflict as error:
        line.reason = error.reason
    except Invalid as error:
        line.reason, line.errors = "invalid", error.errors
    return line


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
    if fields.get("case"):  # what was done about a case: the desk reads it here and writes it down there
        line.title = f"{fields['case']} {body.get('note') or ''}"[: submission.MAX_TEXT]
        raise Conflict("is_a_step")
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
    if line.report_id is None:
        return
    try:
        file_id = UUID(str(piece.fields.get("id")))
        owner = db.session.get_one(User, line.owner_id)
        expected = intake.expected_file(owner, line.report_id, file_id)
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
        line.faults.append(Fault(expected.kind, _place(line.report_id, file_id), bad.reason))
        return
    with writing():
        _, fresh = intake.attach(line.report_id, file_id, upload, now)
    line.added += fresh


def _place(report_id: UUID, file_id: UUID) -> int:
    attachments = db.session.get_one(Report, report_id).attachments
    return next(one.position for one in attachments if one.id == file_id) + 1


def _sum_up(line: Line, officer: User, now: datetime) -> None:
    """Where the report is now, and how many of its files; what was added to a known one is in the history too."""
    if line.report_id is None:
        return
    if line.added and not line.fresh:
        with writing():
            _record(db.session.get_one(Report, line.report_id), officer, now)
    query = select(Report).where(Report.id == line.report_id).execution_options(populate_existing=True)
    report = db.session.scalars(query).one()
    receipt = intake.receipt(report)
    for kind, name in ((Kind.PHOTO, "photos"), (Kind.VOICE, "voices")):
        here, missing = (len(receipt[name][part]) for part in ("received", "missing"))
        line.files += [(kind, here, here + missing)] if here + missing else []
    line.title = cases.title_of(report)
    if report.case:
        line.number, line.at_our_desk = report.case.number, report.case.town_code == officer.town_code


def _record(report: Report, officer: User, now: datetime) -> None:
    if report.case_id:
        case = db.session.scalars(cases.locked(select(Case).where(Case.id == report.case_id))).one()
        cases.record(case, "imported", officer.id, now, data={"report": str(report.id)})

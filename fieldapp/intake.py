"""Intake: accept a report once, whatever is repeated, cut off or sent in parallel; then attach its files.

The report, its case, its alert and the first deliveries are one transaction. The protocol is docs/protocol.md.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import Update, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.dml import ReturningInsert

from fieldapp import alerting, cases, locating, messages, nearby, triage
from fieldapp.db import adopt, db, insert, table_of
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.models import TOWN, Area, Attachment, AttachmentState, Category, Kind, Report, User
from fieldapp.photos import Upload
from fieldapp.rules import submission
from fieldapp.rules.roles import FILES_REPORTS
from fieldapp.rules.submission import Position, Submission


def content_hash(body: dict[str, Any]) -> str:
    """SHA-256 (hex) of the body in RFC 8785 canonical form, without `client_now`, which differs at every try."""
    content = {field: value for field, value in body.items() if field != "client_now"}
    try:
        return hashlib.sha256(rfc8785.dumps(content)).hexdigest()
    except rfc8785.CanonicalizationError as error:
        raise Invalid({"body": "not_canonical"}) from error


def submit(owner: User, report_id: UUID, body: dict[str, Any], max_bytes: int, now: datetime) -> tuple[Report, bool]:
    """Take a report; the second value is True when it is new, False when the same content is here already.

    Raises NotAllowed, Invalid, or Conflict when this id came before with other content or from somebody else. What
    is here already is never refused, whatever changed meanwhile: a phone that missed our answer may forget it.
    """
    try:
        return _submit(owner, report_id, body, max_bytes, now)
    except (NotAllowed, Invalid):
        here = db.session.get(Report, report_id)
        if here is None or here.owner_id != owner.id or here.content_hash != content_hash(body):
            raise
        return here, False


def _submit(owner: User, report_id: UUID, body: dict[str, Any], max_bytes: int, now: datetime) -> tuple[Report, bool]:
    if isinstance(body.get("owner"), int) and body["owner"] != owner.id:
        raise Invalid({"owner": "other_user"})  # before the role: a phone waits for its owner, and gives nothing up
    if not owner.plays(FILES_REPORTS):
        raise NotAllowed("role")
    try:
        parsed = submission.parse(body, max_bytes)
    except submission.BadSubmission as error:
        raise Invalid(error.errors) from error
    if parsed.owner != owner.id:
        raise Invalid({"owner": "other_user"})
    digest = content_hash(body)
    report = _report(owner, report_id, parsed, digest, now)
    if not _insert(report):
        return _same(owner, report_id, digest), False
    _expect_files(report, parsed)
    _start_case(report, owner, parsed.seen_case, now)
    return report, True


def receipt(report: Report) -> dict[str, Any]:
    """What a phone needs to know before it may forget anything."""
    photos, voices = (split(report.attachments, kind) for kind in (Kind.PHOTO, Kind.VOICE))
    return {
        "id": str(report.id),
        "content_hash": report.content_hash,
        "photos": photos,
        "voices": voices,
        "complete": not photos["missing"] and not voices["missing"],
    }


@dataclass(frozen=True)
class Expected:
    """A file as its report's manifest named it, and whether it is here already."""

    kind: str
    sha256: str
    bytes: int
    here: bool


def expected_file(owner: User, report_id: UUID, file_id: UUID) -> Expected:
    """What the manifest says of a file. Raises NotHere when no own report named it."""
    wanted = (Attachment.id == file_id, Attachment.report_id == report_id, Attachment.owner_id == owner.id)
    columns = select(Attachment.kind, Attachment.sha256, Attachment.bytes, Attachment.state)
    found = db.session.execute(columns.where(*wanted)).first()
    if found is None:
        raise NotHere(str(file_id))
    return Expected(found.kind, found.sha256, found.bytes, found.state != AttachmentState.EXPECTED)


def attach(report_id: UUID, file_id: UUID, upload: Upload, now: datetime) -> tuple[Report, bool]:
    """Note that an expected file is on disk; True when it is new. Its bytes were fsynced and placed before this.

    The report is held meanwhile, so that of the last two files at once one sees that all are here.
    """
    query = select(Report).where(Report.id == report_id).options(selectinload(Report.attachments))
    held = query.with_for_update(of=Report).execution_options(populate_existing=True)
    report = db.session.scalars(held).one()
    attachment = next(one for one in report.attachments if one.id == file_id)
    if not arrived(attachment, upload, now):
        return report, False
    if receipt(report)["complete"]:
        report.completed_at = now
    return report, True


def arrived(attachment: Attachment, upload: Upload, now: datetime) -> bool:
    """Mark an expected file as here; False when it was before."""
    if attachment.state != AttachmentState.EXPECTED:
        return False
    attachment.state, attachment.received_at = AttachmentState.RECEIVED, now
    attachment.media_type, attachment.width, attachment.height = upload.media_type, upload.width, upload.height
    return True


def own_report(owner: User, report_id: UUID) -> Report:
    """One's own report, or NotHere."""
    report = db.session.get(Report, report_id)
    if report is None or report.owner_id != owner.id:
        raise NotHere(str(report_id))
    return report


def _report(owner: User, report_id: UUID, parsed: Submission, digest: str, now: datetime) -> Report:
    position = parsed.position
    return Report(
        id=report_id,
        owner_id=owner.id,
        case_id=None,
        content_hash=digest,
        text=parsed.text,
        category_code=_known_category(parsed.category),
        severity=parsed.severity,
        area_code=_where(_area(owner, parsed.village_code), position),
        lat=position.lat if position else None,
        lon=position.lon if position else None,
        accuracy_m=position.accuracy_m if position else None,
        age_s=position.age_s if position else None,
        position_source=position.source if position else None,
        captured_at=parsed.captured_at,
        clock_offset_s=(now - parsed.client_now).total_seconds(),
        received_at=now,
        completed_at=None if parsed.photos or parsed.voices else now,
        satisfied=None,
    )


def _insert(report: Report) -> bool:
    """Insert the frozen report unless its id is taken; the database's key decides, not a look beforehand."""
    values = {column.key: vars(report)[column.key] for column in table_of(Report).columns}
    if db.session.connection().scalar(_insert_once(db.engine.dialect.name), values) is None:
        return False
    adopt(report)
    return True


@lru_cache
def _insert_once(dialect: str) -> ReturningInsert[UUID]:
    insert_into = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = table_of(Report)
    return insert_into(table).on_conflict_do_nothing(index_elements=["id"]).returning(table.c.id)


def _same(owner: User, report_id: UUID, digest: str) -> Report:
    report = db.session.get_one(Report, report_id)
    if report.owner_id != owner.id or report.content_hash != digest:
        raise Conflict("other_content")
    return report


def _expect_files(report: Report, parsed: Submission) -> None:
    files = [
        Attachment(id=item.id, kind=kind, report_id=report.id, owner_id=report.owner_id, position=position,
                   sha256=item.sha256, bytes=item.bytes)
        for kind, items in ((Kind.PHOTO, parsed.photos), (Kind.VOICE, parsed.voices))
        for position, item in enumerate(items)
    ]  # fmt: skip
    expect(files)
    set_committed_value(report, "attachments", files)


def expect(files: Sequence[Attachment]) -> None:
    """Note files that will follow. Raises Conflict when one of their ids is another file's."""
    try:
        insert(*files)
    except IntegrityError as error:
        raise Conflict("file_id_taken") from error


def _start_case(report: Report, owner: User, seen: str | None, now: datetime) -> None:
    """A case of its own; or, when the reporter saw one that is open still, one more signal in that."""
    set_committed_value(report, "owner", owner)
    known = nearby.seen_too(report, seen)
    case = known or cases.open_case(report, now)
    db.session.connection().execute(_belongs(), {"report": report.id, "case": case.id})
    set_committed_value(report, "case_id", case.id)
    set_committed_value(report, "case", case)
    if known:
        triage.join(known, report, now)
        return
    if seen:
        cases.record(case, "apart", None, now, data={"from": seen, "reports": [str(report.id)]})
    alerting.raise_on_intake(case, messages.call, now)


@lru_cache
def _belongs() -> Update:
    table = table_of(Report)
    return table.update().where(table.c.id == bindparam("report")).values(case_id=bindparam("case"))


def _known_category(code: str | None) -> str | None:
    if code and db.session.get(Category, code) is None:
        raise Invalid({"category": "unknown"})
    return code


def _area(owner: User, village_code: str | None) -> str:
    if village_code is None:
        if len(owner.area_code) < TOWN:  # county staff have no desk of their own to report to
            raise Invalid({"village_code": "village_needed"})
        return owner.area_code
    area = db.session.get(Area, village_code)
    if area is None or area.level not in ("village", "cell"):
        raise Invalid({"village_code": "unknown"})  # one that was switched off meanwhile is still taken
    return area.code


def _where(area_code: str, position: Position | None) -> str:
    """The village or cell that the place lies in, where boundaries tell; never a reason to refuse."""
    return locating.place(area_code, position.lat, position.lon) if position else area_code


def split(files: Iterable[Attachment], kind: Kind) -> dict[str, list[str]]:
    """The ids of the files of one kind: those that are on disk, and those still to come."""
    of_kind = [attachment for attachment in files if attachment.kind == kind]
    return {
        "received": [str(a.id) for a in of_kind if a.state != AttachmentState.EXPECTED],
        "missing": [str(a.id) for a in of_kind if a.state == AttachmentState.EXPECTED],
    }

"""台账导出: what the desk's filter shows, page after page, for a file that is written while it is read (ADR 28).

Each page is a transaction of its own, so that minutes of export hold no snapshot and nobody's lock. `begin` is the one
place where a ledger leaves the house: whoever keeps account of that, does it there.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from fieldapp import queue, search
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, NotAllowed
from fieldapp.models import IS_DONE, IS_OPEN, Assignment, Case, Department, Export, User
from fieldapp.queue import Filter
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.workflow import OPEN

KINDS = ("xlsx", "csv", "geojson")
PAGE = 500
BEAT_ROWS = 2000
COUNTED = 20_000  # so many are counted at most before an export: a town's years are not
DEAD = timedelta(seconds=60)  # without a sign of life it was broken off


def begin(officer: User, wanted: Filter, kind: str, query: str, now: datetime) -> Export:
    """Note that an export starts; one officer has one at a time. Commit is the caller's.

    Raises NotAllowed for who has no desk, Conflict while another of the officer's runs.
    """
    if not officer.plays(WORKS_DESK):
        raise NotAllowed("role")
    # held, so that two that start at once see each other
    db.session.scalar(select(User.id).where(User.id == officer.id).with_for_update())
    last = latest(officer)
    if last is not None and running(last, now):
        raise Conflict("export_running")
    total = count(officer, wanted)
    export = Export(
        town_code=officer.town_code, user_id=officer.id, kind=kind, query=query[:500], started_at=now, beat_at=now,
        total=total if total is not None and total <= COUNTED else None,
    )  # fmt: skip
    db.session.add(export)
    db.session.flush()
    return export


def latest(officer: User) -> Export | None:
    """The officer's last one, running or not."""
    newest = select(Export).where(Export.user_id == officer.id).order_by(Export.id.desc()).limit(1)
    return db.session.scalar(newest)


def running(export: Export, now: datetime) -> bool:
    """Whether rows are still being written."""
    return export.ended_at is None and now - export.beat_at < DEAD


def beat(export_id: int, rows: int, now: datetime) -> None:
    """So many rows are written."""
    _note(export_id, rows=rows, beat_at=now)


def end(export_id: int, rows: int, whole: bool, now: datetime) -> None:
    """It came to its end, or the browser went away."""
    _note(export_id, rows=rows, beat_at=now, ended_at=now, whole=whole)


def count(officer: User, wanted: Filter) -> int | None:
    """How many rows there will be, where an index soon tells, COUNTED + 1 standing for more; else None."""
    if wanted.words or wanted.narrow or wanted.since or wanted.before or wanted.lane in ("overdue", "unreached"):
        return None
    here = select(Case.id).where(Case.town_code == officer.town_code)
    lane = queue.LANES.get(wanted.lane, queue.LANES["open"])
    # what is done is counted from its index alone
    here = here.where(IS_OPEN, Case.status.in_(lane)) if OPEN.issuperset(lane) else here.where(IS_DONE)
    return db.session.scalar(select(func.count()).select_from(here.limit(COUNTED + 1).subquery())) or 0


def holders(page: Sequence[Case]) -> dict[int, tuple[list[str], list[str]]]:
    """Who has each of these cases, or had it to its end: who leads and who assists, by the case's id; in one query."""
    query = select(Assignment.case_id, Assignment.lead, User.name, Department.name)
    query = query.outerjoin(Assignment.user).outerjoin(Assignment.department)
    query = query.where(Assignment.case_id.in_([case.id for case in page]), Assignment.returned_at.is_(None))
    found: dict[int, tuple[list[str], list[str]]] = {}
    for case_id, lead, person, department in db.session.execute(query.order_by(Assignment.id)):
        name = f"{department}（{person}）" if department and person else department or person
        found.setdefault(case_id, ([], []))[not lead].append(name)
    return found


def pages(officer_id: int, wanted: Filter, now: datetime) -> Iterator[list[Case]]:
    """The cases that the desk's list shows with this filter, in its order; nothing is kept between two pages."""
    cursor: str | None = ""
    while cursor is not None:
        officer = db.session.get_one(User, officer_id)
        if wanted.words:
            found = search.find(officer, wanted.words, cursor, PAGE, now, queue.narrowing(wanted))
            rows, cursor = [hit.case for hit in found.hits], found.cursor
        else:
            rows, cursor = queue.page(officer, wanted, cursor, PAGE, now)
        yield rows
        db.session.rollback()
        db.session.expunge_all()


def _note(export_id: int, **values: object) -> None:
    with writing():
        db.session.execute(update(Export).where(Export.id == export_id).values(values))

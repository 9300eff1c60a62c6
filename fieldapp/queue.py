"""The desk's queue: worst first (severity, then the nearest deadline, then age), page by page, and its counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from fieldapp import scope, search
from fieldapp.cases import SIGHTLESS
from fieldapp.db import db
from fieldapp.errors import Invalid, NotAllowed
from fieldapp.models import (
    IS_DONE,
    IS_OPEN,
    IS_UNANSWERED,
    Alert,
    AlertState,
    Assignment,
    Case,
    Delivery,
    Report,
    User,
)
from fieldapp.rules import cursors
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.severity import Severity
from fieldapp.rules.sources import Source
from fieldapp.rules.workflow import IN_HAND, OPEN, Status

PAGE = 50
MOST = 200
STRETCH, STRETCH_OF_ONE = 20_000, 5_000  # so many of what is done one page looks through at most
FOUND, FOUND_OVER = 1000, 300  # so many that have the words; a filter's other wishes are looked for among them

LANES: dict[str, tuple[Status, ...]] = {
    "open": tuple(sorted(OPEN)),
    "triage": (Status.NEW,),
    "in_hand": tuple(sorted(IN_HAND | {Status.ACCEPTED})),
    "verify": (Status.ANSWERED, Status.VERIFIED),
    "overdue": tuple(sorted(OPEN)),
    "unreached": tuple(sorted(OPEN)),
    "done": (Status.CLOSED, Status.DECLINED, Status.MERGED),
}


@dataclass(frozen=True)
class Filter:
    """What to show; empty fields do not filter. `bbox` is west, south, east, north in WGS-84 degrees; `since` and
    `before` bound the opening; `holder` is a user's id or "department:<id>", of those who have the case now.
    """

    lane: str = "open"
    status: Status | None = None
    area: str = ""
    severity: Severity | None = None
    words: str = ""
    bbox: tuple[float, float, float, float] | None = None
    category: str = ""
    since: datetime | None = None
    before: datetime | None = None
    holder: str = ""
    source: Source | None = None

    @property
    def narrow(self) -> bool:
        """True when it leaves anything of its lane out."""
        return replace(self, lane="", words="", since=None, before=None) != Filter(lane="")


@dataclass(frozen=True)
class Silence:
    """A case with a call that nobody answers. `seen`: somebody has at least looked at it; `sent`: who was sent there
    and is still to report back, one of whom may be on it all the same.
    """

    seen: bool
    sent: list[Assignment]


@dataclass(frozen=True)
class Standing:
    """How many open cases stand in each lane, how many are red, and the sum of their versions.

    The sum changes with every change, also with one that commits late under an earlier time, or after the clock
    went back, which the time of the latest change would miss.
    """

    lanes: dict[str, int]
    reds: int
    versions: int


def page(user: User, wanted: Filter, cursor: str, limit: int, now: datetime) -> tuple[list[Case], str | None]:
    """One page and the cursor of the next, None at the end. Raises Invalid for a cursor we did not make."""
    if user.plays(SIGHTLESS):
        raise NotAllowed("role")
    if not user.plays(WORKS_DESK) and (wanted.category or wanted.holder or wanted.source):
        raise Invalid({"filter": "role"})  # the answer would tell what the desk made of a case
    if _only_done(wanted) and not wanted.words and user.plays(WORKS_DESK):
        return _done(user, wanted, cursor, limit, now)
    query = _filtered(scope.worklist(user), wanted, now).where(_about(user, wanted, cursor))
    if _only_done(wanted):
        query = query.order_by(Case.id.desc())
    else:
        query = query.order_by(Case.severity.desc(), Case.due_at, Case.id)
    if cursor:
        query = query.where(_after(cursor, _only_done(wanted)))
    loaded = query.options(joinedload(Case.area), joinedload(Case.category)).limit(limit + 1)
    found = list(db.session.scalars(loaded))
    return found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None


def _done(user: User, wanted: Filter, cursor: str, limit: int, now: datetime) -> tuple[list[Case], str | None]:
    """What is done, the newest opened first. A filter that leaves much out looks through one stretch of the index and
    then says how far it came, so that none costs more than that: a page may be short and yet not the last.
    """
    query = _filtered(scope.worklist(user), wanted, now).where(_about(user, wanted), IS_DONE)
    walked = select(Case.opened_at, Case.id).where(Case.town_code == user.town_code, IS_DONE, *_opened(wanted))
    if cursor:
        below = tuple_(Case.opened_at, Case.id) < tuple_(*_place_in_done(cursor))
        query, walked = query.where(below), walked.where(below)
    newest_first = (Case.opened_at.desc(), Case.id.desc())
    end = None
    if wanted.narrow:
        stretch = STRETCH_OF_ONE if wanted.holder else STRETCH
        end = db.session.execute(walked.order_by(*newest_first).offset(stretch).limit(1)).first()
    if end:
        query = query.where(tuple_(Case.opened_at, Case.id) >= tuple_(*_typed(end.opened_at, end.id)))
    loaded = query.options(joinedload(Case.area), joinedload(Case.category)).order_by(*newest_first).limit(limit + 1)
    found = list(db.session.scalars(loaded))
    if len(found) > limit:
        return found[:limit], _cursor_in_done(found[limit - 1].opened_at, found[limit - 1].id)
    return found, _cursor_in_done(end.opened_at, end.id) if end else None


def looked_back_to(cursor: str | None, rows: Sequence[Case], limit: int) -> datetime | None:
    """How far a page of what is done came that is short and yet not the last; None for any other."""
    return _opened_at_of(cursor) if cursor and len(rows) < limit else None


def narrowing(wanted: Filter) -> list[ColumnElement[bool]]:
    """All that a filter asks of the desk's cases beside the words and the lane (a search looks in every lane)."""
    status = [Case.status == wanted.status] if wanted.status else []
    return [*status, *_place(Case, wanted), *_made_of_it(wanted), *_opened(wanted)]


def matching(user: User, wanted: Filter, now: datetime) -> Select[Case]:
    """All that a filter shows, in no order (the map counts it, and draws it)."""
    return _filtered(scope.worklist(user), wanted, now).where(_about(user, wanted))


def standing(user: User, now: datetime) -> Standing:
    """The open cases of the user's own desk in numbers."""
    found = db.session.execute(_open_by_status(), {"town": user.town_code, "now": now}).all()
    by_status = {status: count for status, count, *_ in found}
    lanes = {lane: sum(by_status.get(status, 0) for status in LANES[lane]) for lane in ("triage", "in_hand", "verify")}
    overdue, reds, versions = (sum(int(row[place] or 0) for row in found) for place in (2, 3, 4))
    unreached = db.session.scalar(_unreached_cases(), {"town": user.town_code}) or 0
    return Standing(lanes | {"overdue": overdue, "unreached": unreached}, reds, versions)


def changed(user: User) -> str:
    """When anything of the user's own desk last changed."""
    latest = db.session.scalar(select(func.max(Case.changed_at)).where(Case.town_code == user.town_code))
    return f"{latest.timestamp() if latest else 0:.6f}"


@lru_cache
def _open_by_status() -> Select[str, int, int, int, int]:
    """Counted from the queue's index alone; every desk asks this every two seconds, so it is put together once."""
    late = func.sum(case((Case.due_at < bindparam("now", type_=Case.due_at.type), 1), else_=0))
    red = func.sum(case((Case.severity == Severity.RED, 1), else_=0))
    query = select(Case.status, func.count(), late, red, func.sum(Case.version))
    return query.where(Case.town_code == bindparam("town"), IS_OPEN).group_by(Case.status)


@lru_cache
def _unreached_cases() -> Select[int]:
    town: BindParameter[str] = bindparam("town")
    here = _unreached(Alert.town_code == town)
    return select(func.count()).select_from(Case).where(Case.town_code == town, here, IS_OPEN)


def minutes_to_acknowledge(user: User, since: datetime) -> float | None:
    """Median minutes from alert to signature in this town since then; None when nobody signed yet."""
    query = select(Alert.raised_at, Alert.acknowledged_at).where(
        Alert.town_code == user.town_code, Alert.raised_at >= since, Alert.acknowledged_at.is_not(None),
        Alert.case_id.is_not(None),
    )  # fmt: skip
    took = sorted((end - start).total_seconds() / 60 for start, end in db.session.execute(query) if end)
    return took[len(took) // 2] if took else None


def silent(cases: Sequence[Case]) -> dict[int, Silence]:
    """Of these cases, by id, those that have a call that nobody answers."""
    seen = func.max(case((or_(Delivery.shown_at.is_not(None), Delivery.opened_at.is_not(None)), 1), else_=0))
    query = select(Alert.case_id, seen).outerjoin(Delivery, Delivery.alert_id == Alert.id)
    query = query.where(Alert.case_id.in_([shown.id for shown in cases]), _alert_unreached()).group_by(Alert.case_id)
    found = {case_id: bool(looked) for case_id, looked in db.session.execute(query) if case_id is not None}
    sent = _in_hand(found) if found else []
    return {
        case_id: Silence(looked, [one for one in sent if one.case_id == case_id]) for case_id, looked in found.items()
    }


def _in_hand(case_ids: Iterable[int]) -> list[Assignment]:
    """Who was sent to these cases and is still to report back."""
    query = select(Assignment).where(Assignment.case_id.in_(list(case_ids)), Assignment.going_on)
    loaded = query.options(joinedload(Assignment.user), joinedload(Assignment.department))
    return list(db.session.scalars(loaded.order_by(Assignment.id)))


def _filtered(query: Select[Case], wanted: Filter, now: datetime) -> Select[Case]:
    lane = (wanted.status,) if wanted.status else LANES.get(wanted.lane, LANES["open"])
    if set(lane) != OPEN:  # said twice, PostgreSQL thinks that hardly any are left
        query = query.where(Case.status.in_(lane))
    if OPEN.issuperset(lane):
        query = query.where(IS_OPEN)  # spelt out, or the database does not see that its partial index serves
    if wanted.lane == "overdue":
        query = query.where(Case.due_at < now)
    if wanted.lane == "unreached":
        query = query.where(_unreached())
    return query.where(*_made_of_it(wanted), *_opened(wanted))


def _made_of_it(wanted: Filter) -> list[ColumnElement[bool]]:
    """What the desk, or who filed it, made of a case."""
    asked = [Case.severity == wanted.severity] if wanted.severity else []
    asked += [Case.category_code == wanted.category] if wanted.category else []
    asked += [Case.source == wanted.source] if wanted.source else []
    return asked + ([_held_by(wanted.holder)] if wanted.holder else [])


def _opened(wanted: Filter) -> list[ColumnElement[bool]]:
    since = [Case.opened_at >= wanted.since] if wanted.since else []
    return since + ([Case.opened_at < wanted.before] if wanted.before else [])


def _held_by(holder: str) -> ColumnElement[bool]:
    """Asked of each case, by the index that has both: one person may have had thousands."""
    number = holder.removeprefix("department:")
    column = Assignment.user_id if number == holder else Assignment.department_id
    of_case = select(Assignment.id).where(Assignment.case_id == Case.id, column == int(number))
    return of_case.where(Assignment.returned_at.is_(None)).correlate(Case).exists()


def _about(user: User, wanted: Filter, cursor: str = "") -> ColumnElement[bool]:
    """What was asked of words and place: of the case, for those who work on it; for who only reported it, of his or
    her own report, or the answers would tell another reporter's words and place.
    """
    if user.plays(WORKS_DESK):
        return and_(true(), *_place(Case, wanted), *_found(user, wanted, cursor))
    of_case = and_(true(), *_place(Case, wanted), *_words(Case.title, wanted))
    own = select(Report.case_id).join(Case, Report.case_id == Case.id).where(Report.owner_id == user.id)
    told = own.where(*_place(Report, wanted), *_words(Report.text, wanted))
    return or_(scope.works_on(user) & of_case, Case.id.in_(told))


def _place(table: type[Case | Report], wanted: Filter) -> list[ColumnElement[bool]]:
    found = [table.area_code.startswith(wanted.area, autoescape=True)] if wanted.area else []
    if wanted.bbox:
        west, south, east, north = wanted.bbox
        found += [table.lat.between(south, north), table.lon.between(west, east)]
    return found


def _words(text: InstrumentedAttribute[str], wanted: Filter) -> list[ColumnElement[bool]]:
    if not wanted.words:
        return []
    return [or_(*(column.icontains(wanted.words, autoescape=True) for column in (text, Case.number)))]


def _found(user: User, wanted: Filter, cursor: str) -> list[ColumnElement[bool]]:
    """By the index (see search.py): all that are open, or the newest that are over and may be on this page."""
    if not wanted.words:
        return []
    if not _only_done(wanted):
        return [Case.id.in_(search.ids(user, wanted.words, True, None, FOUND))]
    below = _last_of(cursor)[2] if cursor else None
    return [Case.id.in_(search.ids(user, wanted.words, False, below, FOUND_OVER))]


def _alert_unreached() -> ColumnElement[bool]:
    exhausted = Alert.state == AlertState.EXHAUSTED
    return and_(IS_UNANSWERED, or_(exhausted, Alert.unreached_at.is_not(None)))


def _unreached(*of_alert: ColumnElement[bool]) -> ColumnElement[bool]:
    """Nobody answers, and nobody is on it: who assists and has not signed is said on the row of the others."""
    on_it = select(Assignment.id).where(
        Assignment.case_id == Alert.case_id, Assignment.going_on, Assignment.acknowledged_at.is_not(None)
    )  # fmt: skip
    return Case.id.in_(select(Alert.case_id).where(*of_alert, _alert_unreached(), ~on_it.exists()))


def _only_done(wanted: Filter) -> bool:
    return wanted.lane == "done" or (wanted.status is not None and wanted.status not in OPEN)


def _cursor(last: Case) -> str:
    due = last.due_at.isoformat() if last.due_at else None
    return cursors.written([int(last.severity), due, last.id])


def _last_of(cursor: str) -> tuple[Severity, datetime | None, int]:
    try:
        severity, due, case_id = cursors.read(cursor)
        last_severity, last_due = Severity(severity), datetime.fromisoformat(due) if due else None
        last_id = int(case_id)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Invalid({"cursor": "unknown"}) from error
    if not 0 < last_id < 2**31 or (last_due and last_due.tzinfo is None):
        raise Invalid({"cursor": "unknown"})
    return last_severity, last_due, last_id


def _cursor_in_done(opened_at: datetime, case_id: int) -> str:
    return cursors.written(["done", opened_at.isoformat(), case_id])


def _opened_at_of(cursor: str) -> datetime | None:
    try:
        kind, opened, _ = cursors.read(cursor)
        return datetime.fromisoformat(opened) if kind == "done" else None
    except (ValueError, TypeError, RecursionError):
        return None


def _place_in_done(cursor: str) -> tuple[ColumnElement[datetime], ColumnElement[int]]:
    opened_at = _opened_at_of(cursor)
    if opened_at is None or opened_at.tzinfo is None:
        raise Invalid({"cursor": "unknown"})
    case_id = cursors.read(cursor)[2]
    if not isinstance(case_id, int) or not 0 < case_id < 2**31:
        raise Invalid({"cursor": "unknown"})
    return _typed(opened_at, case_id)


def _typed(opened_at: datetime, case_id: int) -> tuple[ColumnElement[datetime], ColumnElement[int]]:
    return literal(opened_at, Case.opened_at.type), literal(case_id, Case.id.type)


def _after(cursor: str, only_done: bool) -> ColumnElement[bool]:
    last_severity, last_due, last_id = _last_of(cursor)
    if only_done or last_due is None:
        return Case.id < last_id
    same = Case.severity == last_severity
    later = or_(Case.due_at > last_due, and_(Case.due_at == last_due, Case.id > last_id))
    # the first part alone lets both databases walk the index from there, in its order
    return and_(Case.severity <= last_severity, or_(Case.severity < last_severity, and_(same, later)))

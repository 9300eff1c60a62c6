"""The desk's queue: worst first (severity, then the nearest deadline, then age), page by page, and its counts."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from fieldapp import scope
from fieldapp.cases import SIGHTLESS
from fieldapp.db import db
from fieldapp.errors import Invalid, NotAllowed
from fieldapp.models import IS_OPEN, UNANSWERED, Alert, AlertState, Case, Delivery, Report, User
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import IN_HAND, OPEN, Status

PAGE = 50
MOST = 200

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
    """What to show; empty fields do not filter. `bbox` is west, south, east, north in WGS-84 degrees."""

    lane: str = "open"
    status: Status | None = None
    area: str = ""
    severity: Severity | None = None
    words: str = ""
    bbox: tuple[float, float, float, float] | None = None


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
    query = _filtered(scope.worklist(user), wanted, now).where(_about(user, wanted))
    if _only_done(wanted):
        query = query.order_by(Case.id.desc())
    else:
        query = query.order_by(Case.severity.desc(), Case.due_at, Case.id)
    if cursor:
        query = query.where(_after(cursor, _only_done(wanted)))
    loaded = query.options(joinedload(Case.area), joinedload(Case.category)).limit(limit + 1)
    found = list(db.session.scalars(loaded))
    return found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None


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
    return select(func.count()).select_from(Case).where(Case.town_code == bindparam("town"), _unreached(), IS_OPEN)


def minutes_to_acknowledge(user: User, since: datetime) -> float | None:
    """Median minutes from alert to signature in this town since then; None when nobody signed yet."""
    query = select(Alert.raised_at, Alert.acknowledged_at).where(
        Alert.town_code == user.town_code, Alert.raised_at >= since, Alert.acknowledged_at.is_not(None),
        Alert.case_id.is_not(None),
    )  # fmt: skip
    took = sorted((end - start).total_seconds() / 60 for start, end in db.session.execute(query) if end)
    return took[len(took) // 2] if took else None


def unreached_numbers(cases: Sequence[Case]) -> dict[int, bool]:
    """Of these cases, the ids of those that nobody answers, and whether anybody has at least seen the call."""
    seen = func.max(case((or_(Delivery.shown_at.is_not(None), Delivery.opened_at.is_not(None)), 1), else_=0))
    query = select(Alert.case_id, seen).outerjoin(Delivery, Delivery.alert_id == Alert.id)
    query = query.where(Alert.case_id.in_([shown.id for shown in cases]), _alert_unreached()).group_by(Alert.case_id)
    return {case_id: bool(looked) for case_id, looked in db.session.execute(query) if case_id is not None}


def _filtered(query: Select[Case], wanted: Filter, now: datetime) -> Select[Case]:
    lane = (wanted.status,) if wanted.status else LANES.get(wanted.lane, LANES["open"])
    query = query.where(Case.status.in_(lane))
    if OPEN.issuperset(lane):
        query = query.where(IS_OPEN)  # spelt out, or the database does not see that its partial index serves
    if wanted.lane == "overdue":
        query = query.where(Case.due_at < now)
    if wanted.lane == "unreached":
        query = query.where(_unreached())
    if wanted.severity:
        query = query.where(Case.severity == wanted.severity)
    return query


def _about(user: User, wanted: Filter) -> ColumnElement[bool]:
    """What was asked of words and place: of the case, for those who work on it; for who only reported it, of his or
    her own report, or the answers would tell another reporter's words and place.
    """
    of_case = and_(*_place(Case, wanted), *_words(Case.title, wanted))
    if user.plays(WORKS_DESK):
        return of_case
    own = select(Report.case_id).join(Case, Report.case_id == Case.id).where(Report.owner_id == user.id)
    told = own.where(*_place(Report, wanted), *_words(Report.text, wanted))
    return or_(scope.works_on(user) & of_case, Case.id.in_(told))


def _place(table: type[Case | Report], wanted: Filter) -> list[ColumnElement[bool]]:
    found = [table.area_code.startswith(wanted.area, autoescape=True)] if wanted.area else []
    if wanted.bbox:
        west, south, east, north = wanted.bbox
        found += [table.lat.between(south, north), table.lon.between(west, east)]
    return [true(), *found]


def _words(text: InstrumentedAttribute[str], wanted: Filter) -> list[ColumnElement[bool]]:
    if not wanted.words:
        return []
    return [or_(*(column.icontains(wanted.words, autoescape=True) for column in (text, Case.number)))]


def _alert_unreached() -> ColumnElement[bool]:
    exhausted = Alert.state == AlertState.EXHAUSTED
    return and_(Alert.state.in_(UNANSWERED), or_(exhausted, Alert.unreached_at.is_not(None)))


def _unreached() -> ColumnElement[bool]:
    return Case.id.in_(select(Alert.case_id).where(_alert_unreached()))


def _only_done(wanted: Filter) -> bool:
    return wanted.lane == "done" or (wanted.status is not None and wanted.status not in OPEN)


def _cursor(last: Case) -> str:
    due = last.due_at.isoformat() if last.due_at else None
    return base64.urlsafe_b64encode(json.dumps([int(last.severity), due, last.id]).encode()).decode().rstrip("=")


def _after(cursor: str, only_done: bool) -> ColumnElement[bool]:
    try:
        severity, due, case_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        last_severity, last_due = Severity(severity), datetime.fromisoformat(due) if due else None
        last_id = int(case_id)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Invalid({"cursor": "unknown"}) from error
    if not 0 < last_id < 2**31 or (last_due and last_due.tzinfo is None):
        raise Invalid({"cursor": "unknown"})
    if only_done or last_due is None:
        return Case.id < last_id
    same = Case.severity == last_severity
    later = or_(Case.due_at > last_due, and_(Case.due_at == last_due, Case.id > last_id))
    return or_(Case.severity < last_severity, and_(same, later))

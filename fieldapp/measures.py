"""MTTA and MTTR by town and week: how fast calls are signed and cases done. Towns and weeks only, never a person."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from sqlalchemy import ColumnElement, and_, case, func, select

from fieldapp import clock, policies
from fieldapp.db import db
from fieldapp.errors import NotAllowed
from fieldapp.models import Alert, AlertState, Area, Case, CaseEvent, Delivery, User
from fieldapp.rules.escalation import Rung
from fieldapp.rules.measures import Called, Measured, Step, Week, done_at, measured
from fieldapp.rules.roles import WORKS_DESK, Role
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import Status

WEEKS = 12
NO_EVENTS = (Status.MERGED, Status.DECLINED)  # a case that was none, or told of another, was not done either
STEPS = ("report_outcome", "return", "reopen", "dispute")

Key = tuple[str, Week]


@dataclass(frozen=True)
class Found:
    """What is added up for a town and week."""

    calls: Sequence[Called]
    done: Sequence[float]


def weeks(now: datetime) -> list[Week]:
    """The weeks that can be looked at, this one first."""
    this = Week.of(clock.local(now))
    return [this.back(ago) for ago in range(WEEKS)]


def of_own_town(user: User, severity: Severity | None, now: datetime) -> list[tuple[Week, Measured]]:
    """The user's own town, week by week, the latest first. Raises NotAllowed for who does not work at its desk."""
    if not user.plays(WORKS_DESK):
        raise NotAllowed("role")
    asked = weeks(now)
    found = _found([user.town_code], severity, asked[-1], asked[0])
    return [(week, _measured(found, (user.town_code, week), now)) for week in asked]


def of_all_towns(user: User, severity: Severity, week: Week, now: datetime) -> list[tuple[Area, Measured]]:
    """Every town in the analyst's area in one week that is over, in the order of their codes: nobody is ranked, and
    two looks at a week that still grows would tell of the one case that came between. Raises NotAllowed.
    """
    if user.role != Role.ANALYST or week not in weeks(now)[1:]:
        raise NotAllowed("role")
    inside = Area.code.startswith(user.area_code, autoescape=True)
    towns = db.session.scalars(select(Area).where(Area.level == "town", inside, Area.enabled).order_by(Area.code)).all()
    found = _found([town.code for town in towns], severity, week, week)
    return [(town, _measured(found, (town.code, week), now)) for town in towns]


def _measured(found: Mapping[Key, Found], key: Key, now: datetime) -> Measured:
    here = found.get(key)
    return measured(here.calls, here.done, now) if here else Measured()


def _found(towns: Sequence[str], severity: Severity | None, first: Week, last: Week) -> dict[Key, Found]:
    begin, end = _begin(first), _begin(last.back(-1))
    calls: dict[Key, list[Called]] = defaultdict(list)
    done: dict[Key, list[float]] = defaultdict(list)
    for town, call in _calls(towns, severity, begin, end):
        calls[town, _week(call.raised_at)].append(call)
    for town, opened_at, at in _done(towns, severity, begin, end):
        done[town, _week(at)].append((at - opened_at).total_seconds())
    return {key: Found(calls[key], done[key]) for key in {*calls, *done}}


def _calls(
    towns: Sequence[str], severity: Severity | None, begin: datetime, end: datetime
) -> Iterable[tuple[str, Called]]:
    """The alerts that call people, each with its first sign of life and whether it came to the leader."""
    to_leader = func.max(case((Delivery.why == Rung.LEADER, 1), else_=0))
    columns = (Alert.town_code, Alert.raised_at, Alert.acknowledged_at, Alert.state)
    query = (
        select(*columns, func.min(Delivery.shown_at), to_leader)
        .outerjoin(Delivery, and_(Delivery.alert_id == Alert.id, Delivery.copied.is_(False)))
        .where(Alert.town_code.in_(towns), Alert.purpose.in_(policies.LADDERS))
        .where(Alert.raised_at >= begin, Alert.raised_at < end, *_of(Alert, severity))
        .group_by(Alert.id, *columns)
    )
    for town, raised_at, signed_at, state, shown_at, leader in db.session.execute(query):
        yield town, Called(raised_at, signed_at, shown_at, bool(leader), state == AlertState.STOPPED)


def _done(
    towns: Sequence[str], severity: Severity | None, begin: datetime, end: datetime
) -> Iterable[tuple[str, datetime, datetime]]:
    """Cases done in this time, by the outcome that held: the town, when it was opened and when it was done."""
    # what was done since `begin` has changed since then; one index serves that
    lately = and_(Case.town_code.in_(towns), Case.changed_at >= begin, Case.status.not_in(NO_EVENTS),
                  *_of(Case, severity))  # fmt: skip
    steps: dict[int, list[Step]] = defaultdict(list)
    events = select(CaseEvent.case_id, CaseEvent.action, CaseEvent.source, CaseEvent.result, CaseEvent.at)
    events = events.join(Case, CaseEvent.case_id == Case.id).where(lately, CaseEvent.action.in_(STEPS))
    for case_id, action, source, result, at in db.session.execute(events.order_by(CaseEvent.id)):
        steps[case_id].append((action, source, result, at))
    for case_id, town, opened_at, closed_at in db.session.execute(
        select(Case.id, Case.town_code, Case.opened_at, Case.closed_at).where(lately)
    ):
        ended = done_at(steps[case_id], closed_at)
        if ended is not None and begin <= ended < end:
            yield town, opened_at, ended


def _of(table: type[Alert | Case], severity: Severity | None) -> list[ColumnElement[bool]]:
    return [table.severity == severity] if severity else []


def _week(instant: datetime) -> Week:
    return Week.of(clock.local(instant))


def _begin(week: Week) -> datetime:
    """The instant at which a week begins in Haifeng."""
    return datetime.combine(week.monday, time(), clock.LOCAL).astimezone(UTC)

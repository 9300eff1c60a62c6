"""Which ladder an alert climbs: a town's own for its purpose, severity and category, or what is usual."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute

from fieldapp import cases, reach
from fieldapp.addresses import ORDER, WEBPUSH
from fieldapp.db import db
from fieldapp.errors import Conflict
from fieldapp.models import (
    TOWN,
    Alert,
    Area,
    Case,
    Category,
    Delivery,
    Department,
    EscalationPolicy,
    Gateway,
    Purpose,
    User,
)
from fieldapp.rules import escalation
from fieldapp.rules.deadlines import LONGEST, Step
from fieldapp.rules.escalation import BadPolicy, Call, Policy, Rung
from fieldapp.rules.roles import IS_CALLED, WORKS_DESK
from fieldapp.rules.severity import Severity

T = TypeVar("T")
COUNTY = 6  # digits of a county's code
LADDERS = (Purpose.INTAKE, Purpose.DISPATCH, Purpose.RETURN)


@dataclass(frozen=True)
class Chosen:
    """A policy and where it stands: a town's or the county's row, or none for what is usual."""

    policy: Policy
    row: EscalationPolicy | None


def choose(town_code: str, purpose: str, severity: Severity, category_code: str | None) -> Chosen:
    """The most particular policy: the category's own before its parent's before all, the town's before the county's."""
    rows = _rows(town_code, purpose, severity)
    for category in (*_lineage(category_code), ""):
        for place in (town_code, town_code[:COUNTY]):
            if found := rows.get((place, category)):
                return Chosen(escalation.of_data(found.ladder), found)
    return Chosen(escalation.DEFAULTS[(purpose, severity)], None)


def for_case(case: Case, purpose: Purpose) -> Policy:
    """The policy for a case, with the minutes of each rung filled in from the limits of its severity."""
    policy = choose(case.town_code, purpose, case.severity, case.category_code).policy
    return with_minutes(policy, case.severity)


def with_minutes(policy: Policy, severity: Severity) -> Policy:
    """The same with a number of minutes on every rung."""
    if all(call.minutes is not None for call in policy.rungs):
        return policy
    usual = cases.minutes_for(severity, Step.ACKNOWLEDGE)
    return replace(policy, rungs=tuple(replace(call, minutes=call.minutes or usual) for call in policy.rungs))


def of_alert(alert: Alert) -> Policy:
    """The policy as it stood when the alert was raised; what is usual for one from before policies were kept."""
    if alert.policy is not None:
        return escalation.of_data(alert.policy)
    return with_minutes(escalation.DEFAULTS.get((alert.purpose, alert.severity), Policy()), alert.severity)


def find(place: str, purpose: str, severity: Severity, category_code: str) -> EscalationPolicy | None:
    """What a place decided for exactly this."""
    return db.session.scalar(_exactly(place, purpose, severity, category_code))


def beneath(place: str, purpose: str, severity: Severity, category_code: str) -> Chosen:
    """What would hold without the place's own decision for exactly this."""
    for category in (*_lineage(category_code), ""):
        for where in (place, place[:COUNTY]):
            found = find(where, purpose, severity, category)
            if found and (where, category) != (place, category_code):
                return Chosen(escalation.of_data(found.ladder), found)
    return Chosen(escalation.DEFAULTS[(purpose, severity)], None)


def of_categories(place: str) -> list[EscalationPolicy]:
    """What the place, or its county, decided for some kind of event alone; what stands behind another is left out."""
    query = select(EscalationPolicy).where(
        EscalationPolicy.town_code.in_({place, place[:COUNTY]}), EscalationPolicy.category_code != ""
    )
    nearest: dict[tuple[str, Severity, str], EscalationPolicy] = {}
    for row in db.session.scalars(query.order_by(EscalationPolicy.town_code, EscalationPolicy.category_code)):
        nearest[row.purpose, row.severity, row.category_code] = row  # the town's comes after the county's
    return list(nearest.values())


def decide(
    actor: User,
    purpose: str,
    severity: Severity,
    category_code: str,
    policy: Policy,
    now: datetime,
    seen: str | None = None,
) -> EscalationPolicy:
    """Write the actor's place's own policy, in place of the one that was there. The policy was checked before.

    `seen` is the mark of what the actor had before him or her: raises Conflict when somebody changed it meanwhile.
    """
    place = place_of(actor)
    row = db.session.scalar(_exactly(place, purpose, severity, category_code).with_for_update())
    _unchanged(row, seen)
    if row is None:
        row = EscalationPolicy(town_code=place, purpose=purpose, severity=severity, category_code=category_code)
        db.session.add(row)
    policy = replace(policy, name=f"{place}/{category_code}")  # an alert keeps whose decision it climbed
    row.ladder, row.changed_by_id, row.changed_at = policy.as_data(), actor.id, now
    try:
        db.session.flush()
    except IntegrityError as error:  # two made the first one at the same instant
        raise Conflict("policy_changed") from error
    return row


def restore(actor: User, purpose: str, severity: Severity, category_code: str, seen: str | None = None) -> None:
    """Back to what is usual. Raises Conflict when somebody changed it meanwhile."""
    row = db.session.scalar(_exactly(place_of(actor), purpose, severity, category_code).with_for_update())
    _unchanged(row, seen)
    if row is not None:
        forget(actor, row.id)


def mark(row: EscalationPolicy | None) -> str:
    """What tells one state of a decision from the next; nothing for one that is not there."""
    return f"{row.id}.{int(row.changed_at.timestamp() * 1000)}" if row else ""


def check(actor: User, purpose: str, severity: Severity, policy: Policy) -> dict[int, str]:
    """What is wrong, by rung (from 0; -1 for the whole); nothing when the policy can be climbed."""
    wrong, usable = {}, open_channels(place_of(actor))
    for at, call in enumerate(policy.rungs):
        if call.channels and usable.isdisjoint(call.channels):
            wrong[at] = "no_open_channel"
        if why := _wrong_call(actor, purpose, severity, call):
            wrong[at] = why
    if purpose == Purpose.DISPATCH and policy.rungs and Rung.NAMED not in policy.rungs[0].who:
        wrong.setdefault(0, "named_missing")
    try:
        escalation.check(replace(policy, rungs=policy.rungs if not wrong else ()), ORDER, named=True)
    except BadPolicy as error:
        wrong.setdefault(error.at, error.why)
    return wrong


def open_channels(place: str) -> frozenset[str]:
    """The kinds of channel that are set up and in use: the town's own, for a county those of any of its towns."""
    query = select(Gateway.kind).where(Gateway.active, _within(Gateway.town_code, place))
    return frozenset((WEBPUSH, *db.session.scalars(query.distinct())))


def calls_nobody(place: str, policy: Policy, now: datetime) -> bool:
    """True when no rung means anybody: none is there or, as far as a town's own roster says, nobody is on any."""
    if not policy.rungs or len(place) < TOWN:
        return not policy.rungs
    return not any(Rung.NAMED in call.who or reach.whom(place, replace(call, copied=()), now) for call in policy.rungs)


def people(place: str) -> list[User]:
    """Whom a policy of this town may name: those who are called and those at the desk. A county names nobody."""
    roles = User.role.in_(IS_CALLED | WORKS_DESK)
    return _inside(select(User).where(User.active, roles, _within(User.area_code, place)).order_by(User.name), place)


def departments(place: str) -> list[Department]:
    """The departments that a policy of this town may call."""
    query = select(Department).where(Department.active, Department.town_code == place).order_by(Department.name)
    return _inside(query, place)


def towns(place: str) -> list[Area]:
    """The towns that a place decides for: itself, or those of the county that are in use."""
    query = select(Area).where(Area.level == "town", Area.enabled, _within(Area.code, place)).order_by(Area.code)
    return list(db.session.scalars(query))


def named(group: str) -> User | Department | None:
    """The person or department that a policy means by "person:<id>" or "department:<id>"."""
    kind, _, number = group.partition(":")
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    return db.session.get(User, int(number)) if kind == "person" else db.session.get(Department, int(number))


def speakers(department: Department) -> list[User]:
    """Who is called when a policy or a dispatch calls a department."""
    return reach.liaisons(department)


def of_row(row: EscalationPolicy) -> Policy:
    """The policy that somebody decided."""
    return escalation.of_data(row.ladder)


def last_call(user: User, number: str) -> Delivery | None:
    """The last time this person was called to a case; None when he or she never was."""
    query = select(Delivery).join(Alert, Delivery.alert_id == Alert.id).join(Case, Alert.case_id == Case.id)
    mine = query.where(Case.number == number, Delivery.user_id == user.id, Alert.purpose.in_(LADDERS))
    return db.session.scalar(mine.order_by(Delivery.created_at.desc(), Delivery.turn).limit(1))


def forget(actor: User, policy_id: int) -> None:
    """Back to what is usual; another place's is left alone."""
    mine = (EscalationPolicy.id == policy_id) & (EscalationPolicy.town_code == place_of(actor))
    db.session.execute(delete(EscalationPolicy).where(mine))


def place_of(actor: User) -> str:
    """The town somebody decides for; the county for county staff."""
    return actor.area_code[:TOWN]


def _exactly(place: str, purpose: str, severity: Severity, category_code: str) -> Select[EscalationPolicy]:
    return (
        select(EscalationPolicy)
        .where(EscalationPolicy.town_code == place, EscalationPolicy.purpose == purpose)
        .where(EscalationPolicy.severity == severity, EscalationPolicy.category_code == category_code)
    )


def _unchanged(row: EscalationPolicy | None, seen: str | None) -> None:
    if seen is not None and mark(row) != seen:
        raise Conflict("policy_changed")


def _wrong_call(actor: User, purpose: str, severity: Severity, call: Call) -> str | None:
    try:
        escalation.check(Policy((call,)), ORDER, named=purpose == Purpose.DISPATCH)
    except BadPolicy as error:
        return error.why
    if call.minutes and call.minutes > LONGEST.get((severity, Step.ACKNOWLEDGE), call.minutes):
        return "too_long_to_wait"
    return None if all(_may_name(place_of(actor), one) for one in (*call.who, *call.copied)) else "unknown_who"


def _may_name(place: str, group: str) -> bool:
    """Another town's people and departments are nobody here; one who left meanwhile may stay on the list."""
    if ":" not in group:
        return True
    found = named(group)
    if found is None or len(place) < TOWN:
        return False
    return found.town_code == place


def _within(code: InstrumentedAttribute[str], place: str) -> ColumnElement[bool]:
    return code.startswith(place, autoescape=True)


def _inside(query: Select[T], place: str) -> list[T]:
    return list(db.session.scalars(query)) if len(place) == TOWN else []


def _rows(town_code: str, purpose: str, severity: Severity) -> dict[tuple[str, str], EscalationPolicy]:
    places = {town_code, town_code[:COUNTY]}
    query = select(EscalationPolicy).where(
        EscalationPolicy.town_code.in_(places),
        EscalationPolicy.purpose == purpose,
        EscalationPolicy.severity == severity,
    )
    return {(row.town_code, row.category_code): row for row in db.session.scalars(query)}


def _lineage(category_code: str | None) -> Iterable[str]:
    """The category, then its parent."""
    if category_code:
        yield category_code
        category = db.session.get(Category, category_code)
        if category and category.parent_code:
            yield category.parent_code

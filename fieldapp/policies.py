"""Which ladder an alert climbs: a town's own for its purpose, severity and category, or what is usual."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select

from fieldapp import cases
from fieldapp.db import db
from fieldapp.models import TOWN, Alert, Case, Category, EscalationPolicy, Purpose, User
from fieldapp.rules import escalation
from fieldapp.rules.deadlines import Step
from fieldapp.rules.escalation import Policy
from fieldapp.rules.severity import Severity

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


def own(place: str) -> list[EscalationPolicy]:
    """What a town (or the county) decided for itself."""
    query = select(EscalationPolicy).where(EscalationPolicy.town_code == place)
    return list(db.session.scalars(query.order_by(EscalationPolicy.purpose, EscalationPolicy.severity.desc())))


def decide(
    actor: User, purpose: str, severity: Severity, category_code: str, policy: Policy, now: datetime
) -> EscalationPolicy:
    """Write the actor's place's own policy, in place of the one that was there. The policy was checked before."""
    place = place_of(actor)
    same = (
        select(EscalationPolicy)
        .where(EscalationPolicy.town_code == place, EscalationPolicy.purpose == purpose)
        .where(EscalationPolicy.severity == severity, EscalationPolicy.category_code == category_code)
    )
    row = db.session.scalar(same.with_for_update())
    if row is None:
        row = EscalationPolicy(town_code=place, purpose=purpose, severity=severity, category_code=category_code)
        db.session.add(row)
    row.ladder, row.changed_by_id, row.changed_at = policy.as_data(), actor.id, now
    return row


def forget(actor: User, policy_id: int) -> None:
    """Back to what is usual; another place's is left alone."""
    mine = (EscalationPolicy.id == policy_id) & (EscalationPolicy.town_code == place_of(actor))
    db.session.execute(delete(EscalationPolicy).where(mine))


def place_of(actor: User) -> str:
    """The town somebody decides for; the county for county staff."""
    return actor.area_code[:TOWN]


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

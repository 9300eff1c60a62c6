"""吹哨 once it is under way: more are sent (加派), and another leads (换主办). Who is on it is not disturbed."""

from datetime import datetime

from fieldapp import alerting, cases, messages, reach, triage
from fieldapp.cases import Ask
from fieldapp.errors import Invalid
from fieldapp.models import Assignment, Case, Department, Purpose, User


def reinforce(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """加派: send more to assist, and call them alone. Raises Invalid for who is on it already."""
    named = triage.targets(actor, ask.to)
    if any(_assignment(case, one) for one in named):
        raise Invalid({"to": "already_on_it"})
    data = {"to": [one.name for one in named]}
    cases.apply(case, "reinforce", actor, now, note=ask.note, has_target=bool(named), data=data)
    triage.send(case, named, ask.note, now)


def set_lead(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """换主办: one of those who are on it leads from now on; both are told, nobody is called anew."""
    named = triage.targets(actor, ask.to)
    chosen = _assignment(case, named[0]) if len(named) == 1 else None
    if named and chosen is None:
        raise Invalid({"to": "not_on_it"})
    if chosen is not None and chosen.lead:
        raise Invalid({"to": "leads_already"})
    data = {"to": [one.name for one in named]}
    cases.apply(case, "set_lead", actor, now, note=ask.note, has_target=bool(named), data=data)
    assert chosen is not None
    told = [one for one in case.assignments if one.standing and (one.lead or one is chosen)]
    for one in case.assignments:
        one.lead = one is chosen
    for user in {user.id: user for one in told for user in _people(one)}.values():
        once = f"lead:{case.id}:{case.version}:{user.id}"
        alerting.raise_to(
            user, Purpose.NOTICE, messages.leads(case, chosen.name), now, once, alerting.ANSWER_HORIZON
        )  # fmt: skip


def _assignment(case: Case, one: User | Department) -> Assignment | None:
    return next((a for a in case.assignments if a.standing and one in (a.user, a.department)), None)


def _people(assignment: Assignment) -> list[User]:
    if assignment.user:
        return [assignment.user]
    return reach.liaisons(assignment.department) if assignment.department else []

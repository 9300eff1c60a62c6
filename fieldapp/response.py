"""The verbs of those who were called: acknowledge, depart, arrive, report the outcome, give back, hand over."""

from datetime import datetime

from sqlalchemy import select

from fieldapp import alerting, cases, messages, triage
from fieldapp.cases import Ask
from fieldapp.db import db
from fieldapp.errors import Invalid
from fieldapp.models import Assignment, Case, Department, User
from fieldapp.rules.roles import Role
from fieldapp.rules.workflow import IN_HAND, Status


def acknowledge(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """签收: a person takes it on. This, and only this, stops the escalation."""
    first = case.status in (Status.NEW, Status.ACCEPTED, Status.DISPATCHED)
    cases.apply(case, "acknowledge", actor, now, note=ask.note, data=ask.when(now))
    _signed(case, actor, now)
    if first:
        triage.tell(case, messages.ON_THE_WAY, now)


def depart(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """出发."""
    cases.apply(case, "depart", actor, now, note=ask.note, data=ask.when(now))
    mine = _signed(case, actor, now)
    mine.departed_at = mine.departed_at or now


def arrive(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """到场."""
    cases.apply(case, "arrive", actor, now, note=ask.note, data=ask.when(now))
    mine = _signed(case, actor, now)
    mine.arrived_at = mine.arrived_at or now


def report_outcome(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """处置反馈: what was found and done; the desk checks it next. Of who assists it is his own part, while the lead is
    on it.
    """
    assists = _assists(case, actor)
    cases.apply(
        case, "assist_outcome" if assists else "report_outcome", actor, now, note=ask.note, data=ask.when(now)
    )  # fmt: skip
    _signed(case, actor, now)
    for one in _own(case, actor, now):
        one.answered_at = now
    if not assists:
        alerting.stop(case, now)
        triage.tell(case, messages.ANSWERED, now)


TIMED = {"acknowledge": "acknowledged_at", "depart": "departed_at", "arrive": "arrived_at"}


def has_done(case: Case, actor: User, action: str) -> bool:
    """The actor has taken this step before, from another device or by a push; an outcome may always be added to."""
    mine = (a for a in case.assignments if a.standing and _is_mine(a, actor))
    return action in TIMED and any(getattr(assignment, TIMED[action]) for assignment in mine)


def give_back(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """退回 / 我去不了: the last one still to do anything gives the case back to the desk, another only steps back.

    Either way somebody is called when nobody who signed is left.
    """
    mine = _own(case, actor, now)
    others = bool(_going_on(case, mine))
    unsent = not others and case.status in (Status.NEW, Status.ACCEPTED)
    cases.apply(case, "step_back" if others else "return", actor, now, note=ask.note)
    if unsent and alerting.calls_others(case, actor):  # those on call with him or her are still being called
        _end(mine, now)
    else:
        let_go(case, actor, mine, now)


def let_go(case: Case, actor: User, mine: list[Assignment], now: datetime) -> None:
    """End these assignments of the actor's, and call who is left, or those on call and the desk.

    Who has reported back is done: when nobody else is left, the case begins anew for everybody.
    """
    _end(mine, now)
    others = _going_on(case, mine)
    if others and not any(other.lead for other in others):
        for one in case.assignments:
            one.lead = one is others[0]
    if any(other.acknowledged_at for other in others):
        alerting.supersede(case, [actor], now)
        return
    if others:
        if not alerting.unanswered(case):
            alerting.raise_on_dispatch(case, triage.holders(case), messages.sent(case, ""), now)
        return
    _end([assignment for assignment in case.assignments if assignment.standing], now)
    alerting.stop(case, now)
    alerting.raise_on_return(case, actor, messages.given_back(case, actor.name), now)


def released(case: Case, person: User, with_department: bool, now: datetime) -> None:
    """Somebody's account was disabled or its role changed: what he or she held goes on without.

    `with_department`: nobody else speaks for the department, so what it was sent is held by nobody either.
    """
    mine = [
        a
        for a in case.assignments
        if a.standing and (a.user_id == person.id or (with_department and _is_mine(a, person)))
    ]
    others = _going_on(case, mine)
    arrow = "step_back" if others else "return"
    result = case.status if others else Status.ACCEPTED
    cases.record(case, arrow, None, now, source=case.status, result=result, data={"people": [person.name]})
    if not others:
        cases.move(case, Status.ACCEPTED, now)
    let_go(case, person, mine, now)


def leaves(person: User, now: datetime) -> None:
    """The same in every case at once. A department's goes on without its last one who speaks for it."""
    alone = person.speaks_for is not None and not _others_speak_for(person)
    mine = Assignment.user_id == person.id
    if alone:
        mine |= Assignment.department_id == person.speaks_for
    held = select(Assignment.case_id).where(mine, Assignment.returned_at.is_(None))
    query = select(Case).where(Case.id.in_(held), Case.status.in_(IN_HAND)).order_by(Case.id)
    for case in db.session.scalars(cases.locked(query)):
        released(case, person, alone, now)


def transfer(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """转办: hand it to somebody else, who is called anew."""
    named = triage.targets(actor, ask.to)
    if any(_is_oneself(one, actor) for one in named):
        raise Invalid({"to": "yourself"})
    data = {"to": [one.name for one in named]}
    mine = _own(case, actor, now)
    others = any(a.standing and a.acknowledged_at and a not in mine for a in case.assignments)
    action = "hand_on" if others and case.status != Status.DISPATCHED else "transfer"
    cases.apply(case, action, actor, now, note=ask.note, has_target=bool(named), data=data)
    _end(mine, now)
    for assignment in case.assignments:
        if assignment.standing and (assignment.user in named or assignment.department in named):
            assignment.acknowledged_at = None  # had signed for assisting; now it is theirs
    triage.send(case, named, ask.note, now)


def _signed(case: Case, actor: User, now: datetime) -> Assignment:
    """The actor's assignment, signed by whatever step he or she takes; nobody else need be called any more."""
    mine = _hold(case, actor, now)
    for one in (mine, *_own(case, actor, now)):  # sent in person and for the department, one signs for both
        one.acknowledged_at = one.acknowledged_at or now
    alerting.acknowledge(case, actor, now)
    return mine


def _assists(case: Case, actor: User) -> bool:
    """The actor is sent to assist, and the lead has signed and not reported back."""
    standing = [one for one in case.assignments if one.standing]
    mine = [one for one in standing if _is_mine(one, actor)]
    lead = next((one for one in standing if one.lead), None)
    goes_on = lead is not None and lead.acknowledged_at is not None and lead.answered_at is None
    return bool(mine) and goes_on and lead not in mine


def _own(case: Case, actor: User, now: datetime) -> list[Assignment]:
    """All that is the actor's: what he or she was sent to in person, and for the department; at least one."""
    _hold(case, actor, now)
    return [assignment for assignment in case.assignments if assignment.standing and _is_mine(assignment, actor)]


def _going_on(case: Case, mine: list[Assignment]) -> list[Assignment]:
    """Who else was sent and has neither given it back nor reported back."""
    return [a for a in case.assignments if a.going_on and a not in mine]


def _others_speak_for(person: User) -> bool:
    same = (User.department_id == person.speaks_for) & (User.role == Role.LIAISON) & (User.id != person.id)
    return db.session.scalar(select(User.id).where(User.active, same).limit(1)) is not None


def _end(mine: list[Assignment], now: datetime) -> None:
    for assignment in mine:
        assignment.returned_at, assignment.lead = now, False


def _is_oneself(one: User | Department, actor: User) -> bool:
    return one is actor or (isinstance(one, Department) and one.id == actor.speaks_for)


def _hold(case: Case, actor: User, now: datetime) -> Assignment:
    """The actor's own assignment, or the department's, or a new one for somebody on call who was not yet sent."""
    mine = next((a for a in case.assignments if a.standing and _is_mine(a, actor)), None)
    if mine is None:
        triage.assign(case, actor, now)
        mine = next(a for a in case.assignments if a.standing and _is_mine(a, actor))
    return mine


def _is_mine(assignment: Assignment, actor: User) -> bool:
    if assignment.user_id is not None or assignment.user is not None:
        return assignment.user is actor or assignment.user_id == actor.id
    return assignment.department_id is not None and assignment.department_id == actor.speaks_for

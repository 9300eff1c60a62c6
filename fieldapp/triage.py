"""The desk's verbs: accept, decline, dispatch, classify, send back, verify, close, reopen; and the answer."""

from collections.abc import Sequence
from datetime import datetime

from fieldapp import alerting, cases, messages, reach, scope
from fieldapp.cases import Ask
from fieldapp.db import db
from fieldapp.errors import Invalid
from fieldapp.models import Assignment, Case, Category, Department, Purpose, Report, User
from fieldapp.rules.roles import IS_CALLED, Role
from fieldapp.rules.severity import Severity


def accept(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """受理: the centre takes it on. When the desk itself was called, this is its signature."""
    cases.apply(case, "accept", actor, now, note=ask.note)
    if alerting.was_called(case, actor):
        alerting.acknowledge(case, actor, now)
    tell(case, messages.ACCEPTED, now)


def decline(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """不予受理, with a reason that the reporter reads."""
    cases.apply(case, "decline", actor, now, note=ask.note)
    alerting.stop(case, now)
    tell(case, messages.declined(ask.note), now)


def join(case: Case, report: Report, now: datetime) -> None:
    """我也看到了: this report, which is the case's already, tells of it once more. The case is held by the caller."""
    cases.record(case, "joined", report.owner_id, now, data={"reports": [str(report.id)]})
    take_in(case, 1, report.severity, alerting.calls_on_intake(case, report.severity), now)


def take_in(case: Case, signals: int, severity: Severity, calling: bool, now: datetime) -> None:
    """More reports tell of a case: it counts them, is as bad as the worst of them, and calls when one of them would
    (`calling`) and nobody is on it.
    """
    case.signals += signals
    case.version += 1
    parked = case.paused_at is not None
    _worsen(case, severity, now)
    if calling and (parked or not _signed(case)) and not alerting.unanswered(case):
        alerting.raise_on_intake(case, messages.call, now)


def dispatch(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """派单 / 吹哨: send it to responders and departments; the first named leads (主办), the others assist (协办)."""
    named = targets(actor, ask.to)
    data = {"to": [one.name for one in named]}
    cases.apply(case, "dispatch", actor, now, note=ask.note, has_target=bool(named), data=data)
    send(case, named, ask.note, now)


def send(case: Case, named: Sequence[User | Department], note: str, now: datetime) -> None:
    """Assign these people and departments and call every one of them, also who was sent before.

    The alert of the intake gives way to the new one. A department without anybody to call is said in the history
    and stands on the desk's red list until somebody signs.
    """
    called: list[User] = []
    silent: list[str] = []
    for one in named:
        found = reach.liaisons(one) if isinstance(one, Department) else [one]
        assign(case, one, now)
        called += found
        silent += [] if found else [one.name]
    alerting.stop(case, now, Purpose.INTAKE, Purpose.RETURN)
    alerting.supersede(case, called, now)
    alert = alerting.raise_on_dispatch(case, called, messages.sent(case, note), now)
    if silent:
        cases.record(case, "nobody_on_call", None, now, data={"people": silent})
        alert.unreached_at = alert.unreached_at or now


def holders(case: Case) -> list[User]:
    """Everybody who was sent and did not give it back, a department by its liaisons."""
    standing = [assignment for assignment in case.assignments if assignment.standing]
    people = [a.user for a in standing if a.user and a.user.active and a.user.plays(IS_CALLED)]
    for assignment in standing:
        if assignment.department:
            people += reach.liaisons(assignment.department)
    return people


def tell(case: Case, words: str, now: datetime) -> None:
    """Say to every reporter of the case what became of it."""
    for user, title in cases.reporters(case):
        alerting.tell(case, user, messages.answer(case, words, title), now)


def assign(case: Case, one: User | Department, now: datetime) -> None:
    """Make an assignment, or renew one that was given back. Where nobody leads, this one does."""
    user, department = (None, one) if isinstance(one, Department) else (one, None)
    found = next((a for a in case.assignments if (a.user, a.department) == (user, department)), None)
    leads = not any(other.lead and other.standing for other in case.assignments if other is not found)
    if found and found.standing:
        found.lead = found.lead or leads
        return
    if found is None:
        found = Assignment(case_id=case.id, user=user, department=department)
        case.assignments.append(found)
    found.lead = leads
    found.sent_at = now
    found.returned_at = None
    _begin_anew(found)


def _begin_anew(assignment: Assignment) -> None:
    """The way from 签收 to 处置反馈 is gone once more; how it went before stands in the history."""
    assignment.acknowledged_at = assignment.departed_at = assignment.arrived_at = assignment.answered_at = None


def classify(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """研判: another category or severity. A case that becomes worse calls people as a new one would."""
    if ask.category and db.session.get(Category, ask.category) is None:
        raise Invalid({"category": "unknown"})
    reclassify(case, actor, ask.category or case.category_code, ask.severity or case.severity, ask.note, now)


def reclassify(case: Case, actor: User, category: str | None, severity: Severity, note: str, now: datetime) -> None:
    """The same with both said, also that the case has no category."""
    before = {"category": case.category_code, "severity": case.severity.word}
    after = {"category": category, "severity": severity.word}
    cases.apply(case, "classify", actor, now, note=note, data={"before": before, "after": after})
    case.category_code = category
    _worsen(case, severity, now)
    ease(case, severity, now)
    if after["category"] != before["category"]:
        cases.reclock(case, now)


def send_back(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """退回: what was reported back is not enough; those who hold the case are called again."""
    cases.apply(case, "return", actor, now, note=ask.note)
    for assignment in case.assignments:
        if assignment.standing:
            _begin_anew(assignment)
    alerting.raise_on_dispatch(case, holders(case), messages.sent(case, ask.note), now)


def report_outcome(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """处置反馈 by telephone: the desk writes down what those who were sent did; nobody need sign any more."""
    cases.apply(case, "report_outcome", actor, now, note=ask.note)
    alerting.stop(case, now)
    tell(case, messages.ANSWERED, now)


def verify(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """核查: the desk has checked that it is done."""
    cases.apply(case, "verify", actor, now, note=ask.note)


def close(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """办结: over; the reporter hears it and is asked. The history names who was sent and never signed."""
    unsigned = [one.name for one in case.assignments if one.never_signed]
    cases.apply(case, "close", actor, now, note=ask.note, data={"unsigned": unsigned} if unsigned else None)
    alerting.stop(case, now)
    tell(case, messages.CLOSED, now)


def reopen(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """重办, by the desk."""
    cases.apply(case, "reopen", actor, now, note=ask.note)
    _back_to_desk(case)
    alerting.raise_on_intake(case, messages.call, now)
    tell(case, messages.REOPENED, now)


def confirm(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """满意: the reporter says that it is done. The case counts as such while none of its reporters says otherwise."""
    cases.apply(case, "confirm", actor, now, note=ask.note)
    _answered(case, actor, True)


def dispute(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """没解决: the reporter says that it is not; the case is back on the desk at once."""
    cases.apply(case, "dispute", actor, now, note=ask.note)
    _back_to_desk(case)
    _answered(case, actor, False)
    alerting.raise_on_intake(case, messages.call, now)


def targets(actor: User, to: Sequence[str]) -> list[User | Department]:
    """Whom `to` names, in its order: usernames or ids of people who can be called, "department:<id>" or its name.

    Raises Invalid({"to": "unknown"}) when one of them is nobody of this town.
    """
    named = [_person(actor, name) or _department(actor, name) for name in dict.fromkeys(to)]
    found = [one for one in named if one is not None]
    if len(found) < len(named):
        raise Invalid({"to": "unknown"})
    return found


def callable_people(actor: User) -> list[User]:
    """The people of the town that a case can be sent to."""
    query = scope.people(actor).where(User.active, User.role.in_(IS_CALLED - {Role.LIAISON})).order_by(User.name)
    return list(db.session.scalars(query))


def callable_departments(actor: User) -> list[Department]:
    """The departments of the town that can be whistled for."""
    return list(db.session.scalars(scope.departments(actor).where(Department.active).order_by(Department.name)))


def _person(actor: User, name: str) -> User | None:
    match = User.id == int(name) if _is_id(name) else User.username == name
    return db.session.scalar(scope.people(actor).where(User.active, User.role.in_(IS_CALLED), match))


def _department(actor: User, name: str) -> Department | None:
    prefix, _, number = name.rpartition("department:")
    by_id = not prefix and name != number and _is_id(number)
    match = Department.id == int(number) if by_id else Department.name == name
    return db.session.scalar(scope.departments(actor).where(Department.active, match))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _worsen(case: Case, severity: Severity, now: datetime) -> None:
    """A case that turns out worse calls people by its new clock, unless somebody has already signed for it and has
    not put it aside since.
    """
    if severity <= case.severity:
        return
    parked = case.paused_at is not None
    case.severity = severity
    cases.wake(case, now)
    cases.reclock(case, now)
    if _signed(case) and not parked:
        return
    alerting.stop(case, now)
    alerting.raise_on_intake(case, messages.call, now)
    if called := holders(case):
        alerting.raise_on_dispatch(case, called, messages.sent(case, ""), now)


def ease(case: Case, severity: Severity, now: datetime) -> None:
    """A case that turns out less bad goes on calling by its new ladder: the leader is not woken for a blue one."""
    if severity >= case.severity:
        return
    case.severity = severity
    cases.reclock(case, now)
    if any(alert.purpose == Purpose.INTAKE for alert in alerting.unanswered(case)):
        alerting.stop(case, now, Purpose.INTAKE)
        alerting.raise_on_intake(case, messages.call, now)


def _signed(case: Case) -> bool:
    """Somebody is on it now: signed, not given back, and not yet reported back."""
    return any(a.going_on and a.acknowledged_at for a in case.assignments)


def _answered(case: Case, actor: User, satisfied: bool) -> None:
    """Each reporter speaks for his or her own reports."""
    reports = cases.case_reports([case.id])
    for report in reports:
        if report.owner_id == actor.id:
            report.satisfied = satisfied
    case.satisfied = all(report.satisfied is not False for report in reports)


def _back_to_desk(case: Case) -> None:
    case.reopened += 1
    case.satisfied = None
    for report in cases.case_reports([case.id]):
        report.satisfied = None
    for assignment in case.assignments:
        assignment.returned_at = assignment.returned_at or case.changed_at

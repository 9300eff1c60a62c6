"""合并, 撤销合并 and 拆分: which reports tell of which case, and who hears of it when that changes.

What an undo needs stands in the history: a line of merging names the reports that moved, how the clock stood and who
was being called. It is possible while the case they went to is open and not itself merged into another.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from fieldapp import alerting, cases, duplicates, messages, scope, search, timing, triage
from fieldapp.cases import Ask
from fieldapp.db import db
from fieldapp.errors import Invalid, Several
from fieldapp.models import Case, CaseEvent, Purpose, Report, User
from fieldapp.rules import severity as severities
from fieldapp.rules.deadlines import Step
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import OPEN, Refused, Status

CALLS = frozenset({"joined", "merged_in", "classify"})  # what comes to a case and may call people
LAST_DIGITS = 3
CHOICES = 8  # shown of those that fit what was typed; one more says that there are more


def hold(actor: User, number: str, action: str, ask: Ask) -> Ask:
    """Lock both cases before anything else is, in one order. The ask comes back with the whole number of the other, of
    which a piece may have been typed.

    Raises Several where more than one fit, and Invalid for two at once.
    """
    if action == "merge" and ask.to:
        ask = replace(ask, to=(_meant(actor, number, ask.to),))
    if action in ("merge", "not_same"):
        cases.hold(actor, [number, *ask.to])
    if action == "unmerge":
        into = select(Case.merged_into_id).where(Case.number == number).scalar_subquery()
        other = db.session.scalar(select(Case.number).where(Case.id == into))
        cases.hold(actor, [number, *([other] if other else [])])
    return ask


def merge(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """合并: this case is the same event as `ask.to`; its reports and their reporters move there."""
    target = _target(case, actor, ask)
    moved, told = _report_ids(case), cases.reporters(case)
    calling = bool(alerting.unanswered(case))
    data = {"into": target.number, "reports": moved, "calling": calling} | _clock(case) if target else None
    cases.apply(case, "merge", actor, now, note=ask.note, has_target=target is not None, data=data)
    assert target is not None
    _move(moved, target)
    case.merged_into_id = target.id
    was: dict[str, Any] = {"from": case.number, "reports": moved, "with": case.severity.word}
    was |= {"before": target.severity.word, "called": not alerting.unanswered(target)}
    cases.record(target, "merged_in", actor.id, now, data=was)
    duplicates.decided(case, target, True, now)
    alerting.stop(case, now)
    triage.take_in(target, case.signals, case.severity, calling and not _is_at_desk(target), now)
    for user, title in told:
        alerting.tell(target, user, messages.answer(target, messages.MERGED, title), now)


def unmerge(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """撤销合并: its reports come back, and it goes on from where it stood; who was being called for it is called again.

    Raises Refused: "merged_on" when the other was merged in turn, "target_over" when it is no longer open,
    "nothing_left" when its reports went elsewhere.
    """
    into, line = case.merged_into, _last(case, "merge")
    moved = _still_there(into, line) if into and line else []
    if why := _why_not(case):
        raise Refused(why, "unmerge", Status(case.status))
    assert into is not None and line is not None
    action = "restore" if line.source == Status.ACCEPTED else "unmerge"
    cases.apply(case, action, actor, now, note=ask.note, data={"from": into.number, "reports": moved})
    case.merged_into_id = None
    duplicates.decided(case, into, False, now)
    _rewind(case, line.data)
    _move(moved, case)
    case.signals = len(moved)
    _take_out(into, case.number, moved, actor, now)
    if case.status == Status.NEW or line.data.get("calling"):
        alerting.raise_on_intake(case, messages.call, now)
    triage.tell(case, messages.APART, now)


def can_be_undone(case: Case) -> bool:
    """True for a merged case whose reports can still come back."""
    return case.status == Status.MERGED and _why_not(case) is None


def split(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """拆分: the reports `ask.to` names are another event; they become a new case, which calls as a new one does."""
    reports = cases.case_reports([case.id])
    chosen = [report for report in reports if str(report.id) in ask.to]
    if len(chosen) != len(set(ask.to)) or len(chosen) == len(reports):
        raise Invalid({"to": "not_all_reports" if chosen else "unknown"})
    data = {"reports": [str(report.id) for report in chosen]}
    cases.apply(case, "split", actor, now, note=ask.note, has_target=bool(chosen), data=data)
    new = cases.open_case(chosen[0], now, case.town_code)
    new.severity = max(report.severity for report in chosen)
    cases.reclock(new, now)
    _move([str(report.id) for report in chosen], new)
    new.signals = len(chosen)
    case.signals = max(1, case.signals - len(chosen))
    _goes_by(case, [report for report in reports if report not in chosen])
    cases.record(new, "split_off", actor.id, now, data=data | {"from": case.number})
    duplicates.decided(case, new, False, now)
    _index(case, new)
    alerting.raise_on_intake(new, messages.call, now)
    triage.tell(new, messages.APART, now)


def _meant(actor: User, number: str, to: Sequence[str]) -> str:
    """The number of the only open one that fits, else of one that is over, to be told so; else what was typed."""
    if len(set(to)) > 1:
        raise Invalid({"to": "only_one"})
    if len(to[0]) < LAST_DIGITS:
        raise Invalid({"to": "more_digits"})  # one digit too few would merge at once into whatever it happens to fit
    found = [case for case in search.numbered(actor, to[0], CHOICES + 2) if case.number != number]
    fitting = [case for case in found if case.status in OPEN]
    if len(fitting) > 1:
        raise Several("to", [(case.number, case.title) for case in fitting[: CHOICES + 1]])
    return next((case.number for case in (*fitting, *found)), to[0])


def _target(case: Case, actor: User, ask: Ask) -> Case | None:
    if not ask.to:
        return None
    query = scope.cases(actor).where(Case.number == ask.to[0], Case.town_code == case.town_code, Case.id != case.id)
    target = db.session.scalar(cases.locked(query))
    if target is None:
        raise Invalid({"to": "no_such_case"})
    if target.status not in OPEN:
        raise Invalid({"to": "not_open"})
    return target


def _is_at_desk(case: Case) -> bool:
    """The desk took it on, has it before it and merges into it: nobody need be called to look."""
    return case.status == Status.ACCEPTED and case.paused_at is None


def _why_not(case: Case) -> str | None:
    into, line = case.merged_into, _last(case, "merge")
    if into is None or line is None:
        return "not_now"
    if into.status == Status.MERGED:
        return "merged_on"
    if into.status not in OPEN:
        return "target_over"
    return None if _still_there(into, line) else "nothing_left"


def _take_out(into: Case, number: str, moved: Sequence[str], actor: User, now: datetime) -> None:
    """The other case is as it was before this one came, as far as nothing else happened to it since."""
    line = next((e for e in reversed(_events(into)) if e.action == "merged_in" and e.data.get("from") == number), None)
    cases.record(into, "taken_out", actor.id, now, data={"from": number, "reports": list(moved)})
    into.signals = max(1, into.signals - len(moved))
    into.version += 1
    _index(into)
    triage.ease(into, _severity_without(into), now)
    if line and line.data.get("called") and into.status != Status.NEW and not _called_since(into, line):
        alerting.stop(into, now, Purpose.INTAKE)  # it was called for the sake of what left, which is called itself


def _called_since(case: Case, line: CaseEvent) -> bool:
    """Something else came to it after this line that may call people."""
    return any(entry.id > line.id and entry.action in CALLS for entry in _events(case))


def _severity_without(case: Case) -> Severity:
    """As bad as it was, and as the worst of what came since and stays; what the desk decided last counts."""
    worst: Severity | None = None
    for entry, stays in _came(case):
        if entry.action == "classify":
            worst = severities.parse(entry.data["after"]["severity"])
        elif entry.action == "merged_in" and "before" in entry.data:
            worst = worst or severities.parse(entry.data["before"])
            worst = max(worst, severities.parse(entry.data["with"])) if stays else worst
        elif entry.action == "joined" and worst is not None:
            worst = max(worst, *_severities(entry.data["reports"]))
    return worst or case.severity


def _came(case: Case) -> list[tuple[CaseEvent, bool]]:
    """The history with, for each line of merging, whether what came by it is here still."""
    left: list[str] = []
    out = []
    for entry in reversed(_events(case)):
        number = entry.data.get("from", "")
        stays = number not in left
        if entry.action == "taken_out":
            left.append(number)
        elif entry.action == "merged_in" and not stays:
            left.remove(number)
        out.append((entry, stays))
    return out[::-1]


def _severities(ids: Sequence[str]) -> list[Severity]:
    query = select(Report.severity).where(Report.id.in_([UUID(one) for one in ids]))
    return list(db.session.scalars(query)) or [Severity.BLUE]


def _events(case: Case) -> list[CaseEvent]:
    return list(db.session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.id)))


def _last(case: Case, action: str) -> CaseEvent | None:
    return next((entry for entry in reversed(_events(case)) if entry.action == action), None)


def _report_ids(case: Case) -> list[str]:
    return [str(report.id) for report in cases.case_reports([case.id])]


def _still_there(into: Case, line: CaseEvent) -> list[str]:
    here = set(_report_ids(into))
    return [one for one in line.data.get("reports", ()) if one in here]


def _move(ids: Sequence[str], case: Case) -> None:
    """Photos and voice notes belong to their report and go with it."""
    found = Report.id.in_([UUID(one) for one in ids])
    db.session.execute(update(Report).where(found).values(case_id=case.id))
    _index(case)


def _clock(case: Case) -> dict[str, Any]:
    since = case.due_since.isoformat() if case.due_since else None
    return {"due_step": case.due_step, "due_since": since}


def _rewind(case: Case, data: dict[str, Any]) -> None:
    """The clock began when it did: what was merged by mistake has not gained time by it."""
    if data.get("due_since") and data.get("due_step") == case.due_step:
        timing.start(case, Step(data["due_step"]), datetime.fromisoformat(data["due_since"]))


def _goes_by(case: Case, remaining: Sequence[Report]) -> None:
    """A case whose first report left goes by the words of the first that stays, and the first place among them: where
    what left had happened it did not.
    """
    case.title = cases.title_of(remaining[0])
    placed = next((report for report in remaining if report.lat is not None), remaining[0])
    case.lat, case.lon, case.area_code = placed.lat, placed.lon, placed.area_code


def _index(*changed: Case) -> None:
    for case in changed:
        search.note(case)

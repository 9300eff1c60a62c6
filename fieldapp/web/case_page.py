"""Everything the page of one case shows, gathered for its templates."""

from typing import Any

from fieldapp import alerting, cases, clock, directory, duties, pulse, queue, triage
from fieldapp.models import AttachmentState, Case, CaseEvent, Kind, Report, User
from fieldapp.queue import Filter
from fieldapp.rules import geo
from fieldapp.rules.escalation import Rung
from fieldapp.web import views
from fieldapp.web.transitions import Refusal, Typed

MERGE_OFFERS = 50


def for_desk(user: User, case: Case, sent: Typed | None = None, refusal: Refusal | None = None) -> dict[str, Any]:
    """The case as the desk sees it, with a form for every action open to it now."""
    actions = cases.actions(user, case)
    shown = _shown(case) | {
        "actions": actions, "typed": sent or Typed(), "refusal": refusal,
        "alerts": alerting.of_case(case), "history": list(reversed(case.events)), "stamp": pulse.of_case(case),
    }  # fmt: skip
    if "dispatch" in actions:
        shown |= _choices(user, case)
    if "classify" in actions:
        shown["categories"] = directory.categories(active=True)
    if "merge" in actions:
        shown["merge_offers"] = _merge_offers(user, case)
    return shown


def for_task(user: User, case: Case, sent: Typed | None = None, refusal: Refusal | None = None) -> dict[str, Any]:
    """The case as somebody who was called sees it: the one next step, and what else may be done."""
    actions = cases.actions(user, case)
    shown = _shown(case) | {
        "actions": actions, "typed": sent or Typed(), "refusal": refusal,
        "mine": duties.assignment_of(case, user), "step": duties.next_step(case, user, actions),
        "called": duties.best_known(alerting.of_case(case)), "me": user,
    }  # fmt: skip
    if "transfer" in actions:
        shown |= _choices(user, case)
    return shown


def _shown(case: Case) -> dict[str, Any]:
    reports = cases.case_reports([case.id])
    return {
        "case": case, "now": clock.now(), "reports": reports, "placed": _placed(reports), "far_off": _far_off(case),
        "photos_of": {report.id: _photos(report) for report in reports},
        "voices_of": {report.id: _voices(report) for report in reports},
        "asked": _last_words(case, "dispatch", "return", "transfer"), "done": _last_words(case, "report_outcome"),
        "after_photos": [views.photo(a) for a in cases.after_photos(case)],
    }  # fmt: skip


def _last_words(case: Case, *actions: str) -> CaseEvent | None:
    """The latest of these actions that said something: what the desk asked for, what was done."""
    return next((e for e in reversed(case.events) if e.action in actions and e.note), None)


def _photos(report: Report) -> list[dict[str, Any]]:
    return [views.photo(a) for a in report.attachments if a.kind == Kind.PHOTO]


def _voices(report: Report) -> list[str]:
    ready = [a for a in report.attachments if a.kind == Kind.VOICE and a.state == AttachmentState.READY]
    return [f"/voices/{voice.id}" for voice in ready]


def _placed(reports: list[Report]) -> Report | None:
    """The report whose position the case shows: the first that has one."""
    return next((report for report in reports if report.lat is not None), None)


def _far_off(case: Case) -> bool:
    """Outside the county: more often an old fix than a long walk."""
    return case.lat is not None and case.lon is not None and not geo.in_county(case.lat, case.lon)


def _choices(user: User, case: Case) -> dict[str, Any]:
    on_call = {person.id for person in alerting.on_call(case.town_code, Rung.ON_CALL, clock.now())}
    people = sorted(triage.callable_people(user), key=lambda person: (person.id not in on_call, person.name))
    return {"people": people, "on_call": on_call, "departments": triage.callable_departments(user)}


def _merge_offers(user: User, case: Case) -> list[Case]:
    found, _ = queue.page(user, Filter("open"), "", MERGE_OFFERS, clock.now())
    return [other for other in found if other.id != case.id]

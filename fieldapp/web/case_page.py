"""Everything the page of one case shows, gathered for its templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldapp import (
    alerting,
    cases,
    clock,
    directory,
    duplicates,
    duties,
    locating,
    merging,
    oncall,
    paste,
    phrases,
    pulse,
    triage,
)
from fieldapp.models import Alert, Assignment, Case, CaseEvent, Delivery, Kind, Purpose, Report, User
from fieldapp.rules import geo
from fieldapp.rules.delivery import SEEN
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import Role
from fieldapp.rules.workflow import BEGINS_ANEW
from fieldapp.web import delivery_words, dispatching, duplicate_words, sheet, views, words
from fieldapp.web.tongue import later as _
from fieldapp.web.transitions import Refusal, Typed

ASKS = ("dispatch", "reinforce", "return", "transfer", "nudge", "supervise")
SENDS_BACK = ("dispute", "return", "step_back", "reopen", "decline")


@dataclass(frozen=True)
class Called:
    """Somebody who was called or sent, and the most that is known: what he or she did, else what a phone confirmed."""

    name: str
    state: str
    good: bool
    at: datetime


def for_desk(user: User, case: Case, sent: Typed | None = None, refusal: Refusal | None = None) -> dict[str, Any]:
    """The case as the desk sees it, with a form for every action open to it now."""
    actions, alerts = cases.actions(user, case), alerting.of_case(case)
    shown = _shown(case) | {
        "actions": actions, "typed": sent or Typed(), "refusal": refusal, "sent_back": _said(case),
        "alerts": [alert for alert in alerts if alert.purpose != Purpose.ANSWER],
        "told": _told(alerts), "history": list(reversed(case.events)), "stamp": pulse.of_case(case),
    }  # fmt: skip
    shown |= {"verdict": locating.verdict(case), "keepers": locating.keepers(case.area_code)}
    shown["sent"] = dispatching.sent(case, shown["now"])
    if "grant" in actions:
        shown |= {"asked_for": _last_words(case.events, "ask_extension"), "leads": user.role == Role.LEADER}
    if "dispatch" in actions:
        shown |= dispatching.choices(user, case, shown["now"])
    if "classify" in actions:
        shown["categories"] = directory.categories(active=True)
    shown |= {"offers": duplicates.likely(user, case, shown["now"]), "reasons": duplicate_words.reasons}
    if "unmerge" in actions and not merging.can_be_undone(case):
        actions.remove("unmerge")
    reports = shown["reports"]
    shown["taken_of"] = sheet.taken(reports, shown["after"])
    return shown | {"phrases": phrases.for_case(user, case, actions), "block": paste.block(case, reports)}


def for_task(user: User, case: Case, sent: Typed | None = None, refusal: Refusal | None = None) -> dict[str, Any]:
    """The case as somebody who was called sees it: the one next step, and what else may be done."""
    actions = cases.actions(user, case)
    shown = _shown(case) | {
        "actions": actions, "typed": sent or Typed(), "refusal": refusal,
        "mine": duties.assignment_of(case, user), "step": duties.next_step(case, user, actions),
        "called": called(user, case), "me": user,
        "follow": case.merged_into is not None and bool(cases.parts(user, case.merged_into)),
    }  # fmt: skip
    if "transfer" in actions:
        shown |= _choices(user, case)
    return shown


def called(user: User, case: Case) -> list[Called]:
    """Everybody else who was called or sent since the case last began anew."""
    since = _round(case)[0].at
    deliveries = duties.best_known([alert for alert in alerting.of_case(case) if alert.raised_at >= since])
    held = [duties.assignment_of(case, delivery.user) for delivery in deliveries]
    own = duties.assignment_of(case, user)
    silent = [a for a in case.assignments if a.standing and a is not own and a not in held]
    others = [_of_called(case, delivery) for delivery in deliveries if delivery.user_id != user.id]
    return others + [_reached(a) or Called(a.name, words.ALERT["open"], False, a.sent_at) for a in silent]


def _of_called(case: Case, delivery: Delivery) -> Called:
    """What one did counts more than what a push service says; one who stepped back is not waited for."""
    person = delivery.user
    standing = duties.assignment_of(case, person)
    if standing and (done := _reached(standing, person.name)):
        return done
    left = next((a.returned_at for a in case.assignments if a.user_id == person.id and a.returned_at), None)
    if left and left > delivery.created_at:
        return Called(person.name, _("已退出"), False, left)
    return Called(person.name, delivery_words.brief(delivery), delivery.state in SEEN, delivery.updated_at)


def _reached(one: Assignment, name: str = "") -> Called | None:
    furthest = delivery_words.reached(one)
    return Called(name or one.name, furthest[0], True, furthest[1]) if furthest else None


def _told(alerts: Sequence[Alert]) -> list[tuple[Delivery, int]]:
    """Each reporter once: what is known of the latest answer, and how many there were."""
    latest: dict[int, Delivery] = {}
    times: dict[int, int] = {}
    for alert in (alert for alert in reversed(alerts) if alert.purpose == Purpose.ANSWER):
        for delivery in sorted(alert.deliveries, key=lambda one: (one.state in SEEN, one.updated_at)):
            latest[delivery.user_id] = delivery
        for user_id in {delivery.user_id for delivery in alert.deliveries}:
            times[user_id] = times.get(user_id, 0) + 1
    return [(delivery, times[user_id]) for user_id, delivery in latest.items()]


def _said(case: Case) -> CaseEvent | None:
    """The last words that sent the case back or turned it away; none once it was closed after them."""
    closed = max((n for n, entry in enumerate(case.events) if entry.action == "close"), default=-1)
    return _last_words(case.events[closed + 1 :], *SENDS_BACK)


def _round(case: Case) -> list[CaseEvent]:
    """The history since the case last began anew."""
    begun = max((n for n, entry in enumerate(case.events) if entry.action in BEGINS_ANEW), default=0)
    return case.events[begun:]


def _shown(case: Case) -> dict[str, Any]:
    reports, after = cases.case_reports([case.id]), cases.after_photos(case)
    return {
        "after": after, "case": case, "now": clock.now(), "reports": reports, "placed": _placed(reports),
        "far_off": _far_off(case),
        "photos_of": {report.id: _photos(report) for report in reports},
        "voices_of": {report.id: views.voices(report) for report in reports},
        "begun_at": _round(case)[0].at, "asked": _last_words(_round(case), *ASKS),
        "hurried": next((e for e in reversed(case.events) if e.action == "nudge"), None) if case.nudged_at else None,
        "done": _last_words(case.events, "report_outcome", "assist_outcome"),
        "after_photos": [views.photo(a) for a in after],
    }  # fmt: skip


def _last_words(events: Sequence[CaseEvent], *actions: str) -> CaseEvent | None:
    """The latest of these actions that said something: what the desk asked for, what was done."""
    return next((e for e in reversed(events) if e.action in actions and e.note), None)


def _photos(report: Report) -> list[dict[str, Any]]:
    return [views.photo(a) for a in report.attachments if a.kind == Kind.PHOTO]


def _placed(reports: list[Report]) -> Report | None:
    """The report whose position the case shows: the first that has one."""
    return next((report for report in reports if report.lat is not None), None)


def _far_off(case: Case) -> bool:
    """Outside the county: more often an old fix than a long walk."""
    return case.lat is not None and case.lon is not None and not geo.in_county(case.lat, case.lon)


def _choices(user: User, case: Case) -> dict[str, Any]:
    on_call = {person.id for person in oncall.holders(case.town_code, Rung.ON_CALL, clock.now())}
    people = sorted(triage.callable_people(user), key=lambda person: (person.id not in on_call, person.name))
    return {"people": people, "on_call": on_call, "departments": triage.callable_departments(user)}

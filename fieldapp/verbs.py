"""Every action by its name in the transition table, so that the API, the desk and the phone all do the same."""

from collections.abc import Callable
from datetime import datetime

from fieldapp import alerting, cases, duplicates, merging, response, terms, triage, whistle
from fieldapp.cases import Ask
from fieldapp.errors import Conflict, NotAllowed
from fieldapp.models import UNANSWERED, Alert, AlertState, Case, Delivery, User
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.roles import IS_CALLED, WORKS_DESK
from fieldapp.rules.workflow import DESK, Part, Refused, Status

Verb = Callable[[Case, User, Ask, datetime], None]

VERBS: dict[str, Verb] = {
    "accept": triage.accept,
    "decline": triage.decline,
    "merge": merging.merge,
    "unmerge": merging.unmerge,
    "split": merging.split,
    "not_same": duplicates.not_same,
    "dispatch": triage.dispatch,
    "reinforce": whistle.reinforce,
    "set_lead": whistle.set_lead,
    "classify": triage.classify,
    "verify": triage.verify,
    "close": triage.close,
    "reopen": triage.reopen,
    "confirm": triage.confirm,
    "dispute": triage.dispute,
    "acknowledge": response.acknowledge,
    "depart": response.depart,
    "arrive": response.arrive,
    "report_outcome": response.report_outcome,
    "transfer": response.transfer,
    "park": terms.park,
    "resume": terms.resume,
    "ask_extension": terms.ask_extension,
    "grant": terms.grant,
    "refuse": terms.refuse,
    "nudge": terms.nudge,
    "supervise": terms.supervise,
}


def perform(actor: User, number: str, action: str, ask: Ask, version: int, now: datetime, *wanted: Part) -> Case:
    """Load the case, check that it is still the one that was shown, and take the action. Commit is the caller's.

    Raises NotHere (also for who plays none of the `wanted` parts, when any are named), NotAllowed,
    Conflict("stale"), Refused or Invalid, and then nothing has changed.
    """
    ask = merging.hold(actor, number, action, ask)
    case = cases.load(actor, number, lock=True)
    if wanted:
        cases.check_part(actor, case, *wanted)
    cases.check_version(case, version)
    _verb(case, actor, action)(case, actor, ask, now)
    return case


def _verb(case: Case, actor: User, action: str) -> Verb:
    if action == "return":
        desk_checks = case.status in (Status.ANSWERED, Status.VERIFIED)
        return triage.send_back if desk_checks and DESK in cases.parts(actor, case) else response.give_back
    if action == "report_outcome" and Part.ASSIGNEE not in cases.parts(actor, case):
        return triage.report_outcome
    if action not in VERBS:
        raise Refused("unknown", action, Status(case.status))
    return VERBS[action]


def sign(delivery: Delivery, now: datetime) -> None:
    """签收 from a push or a link, whatever the version; one that came before is not asked again.

    Raises NotAllowed for an account that was disabled or a device that is no longer the user's, NotHere for a case
    that is no longer his or hers to open, Conflict("alert_over") when this call has ended.
    """
    actor, alert = delivery.user, delivery.alert
    if not actor.active or not alerting.may_sign(delivery, now):
        raise NotAllowed("token")
    if alert.case is None:
        alerting.confirm(delivery, now)
        return
    case = cases.load(actor, alert.case.number, lock=True)
    alerting.hold(alert)
    if delivery.state == DeliveryState.ACKNOWLEDGED:
        return
    if alert.state not in UNANSWERED and not _others_were_faster(alert, case):
        raise Conflict("alert_over")
    _sign(case, actor, now)


def _others_were_faster(alert: Alert, case: Case) -> bool:
    """Somebody else signed this very call, and nobody has been called anew since: both are on their way."""
    newer = any(other.raised_at > alert.raised_at for other in alerting.unanswered(case))
    return alert.state == AlertState.ACKNOWLEDGED and not newer


def _sign(case: Case, actor: User, now: datetime) -> None:
    """Those who go acknowledge; the desk signs by accepting, or, when that was done before, by saying that it knows."""
    if Part.ASSIGNEE in cases.parts(actor, case) and not actor.plays(WORKS_DESK - IS_CALLED):
        response.acknowledge(case, actor, Ask(), now)
    elif case.status == Status.NEW:
        triage.accept(case, actor, Ask(), now)
    else:
        alerting.acknowledge(case, actor, now)
        cases.record(case, "acknowledge", actor.id, now)

"""Every action by its name in the transition table, so that the API, the desk and the phone all do the same."""

from collections.abc import Callable
from datetime import datetime

from fieldapp import cases, response, triage
from fieldapp.cases import Ask
from fieldapp.errors import NotAllowed
from fieldapp.models import Case, User
from fieldapp.rules.workflow import DESK, Part, Refused, Status

Verb = Callable[[Case, User, Ask, datetime], None]

VERBS: dict[str, Verb] = {
    "accept": triage.accept,
    "decline": triage.decline,
    "merge": triage.merge,
    "dispatch": triage.dispatch,
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
}


def perform(actor: User, number: str, action: str, ask: Ask, version: int, now: datetime) -> Case:
    """Load the case, check that it is still the one that was shown, and take the action. Commit is the caller's.

    Raises NotHere, NotAllowed, Conflict("stale"), Refused or Invalid, and then nothing has changed.
    """
    case = cases.load(actor, number, lock=True)
    cases.check_version(case, version)
    _verb(case, actor, action)(case, actor, ask, now)
    return case


def _verb(case: Case, actor: User, action: str) -> Verb:
    if action == "return":
        desk_checks = case.status in (Status.ANSWERED, Status.VERIFIED)
        return triage.send_back if desk_checks and DESK in cases.parts(actor, case) else response.give_back
    if action not in VERBS:
        raise Refused("unknown", action, Status(case.status))
    return VERBS[action]


def sign(actor: User, number: str, now: datetime) -> None:
    """签收 from a push, whatever the version: the desk signs by accepting, everybody else by acknowledging.

    Raises NotAllowed for an account that was disabled, NotHere for a case that is no longer the actor's to open.
    """
    if not actor.active:
        raise NotAllowed("token")
    case = cases.load(actor, number, lock=True)
    verb = response.acknowledge if Part.ASSIGNEE in cases.parts(actor, case) else triage.accept
    verb(case, actor, Ask(), now)

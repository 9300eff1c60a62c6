"""Which limit runs for a case, and until when. Natural time; limits come from an editable table."""

from collections.abc import Mapping
from enum import StrEnum

from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import Status


class Step(StrEnum):
    """What is being waited for."""

    TRIAGE = "triage"
    ACKNOWLEDGE = "acknowledge"
    ARRIVE = "arrive"
    OUTCOME = "outcome"
    VERIFY = "verify"


Limits = Mapping[tuple[Severity, Step], int]
"""Minutes allowed for each step at each severity."""

WAITS_FOR: Mapping[Status, Step] = {
    Status.NEW: Step.TRIAGE,
    Status.ACCEPTED: Step.TRIAGE,
    Status.DISPATCHED: Step.ACKNOWLEDGE,
    Status.ACKNOWLEDGED: Step.ARRIVE,
    Status.EN_ROUTE: Step.ARRIVE,
    Status.ON_SCENE: Step.OUTCOME,
    Status.ANSWERED: Step.VERIFY,
    Status.VERIFIED: Step.VERIFY,
}

# The country's published practice where there is one (docs/glossary.md), plain defaults elsewhere. Minutes.
DEFAULT_LIMITS: Limits = {
    (Severity.RED, Step.TRIAGE): 10,
    (Severity.RED, Step.ACKNOWLEDGE): 5,
    (Severity.RED, Step.ARRIVE): 30,
    (Severity.RED, Step.OUTCOME): 24 * 60,
    (Severity.RED, Step.VERIFY): 24 * 60,
    (Severity.YELLOW, Step.TRIAGE): 60,
    (Severity.YELLOW, Step.ACKNOWLEDGE): 30,
    (Severity.YELLOW, Step.ARRIVE): 4 * 60,
    (Severity.YELLOW, Step.OUTCOME): 72 * 60,
    (Severity.YELLOW, Step.VERIFY): 24 * 60,
    (Severity.BLUE, Step.TRIAGE): 60,
    (Severity.BLUE, Step.ACKNOWLEDGE): 12 * 60,
    (Severity.BLUE, Step.ARRIVE): 7 * 24 * 60,
    (Severity.BLUE, Step.OUTCOME): 7 * 24 * 60,
    (Severity.BLUE, Step.VERIFY): 72 * 60,
}


# However the limits are edited, an alarm climbs while it still helps. Minutes.
LONGEST: Limits = {
    (Severity.RED, Step.ACKNOWLEDGE): 60,
    (Severity.RED, Step.TRIAGE): 24 * 60,
    (Severity.YELLOW, Step.ACKNOWLEDGE): 24 * 60,
}


def waits_for(status: Status) -> Step | None:
    """The step a case in this status waits for; None when nothing runs any more."""
    return WAITS_FOR.get(status)

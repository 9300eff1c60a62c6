"""Who is called first, who next, and how long each rung is given. Pure: people are named by rung, not by id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fieldapp.rules.severity import Severity


class Rung(StrEnum):
    """A group of people that an alert can call."""

    ON_CALL = "on_call"
    DESK = "desk"
    LEADER = "leader"
    NAMED = "named"


SHOWN_WITHIN = timedelta(seconds=60)
"""When no device has confirmed `shown` by then, the desk is told that nobody is known to have seen it."""

DELIVERY_HORIZON = timedelta(hours=24)
"""How long a push service may keep an alert for a phone that is off (its TTL)."""

# What a new report sets off by itself; a blue one only joins the queue.
ON_INTAKE: Mapping[Severity, tuple[tuple[Rung, ...], ...]] = {
    Severity.RED: ((Rung.ON_CALL,), (Rung.LEADER,)),
    Severity.YELLOW: ((Rung.ON_CALL, Rung.DESK), (Rung.LEADER,)),
    Severity.BLUE: (),
}
# A case that was given back: those on call and the desk; a blue one waits for the desk to choose.
ON_RETURN: Mapping[Severity, tuple[tuple[Rung, ...], ...]] = {
    Severity.RED: ((Rung.ON_CALL, Rung.DESK), (Rung.LEADER,)),
    Severity.YELLOW: ((Rung.ON_CALL, Rung.DESK), (Rung.LEADER,)),
    Severity.BLUE: ((Rung.DESK,), (Rung.LEADER,)),
}
ON_DISPATCH: tuple[tuple[Rung, ...], ...] = ((Rung.NAMED,), (Rung.LEADER,))


@dataclass(frozen=True)
class Step:
    """The next thing an unanswered alert does: call `groups`, then look again at `look_again`.

    `groups` is empty when no rung is left: the alert is exhausted and belongs on the desk's red list.
    """

    groups: tuple[Rung, ...]
    look_again: datetime | None

    @property
    def exhausted(self) -> bool:
        """True when nobody is left to call."""
        return not self.groups


def climb(ladder: tuple[tuple[Rung, ...], ...], rung: int, minutes: int, now: datetime) -> Step:
    """The step at `rung` (0 is the first) of `ladder`, giving each rung `minutes` to acknowledge."""
    if rung >= len(ladder):
        return Step((), None)
    return Step(ladder[rung], now + timedelta(minutes=minutes))


def retry_delay(attempt: int, retry_after: float | None, jitter: float) -> timedelta:
    """How long to wait before try `attempt` + 1: doubling from 2 s to 5 min, plus up to half in `jitter` (0..1).

    A `retry_after` (seconds) from the service is a floor, itself held to an hour.
    """
    backoff = min(300.0, 2.0 ** min(attempt, 10)) * (1 + jitter / 2)
    return timedelta(seconds=max(backoff, min(retry_after or 0.0, 3600.0)))

"""Who is called first, who next, and how long each rung is given. Pure: people are named by group or id, as text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from fieldapp.rules.severity import Severity


class Rung(StrEnum):
    """A group of people that an alert can call."""

    ON_CALL = "on_call"
    BACKUP = "backup"
    DESK = "desk"
    LEADER = "leader"
    NAMED = "named"


SHOWN_WITHIN = timedelta(seconds=60)
"""When no device has confirmed `shown` by then, the next channel is tried and the desk is told."""

DELIVERY_HORIZON = timedelta(hours=24)
"""How long a push service may keep an alert for a phone that is off (its TTL)."""

MOST_RUNGS = 8
MOST_REPEATS = 10
LONGEST_MINUTES = 24 * 60
_WHO = re.compile(r"on_call|backup|desk|leader|named|person:[0-9]{1,9}|department:[0-9]{1,9}")


class BadPolicy(ValueError):
    """A ladder that cannot be climbed; `at` names the rung (from 0; -1 for the whole), `why` says what is wrong."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(f"rung {at}: {why}")
        self.at, self.why = at, why


@dataclass(frozen=True)
class Call:
    """One rung: whom to call, and what happens until the next.

    `who` and `copied` name groups (Rung), "person:<id>" or "department:<id>". `minutes` is how long they have to
    acknowledge (None: the limit of the severity). `channels` are kinds in order; none means each person's own order.
    `at_once`: every channel at the same time instead of one after the other.
    """

    who: tuple[str, ...]
    minutes: int | None = None
    copied: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    at_once: bool = False


@dataclass(frozen=True)
class Policy:
    """A ladder of rungs, climbed once and then `repeat` times more while nobody acknowledges."""

    rungs: tuple[Call, ...] = ()
    repeat: int = 0
    name: str = field(default="", compare=False)

    @property
    def calls(self) -> bool:
        """False when this policy calls nobody: the case only joins the queue."""
        return bool(self.rungs)

    def at(self, rung: int) -> Call | None:
        """The call at this step of the climb (0 is the first); None when no rung is left."""
        if not self.rungs or rung >= len(self.rungs) * (self.repeat + 1):
            return None
        return self.rungs[rung % len(self.rungs)]

    def round_over(self, rung: int) -> bool:
        """True when this step begins the ladder anew: everybody was called once and nobody acknowledged."""
        return bool(self.rungs) and rung > 0 and rung % len(self.rungs) == 0

    def as_data(self) -> dict[str, Any]:
        """What is kept in the database and with each alert; `of_data` reads it back."""
        rungs = [
            {
                "who": list(call.who), "minutes": call.minutes, "copied": list(call.copied),
                "channels": list(call.channels), "at_once": call.at_once,
            }
            for call in self.rungs
        ]  # fmt: skip
        return {"rungs": rungs, "repeat": self.repeat, "name": self.name}


def of_data(data: Mapping[str, Any]) -> Policy:
    """The policy in `data`, as `Policy.as_data` wrote it."""
    rungs = tuple(
        Call(
            tuple(rung["who"]), rung.get("minutes"), tuple(rung.get("copied", ())), tuple(rung.get("channels", ())),
            bool(rung.get("at_once", False)),
        )
        for rung in data["rungs"]
    )  # fmt: skip
    return Policy(rungs, int(data.get("repeat", 0)), str(data.get("name", "")))


def check(policy: Policy, channels: Sequence[str], named: bool) -> None:
    """Raises BadPolicy for the first thing that cannot be: `named` allows those whom a dispatch names."""
    if len(policy.rungs) > MOST_RUNGS:
        raise BadPolicy(-1, "too_many_rungs")
    if not 0 <= policy.repeat <= MOST_REPEATS:
        raise BadPolicy(-1, "too_many_repeats")
    for at, call in enumerate(policy.rungs):
        everybody = (*call.who, *call.copied)
        if not call.who:
            raise BadPolicy(at, "nobody_chosen")
        if any(not _WHO.fullmatch(one) or (one == Rung.NAMED and not named) for one in everybody):
            raise BadPolicy(at, "unknown_who")
        if call.minutes is not None and not 1 <= call.minutes <= LONGEST_MINUTES:
            raise BadPolicy(at, "minutes_out_of_range")
        if any(channel not in channels for channel in call.channels):
            raise BadPolicy(at, "unknown_channel")


def _ladder(*rungs: tuple[str, ...], repeat: int = 0) -> Policy:
    return Policy(tuple(Call(who) for who in rungs), repeat)


# What happens where no town has decided otherwise. A new blue report only joins the queue.
DEFAULTS: Mapping[tuple[str, Severity], Policy] = {
    ("intake", Severity.RED): _ladder((Rung.ON_CALL,), (Rung.LEADER,), repeat=2),
    ("intake", Severity.YELLOW): _ladder((Rung.ON_CALL, Rung.DESK), (Rung.LEADER,)),
    ("intake", Severity.BLUE): Policy(),
    # a case that was given back: those on call and the desk; a blue one waits for the desk to choose
    ("return", Severity.RED): _ladder((Rung.ON_CALL, Rung.DESK), (Rung.LEADER,), repeat=2),
    ("return", Severity.YELLOW): _ladder((Rung.ON_CALL, Rung.DESK), (Rung.LEADER,)),
    ("return", Severity.BLUE): _ladder((Rung.DESK,), (Rung.LEADER,)),
    ("dispatch", Severity.RED): _ladder((Rung.NAMED,), (Rung.LEADER,), repeat=2),
    ("dispatch", Severity.YELLOW): _ladder((Rung.NAMED,), (Rung.LEADER,)),
    ("dispatch", Severity.BLUE): _ladder((Rung.NAMED,), (Rung.LEADER,)),
}


def retry_delay(attempt: int, retry_after: float | None, jitter: float) -> timedelta:
    """How long to wait before try `attempt` + 1: doubling from 2 s to 5 min, plus up to half in `jitter` (0..1).

    A `retry_after` (seconds) from the service is a floor, itself held to an hour.
    """
    backoff = min(300.0, 2.0 ** min(attempt, 10)) * (1 + jitter / 2)
    return timedelta(seconds=max(backoff, min(retry_after or 0.0, 3600.0)))


def quiet_until(now: datetime, quiet_from: int | None, quiet_to: int | None) -> datetime | None:
    """The end of the quiet hours that `now` (in local time) lies in; None outside of them.

    Both are minutes of the local day; a span that begins later than it ends goes over midnight.
    """
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return None
    minute = now.hour * 60 + now.minute
    inside = quiet_from <= minute < quiet_to if quiet_from < quiet_to else minute >= quiet_from or minute < quiet_to
    if not inside:
        return None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    later = timedelta(days=1 if quiet_from > quiet_to and minute >= quiet_from else 0)
    return midnight + later + timedelta(minutes=quiet_to)

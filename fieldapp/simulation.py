"""What would happen: an alert that nobody sees or signs, climbed through the engine's own steps. Nothing is written.

It is taken that every way takes what is sent to it; what no screen confirms within a minute is said as the desk
would hear it. Who is on call, who can be reached and whose quiet hours run is asked for each moment ahead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import uuid4

from sqlalchemy import select

from fieldapp import reach
from fieldapp.channels.kinds import GROUPS
from fieldapp.db import db
from fieldapp.models import Alert, AlertState, Delivery, Gateway
from fieldapp.reach import QUIET, Climb, Meant
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.escalation import Call, Policy
from fieldapp.rules.severity import Severity


@dataclass(frozen=True)
class Way:
    """One kind of channel to a person: how many addresses, when it is used, and whether quiet hours hold it."""

    kind: str
    addresses: int
    at: datetime
    held: bool


@dataclass(frozen=True)
class Reached:
    """Somebody who would be called, and through what; without any way he or she is not reached.

    `quiet` is when the person's quiet hours end that run at this moment: a red alert goes out all the same.
    """

    name: str
    why: str
    copied: bool
    ways: tuple[Way, ...]
    quiet: datetime | None = None

    @property
    def asleep(self) -> bool:
        """True when quiet hours hold back every way there is."""
        return bool(self.ways) and all(way.held for way in self.ways)


@dataclass(frozen=True)
class Moment:
    """Something that would happen: `event` is the word the case's history would keep. Only a call has people."""

    at: datetime
    event: str
    rung: int
    call: Call | None = None
    people: tuple[Reached, ...] = ()


@dataclass(frozen=True)
class Question:
    """A case that might come: where, of what kind, when; to whom it was sent, or who gave it back."""

    town_code: str
    purpose: str
    severity: Severity
    at: datetime
    named: Sequence[int] = ()
    without: Sequence[int] = ()


def run(policy: Policy, question: Question) -> list[Moment]:
    """Everything that would happen, in order, until somebody has to look at the desk's red list.

    `policy` has its minutes filled in. None at all for a policy that calls nobody.
    """
    return list(_climb(_alert(policy, question), policy, question.at)) if policy.calls else []


def groups(town_code: str) -> list[str]:
    """The names of the group bots that get a line about every call in this town."""
    query = select(Gateway.name).where(Gateway.town_code == town_code, Gateway.active, Gateway.kind.in_(GROUPS))
    return list(db.session.scalars(query.order_by(Gateway.id)))


def _climb(alert: Alert, policy: Policy, now: datetime) -> Iterator[Moment]:
    while (call := policy.at(alert.rung)) is not None:
        if policy.round_over(alert.rung):
            yield Moment(now, "round_over", alert.rung)
        step = reach.climb(alert, policy, call, now)
        yield Moment(now, step.event, alert.rung, call, _reached_all(step, now))
        until = alert.next_step_at or now
        if alert.look_at is not None and (alert.look_at <= now or alert.look_at < until):
            yield Moment(max(alert.look_at, now), "unseen", alert.rung)
            alert.look_at, alert.unreached_at = None, now
        now, alert.rung = until, alert.rung + 1
    yield Moment(now, "exhausted", alert.rung)


def _alert(policy: Policy, question: Question) -> Alert:
    """One that belongs to no session and so to no table."""
    kept = policy.as_data() | {"named": list(question.named), "without": list(question.without)}
    return Alert(
        id=uuid4(), town_code=question.town_code, purpose=question.purpose, severity=question.severity,
        state=AlertState.OPEN, raised_at=question.at, rung=0, policy=kept,
    )  # fmt: skip


def _reached_all(step: Climb, now: datetime) -> tuple[Reached, ...]:
    quiet = reach.quiet_ends((meant.user for meant in step.people), now)
    return tuple(_reached(meant, step.calls, quiet[meant.user.id]) for meant in step.people)


def _reached(meant: Meant, calls: Sequence[Delivery], quiet: datetime | None) -> Reached:
    own = [d for d in calls if d.user_id == meant.user.id and d.state != DeliveryState.FAILED]
    ways = tuple(_way(list(same)) for _turn, same in groupby(own, key=lambda delivery: delivery.turn))
    return Reached(meant.user.name, meant.why, meant.copied, ways, quiet if ways else None)


def _way(same: list[Delivery]) -> Way:
    first = same[0]
    assert first.due_at is not None
    return Way(first.channel, len(same), first.due_at, first.error == QUIET)

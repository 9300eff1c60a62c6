"""The alerts of a made-up case: answered or, of an open one, as far as they have climbed by now."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from fieldapp.models import AlertState, Purpose
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import Role
from fieldapp.rules.severity import COLOUR
from tests.filling import clocks
from tests.filling.bulk import Bulk, Event, dashed
from tests.filling.clocks import Climb, Ladder
from tests.filling.county import Person
from tests.filling.lives import Life

SHOWN_AFTER_S, KEPT_S = 1.5, 86400


class Sink(Protocol):
    """Where the rows go."""

    bulk: Bulk
    chance: random.Random
    now: float
    rows: dict[str, list[tuple[object, ...]]]


@dataclass(slots=True)
class Call:
    """One alert about a case; `signer` is who answered, or is expected to. `ends` without `signed`: it was stopped."""

    id: str
    life: Life
    purpose: Purpose
    ladder: Ladder
    raised: float
    ends: float | None
    signed: bool
    signer: Person


def of(life: Life, title: str, sink: Sink) -> list[Event]:
    """Write the case's alerts and deliveries; what its history says of them."""
    events: list[Event] = []
    for call in _raised(life, sink.chance):
        climb = clocks.climb(call.ladder, call.raised, call.ends or sink.now)
        events += _told(call, climb)
        _alert(call, climb, title, sink)
        for rung, at in climb.called:
            _delivery(call, rung, at, sink)
    return events


def _raised(life: Life, chance: random.Random) -> Iterator[Call]:
    kind = life.severity, life.scene.category
    ladder = clocks.ladder(life.town.code, Purpose.INTAKE, *kind)
    if ladder.policy.calls:
        by_desk = Rung.DESK in ladder.policy.rungs[0].who  # whose 受理 is its signature
        signed = life.when("accept" if by_desk else "acknowledge")
        ends = signed or life.when("dispatch") or life.ended
        who = life.desk if by_desk else life.crew
        yield Call(_id(chance), life, Purpose.INTAKE, ladder, life.opened, ends, signed is not None, who)
    sent, signed = life.when("dispatch"), life.when("acknowledge")
    if sent is not None:
        ladder = clocks.ladder(life.town.code, Purpose.DISPATCH, *kind)
        yield Call(_id(chance), life, Purpose.DISPATCH, ladder, sent, signed, signed is not None, life.crew)


def _told(call: Call, climb: Climb) -> Iterator[Event]:
    for rung, at in climb.called:
        if call.ladder.policy.round_over(rung):
            yield at, "round_over", None, None, None, "", "{}"
        who = call.ladder.who[rung % len(call.ladder.who)]
        data = f'{{"alert": "{dashed(call.id)}", "rung": {who}, "people": [{_person(call, rung).quoted}]}}'
        yield at, "called", None, None, None, "", data
    if climb.exhausted:
        yield climb.exhausted, "exhausted", None, None, None, "", "{}"


def _alert(call: Call, climb: Climb, title: str, sink: Sink) -> None:
    life, at = call.life, sink.bulk.at
    state = AlertState.EXHAUSTED if climb.exhausted else AlertState.OPEN
    if call.ends is not None:
        state = AlertState.ACKNOWLEDGED if call.signed else AlertState.STOPPED
    dispatched = call.purpose == Purpose.DISPATCH
    named = f', "named": [{life.crew.id if dispatched else ""}], "without": []}}'
    sink.rows["alerts"].append((
        call.id, life.id, life.town.code, call.purpose.value, int(life.severity), state.value,
        f"{COLOUR[life.severity]} {'派给您：' if dispatched else ''}{title}"[:80],
        f"{life.village.name} · {life.number}", f"/tasks/{life.number}", at(call.raised),
        climb.rung, call.ladder.text + named, at(climb.following) if state == AlertState.OPEN else None,
        at(climb.unreached), at(call.ends) if call.signed else None, call.signer.id if call.signed else None,
    ))  # fmt: skip


def _delivery(call: Call, rung: int, called: float, sink: Sink) -> None:
    """Shown to everybody; who signed has opened it too."""
    person, at = _person(call, rung), sink.bulk.at
    signed = call.ends if call.signed and person is call.signer else None
    state = DeliveryState.SHOWN if signed is None else DeliveryState.ACKNOWLEDGED
    shown = called + SHOWN_AFTER_S
    why = call.ladder.policy.rungs[rung % len(call.ladder.who)].who[0]
    sink.rows["deliveries"].append((
        _id(sink.chance), call.id, person.id, "webpush", rung, 0, why, 0, state.value, 1, at(called),
        at(signed or shown), at(called + KEPT_S), at(called + 0.4), at(shown), at(signed),
    ))  # fmt: skip


def _person(call: Call, rung: int) -> Person:
    """On the first rung who signs, on the others the leader."""
    return call.life.town.people[Role.LEADER][0] if rung % len(call.ladder.who) else call.signer


def _id(chance: random.Random) -> str:
    return f"{chance.getrandbits(128):032x}"

"""The worker that calls people: escalate, look, deliver, expire, audit. `python -m fieldapp.worker`.

Timers are rows, claims are leases, and nothing is marked done before it is. A SIGKILL at any instant repeats at
most the sends in flight. Any number of workers may run against one PostgreSQL.
"""

import asyncio
import gc
import logging
import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from fieldapp import clock, deliver, groups, ledgers, nudges, proofs, search, upkeep
from fieldapp.channels import Temporary, webpush
from fieldapp.channels.sender import Sender
from fieldapp.channels.webpush import Push
from fieldapp.config import Settings
from fieldapp.core import create_core
from fieldapp.db import Writes
from fieldapp.deliver import GATEWAY, Claim, Outcome
from fieldapp.groups import Bundle
from fieldapp.loop import HEARTBEAT_S, LOOK_S, POLL_S, BitByBit, Every, Stop, guarded, name
from fieldapp.parcels import AT_ONCE, Post

AUDIT_S = 5.0
ROTA_S = 30.0
CHASE_S, CHASE_ON_S = 10.0, 0.5
BITS_S = 0.1  # between a few rows of a ledger and the next, two batches of old cases: who is called goes before
LEDGER_S, INDEX_S = 2.0, 60.0  # for the next ledger; for cases that could not be indexed
IN_FLIGHT = 256
PER_SERVICE = 192  # one push service that hangs must leave room for the others
PER_SLOW_SERVICE = 4  # and once it has kept us waiting, it gets no more than a few tries at a time
SLOW_S = 2.0
BATCH_S = 0.005  # answers come in crowds: writing them together costs one commit
LAST_SENDS_S = 8.0
GARBAGE = 100_000, 50, 50


@dataclass(frozen=True)
class Sent:
    """A send in flight: the push service, and since when (seconds of the monotonic clock)."""

    origin: str
    at: float


class Caller:
    """Small steps in turn, many sends in flight, results written as they come."""

    def __init__(self, settings: Settings, key: str, sender: Sender) -> None:
        self._settings = settings
        self._key = key
        self._sender = sender
        self._post = Post(settings)
        self._name = name("alerts")
        self._running: dict[asyncio.Task[Outcome], Sent] = {}
        self._speaking: dict[asyncio.Task[Exception | None], Bundle] = {}
        self._slow: set[str] = set()  # services whose last answer was none, or "later"
        self._writes, self._look = Writes(), Every(LOOK_S)
        self._beat, self._audit, self._rota = Every(HEARTBEAT_S), Every(AUDIT_S), Every(ROTA_S)
        self._beside = (
            BitByBit(lambda: nudges.chase(clock.now()), CHASE_ON_S, CHASE_S),
            BitByBit(lambda: ledgers.carry_on(clock.now()), BITS_S, LEDGER_S),
            BitByBit(search.catch_up, BITS_S, INDEX_S),
        )

    async def run(self, stop: Stop) -> None:
        """Work until told to stop, then give the sends in flight a moment to end."""
        while not stop:
            self._step()
            await self._pause()
        if self._running or self._speaking:
            await asyncio.wait([*self._running, *self._speaking], timeout=LAST_SENDS_S)
            guarded(self._record)
        self._post.close()
        self._writes.close()
        guarded(lambda: upkeep.leave(self._name))

    def _step(self) -> None:
        if self._running or self._speaking or self._writes.any() or self._look.due():
            self._call()
        if self._beat.due():
            guarded(lambda: upkeep.beat(self._name, "alerts", clock.now()))
        if self._audit.due():
            guarded(lambda: upkeep.audit(clock.now()))
            guarded(lambda: upkeep.report_health(self._settings, clock.now()))
            guarded(lambda: groups.expire(clock.now()))
        if self._rota.due():
            guarded(lambda: proofs.ask_before_shifts(clock.now()))
        for work in self._beside:
            work.run()

    def _call(self) -> None:
        """All that is due now."""
        guarded(self._record)
        guarded(lambda: deliver.escalate(clock.now()))
        guarded(lambda: deliver.look(clock.now()))
        guarded(self._send)
        guarded(self._send_parcels)
        guarded(self._speak)

    def _send(self) -> None:
        load, now = self._load(), time.monotonic()
        # who has waited for long costs nothing: services that keep silent must not fill every place together
        pushes = (sent for sent in self._running.values() if not sent.origin.startswith(GATEWAY))
        free = IN_FLIGHT - sum(now - sent.at <= SLOW_S for sent in pushes)
        if free < IN_FLIGHT // 4:
            return  # claims are cheaper by the dozen
        slow = self._slow | {s.origin for s in self._running.values() if time.monotonic() - s.at > SLOW_S}
        slow = {origin for origin in slow if not origin.startswith(GATEWAY)}
        full = {origin for origin, count in load.items() if count >= PER_SERVICE}
        room = min([PER_SERVICE, *(PER_SERVICE - count for origin, count in load.items() if origin not in full | slow)])
        self._start(deliver.claim(min(free, room), *self._as_whom(), busy=full | slow))
        for origin in slow:
            self._start(deliver.claim(PER_SLOW_SERVICE - load[origin], *self._as_whom(), only=origin))

    def _send_parcels(self) -> None:
        load = Counter(sent.origin for sent in self._running.values())
        for gateway in deliver.waiting_gateways(clock.now()):
            self._start(deliver.claim(AT_ONCE - load[gateway], *self._as_whom(), only=gateway))

    def _speak(self) -> None:
        """Group bots: each says what waits in one message."""
        for bundle in groups.claim(self._name, self._settings.base_url, clock.now()):
            self._speaking[asyncio.create_task(self._say(bundle))] = bundle

    async def _say(self, bundle: Bundle) -> Exception | None:
        try:
            await self._post.send(f"group:{bundle.gateway_id}", bundle.kind, bundle.settings, "", bundle.message)
        except Exception as error:
            return error
        return None

    def _load(self) -> Counter[str]:
        """How many pushes are on their way to each service."""
        return Counter(sent.origin for sent in self._running.values() if not sent.origin.startswith(GATEWAY))

    def _as_whom(self) -> tuple[str, str, str, datetime]:
        return self._name, self._settings.base_url, self._key, clock.now()

    def _start(self, claims: list[Claim]) -> None:
        for claim in claims:
            self._running[asyncio.create_task(self._try(claim))] = Sent(claim.origin, time.monotonic())

    async def _try(self, claim: Claim) -> Outcome:
        """Send outside any transaction."""
        what = claim.what
        try:
            if isinstance(what, Push):
                await self._sender.send(what)
            else:
                await self._post.send(claim.origin, what.kind, what.settings, what.address, what.message)
        except Exception as error:
            return Outcome(claim, error)
        return Outcome(claim, None)

    def _record(self) -> None:
        finished = [task for task in self._running if task.done()]
        outcomes = [task.result() for task in finished]
        deliver.record(outcomes, self._name, clock.now(), random.random)
        for task, outcome in zip(finished, outcomes, strict=True):
            origin = self._running.pop(task).origin
            unreachable = isinstance(outcome.error, Temporary)
            (self._slow.add if unreachable else self._slow.discard)(origin)
        for spoken in [task for task in self._speaking if task.done()]:
            groups.record(self._speaking.pop(spoken), spoken.result(), self._name, clock.now(), random.random)

    async def _pause(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(BATCH_S)
        else:
            await asyncio.sleep(POLL_S)


async def main() -> None:
    """Run until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    app = create_core()
    settings: Settings = app.config["SETTINGS"]
    vapid = webpush.ensure_key(settings.instance)
    gc.freeze()  # what was loaded stays; looking through it again and again took a third of the time
    gc.set_threshold(*GARBAGE)
    stop = Stop()
    with app.app_context():
        async with Sender(vapid, settings.push_contact, settings.push_hosts, settings.push_allow_loopback) as sender:
            await Caller(settings, app.config["SECRET_KEY"], sender).run(stop)


if __name__ == "__main__":
    asyncio.run(main())

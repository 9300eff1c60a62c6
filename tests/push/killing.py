"""Alert workers as real processes that can be killed, and the count afterwards: what was lost, what came twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self
from uuid import UUID

from sqlalchemy import create_engine, text

from fieldapp.config import ROOT, Settings
from tests.push.endpoint import Answer, Browser, PushService, Received

WORKER = ("-m", "fieldapp.worker")
WAITING = ("queued", "failed-temporary")
UNSENT = ("expired", "failed-permanent")
DELIVERIES = """SELECT d.id, d.alert_id, d.rung, d.state, d.due_at, d.accepted_at, d.error
    FROM deliveries d JOIN push_subscriptions s ON s.id = d.subscription_id JOIN alerts a ON a.id = d.alert_id
    WHERE a.purpose = 'intake'"""
NO_FUTURE = "SELECT count(*) FROM alerts WHERE state = 'open' AND next_step_at IS NULL"


def environment(settings: Settings) -> dict[str, str]:
    """What a process of this instance is started with."""
    return os.environ | {
        "FIELDAPP_INSTANCE": str(settings.instance), "DATABASE_URL": settings.database_url,
        "FIELDAPP_BASE_URL": settings.base_url, "FIELDAPP_PUSH_ALLOW_LOOPBACK": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip


class Workers:
    """`count` processes of `python -m fieldapp.worker`. Only these are ever signalled, by id."""

    def __init__(self, settings: Settings, count: int = 1, command: Sequence[str] = WORKER) -> None:
        settings.instance.mkdir(parents=True, exist_ok=True)
        self._environment, self._command, self._count = environment(settings), command, count
        self._log = settings.instance / "workers.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.kills: list[tuple[float, int]] = []  # when (seconds of the monotonic clock), which process

    def __enter__(self) -> Self:
        self._processes = [self._start() for _ in range(self._count)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait(10)

    def kill(self, chance: random.Random) -> None:
        """SIGKILL for one of them, whatever it is doing; another is started in its place."""
        at = chance.randrange(len(self._processes))
        victim = self._processes[at]
        victim.send_signal(signal.SIGKILL)
        self.kills.append((time.monotonic(), victim.pid))
        victim.wait(10)
        self._processes[at] = self._start()

    def said(self) -> str:
        """What they complained about, if anything."""
        return self._log.read_text()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *self._command], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )


class Shaky(PushService):
    """Answers late, so that kills meet sends in flight, and now and then not at all well."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._chance = random.Random(f"service {seed}")

    def answer(self, path: str, topic: str) -> Answer:
        if self._chance.random() < 0.01:
            return Answer(503)
        return Answer(after_s=self._chance.uniform(0, 0.25))


@dataclass(frozen=True)
class Row:
    """One delivery as it stands."""

    id: UUID
    alert: UUID
    rung: int
    state: str
    due_at: Any
    accepted_at: Any
    error: str | None


@dataclass(frozen=True)
class Came:
    """One push as it came to a phone: for which delivery, under which tag, when, and how it was answered."""

    delivery: UUID
    tag: UUID
    at: float
    answered: int

    @property
    def taken(self) -> bool:
        return self.answered < 300


class Ledger:
    """The database read from outside, past everything the product does with it."""

    def __init__(self, settings: Settings) -> None:
        self._engine = create_engine(settings.database_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def rows(self) -> list[Row]:
        """Every call to a device because of a report."""
        with self._engine.connect() as connection:
            found = connection.execute(text(DELIVERIES)).all()
        return [Row(UUID(str(row[0])), UUID(str(row[1])), *row[2:]) for row in found]

    def count(self, query: str, **values: object) -> int:
        """The one number a query gives."""
        with self._engine.connect() as connection:
            return int(connection.execute(text(query), values).scalar_one())

    def let_leases_end(self, pids: Iterable[int]) -> None:
        """The 30 s of dead workers' leases have passed. A lease's owner is named after its process."""
        with self._engine.begin() as connection:
            for pid in pids:
                connection.execute(
                    text("UPDATE deliveries SET lease_until = due_at WHERE lease_owner LIKE :owner"),
                    {"owner": f"alerts-%-{pid}-%"},
                )

    def settled(self) -> bool:
        """True when no first call waits to be sent; those that nobody signs are called again later."""
        return not self.count(f"SELECT count(*) FROM deliveries WHERE rung = 0 AND state IN {WAITING}")


@dataclass(frozen=True)
class Verdict:
    """What a run comes to. Everything in `lost` and `together` breaks the promise; `twice` is what it allows."""

    alerts: int
    deliveries: int
    states: dict[str, int]
    pushes: int
    twice: int
    most: int
    waiting: int
    lost: list[str]
    together: list[str]

    @property
    def kept(self) -> bool:
        return not self.lost and not self.together


def judge(ledger: Ledger, phones: Sequence[Browser], alerts: int, workers: Workers, lease_s: float) -> Verdict:
    """Compare what the database says of so many alerts, each to all these phones, with what they can read.

    `lease_s`: how long after a push that was taken the same may come again, and only if a worker was killed between.
    """
    rows = {row.id: row for row in ledger.rows()}
    came: dict[UUID, list[Came]] = defaultdict(list)
    for push in (_read(phone, push) for phone in phones for push in phone.received):
        if push.delivery in rows:  # else it asks a device to prove itself, and belongs to no report
            came[push.delivery].append(push)
    taken = {delivery: sum(push.taken for push in pushes) for delivery, pushes in came.items()}
    lost = [f"{row.id}: {row.state}, {row.error}" for row in rows.values() if not _accounted(row, taken)]
    called = Counter(row.alert for row in rows.values() if row.rung == 0)
    lost += [f"{alert}: only {calls} calls" for alert, calls in called.items() if calls < len(phones)]
    lost += ["an alert without a call"] * (alerts - len(called))
    lost += ["an alert without a future step"] * ledger.count(NO_FUTURE)
    all_pushes = [push for pushes in came.values() for push in pushes]
    wrong = [f"{p.delivery}: under {p.tag}" for p in all_pushes if p.tag != rows[p.delivery].alert]
    again = [count - 1 for count in taken.values() if count > 1]
    return Verdict(
        alerts, len(rows), dict(Counter(row.state for row in rows.values())), len(all_pushes), sum(again),
        max(again, default=0) + 1, sum(row.state in WAITING for row in rows.values()), lost + wrong,
        _together(came, workers, lease_s),
    )  # fmt: skip


def _read(phone: Browser, push: Received) -> Came:
    said = phone.read(push)["notification"]
    return Came(UUID(said["data"]["delivery"]), UUID(said["tag"]), push.at, push.answered)


def _accounted(row: Row, taken: dict[UUID, int]) -> bool:
    """Sent and really there; or waiting with a time; or ended without a send, by a signature that came first."""
    if row.state in WAITING:
        return row.due_at is not None
    if row.state in UNSENT:
        return row.error == "over"
    return taken.get(row.id, 0) > 0 or (row.state == "acknowledged" and row.accepted_at is None)


def _together(came: dict[UUID, list[Came]], workers: Workers, lease_s: float) -> list[str]:
    """Pushes sent again though the first was taken, and no worker had died, or its lease still stood."""
    found = []
    for delivery, pushes in came.items():
        for first, second in pairwise(pushes):
            killed = any(first.at - 1 < at < second.at for at, _ in workers.kills)
            if first.taken and (second.at - first.at < lease_s or not killed):
                found.append(f"{delivery}: again after {second.at - first.at:.1f} s")
    return found


def until(what: Callable[[], object], seconds: float, every: float = 0.1) -> bool:
    """Wait for something; False when it does not come."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True

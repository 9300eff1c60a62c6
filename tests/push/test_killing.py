"""Workers killed at random instants while alerts come in: nothing lost, and what comes twice has the same tag.

`bench/bench_alerts.py` does the same with 10,000 alerts and 100 kills.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask

from fieldapp.config import ROOT, Settings
from tests.push.endpoint import PushService
from tests.push.killing import Ledger, Shaky, Workers, environment, judge, until
from tests.world import World

ALERTS, PER_SECOND, KILLS = 120, 60, 5
SEED = 4


@pytest.fixture
def services() -> Iterator[list[PushService]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Shaky(SEED + number)) for number in range(2)]


def test_kills_at_random_instants_lose_nothing(
    app: Flask, world: World, settings: Settings, services: list[PushService]
) -> None:
    phones = [service.browser(username) for username, service in zip(("ada", "ben"), services, strict=True)]
    for username, phone in zip(("ada", "ben"), phones, strict=True):
        answer = world.person(username).post("/api/push/subscriptions", json=phone.subscription())
        assert answer.status_code == 201, answer.text
    chance = random.Random(SEED)
    count = 1 if settings.database_url.startswith("sqlite") else 3
    with Workers(settings, count) as workers, Ledger(settings) as ledger:
        raising = subprocess.Popen(
            [sys.executable, "-m", "tests.push.raising", str(ALERTS), str(PER_SECOND)],
            cwd=ROOT, env=environment(settings), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: services[0].received, 10)
        for _ in range(KILLS):
            until(lambda: False, chance.uniform(0.1, 0.7))
            workers.kill(chance)
        assert raising.wait(60) == 0
        ledger.let_leases_end(pid for _, pid in workers.kills)
        done = until(ledger.settled, 30)
        verdict = judge(ledger, phones, ALERTS, workers, lease_s=0)
    assert done, f"still waiting: {verdict}\n{workers.said()}"
    assert verdict.kept, verdict
    assert verdict.states.keys() <= {"accepted", "acknowledged", "expired"}, verdict
    assert verdict.pushes > ALERTS, "and something was sent at all"

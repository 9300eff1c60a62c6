"""Alerts while workers are killed with SIGKILL at random instants: fails when one is lost or has two owners at once.

The instants, the victims and what the push services do are drawn from the seed; what exactly a kill meets is not.
Nothing is shortened: what a dead worker had in hand waits for the 30 s of its lease to end, as it would in earnest.
"""

import random
import subprocess
import sys
import time
from contextlib import ExitStack

from common import ROOT, Town, options, table, towns

from fieldapp.deliver import LEASE
from tests.push.endpoint import PushService
from tests.push.killing import Ledger, Shaky, Verdict, Workers, environment, judge, until

PHONES = ("ada", "ben")
PAUSE_S = (0.0, 2.0)  # from one kill to the next
SETTLES_WITHIN_S = 300.0
STARTS_WITHIN_S = 20.0
LATE_S = 10.0  # a push may leave so much later than it was claimed: a send takes no longer


def main() -> int:
    chosen = options("Alerts under fire", seconds=0, seed=0, alerts=10_000, kills=100, workers=0)
    seed = chosen.seed or random.randrange(1, 1_000_000)
    workers = chosen.workers or (3 if chosen.db == "postgresql" else 1)
    print(f"seed {seed}, {chosen.alerts} alerts, {chosen.kills} kills, {workers} workers", flush=True)
    with ExitStack() as stack:
        (town,) = stack.enter_context(towns(chosen.db))
        services = [stack.enter_context(Shaky(seed + number)) for number in range(len(PHONES))]
        began = time.monotonic()
        verdict = _fire(town, services, chosen.alerts, chosen.kills, workers, random.Random(seed))
        return _report(verdict, time.monotonic() - began, seed)


def _fire(
    town: Town, services: list[PushService], alerts: int, kills: int, count: int, chance: random.Random
) -> Verdict:
    town.serves()
    phones = [service.browser(username) for username, service in zip(PHONES, services, strict=True)]
    for username, phone in zip(PHONES, phones, strict=True):
        keys = phone.subscription()
        town.person(username).subscribe(keys["endpoint"], **keys["keys"])
    lasts = kills * (sum(PAUSE_S) / 2 + 1)  # and a second to start again
    raising = subprocess.Popen(
        [sys.executable, "-m", "tests.push.raising", str(alerts), str(alerts / max(lasts, 1))],
        cwd=ROOT, env=environment(town.settings), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with Workers(town.settings, count) as workers, Ledger(town.settings) as ledger:
        for number in range(1, kills + 1):
            before = _came(services)
            until(lambda before=before: _came(services) > before, STARTS_WITHIN_S)  # kill nobody who only starts
            time.sleep(chance.uniform(*PAUSE_S))
            workers.kill(chance)
            if number % 10 == 0:
                print(f"  {number} kills, {_came(services)} pushes came", flush=True)
        took, _ = raising.communicate()
        print(f"  all raised in {float(took):.0f} s; waiting for what dead workers had in hand", flush=True)
        if not until(ledger.settled, SETTLES_WITHIN_S, every=1):
            print(f"  still waiting after {SETTLES_WITHIN_S:.0f} s\n{workers.said()[-3000:]}")
        return judge(ledger, phones, alerts, workers, LEASE.total_seconds() - LATE_S)


def _came(services: list[PushService]) -> int:
    return sum(len(service.received) for service in services)


def _report(verdict: Verdict, took: float, seed: int) -> int:
    rows = [
        ("alerts raised", verdict.alerts), ("deliveries to devices", verdict.deliveries),
        *((f"  {state}", count) for state, count in sorted(verdict.states.items())),
        ("pushes that came to the services", verdict.pushes), ("came again under the same alert id", verdict.twice),
        ("the most that one alert came to one phone", verdict.most), ("still waiting, with a time", verdict.waiting),
        ("sent under two leases at once", len(verdict.together)), ("LOST", len(verdict.lost)),
        ("seconds in all", f"{took:.0f}"),
    ]  # fmt: skip
    table(("", f"seed {seed}"), rows)
    for line in (*verdict.lost, *verdict.together)[:20]:
        print(f"  {line}")
    return 0 if verdict.kept else 1


if __name__ == "__main__":
    sys.exit(main())

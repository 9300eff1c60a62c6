"""From the commit of a red report to the first push sent, with the real worker; then how fast it calls many devices.

Goals: p95 within 300 ms idle and 1 s under intake load; at least 5 times a plain `webpush()` loop on the same endpoint.
The endpoint speaks https, as all push services do, with a certificate that only this bench trusts.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from common import Caller, Town, options, table, towns, verdict
from load import filing, load, summary
from sqlalchemy import func, insert, select
from tls import trusted

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import Delivery, Device, Heartbeat, PushSubscription, User
from tests.push.endpoint import Browser, PushService

SIDES = {
    "encrypt": "encryption alone", "send_async": "WebPusher.send_async x64, one token", "webpush": "webpush() in a loop"
}  # fmt: skip
IDLE_GOAL_MS, LOADED_GOAL_MS, LOOP_GOAL, ASYNC_GOAL = 300, 1000, 5, 0.7


def main() -> None:
    chosen = options("Commit of a red report to its first push", seconds=16, reports=30, devices=1000)
    with towns(chosen.db) as (town,), PushService(trusted(town.folder)) as service:
        town.serves()
        town.runs("-m", "fieldapp.worker")
        phone = service.browser("ada")
        keys = phone.subscription()["keys"]
        town.person("ada").subscribe(phone.endpoint, keys["p256dh"], keys["auth"])
        _wait_for_worker(town)
        vik = town.person("vik")
        vik.file("red")
        phone.wait(1)
        _report("idle", [_commit_to_push(vik, phone) for _ in range(chosen.reports)], IDLE_GOAL_MS)
        with _intake(town, chosen.seconds):
            _report("8 callers filing", [_commit_to_push(vik, phone) for _ in range(chosen.reports)], LOADED_GOAL_MS)
        _fan_out(town, service, vik, chosen.devices)


def _commit_to_push(vik: Caller, phone: Browser) -> float:
    """Seconds from the answer to the phone that filed it until the push service has the push."""
    before = len(phone.received)
    vik.file("red")
    committed = time.monotonic()
    took = phone.wait(before + 1, timeout=30)[before].at - committed
    time.sleep(0.037)  # not in step with the worker's polling
    return took


def _report(name: str, took: list[float], goal: float) -> None:
    got = summary(took, 1)
    table(("commit to first push", "p50 ms", "p95 ms"), [(name, got["p50"], got["p95"])])
    verdict(f"{name}, p95 ms", got["p95"], goal, at_least=False)


@contextmanager
def _intake(town: Town, seconds: float) -> Iterator[None]:
    """Blue reports from 8 callers for as long as it takes, at most `seconds`."""
    ben = town.person("ben")
    plan = filing("/api/reports", ben.id, "blue", ben.headers)
    filers = threading.Thread(target=load, args=(town.settings.port, seconds, plan))
    filers.start()
    time.sleep(1)
    yield
    if not filers.is_alive():
        print("  the load ended before the measuring: raise --seconds")
    filers.join()


def _fan_out(town: Town, service: PushService, vik: Caller, devices: int) -> None:
    """One red report calls all of ben's devices; then the other ways send as many to the same endpoint."""
    browsers = [service.browser("fan") for _ in range(devices)]
    _carries(town, [browser.subscription() for browser in browsers])
    before = len(service.received)
    vik.file("red")
    began = time.time()
    written = _written(town, devices)
    arrivals = [request.at for request in service.received[before:] if request.path.startswith("/fan/")]
    rates = {
        "worker, from commit to the last result written": devices / (written - began),
        "worker, from the first push to the last": (devices - 1) / (max(arrivals) - min(arrivals)),
    }
    file = Path(town.folder / "subscriptions.json")
    file.write_text(json.dumps([browser.subscription() for browser in browsers]))
    for side, name in SIDES.items():
        command = [sys.executable, Path(__file__).with_name("push_sides.py"), side, file, town.settings.instance]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=120)
        rates[name] = float(done.stdout)
    table((f"{devices} devices over https", "pushes/s"), list(rates.items()))
    worker = devices / (written - began)
    verdict("worker, results written / webpush() loop", worker / rates[SIDES["webpush"]], LOOP_GOAL)
    verdict("worker, results written / send_async x64", worker / rates[SIDES["send_async"]], ASYNC_GOAL)


def _written(town: Town, devices: int) -> float:
    """When the last of that many devices was noted to have been pushed."""
    app = town.core()
    accepted = select(func.count(Delivery.accepted_at), func.max(Delivery.accepted_at)).join(PushSubscription)
    fan = accepted.where(PushSubscription.endpoint.contains("/fan/"))
    with app.app_context():
        while (found := db.session.execute(fan).one())[0] < devices:
            db.session.rollback()
            time.sleep(0.25)
        return float(found[1].timestamp())


def _carries(town: Town, subscribed: list[dict[str, Any]]) -> None:
    """Ben has that many devices."""
    app, now = town.core(), clock.now()
    with app.app_context(), writing():
        ben = db.session.scalars(select(User.id).where(User.username == "ben")).one()
        for number, subscription in enumerate(subscribed):
            device = {
                "user_id": ben, "token_hash": f"bench{number}", "label": "bench", "enrolled": True, "created_at": now,
                "seen_at": now, "expires_at": now + timedelta(days=1),
            }  # fmt: skip
            device_id = db.session.scalar(insert(Device).values(device).returning(Device.id))
            address = {"endpoint": subscription["endpoint"], **subscription["keys"]}
            row = {"user_id": ben, "device_id": device_id, "created_at": now, "renewed_at": now, **address}
            db.session.execute(insert(PushSubscription).values(row))


def _wait_for_worker(town: Town) -> None:
    app = town.core()
    with app.app_context():
        while db.session.scalar(select(Heartbeat.worker)) is None:
            db.session.rollback()
            time.sleep(0.05)


if __name__ == "__main__":
    main()

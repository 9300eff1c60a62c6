"""The real worker and the real sender: from a report filed through the API to the phone that can read it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientTimeout
from flask import Flask
from sqlalchemy import select, update

from fieldapp import clock
from fieldapp.channels import webpush
from fieldapp.channels.sender import Sender
from fieldapp.config import ROOT, Settings
from fieldapp.db import db, writing
from fieldapp.models import Delivery, Heartbeat, PushSubscription
from fieldapp.worker import Caller
from tests.push.endpoint import Answer, Browser, PushService
from tests.world import World

PATIENCE_S = 15.0


@dataclass
class Until:
    """Stops a worker as soon as something is so, or after a while."""

    done: Callable[[], bool]
    deadline: float

    def __bool__(self) -> bool:
        return self.done() or time.monotonic() > self.deadline


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as service:
        yield service


def carries(world: World, service: PushService, username: str) -> Browser:
    """The person's browser subscribes, through the API."""
    browser = service.browser(username)
    answer = world.person(username).post("/api/push/subscriptions", json=browser.subscription())
    assert answer.status_code == 201, answer.text
    return browser


def work(app: Flask, done: Callable[[], bool], within: float = PATIENCE_S, timeout: float = 10) -> None:
    """The worker's own loop in this process, until `done`; what is in flight then is finished and recorded."""
    settings: Settings = app.config["SETTINGS"]

    async def working() -> None:
        key = webpush.ensure_key(settings.instance)
        patience = ClientTimeout(total=timeout)
        async with Sender(key, settings.push_contact, allow_loopback=True, timeout=patience) as sender:
            stop: Any = Until(done, time.monotonic() + within)
            await Caller(settings, app.config["SECRET_KEY"], sender).run(stop)

    with app.app_context():
        asyncio.run(working())


@contextmanager
def worker_process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m fieldapp.worker` as it is run in earnest."""
    environment = os.environ | {
        "FIELDAPP_INSTANCE": str(settings.instance),
        "DATABASE_URL": settings.database_url,
        "FIELDAPP_PUSH_ALLOW_LOOPBACK": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "fieldapp.worker"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def deliveries(app: Flask) -> list[Delivery]:
    with app.app_context():
        return list(db.session.scalars(select(Delivery).order_by(Delivery.created_at)))


def eventually(app: Flask, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with app.app_context():
            if what():
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_red_report_reaches_the_phone_within_five_seconds(world: World, app: Flask, service: PushService) -> None:
    phone = carries(world, service, "ada")
    with worker_process(app.config["SETTINGS"]) as worker:
        eventually(app, lambda: db.session.scalar(select(Heartbeat.worker)))
        number = world.vik.files("井盖破损,夜间危险", severity="red").number
        accepted = time.monotonic()
        (received,) = phone.wait()
        assert received.at - accepted < 5
        eventually(app, lambda: db.session.scalar(select(Delivery.state).where(Delivery.state == "accepted")))
        worker.terminate()
        assert worker.wait(10) is not None
    notification = phone.read(received)["notification"]
    assert "井盖破损" in notification["title"]
    assert notification["navigate"].endswith(f"/tasks/{number}")
    alert = world.dora.case(number)["alerts"][0]
    assert notification["tag"] == alert["id"]
    assert received.headers["topic"] == alert["id"].replace("-", "")
    assert int(received.headers["ttl"]) > 3600
    assert alert["deliveries"][0]["state"] == "accepted", "accepted is all that is known; delivered it is not"
    assert world.receipt(notification, "acknowledged").status_code == 204
    assert world.dora.case(number)["status"] == "acknowledged"


def test_a_device_that_is_gone_is_never_called_again(world: World, app: Flask, service: PushService) -> None:
    phone = carries(world, service, "ada")
    phone.answers(410)
    world.vik.files("护栏断了", severity="red")
    work(app, lambda: len(phone.received) == 1)
    with app.app_context():
        subscription = db.session.scalars(select(PushSubscription)).one()
        assert subscription.disabled_at is not None
        assert subscription.disabled_why == "service_410"
    phone.answers(201)
    world.vik.files("又断了", severity="red")
    work(app, lambda: False, within=0.5)
    assert len(phone.received) == 1


def test_a_busy_service_is_given_the_time_it_asks_for(world: World, app: Flask, service: PushService) -> None:
    phone = carries(world, service, "ada")
    phone.answers(429, Retry_After="40")
    world.vik.files("护栏断了", severity="red")
    work(app, lambda: len(phone.received) == 1)
    (delivery,) = [found for found in deliveries(app) if found.subscription_id]
    assert delivery.state == "failed-temporary"
    assert delivery.due_at
    assert delivery.due_at - delivery.updated_at >= timedelta(seconds=40)
    with app.app_context():
        assert db.session.scalars(select(PushSubscription.disabled_at)).one() is None


def test_one_phone_that_stalls_holds_up_nobody_else(world: World, app: Flask, service: PushService) -> None:
    ada, ben = carries(world, service, "ada"), carries(world, service, "ben")
    ada.stalls()
    for text in ("护栏断了", "电线垂落", "有人落水"):
        world.vik.files(text, severity="red")

    def ben_has_all() -> bool:
        if len(ben.received) < 3:
            return False
        service.let_go()  # or the worker would wait for ada's to time out
        return True

    began = time.monotonic()
    work(app, ben_has_all)
    assert len(ben.received) == 3
    assert max(request.at for request in ben.received) - began < 5
    assert {found.state for found in deliveries(app)} == {"accepted"}


def test_a_worker_killed_in_the_middle_of_a_send_loses_nothing(world: World, app: Flask, service: PushService) -> None:
    phone = carries(world, service, "ada")
    phone.stalls()
    with worker_process(app.config["SETTINGS"]) as worker:
        world.vik.files("煤气味很重", severity="red")
        phone.wait(timeout=PATIENCE_S)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    service.let_go()
    work(app, lambda: False, within=0.5)
    assert len(phone.received) == 1, "the dead worker's lease still stands"
    with app.app_context(), writing():
        over = clock.now() - timedelta(seconds=1)
        assert db.session.execute(update(Delivery).where(Delivery.lease_owner.is_not(None)).values(lease_until=over))
    work(app, lambda: len(phone.received) == 2)
    first, second = (phone.read(request)["notification"] for request in phone.received)
    assert first["tag"] == second["tag"]
    assert phone.received[0].headers["topic"] == phone.received[1].headers["topic"]
    (delivery,) = [found for found in deliveries(app) if found.subscription_id]
    assert (delivery.state, delivery.attempts) == ("accepted", 2)


@pytest.mark.onedb  # about sockets
def test_a_service_that_hangs_for_a_hundred_devices_holds_up_nobody_elses_push(
    app: Flask, world: World, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldapp.worker.LAST_SENDS_S", 0.1)  # when it ends nobody need wait for what hangs
    with PushService() as stalled:
        stuck = carries(world, stalled, "ben")
        world.ben.get("/api/me")
        with app.app_context(), writing():
            pattern = db.session.scalars(select(PushSubscription)).one()
            for number in range(100):
                path = f"/ben/{number}"
                stalled.answers[path] = Answer(hangs=True)
                db.session.add(
                    PushSubscription(
                        endpoint=stalled.origin + path, user_id=pattern.user_id, device_id=pattern.device_id,
                        p256dh=pattern.p256dh, auth=pattern.auth, created_at=clock.now(), renewed_at=clock.now(),
                    )
                )  # fmt: skip
        stuck.stalls()
        phone = carries(world, service, "ada")
        for turn in (1, 2):  # the second report comes while all the first one's sends are stuck again
            world.vik.files(f"电线垂落 {turn}", severity="red")
            work(app, lambda turn=turn: len(phone.received) >= turn, timeout=60)  # type: ignore[misc]
            assert len(phone.received) == turn, "nobody waits for a hanging service to run out"
        stalled.let_go()

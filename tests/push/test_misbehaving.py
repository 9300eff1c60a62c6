"""Push services that go wrong one after another, and none gets well: ada's, which works, must not feel it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import Delivery, Device, OnCall, PushSubscription, User
from fieldapp.seed import DEMO_TOWN
from tests.push.endpoint import Answer, Browser, PushService
from tests.push.killing import Workers
from tests.world import World

pytestmark = pytest.mark.onedb  # about sockets

WITHIN_S = 5.0
PHONES, MANY_PHONES = 20, 120  # services that keep silent could together fill every place a worker has


@dataclass
class Bad:
    """A service with a bad habit."""

    name: str
    origin: str
    phones: int = PHONES


def bad_services(stack: ExitStack, trap: PushService) -> Iterator[Bad]:
    """One of each kind."""
    habits = {
        "hangs": Answer(hangs=True), "429": Answer(429, {"Retry-After": "120"}), "500": Answer(500),
        "503 late": Answer(503, after_s=1), "redirects inwards": Answer(307, {"Location": f"{trap.origin}/inside"}),
        "410": Answer(410), "closes half-way": Answer(breaks_off=True), "trickles": Answer(trickles=True),
    }  # fmt: skip
    for name, answer in habits.items():
        service = stack.enter_context(PushService())
        service.answers.default_factory = lambda answer=answer: answer  # type: ignore[misc]
        yield Bad(name, service.origin, MANY_PHONES if answer.hangs or answer.trickles else PHONES)
    for scheme in ("http", "https"):
        mute = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        yield Bad(f"never speaks {scheme}", f"{scheme}://127.0.0.1:{mute.getsockname()[1]}", MANY_PHONES)


def carries(world: World, username: str, browser: Browser) -> None:
    answer = world.person(username).post("/api/push/subscriptions", json=browser.subscription())
    assert answer.status_code == 201, answer.text


def on_call_with_phones_at(app: Flask, bad: Bad) -> None:
    """That many more responders are on call, each with one phone, at that service."""
    now = clock.now()
    with app.app_context(), writing():
        keys = db.session.execute(select(PushSubscription.p256dh, PushSubscription.auth).limit(1)).one()._asdict()
        for number in range(bad.phones):
            user = User(
                username=f"{bad.name}-{number}", name=f"{bad.name}-{number}", role="responder", area_code=DEMO_TOWN,
                created_at=now, password_hash="!",
            )  # fmt: skip
            device = Device(
                user=user, token_hash=f"{bad.name}-{number}", label="phone", enrolled=True, created_at=now,
                seen_at=now, expires_at=now + timedelta(days=1),
            )  # fmt: skip
            db.session.add(device)
            db.session.flush()
            at = {"user_id": user.id, "device_id": device.id, "endpoint": f"{bad.origin}/{number}"}
            db.session.add(PushSubscription(**at, **keys, created_at=now, renewed_at=now))
            db.session.add(OnCall(town_code=DEMO_TOWN, user_id=user.id, rung="on_call", starts_at=now))


def states(app: Flask, origin: str) -> set[str]:
    """What became of all calls to phones at this service."""
    with app.app_context():
        at = PushSubscription.endpoint.startswith(origin + "/")
        return set(db.session.scalars(select(Delivery.state).join(PushSubscription).where(at)))


def given_up(app: Flask, origin: str) -> int:
    """How many addresses at this service are never used again."""
    with app.app_context():
        at = PushSubscription.endpoint.startswith(origin + "/")
        gone = select(func.count()).select_from(PushSubscription).where(at, PushSubscription.disabled_at.is_not(None))
        return db.session.scalar(gone) or 0


def test_no_other_alert_waits_for_services_that_go_wrong(app: Flask, world: World) -> None:
    with ExitStack() as stack:
        good, trap = (stack.enter_context(PushService()) for _ in range(2))
        ada = good.browser("ada")
        carries(world, "ada", ada)
        stack.enter_context(Workers(app.config["SETTINGS"]))
        late = {"nothing": called_within(world, ada, 10)}  # the worker starts meanwhile
        bad = list(bad_services(stack, trap))
        silent = [one for one in bad if one.phones == MANY_PHONES]
        for group in [[one] for one in bad if one not in silent] + [silent]:
            for one in group:
                on_call_with_phones_at(app, one)
            name = " and ".join(one.name for one in group)
            late[name] = called_within(world, ada)
            late[f"{name}, again"] = called_within(world, ada)
        for turn in range(2):  # minutes later all of them are tried again, and are as before
            with app.app_context(), writing():
                again = update(Delivery).where(Delivery.state == "failed-temporary").values(due_at=clock.now())
                db.session.execute(again)
            late[f"all, later {turn}"] = called_within(world, ada)
        assert max(late.values()) < WITHIN_S, late
        assert trap.received == [], "no redirect is ever followed"
        final = {one.name: states(app, one.origin) for one in bad}
    for name in ("redirects inwards", "410"):
        assert final.pop(name) - {"queued"} == {"failed-permanent"}, name
    assert set().union(*final.values()) <= {"queued", "failed-temporary"}, "the others are tried again"
    dead = {one.name: given_up(app, one.origin) for one in bad}
    assert dead == {one.name: PHONES if one.name == "410" else 0 for one in bad}, "only who says so is gone"


def called_within(world: World, ada: Browser, patience: float = 4 * WITHIN_S) -> float:
    """Seconds from a red report to the push on ada's phone."""
    before = len(ada.received)
    world.vik.files("电线垂落", severity="red")
    began = time.monotonic()
    return ada.wait(before + 1, patience)[before].at - began

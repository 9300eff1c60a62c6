"""Ada tries out her own phone: a real push through the real sender, to this device and to no other."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select

from fieldapp import trial
from fieldapp.config import Settings
from fieldapp.db import db
from fieldapp.models import Delivery, PushSubscription
from tests.push.endpoint import Browser, PushService
from tests.world import HEADERS, Person, World


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as service:
        yield service


def carries(person: Person, service: PushService) -> Browser:
    browser = service.browser(person.username)
    assert person.post("/api/push/subscriptions", json=browser.subscription()).status_code == 201
    return browser


def another_phone(app: Flask, username: str) -> Person:
    """The same account, logged in on a second phone."""
    return World(app).person(username)


def test_the_push_comes_to_this_phone_and_to_no_other(app: Flask, world: World, service: PushService) -> None:
    mine, other = carries(world.ada, service), carries(another_phone(app, "ada"), service)
    answer = world.ada.post("/api/push/test")
    assert (answer.status_code, answer.json) == (202, {"sent": 1})
    (received,) = mine.wait()
    notification = mine.read(received)["notification"]
    assert notification["title"] == "测试提醒"
    assert notification["navigate"].endswith("/phone")
    assert int(received.headers["ttl"]) <= 60, "a test that comes an hour later frightens"
    assert other.received == []


def test_nobody_is_called_by_it(app: Flask, world: World, service: PushService) -> None:
    carries(world.ada, service)
    assert world.ada.post("/api/push/test").status_code == 202
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Delivery)) == 0


def test_a_phone_without_an_address_is_told_to_make_one(app: Flask, world: World, service: PushService) -> None:
    carries(another_phone(app, "ada"), service)
    answer = world.ada.post("/api/push/test")
    assert (answer.status_code, answer.json["code"]) == (409, "endpoint_dead")
    assert service.received == []


def test_an_address_its_service_has_given_up_is_never_used_again(
    app: Flask, world: World, service: PushService
) -> None:
    browser = carries(world.ada, service)
    browser.answers(410)
    answer = world.ada.post("/api/push/test")
    assert (answer.status_code, answer.json["code"]) == (409, "endpoint_dead")
    with app.app_context():
        assert db.session.scalars(select(PushSubscription.disabled_why)).one() == "service_410"
    again = world.ada.post("/api/push/subscriptions", json=browser.subscription())
    assert (again.status_code, again.json["code"]) == (409, "endpoint_dead"), "so that push.js makes a new one"


@pytest.mark.parametrize("status", [429, 500, 403])
def test_a_service_that_refuses_is_named_and_the_address_stays(
    app: Flask, world: World, service: PushService, status: int
) -> None:
    carries(world.ada, service).answers(status)
    answer = world.ada.post("/api/push/test")
    assert (answer.status_code, answer.json["code"]) == (424, "push_service")
    assert "推送服务" in answer.json["detail"]
    with app.app_context():
        assert db.session.scalars(select(PushSubscription.disabled_at)).one() is None


def test_a_service_that_hangs_does_not_keep_the_thread(
    world: World, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trial.PATIENCE_S < 10
    monkeypatch.setattr(trial, "PATIENCE_S", 0.5)
    carries(world.ada, service).stalls()
    began = time.monotonic()
    assert world.ada.post("/api/push/test").status_code == 424
    assert time.monotonic() - began < 10


def test_five_tries_a_minute_for_each_phone(
    settings: Settings, start_again: Callable[[Settings], Flask], service: PushService
) -> None:
    app = start_again(replace(settings, rate_limits=True))
    ada, ben = World(app).ada, World(app).ben
    carries(ada, service)
    carries(ben, service)
    codes = [ada.post("/api/push/test").status_code for _ in range(6)]
    assert codes == [202] * 5 + [429]
    assert ben.post("/api/push/test").status_code == 202, "another phone behind the same address has its own tries"


def test_a_stranger_sends_nothing(app: Flask) -> None:
    assert app.test_client().post("/api/push/test", headers=HEADERS).status_code == 401

"""A worker, and the web server, dying at every single commit there is, before it and after it, one after the other."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from fieldapp.db import db, writing
from tests.push.dying import KILLED, Undertaker
from tests.push.endpoint import Answer, PushService
from tests.world import HEADERS, Person, World

FEWEST = 8  # commits that such an evening has at least: or the enumeration stopped for another reason
MOST = 60
SECOND_S = 0.03
ENDED = """UPDATE deliveries SET lease_until = due_at WHERE lease_until IS NOT NULL"""
RETRIED = """UPDATE deliveries SET due_at = updated_at WHERE state = 'failed-temporary' AND due_at > updated_at"""
CLIMBED = """UPDATE alerts SET next_step_at = raised_at, look_at = raised_at WHERE rung = 0 AND state = 'open'"""
CALLS = """SELECT u.username, d.state FROM deliveries d JOIN alerts a ON a.id = d.alert_id JOIN users u
    ON u.id = d.user_id JOIN push_subscriptions s ON s.id = d.subscription_id WHERE a.path LIKE :path"""


class OnceBusy(PushService):
    """Asks to come again later, at the first push of each alert."""

    def answer(self, path: str, topic: str) -> Answer:
        known = any(push.headers["topic"] == topic for push in self.received)
        return super().answer(path, topic) if known else Answer(503)


class Evening:
    """Ada's service is busy at first, ben's phone is gone, nobody signs: the leader follows."""

    def __init__(self, app: Flask, world: World, busy: PushService, service: PushService) -> None:
        self._app, self._world, self._phones = app, world, {}
        for username, at in (("ada", busy), ("ben", service), ("lea", service)):
            self._phones[username] = phone = at.browser(username)
            answer = world.person(username).post("/api/push/subscriptions", json=phone.subscription())
            assert answer.status_code == 201, answer.text
        self._phones["ben"].answers(410)
        self.number = world.vik.files("煤气味很重", severity="red").number

    def calls(self) -> list[tuple[str, str]]:
        """Who was called, and what became of it."""
        with self._app.app_context():
            rows = db.session.execute(text(CALLS), {"path": f"%{self.number}"}).all()
        return sorted((row[0], row[1]) for row in rows)

    def over(self) -> bool:
        return self.calls() == [("ada", "accepted"), ("ben", "failed-permanent"), ("lea", "accepted")]

    def time_passes(self) -> None:
        """Back-off, and once ada's phone has it the time to sign: rows that are due earlier, as if it were later."""
        with self._app.app_context(), writing():
            db.session.execute(text(RETRIED))
        if ("ada", "accepted") in self.calls():
            with self._app.app_context(), writing():
                db.session.execute(text(CLIMBED))

    def leases_end(self) -> None:
        with self._app.app_context(), writing():
            db.session.execute(text(ENDED))

    def judge(self) -> None:
        """Everybody has it, and whatever came twice is the same to a phone."""
        (alert,) = [a for a in self._world.dora.case(self.number)["alerts"] if a["purpose"] == "intake"]
        assert self.over(), self.calls()
        assert alert["unreached_at"], "nobody has shown it: the desk knows"
        topic = alert["id"].replace("-", "")
        came = {who: [p for p in phone.received if p.headers["topic"] == topic] for who, phone in self._phones.items()}
        assert all(came.values()), came
        for who in ("ada", "lea"):
            about = [self._phones[who].read(push)["notification"]["body"] for push in self._phones[who].received]
            assert sum(self.number in body for body in about) == len(came[who]), "under this tag and no other"
        answers = [push.answered for push in came["ada"]]
        assert answers[0] == 503 and set(answers[1:]) == {201} and len(answers) <= 4, answers
        history = [e["action"] for e in self._world.dora.case(self.number)["history"]]
        assert history.count("called") == 2, history
        self._world.ada.must("acknowledge", self.number)


@pytest.fixture
def services() -> Iterator[tuple[PushService, PushService]]:
    with ExitStack() as stack:
        yield stack.enter_context(OnceBusy()), stack.enter_context(PushService())


def lives_through(evening: Evening, undertaker: Undertaker, when: str = "never", at: int = 0) -> bool:
    """A worker works, and time passes, until the evening is over or the worker has died; False when it has."""
    undertaker.worker(when, at)
    for _ in range(1000):
        ended = undertaker.ended(SECOND_S)
        if ended is not None:
            assert ended == KILLED, "it died of something else"
            return False
        if evening.over():
            return undertaker.stop()
        evening.time_passes()
    raise AssertionError(f"it never ends: {evening.calls()}")


@pytest.mark.onedb  # what was not committed is gone in both
def test_a_worker_that_dies_right_before_any_commit(
    app: Flask, world: World, services: tuple[PushService, PushService]
) -> None:
    dies_at_any_commit(app, world, services, "before")


def test_a_worker_that_dies_right_after_any_commit(
    app: Flask, world: World, services: tuple[PushService, PushService]
) -> None:
    dies_at_any_commit(app, world, services, "after")


def dies_at_any_commit(app: Flask, world: World, services: tuple[PushService, PushService], when: str) -> None:
    with Undertaker(app.config["SETTINGS"]) as undertaker:
        for at in range(1, MOST):
            evening = Evening(app, world, *services)
            survived = lives_through(evening, undertaker, when, at)
            if not survived:
                evening.leases_end()
                assert lives_through(evening, undertaker), "nobody wants to kill this one"
            evening.judge()
            if survived:
                break
    assert FEWEST < at < MOST - 1, f"{at} commits"


def dies_over(undertaker: Undertaker, person: Person, when: str, at: int, **request: Any) -> bool:
    """A request of theirs to a server that dies at that commit; True when it was answered instead."""
    cookie = {"Cookie": "; ".join(f"{one.key}={one.value}" for one in person.client._cookies.values())}
    return undertaker.request(when, at, headers=HEADERS | cookie, **request)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_server_that_dies_over_a_red_report_or_its_signature(
    app: Flask, world: World, services: tuple[PushService, PushService], when: str
) -> None:
    """The phone knows nothing but that no answer came, and sends the same again."""
    _, service = services
    answer = world.ada.post("/api/push/subscriptions", json=service.browser("ada").subscription())
    assert answer.status_code == 201, answer.text
    deaths = 0
    with Undertaker(app.config["SETTINGS"]) as undertaker:
        for at in range(1, MOST):
            path = f"/api/reports/{uuid4()}"
            report = {"method": "PUT", "path": path, "json": world.vik.report("有人落水", "red")}
            filed = dies_over(undertaker, world.vik, when, at, **report)
            again = world.vik.put(path, json=report["json"]).status_code
            assert again == (200 if filed or when == "after" else 201), "before its commit nothing of it is there"
            number = world.vik.get(path).json["case_number"]
            (alert,) = world.dora.case(number)["alerts"]
            assert [d["to"] for d in alert["deliveries"]] == ["陈安", "黄本"]
            case = world.ada.get(f"/api/cases/{number}").json
            sign = {"action": "acknowledge", "version": case["version"]}
            signature = {"method": "POST", "path": f"/api/cases/{number}/transitions", "json": sign}
            signed = dies_over(undertaker, world.ada, when, at, **signature)
            again = world.ada.post(signature["path"], json=sign).status_code
            assert again in (200, 409), "the case has moved on: by this very act"
            alerts = [a for a in world.dora.case(number)["alerts"] if a["purpose"] == "intake"]
            assert [(a["state"], a["next_step_at"]) for a in alerts] == [("acknowledged", None)]
            deaths += 2 - filed - signed
            if filed and signed:
                break
    assert deaths >= 2 and at < MOST - 1

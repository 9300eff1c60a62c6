"""The township for tests: people who act through the real app, and phones that show what reached them."""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from fieldapp import clock, darkroom, deliver, sealing
from fieldapp.db import db, writing
from fieldapp.deliver import Claim, Outcome, Parcel
from fieldapp.models import Case, Contact, Gateway, OnCall, Preference, User
from fieldapp.photos import Store

HEADERS = {"X-Requested-With": "fieldapp"}
# a real point on P-256 and 16 bytes: what a browser gives; no test in this file ever encrypts to it
P256DH = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
AUTH = "tBHItJI5svbpez7KI4CCXg"


@dataclass
class Person:
    """Somebody with a browser."""

    world: "World"
    username: str
    client: FlaskClient

    @property
    def id(self) -> int:
        return int(self.get("/api/me").json["id"])

    def put(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.put(path, headers=HEADERS | kwargs.pop("headers", {}), **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **kwargs)

    def post(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.post(path, headers=HEADERS | kwargs.pop("headers", {}), **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.delete(path, headers=HEADERS | kwargs.pop("headers", {}), **kwargs)

    def files(
        self, text: str = "井盖破损", severity: str = "blue", photos: tuple[bytes, ...] = (), **more: Any
    ) -> "Filed":
        """File a report with photos the whole way through the API."""
        body = self.report(text, severity, photos, **more)
        filed = Filed(self, str(uuid4()), body)
        answer = self.put(f"/api/reports/{filed.id}", json=body)
        assert answer.status_code == 201, answer.text
        for item, content in zip(body["photos"], photos, strict=True):
            answer = self.put(f"/api/reports/{filed.id}/photos/{item['id']}", data=content)
            assert answer.status_code == 201, answer.text
        return filed

    def report(
        self, text: str = "", severity: str = "blue", photos: tuple[bytes, ...] = (), **more: Any
    ) -> dict[str, Any]:
        """The JSON body of a report as a phone sends it."""
        return {
            "text": text,
            "category": None,
            "severity": severity,
            "position": {"lat": 22.97, "lon": 115.33, "accuracy_m": 12.5, "age_s": 1, "source": "gps"},
            "village_code": None,
            "captured_at": "2026-11-23T20:00:00+08:00",
            "client_now": clock.now().isoformat(),
            "owner": self.id,
            "photos": [manifest(content) for content in photos],
        } | more

    def step(self, action: str, note: str = "", minutes_ago: float = 0, **more: Any) -> dict[str, Any]:
        """The JSON body of a step in the field as a phone sends it."""
        taken_at = clock.now() - timedelta(minutes=minutes_ago)
        return {
            "owner": self.id, "action": action, "note": note, "taken_at": taken_at.isoformat(),
            "client_now": clock.now().isoformat(), "photos": [],
        } | more  # fmt: skip

    def does(self, action: str, number: str, **more: Any) -> TestResponse:
        """Take an action on a case at its current version."""
        with self.world.app.app_context():
            version = db.session.scalars(select(Case.version).where(Case.number == number)).one()
        return self.post(f"/api/cases/{number}/transitions", json={"action": action, "version": version} | more)

    def must(self, action: str, number: str, **more: Any) -> dict[str, Any]:
        """The same, and it works."""
        answer = self.does(action, number, **more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def case(self, number: str) -> dict[str, Any]:
        answer = self.get(f"/api/cases/{number}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def has(self, kind: str) -> None:
        """An address at a gateway of the town; what is sent there is in `world.phones["ada sms_aliyun"]`."""
        folder = self.world.app.config["SETTINGS"].instance
        with self.world.app.app_context(), writing():
            user = db.session.scalars(select(User).where(User.username == self.username)).one()
            at = {"town_code": user.town_code, "kind": kind}
            gateway = db.session.scalar(select(Gateway).filter_by(**at)) or Gateway(
                name=kind, sealed=sealing.seal(folder, {}), created_at=clock.now(), **at
            )
            db.session.add(gateway)
            db.session.flush()
            sealed = sealing.seal(folder, f"{self.username} {kind}")
            db.session.add(
                Contact(
                    user_id=user.id,
                    gateway_id=gateway.id,
                    sealed=sealed,
                    hint=kind,
                    created_at=clock.now(),
                    proved_at=clock.now(),
                )
            )

    def prefers(self, *channels: str, quiet: tuple[int, int] | None = None) -> None:
        """Set the person's order of channels and quiet hours (hours of the local day)."""
        with self.world.app.app_context(), writing():
            user = db.session.scalars(select(User).where(User.username == self.username)).one()
            row = Preference(user_id=user.id, channels=list(channels))
            if quiet:
                row.quiet_from, row.quiet_to = (hour * 60 for hour in quiet)
            db.session.merge(row)

    def carries_phone(self) -> None:
        """Subscribe the device to pushes, which `World.phones` then receives."""
        endpoint = f"http://127.0.0.1:9/{self.username}/{uuid4().hex}"
        answer = self.post(
            "/api/push/subscriptions", json={"endpoint": endpoint, "keys": {"p256dh": P256DH, "auth": AUTH}}
        )
        assert answer.status_code == 201, answer.text


@dataclass
class Filed:
    """A report that was filed."""

    by: Person
    id: str
    body: dict[str, Any]

    @property
    def number(self) -> str:
        return str(self.by.get(f"/api/reports/{self.id}").json["case_number"])


@dataclass
class Phone:
    """What one person's phone was sent; it can be off, dead, or refuse for a while."""

    inbox: list[dict[str, Any]] = field(default_factory=list)
    fails_with: Exception | None = None

    def expects(self, words: str) -> dict[str, Any]:
        """The oldest unread push, which must say `words`."""
        assert self.inbox, f"no push; {words!r} was expected"
        push = self.inbox.pop(0)
        assert words in push["title"] + push["body"], push
        return push

    def stays_silent(self) -> None:
        assert not self.inbox, self.inbox


class World:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.phones: dict[str, Phone] = defaultdict(Phone)
        self.skipped = timedelta()
        self._people: dict[str, Person] = {}

    def __getattr__(self, username: str) -> Person:
        if username.startswith("_"):
            raise AttributeError(username)
        return self.person(username)

    def person(self, username: str) -> Person:
        """A logged-in demo person by name."""
        if username not in self._people:
            client = self.app.test_client()
            answer = client.post("/api/session", json={"username": username, "password": "demo"})
            assert answer.status_code == 204, answer.text
            self._people[username] = Person(self, username, client)
        return self._people[username]

    @property
    def now(self) -> datetime:
        return clock.now() + self.skipped

    def fast_forward(self, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass: the worker's steps run as they would have on the way."""
        end = self.skipped + timedelta(minutes=minutes, seconds=seconds)
        while self.skipped < end:
            self.skipped = min(end, self.skipped + timedelta(seconds=30))
            self.work()

    def work(self) -> None:
        """The alert worker's steps until nothing is due."""
        for _ in range(20):
            with self.app.app_context():
                if not self._step():
                    return
        raise AssertionError("the worker never comes to rest")

    def _step(self) -> bool:
        busy = deliver.escalate(self.now)
        busy |= deliver.look(self.now)
        whom = ("test", "http://town", self.app.config["SECRET_KEY"], self.now)
        claims = deliver.claim(64, *whom)
        for gateway in deliver.waiting_gateways(self.now):
            claims += deliver.claim(64, *whom, only=gateway)
        deliver.record([self._send(claim) for claim in claims], "test", self.now, lambda: 0.0)
        return busy or bool(claims)

    def develop(self) -> None:
        """The photo worker until nothing waits."""
        store = Store(self.app.config["SETTINGS"].photo_folder)
        with self.app.app_context():
            while darkroom.publish_next(store, lambda: self.now):
                pass

    def receipt(self, push: dict[str, Any], state: str) -> TestResponse:
        """The phone confirms a push."""
        data = push["data"]
        return self.app.test_client().post(
            f"/api/deliveries/{data['delivery']}/receipts", json={"state": state, "token": data["token"]}
        )

    def hush(self) -> None:
        """Everybody reads what came so far."""
        for phone in self.phones.values():
            phone.inbox.clear()

    def take_off_call(self, *usernames: str) -> None:
        with self.app.app_context(), writing():
            ids = select(User.id).where(User.username.in_(usernames))
            for row in db.session.scalars(select(OnCall).where(OnCall.user_id.in_(ids))):
                row.ends_at = clock.now() - timedelta(seconds=1)

    def _send(self, claim: Claim) -> Outcome:
        if isinstance(claim.what, Parcel):
            return self._hand_over(claim, claim.what)
        username = claim.push.address.endpoint.split("/")[3]
        phone = self.phones[username]
        if phone.fails_with:
            return Outcome(claim, phone.fails_with)
        assert len(json.dumps(claim.push.payload, ensure_ascii=False).encode()) < 2000
        phone.inbox.append(claim.push.payload["notification"])  # type: ignore[arg-type]
        return Outcome(claim, None)

    def _hand_over(self, claim: Claim, parcel: Parcel) -> Outcome:
        phone = self.phones[sealing.unseal(self.app.config["SETTINGS"].instance, parcel.address)]
        if phone.fails_with is None:
            message = parcel.message
            phone.inbox.append(
                {"title": message.title, "body": message.body, "link": message.link.removeprefix("http://town")}
            )
        return Outcome(claim, phone.fails_with)


def manifest(content: bytes) -> dict[str, Any]:
    return {"id": str(uuid4()), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

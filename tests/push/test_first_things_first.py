"""Words that only tell something never stand in the way of a call, and are said once."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from fieldapp import clock, deliver
from fieldapp.db import db, writing
from fieldapp.models import Alert, Delivery, Device, PushSubscription
from tests.push.endpoint import PushService
from tests.push.killing import Workers, until
from tests.world import World


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as service:
        yield service


def test_who_loses_many_devices_at_once_is_told_once(app: Flask, world: World, service: PushService) -> None:
    """Ben's browser was reset again and again: twenty addresses are left over, all dead, beside the one that works."""
    good, dead = service.browser("ben"), [service.browser("gone") for _ in range(20)]
    assert world.ben.post("/api/push/subscriptions", json=good.subscription()).status_code == 201
    with app.app_context(), writing():
        one = db.session.scalars(select(PushSubscription)).one()
        device = db.session.get(Device, one.device_id)
        for number, browser in enumerate(dead):
            browser.answers(410)
            new = Device(
                user_id=one.user_id, token_hash=f"gone{number}", label="", created_at=clock.now(),
                seen_at=clock.now(), expires_at=device.expires_at,
            )  # fmt: skip
            db.session.add(new)
            db.session.flush()
            keys = browser.subscription()
            db.session.add(PushSubscription(
                user_id=one.user_id, device_id=new.id, endpoint=keys["endpoint"], **keys["keys"],
                created_at=clock.now(), renewed_at=clock.now(),
            ))  # fmt: skip

    def settled() -> bool:
        with app.app_context():
            retired = select(func.count()).where(PushSubscription.disabled_why == "service_410")
            waiting = select(func.count()).where(Delivery.state.in_(("queued", "failed-temporary")))
            return db.session.scalar(retired) == 20 and db.session.scalar(waiting) == 0

    with Workers(app.config["SETTINGS"]):
        world.vik.files("护栏断了", severity="red")
        assert until(settled, 15)
    titles = [good.read(push)["notification"]["title"] for push in good.received]
    assert len(titles) == 2, titles


def test_a_call_overtakes_what_only_tells(app: Flask, world: World, service: PushService) -> None:
    """A whole county's reporters are being told of their closed cases when a red report comes in."""
    phone = service.browser("ada")
    assert world.ada.post("/api/push/subscriptions", json=phone.subscription()).status_code == 201
    world.vik.files("护栏断了", severity="red")
    with app.app_context(), writing():
        model = {c.key: getattr(db.session.scalars(select(Alert)).one(), c.key) for c in Alert.__table__.columns}
        call = db.session.scalars(select(Delivery).where(Delivery.subscription_id.is_not(None))).one()
        like = {c.key: getattr(call, c.key) for c in Delivery.__table__.columns}
        told = [model | {"id": uuid4(), "purpose": "answer", "state": "told", "once": None} for _ in range(200)]
        db.session.execute(insert(Alert), told)
        db.session.execute(insert(Delivery), [like | {"id": uuid4(), "alert_id": one["id"]} for one in told])
    number = world.vik.files("煤气味很重", severity="red").number
    with app.app_context():
        claims = deliver.claim(2, "me", "http://town", "key", clock.now())
        purposes = db.session.scalars(select(Alert.purpose).where(Alert.id.in_([c.alert_id for c in claims]))).all()
    assert purposes == ["intake", "intake"], number

"""Subscribing a device and confirming what it was sent."""

import base64
from uuid import uuid4

import pytest
from sqlalchemy import select

from fieldapp.db import db
from fieldapp.models import Delivery, PushSubscription
from tests.world import AUTH, P256DH, World

pytestmark = pytest.mark.onedb


def subscription(endpoint: str, p256dh: str = P256DH, auth: str = AUTH) -> dict[str, object]:
    return {"endpoint": endpoint, "expirationTime": None, "keys": {"p256dh": p256dh, "auth": auth}}


def test_the_key_is_a_point_a_browser_takes(world: World) -> None:
    key = world.vik.get("/api/push/key").json["key"]
    point = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    assert (len(point), point[0]) == (65, 4)
    assert world.dora.get("/api/push/key").json["key"] == key


def test_subscribing_again_renews_and_a_new_address_replaces_the_old(world: World) -> None:
    first = subscription("https://updates.push.services.mozilla.com/wpush/v2/a")
    assert world.ada.post("/api/push/subscriptions", json=first).status_code == 201
    assert world.ada.post("/api/push/subscriptions", json=first).status_code == 200
    second = subscription("https://web.push.apple.com/b")
    assert world.ada.post("/api/push/subscriptions", json=second).status_code == 201
    with world.app.app_context():
        live = select(PushSubscription.endpoint).where(PushSubscription.disabled_at.is_(None))
        assert list(db.session.scalars(live)) == ["https://web.push.apple.com/b"]
    assert world.ada.delete("/api/push/subscriptions").status_code == 204
    with world.app.app_context():
        assert list(db.session.scalars(live)) == []


@pytest.mark.parametrize(
    "endpoint",
    ["https://evil.example/x", "http://fcm.googleapis.com/x", "https://fcm.googleapis.com.evil.example/x",
     "https://192.168.0.1/x", "ftp://fcm.googleapis.com", "https://fcm.googleapis.com:8443/x", "", None],
)  # fmt: skip
def test_addresses_outside_the_list_are_refused(world: World, endpoint: str) -> None:
    answer = world.ada.post("/api/push/subscriptions", json=subscription(endpoint))
    assert answer.status_code == 422
    assert answer.json["errors"]["endpoint"]


@pytest.mark.parametrize(("p256dh", "auth"), [("AAAA", AUTH), (P256DH, "AAAA"), ("", ""), ("é", "é")])
def test_keys_no_browser_made_are_refused(world: World, p256dh: str, auth: str) -> None:
    endpoint = "https://fcm.googleapis.com/x"
    assert world.ada.post("/api/push/subscriptions", json=subscription(endpoint, p256dh, auth)).status_code == 422


def test_a_receipt_needs_its_own_token(world: World) -> None:
    world.ada.carries_phone()
    world.ben.carries_phone()
    world.vik.files("电线垂落", severity="red")
    world.work()
    adas, bens = world.phones["ada"].expects("电线"), world.phones["ben"].expects("电线")
    swapped = {"data": {"delivery": adas["data"]["delivery"], "token": bens["data"]["token"]}}
    assert world.receipt(swapped, "acknowledged").status_code == 403
    unknown = {"data": {"delivery": str(uuid4()), "token": adas["data"]["token"]}}
    assert world.receipt(unknown, "shown").status_code == 404
    assert world.receipt(adas, "accepted").status_code == 422
    assert world.receipt(adas, "shown").status_code == 204
    with world.app.app_context():
        states = dict(db.session.execute(select(Delivery.user_id, Delivery.state)).all())
    assert sorted(states.values()) == ["accepted", "shown"]


def test_signing_twice_is_signing_once(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    push = world.phones["ada"].expects("电线")
    assert [world.receipt(push, "acknowledged").status_code for _ in range(2)] == [204, 204]
    history = [event["action"] for event in world.dora.case(number)["history"]]
    assert history.count("acknowledge") == 1


def test_signing_a_case_that_is_over_is_refused_with_a_sentence(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    push = world.phones["ada"].expects("电线")
    world.dora.must("decline", number, note="误报")
    answer = world.receipt(push, "acknowledged")
    assert answer.status_code == 409
    assert "已经结束" in answer.json["detail"]

"""Logging in, being locked out, enrolling a phone, and logging out where one cannot reach the device."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from fieldapp import accounts, clock
from fieldapp.config import Settings
from fieldapp.db import db, writing
from fieldapp.models import Device, LoginFailures, User
from tests.world import HEADERS, World

pytestmark = pytest.mark.onedb


def log_in(client: FlaskClient, password: str = "demo", username: str = "dora") -> int:
    return client.post("/api/session", json={"username": username, "password": password}).status_code


def invite(world: World, role: str = "patrol", **more: str) -> str:
    with world.app.app_context(), writing():
        by = db.session.scalars(select(User).where(User.username == "root")).one()
        _invitation, token = accounts.invite(by, "郑伯", role, "441521115004", clock.now())
    return token


def test_a_session_lasts_over_a_restart(
    app: Flask, settings: Settings, start_again: Callable[[Settings], Flask]
) -> None:
    client = app.test_client()
    assert log_in(client) == 204
    cookie = client.get_cookie("fieldapp_device")
    assert cookie is not None and cookie.http_only and cookie.same_site == "Lax"
    restarted = start_again(settings).test_client()
    restarted.set_cookie("fieldapp_device", cookie.value)
    assert restarted.get("/api/me").json["username"] == "dora"


def test_a_session_outlives_a_new_session_key(
    world: World, settings: Settings, start_again: Callable[[Settings], Flask]
) -> None:
    cookie = world.vik.client.get_cookie("fieldapp_device")
    (settings.instance / "session.key").unlink()
    client = start_again(settings).test_client()
    client.set_cookie("fieldapp_device", cookie.value if cookie else "")
    assert client.get("/api/me").status_code == 200


def test_secrets_are_readable_by_their_owner_alone(world: World, settings: Settings) -> None:
    world.vik.get("/api/push/key")
    for name in ("session.key", "vapid.pem"):
        assert (settings.instance / name).stat().st_mode & 0o777 == 0o600
    assert (settings.photo_folder if settings.photo_folder.exists() else settings.instance).is_dir()


def test_five_wrong_passwords_lock_for_a_quarter_of_an_hour_and_say_until_when(app: Flask) -> None:
    client = app.test_client()
    assert [log_in(client, "wrong") for _ in range(5)] == [401] * 5
    answer = client.post("/api/session", json={"username": "dora", "password": "demo"})
    assert answer.status_code == 429
    assert "之后再试" in answer.json["detail"]
    with app.app_context(), writing():
        for row in db.session.scalars(select(LoginFailures).where(LoginFailures.locked_until.is_not(None))):
            assert row.locked_until is not None
            row.locked_until -= timedelta(minutes=16)
    assert log_in(client) == 204


def test_a_name_that_nobody_has_locks_in_the_same_words(app: Flask) -> None:
    client = app.test_client()
    assert [log_in(client, "wrong", "nobody-at-all") for _ in range(6)] == [401] * 5 + [429]


def test_guessing_from_elsewhere_does_not_lock_the_owner_out(app: Flask) -> None:
    stranger = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    for _ in range(6):
        app.test_client().post("/api/session", json={"username": "dora", "password": "guess"}, **stranger)
    assert log_in(app.test_client()) == 204


def test_a_guesser_with_many_addresses_is_stopped_too(app: Flask) -> None:
    for address in range(10):
        for _ in range(5):
            body = {"username": "dora", "password": "guess"}
            app.test_client().post("/api/session", json=body, environ_base={"REMOTE_ADDR": f"203.0.113.{address}"})
    assert log_in(app.test_client()) == 429


def test_logging_in_as_somebody_else_ends_the_session_before(app: Flask) -> None:
    client = app.test_client()
    assert log_in(client) == 204
    before = client.get_cookie("fieldapp_device")
    assert log_in(client, username="vik") == 204
    old = app.test_client()
    old.set_cookie("fieldapp_device", before.value if before else "")
    assert old.get("/api/me").status_code == 401


def test_an_unknown_name_and_a_wrong_password_say_the_same(app: Flask) -> None:
    client = app.test_client()
    answers = [client.post("/api/session", json={"username": name, "password": "x"}) for name in ("dora", "nobody")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json == answers[1].json


def test_a_disabled_account_is_out_at_once(world: World) -> None:
    assert world.ada.get("/api/me").status_code == 200
    with world.app.app_context(), writing():
        db.session.scalars(select(User).where(User.username == "ada")).one().active = False
    assert world.ada.get("/api/me").status_code == 401
    assert log_in(world.app.test_client(), username="ada") == 401


def test_the_login_form_keeps_the_name_and_says_what_is_wrong(app: Flask) -> None:
    client = app.test_client()
    answer = client.post("/login", data={"username": "dora", "password": "wrong"}, headers=HEADERS)
    assert answer.status_code == 401
    assert 'value="dora"' in answer.text
    assert "用户名或密码不对" in answer.text


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_login_leads_nowhere_else(app: Flask, target: str) -> None:
    form = {"username": "dora", "password": "demo", "next": target}
    answer = app.test_client().post("/login", data=form, headers=HEADERS)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"


def test_an_invitation_enrols_a_phone_without_typing_and_only_once(world: World) -> None:
    token = invite(world)
    phone = world.app.test_client()
    assert "郑伯" in phone.get(f"/invite/{token}").text
    answer = phone.post(f"/invite/{token}", headers=HEADERS)
    assert answer.status_code == 302
    me = phone.get("/api/me").json
    assert (me["name"], me["role"], me["area_code"]) == ("郑伯", "patrol", "441521115004")
    with world.app.app_context():
        device = db.session.scalars(select(Device).where(Device.user_id == me["id"])).one()
        assert device.enrolled and device.expires_at - device.created_at > timedelta(days=300)
        assert token not in device.token_hash
    another = world.app.test_client()
    assert another.get(f"/invite/{token}").status_code == 410
    assert another.post(f"/invite/{token}", headers=HEADERS).status_code == 410
    assert another.get("/api/me").status_code == 401


def test_an_officer_chooses_a_password_on_enrolling(world: World) -> None:
    token = invite(world, role="duty")
    browser = world.app.test_client()
    short = browser.post(f"/invite/{token}", data={"username": "zheng", "password": "short"}, headers=HEADERS)
    assert short.status_code == 422
    assert "至少 10 位" in short.text and 'value="zheng"' in short.text
    good = "long enough 1"
    for name, why in (("Dora", "已被使用"), ("a b", "不空格"), ("", "不空格")):
        taken = browser.post(f"/invite/{token}", data={"username": name, "password": good}, headers=HEADERS)
        assert taken.status_code == 422 and why in taken.text
    chosen = {"username": "郑伯", "password": good}
    assert browser.post(f"/invite/{token}", data=chosen, headers=HEADERS).status_code == 302
    assert "郑伯" in browser.get("/devices").text
    assert log_in(world.app.test_client(), good, "郑伯") == 204


@pytest.mark.parametrize("password", ["1234567890", "password123", "qwertyuiop", "郑伯郑伯郑伯郑伯"])
def test_a_password_that_is_on_every_list_is_refused(world: World, password: str) -> None:
    token = invite(world, role="duty")
    answer = world.app.test_client().post(f"/invite/{token}", data={"password": password}, headers=HEADERS)
    assert answer.status_code == 422
    assert "密码" in answer.text


def test_changing_the_password_logs_the_other_devices_out(world: World) -> None:
    other = world.app.test_client()
    assert log_in(other) == 204
    world.dora.get("/api/me")
    for wrong in ({"old": "nope", "new": "a longer one 7"}, {"old": "demo", "new": "short"}):
        assert world.dora.post("/password", data=wrong).status_code == 422
    assert other.get("/api/me").status_code == 200
    assert world.dora.post("/password", data={"old": "demo", "new": "a longer one 7"}).status_code == 303
    assert world.dora.get("/api/me").status_code == 200
    assert other.get("/api/me").status_code == 401
    assert log_in(world.app.test_client(), "a longer one 7") == 204


def test_a_duty_officer_invites_patrols_of_the_own_town_only(world: World) -> None:
    with world.app.app_context():
        dora = db.session.scalars(select(User).where(User.username == "dora")).one()
        for role, area in (("admin", "441521115"), ("duty", "441521115")):
            with pytest.raises(accounts.NotAllowed):
                accounts.invite(dora, "某人", role, area, clock.now())
        with pytest.raises(accounts.Invalid):
            accounts.invite(dora, "某人", "patrol", "441521119001", clock.now())


def test_logging_out_everywhere_ends_the_other_device_and_its_pushes(world: World) -> None:
    world.ada.carries_phone()
    other = world.app.test_client()
    assert log_in(other, username="ada") == 204
    assert other.post("/devices/revocation", headers=HEADERS).status_code == 302
    assert world.ada.get("/api/me").status_code == 401
    assert other.get("/api/me").status_code == 401
    world.vik.files("电线垂落", severity="red")
    world.work()
    world.phones["ada"].stays_silent()


def test_one_cannot_revoke_somebody_elses_device(world: World) -> None:
    world.ada.get("/api/me")
    with world.app.app_context():
        device = db.session.scalars(select(Device.id).join(User).where(User.username == "ada")).one()
    world.ben.post(f"/devices/{device}/revocation")
    assert world.ada.get("/api/me").status_code == 200


def test_the_devices_page_lists_where_one_is_logged_in(world: World) -> None:
    log_in(world.app.test_client(), username="vik")
    page = world.vik.get("/devices")
    assert page.status_code == 200
    assert page.text.count("/revocation") >= 2


def test_log_out_forgets_the_cookie(world: World) -> None:
    assert world.dora.delete("/api/session").status_code == 204
    assert world.dora.get("/api/me").status_code == 401

"""When no phone shows it: the next way, one after the other, and a link that signs without a login."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fieldapp.channels import Gone, Temporary
from tests.world import World


def stranger(world: World) -> FlaskClient:
    """A browser that never logged in here."""
    return world.app.test_client()


def press(browser: FlaskClient, link: str, path: str, **form: str) -> TestResponse:
    return browser.post(link + path, data=form, headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"})


def version(page: TestResponse) -> str:
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found, page.text
    return found[1]


def states(world: World, number: str) -> dict[str, str]:
    calls = [alert for alert in world.dora.case(number)["alerts"] if alert["purpose"] == "intake"]
    deliveries = [one for alert in calls for one in alert["deliveries"]]
    return {f"{one['to']} {one['channel']}": one["state"] for one in deliveries}


def test_a_phone_that_shows_nothing_for_a_minute_is_followed_by_a_text_message(world: World) -> None:
    world.take_off_call("ben")
    world.ada.carries_phone()
    world.ada.has("sms_aliyun")
    world.vik.files("煤气味很重", severity="red")
    world.work()
    world.phones["ada"].expects("煤气味")
    world.phones["ada sms_aliyun"].stays_silent()
    world.fast_forward(seconds=59)
    world.phones["ada sms_aliyun"].stays_silent()
    world.fast_forward(seconds=2)
    world.phones["ada sms_aliyun"].expects("煤气味")


def test_a_phone_that_showed_it_costs_no_text_message(world: World) -> None:
    world.ada.carries_phone()
    world.ada.has("sms_aliyun")
    number = world.vik.files("煤气味很重", severity="red").number
    world.work()
    world.receipt(world.phones["ada"].expects("煤气味"), "shown")
    world.fast_forward(minutes=2)
    world.phones["ada sms_aliyun"].stays_silent()
    assert states(world, number)["陈安 sms_aliyun"] == "expired"


def test_a_dead_phone_is_followed_at_once_and_its_owner_is_told(world: World) -> None:
    world.ada.carries_phone()
    world.ada.has("mail")
    world.phones["ada"].fails_with = Gone("service_410")
    world.vik.files("电线垂落", severity="red")
    world.work()
    told = world.phones["ada mail"].inbox
    assert [("电线垂落" in one["title"], "叫不到您" in one["title"]) for one in told] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )


def test_a_gateway_that_fails_for_minutes_is_tried_again_while_the_next_way_is_tried(world: World) -> None:
    world.take_off_call("ben")
    world.ada.has("sms_aliyun")
    world.ada.has("mail")
    world.phones["ada sms_aliyun"].fails_with = Temporary("busy", 40)
    number = world.vik.files("电线垂落", severity="red").number
    world.fast_forward(seconds=65)
    world.phones["ada mail"].expects("电线垂落")
    assert states(world, number)["陈安 sms_aliyun"] == "failed-temporary"
    world.phones["ada sms_aliyun"].fails_with = None
    world.fast_forward(minutes=2)
    world.phones["ada sms_aliyun"].expects("电线垂落")


def test_the_own_order_counts(world: World) -> None:
    world.ada.carries_phone()
    world.ada.has("mail")
    world.ada.prefers("mail", "webpush")
    world.vik.files("电线垂落", severity="red")
    world.work()
    world.phones["ada mail"].expects("电线垂落")
    world.phones["ada"].stays_silent()


def test_quiet_hours_hold_a_yellow_one_and_never_a_red_one(world: World) -> None:
    world.take_off_call("ben")
    world.ada.carries_phone()
    hour = (world.now.hour + 8) % 24
    world.ada.prefers(quiet=(hour, (hour + 2) % 24))
    number = world.vik.files("路灯不亮", severity="yellow").number
    world.work()
    world.phones["ada"].stays_silent()
    assert "nobody_reachable" in [event["action"] for event in world.dora.case(number)["history"]]
    world.vik.files("有人落水", severity="red")
    world.work()
    world.phones["ada"].expects("有人落水")


def test_a_link_opens_and_signs_without_a_login(world: World) -> None:
    world.take_off_call("ben")
    world.ada.has("sms_aliyun")
    number = world.vik.files("有人落水", severity="red").number
    world.work()
    link = world.phones["ada sms_aliyun"].expects("有人落水")["link"]
    browser = stranger(world)
    page = browser.get(link)
    assert page.status_code == 200
    assert "有人落水" in page.text and "签收" in page.text
    assert states(world, number)["陈安 sms_aliyun"] == "accepted", "a robot that looks at links says nothing of ada"
    assert press(browser, link, "/signature").status_code == 303
    assert world.dora.case(number)["status"] == "acknowledged"
    assert states(world, number)["陈安 sms_aliyun"] == "acknowledged"
    for action in ("depart", "arrive"):
        answer = press(browser, link, "/steps", action=action, version=version(browser.get(link)))
        assert answer.status_code == 303, answer.text
    done = version(browser.get(link))
    assert press(browser, link, "/steps", action="report_outcome", note="人已救起", version=done).status_code == 303
    assert world.dora.case(number)["status"] == "answered"


def test_a_link_gives_a_case_back(world: World) -> None:
    world.ada.has("sms_aliyun")
    number = world.vik.files("有人落水", severity="red").number
    world.work()
    browser, link = stranger(world), world.phones["ada sms_aliyun"].expects("有人落水")["link"]
    press(browser, link, "/signature")
    answer = press(browser, link, "/steps", action="return", note="在外地", version=version(browser.get(link)))
    assert "已交回值班台" in answer.text
    assert world.dora.case(number)["status"] == "accepted"
    assert browser.get(link).status_code == 404, "the case is no longer ada's"


def test_a_link_is_for_one_person_one_alert_and_one_day(world: World) -> None:
    world.ada.has("sms_aliyun")
    first = world.vik.files("有人落水", severity="red").number
    world.work()
    link = world.phones["ada sms_aliyun"].expects("有人落水")["link"]
    second = world.vik.files("电线垂落", severity="red").number
    world.work()
    browser = stranger(world)
    press(browser, link, "/signature")
    assert world.dora.case(first)["status"] == "acknowledged"
    assert world.dora.case(second)["status"] == "new"
    assert browser.get("/tasks").status_code == 302, "and it logs nobody in"
    assert browser.get(link[:-1] + ("a" if link[-1] != "a" else "b")).status_code == 404
    with world.app.app_context():
        from fieldapp import links

        assert links.find(link.removeprefix("/r/"), world.now) is not None
        assert links.find(link.removeprefix("/r/"), world.now + timedelta(hours=24, minutes=1)) is None


def test_a_link_to_an_account_that_was_switched_off_is_over(world: World) -> None:
    world.ada.has("sms_aliyun")
    world.vik.files("有人落水", severity="red")
    world.work()
    link = world.phones["ada sms_aliyun"].expects("有人落水")["link"]
    answer = world.root.post(f"/admin/accounts/{world.ada.id}", data={"role": "responder"})
    assert answer.status_code == 303, answer.text
    assert stranger(world).get(link).status_code == 404
    assert press(stranger(world), link, "/signature").status_code == 404


@pytest.mark.onedb
@pytest.mark.parametrize("path", ["/signature", "/steps"])
def test_a_foreign_page_cannot_press_the_button(world: World, path: str) -> None:
    world.ada.has("sms_aliyun")
    number = world.vik.files("有人落水", severity="red").number
    world.work()
    link = world.phones["ada sms_aliyun"].expects("有人落水")["link"]
    answer = stranger(world).post(link + path, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert world.dora.case(number)["status"] == "new"


def test_an_answer_comes_by_message_too_and_its_link_leads_to_the_story(world: World) -> None:
    world.vik.has("sms_aliyun")
    number = world.vik.files("井盖破损").number
    world.dora.must("accept", number)
    world.work()
    link = world.phones["vik sms_aliyun"].expects("中心已受理")["link"]
    answer = stranger(world).get(link)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/story?case={number}")

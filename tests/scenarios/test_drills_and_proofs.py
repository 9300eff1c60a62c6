"""Before anything happens: devices prove themselves before a shift, and a whole town is called to see who answers."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from fieldapp import clock, proofs
from fieldapp.db import db, writing
from fieldapp.models import Alert, Delivery, Drill, OnCall, Rotation, User
from fieldapp.rules.reachability import Reach
from tests.scenarios.test_other_channels import press, stranger
from tests.world import World


@pytest.fixture
def tomorrow(world: World) -> World:
    """Nobody was ever asked: the demo's own turns began long ago."""
    with world.app.app_context(), writing():
        for row in db.session.scalars(select(OnCall)):
            row.starts_at = clock.now() - timedelta(days=3)
        for rotation in db.session.scalars(select(Rotation)):
            db.session.delete(rotation)
    return world


def reach(world: World, username: str) -> str:
    with world.app.app_context():
        person = db.session.scalars(select(User).where(User.username == username)).one()
        return proofs.standing([person], world.now)[person.id].value


def shift_in(world: World, minutes: int, *usernames: str) -> None:
    """A post whose next shift begins that many minutes from now, held by these in turn."""
    with world.app.app_context(), writing():
        ids = [db.session.scalars(select(User.id).where(User.username == name)).one() for name in usernames]
        begins = clock.local(world.now + timedelta(minutes=minutes))
        db.session.add(
            Rotation(
                town_code="441521115",
                rung="on_call",
                name="夜班",
                members=ids,
                starts_on=begins.date(),
                cuts=[f"{begins:%H:%M}"],
                turn=1,
                days="all",
                created_at=world.now,
            )
        )


def ask(world: World) -> None:
    with world.app.app_context():
        proofs.ask_before_shifts(world.now)
    world.work()


def test_before_a_shift_its_holder_is_asked_once_and_a_tap_proves_the_phone(tomorrow: World) -> None:
    world = tomorrow
    world.ada.carries_phone()
    shift_in(world, 40, "ada")
    assert reach(world, "ada") == Reach.UNPROVED
    ask(world)
    ask(world)
    push = world.phones["ada"].expects("请点一下")
    world.phones["ada"].stays_silent()
    world.receipt(push, "shown")
    assert reach(world, "ada") == Reach.UNPROVED, "a phone that shows it may lie in a drawer"
    world.receipt(push, "opened")
    assert reach(world, "ada") == Reach.REACHABLE


def test_each_device_proves_itself(tomorrow: World) -> None:
    world = tomorrow
    world.ada.carries_phone()
    world.ada.has("sms_aliyun")
    shift_in(world, 40, "ada")
    ask(world)
    world.receipt(world.phones["ada"].expects("请点一下"), "opened")
    link = world.phones["ada sms_aliyun"].expects("请点一下")["link"]
    assert "我收到了" in stranger(world).get(link).text
    assert press(stranger(world), link, "/signature").status_code == 303
    assert "收到了" in stranger(world).get(link).text


def test_who_does_not_tap_within_a_quarter_of_an_hour_is_out_of_reach(tomorrow: World) -> None:
    world = tomorrow
    world.ada.carries_phone()
    shift_in(world, 40, "ada")
    ask(world)
    world.fast_forward(minutes=16)
    assert reach(world, "ada") == Reach.UNREACHABLE
    world.receipt(world.phones["ada"].expects("请点一下"), "opened")
    assert reach(world, "ada") == Reach.REACHABLE


def test_a_shift_that_is_far_off_wakes_nobody(tomorrow: World) -> None:
    world = tomorrow
    world.ada.carries_phone()
    shift_in(world, 90, "ada")
    ask(world)
    world.phones["ada"].stays_silent()


def test_who_has_no_device_at_all_is_out_of_reach(tomorrow: World) -> None:
    assert reach(tomorrow, "ben") == Reach.UNREACHABLE


def drill(world: World, **form: Any) -> str:
    answer = world.dora.post("/desk/drills", data={"note": "周五例行演练", "minutes": "10", "sure": "yes"} | form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def test_a_drill_calls_the_whole_town_and_tells_who_answered_by_which_way(tomorrow: World) -> None:
    world = tomorrow
    world.ada.carries_phone()
    world.lea.has("sms_aliyun")
    world.otto.carries_phone()
    page = drill(world)
    world.work()
    push = world.phones["ada"].expects("演练")
    assert push["navigate"].startswith("http://town/r/")
    world.phones["otto"].stays_silent()
    press(stranger(world), push["navigate"].removeprefix("http://town"), "/signature")
    press(stranger(world), world.phones["lea sms_aliyun"].expects("演练")["link"], "/signature")
    report = world.dora.get(page).text
    assert "2 人答了" in report
    assert "短信" in report and "手机提醒" in report
    assert "没有能叫到的方式" in report, "who has no device is named with the reason"
    assert world.otto.get(page).status_code == 404
    assert world.vik.get(page).status_code == 403


def test_one_tap_starts_no_drill_but_asks_and_says_how_many_would_be_called(tomorrow: World) -> None:
    world = tomorrow
    world.ada.carries_phone()
    asked = world.dora.post("/desk/drills", data={"note": "<周五>", "minutes": "5"})
    assert asked.status_code == 200 and "现在就叫全镇 5 人吗？" in asked.text
    assert "其中 4 人还没有能叫到的办法" in asked.text and 'value="&lt;周五&gt;"' in asked.text
    world.work()
    world.phones["ada"].stays_silent()


@pytest.mark.parametrize("ends", ["by hand", "by itself"])
def test_who_opens_the_link_after_the_drill_reads_that_it_is_over_and_whether_the_answer_came(
    tomorrow: World, ends: str
) -> None:
    world = tomorrow
    world.ada.has("sms_aliyun")
    world.ben.has("sms_aliyun")
    page = drill(world)
    world.work()
    links = [world.phones[f"{name} sms_aliyun"].expects("演练")["link"] for name in ("ada", "ben")]
    press(stranger(world), links[0], "/signature")
    if ends == "by hand":
        world.dora.post(f"{page}/end")
    else:
        with world.app.app_context(), writing():
            db.session.scalars(select(Drill)).one().ends_at = clock.now()
            db.session.execute(update(Delivery).values(expires_at=clock.now()))
    ada, ben = (stranger(world).get(link).text for link in links)
    with world.app.app_context():
        answered = db.session.scalars(select(Alert.acknowledged_at).where(Alert.acknowledged_at.is_not(None))).one()
    assert f"演练已结束，您在 {clock.local(answered):%H:%M} 已应答" in ada
    assert "演练已结束" in ben and "已应答" not in ben and "不能用了" not in ben
    assert "我收到了" not in ada + ben


def test_the_link_speaks_english_to_who_never_logged_in(tomorrow: World) -> None:
    world = tomorrow
    world.ada.has("sms_aliyun")
    drill(world)
    world.work()
    link, browser = world.phones["ada sms_aliyun"].expects("演练")["link"], stranger(world)
    assert f'name="next" value="{link}"' in browser.get(link).text
    answer = press(browser, "/language", "", language="en", next=link)
    assert (answer.status_code, answer.headers["Location"]) == (302, link)
    assert 'lang="en"' in browser.get(link).text


def test_a_drill_touches_no_case_and_reddens_no_desk(tomorrow: World) -> None:
    world = tomorrow
    page = drill(world)
    world.fast_forward(minutes=11)
    assert world.dora.get("/api/cases").json["items"] == []
    assert "正在进行" not in world.dora.get(page).text
    assert world.dora.get("/desk").status_code == 200


def test_one_drill_at_a_time_and_it_can_be_ended(tomorrow: World) -> None:
    world = tomorrow
    page = drill(world)
    assert world.dora.post("/desk/drills", data={"minutes": "10"}).status_code == 422
    assert world.dora.post("/desk/drills", data={"minutes": "10", "sure": "yes"}).status_code == 422
    assert world.dora.post(f"{page}/end").status_code == 303
    world.fast_forward(seconds=1)
    assert world.dora.post("/desk/drills", data={"minutes": "77"}).status_code == 422
    assert "隔 10 分钟" in world.dora.post("/desk/drills", data={"minutes": "10"}).text, "or people stop answering"
    with world.app.app_context(), writing():
        for row in db.session.scalars(select(Drill)):
            row.started_at -= timedelta(minutes=11)
    drill(world)


def test_nobody_is_asked_for_a_tap_all_day_long(tomorrow: World) -> None:
    world = tomorrow
    world.ada.carries_phone()
    with world.app.app_context(), writing():
        ada = db.session.scalars(select(User).where(User.username == "ada")).one()
        asked = [proofs.ask_now(ada, clock.now() + timedelta(minutes=n)) for n in range(12)]
    assert [one is not None for one in asked] == [True] * 10 + [False] * 2

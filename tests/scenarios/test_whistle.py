"""吹哨: one leads, others assist, each called and timed for itself; departments without an account answer by link."""

import re
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from fieldapp import clock, sealing, seats
from fieldapp.db import db, writing
from fieldapp.models import Assignment, Attachment, Contact, Department, Gateway, User
from tests.pictures import jpeg_with_everything
from tests.scenarios.test_other_channels import press, stranger, version
from tests.world import World

FROM_HERE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def world(world: World) -> World:
    for name in ("ada", "ben", "lea"):
        world.person(name).carries_phone()
    return world


def without_accounts(world: World, name: str) -> str:
    """A department that nobody of has an account, with a number at its duty desk; the name of that telephone."""
    folder = world.app.config["SETTINGS"].instance
    with world.app.app_context(), writing():
        db.session.add(made := Department(town_code="441521115", name=name))
        db.session.flush()
        root = db.session.scalars(select(User).where(User.username == "root")).one()
        seat = seats.of(root, made.id, clock.now())
        gateway = db.session.scalar(select(Gateway).filter_by(kind="sms_aliyun")) or Gateway(
            town_code="441521115",
            kind="sms_aliyun",
            name="sms",
            sealed=sealing.seal(folder, {}),
            created_at=clock.now(),
        )
        db.session.add(gateway)
        db.session.flush()
        db.session.add(
            Contact(
                user_id=seat.id,
                gateway_id=gateway.id,
                sealed=sealing.seal(folder, f"{name} sms"),
                hint="138",
                created_at=clock.now(),
                proved_at=clock.now(),
            )
        )
        db.session.flush()
        seats.settle(seat, clock.now())
    return f"{name} sms"


def outcome(browser: FlaskClient, link: str, step: str, note: str, *photos: bytes) -> TestResponse:
    files = [(BytesIO(content), f"{n}.jpg") for n, content in enumerate(photos)]
    data = {"step": step, "note": note, "photos": files}
    return browser.post(link + "/outcome", data=data, headers=FROM_HERE, content_type="multipart/form-data")


def step_id(page: TestResponse) -> str:
    found = re.search(r'name="step" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def ways(world: World, number: str) -> dict[str, str]:
    """Who was sent, and what each is: leads, assists, or is out of it."""
    with world.app.app_context():
        query = select(Assignment).join(Assignment.case).where(Assignment.case.property.mapper.class_.number == number)
        rows = db.session.scalars(query.order_by(Assignment.id))
        return {a.name: ("leads" if a.lead else "assists") if a.standing else "out" for a in rows}


def test_the_lead_is_called_on_although_who_assists_has_signed(world: World) -> None:
    """Signing for oneself is not signing for the others: the lead who sleeps is still followed by the leader."""
    number = world.vik.files("电线垂落", severity="red").number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    world.work()
    world.hush()
    world.ben.must("acknowledge", number)
    world.fast_forward(minutes=6)
    world.phones["lea"].expects("电线垂落")
    world.phones["ben"].stays_silent()
    world.ada.must("acknowledge", number)
    states = {alert["state"] for alert in world.dora.case(number)["alerts"] if alert["purpose"] == "dispatch"}
    assert states == {"acknowledged"}


def test_with_one_on_site_the_desk_reads_who_is_there_and_who_has_not_signed(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    world.fast_forward(minutes=2)
    unreached = "/desk?lane=unreached"
    assert "没人看到" in world.dora.get(unreached).text
    world.ada.must("acknowledge", number)
    world.ada.must("arrive", number)
    world.fast_forward(minutes=6)
    assert number not in world.dora.get(unreached).text, "a human is there"
    for page in ("/desk", f"/desk/cases/{number}"):
        text = world.dora.get(page).text
        assert "陈安已到场；黄本还没签收" in text and "没人看到" not in text, page
    world.ada.must("report_outcome", number, note="已断电")
    assert "黄本没有签收过，办结后不再叫" in world.dora.get(f"/desk/cases/{number}").text
    world.dora.must("close", number)
    assert "办结（黄本没有签收过）" in {event["words"] for event in world.dora.case(number)["history"]}


def test_one_leads_two_assist_one_gives_back_and_the_lead_changes(world: World) -> None:
    water = without_accounts(world, "水务站")
    number = world.vik.files("水管爆了").number
    world.dora.must("dispatch", number, to=["ada", "ben", "水务站"], note="先关阀门")
    world.work()
    assert "主办：陈安" in world.phones["ben"].inbox[-1]["body"]
    assert "没有联系方式" not in world.dora.get(f"/desk/cases/{number}").text
    world.phones[water].expects("水管爆了")
    world.ada.must("acknowledge", number)
    world.ben.must("return", number, note="车坏了")
    assert ways(world, number) == {"陈安": "leads", "黄本": "out", "水务站": "assists"}
    world.hush()
    assert world.dora.does("set_lead", number, to="ben").status_code == 422, "he is out of it"
    world.dora.must("set_lead", number, to="水务站")
    world.work()
    assert ways(world, number) == {"陈安": "assists", "黄本": "out", "水务站": "leads"}
    world.phones["ada"].expects("现在由水务站主办")
    told = stranger(world).get(world.phones[water].expects("现在由水务站主办")["link"])
    assert "这条只是告诉您" in told.text and "/login" not in told.text
    page = world.dora.get(f"/desk/cases/{number}").text
    assert re.search(r"收到\s*<span class=\"number\">\d\d:\d\d</span> <span class=\"small muted\">用了 0 分", page)
    assert "还没有，已等 0 分" in page
    assert {event["words"] for event in world.dora.case(number)["history"]} >= {"换主办：水务站", "退出"}


def test_who_is_sent_later_is_called_alone_and_another_step_does_not_silence_that_call(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.dora.must("dispatch", number, to="ada")
    world.ada.must("acknowledge", number)
    world.hush()
    assert world.dora.does("reinforce", number, to="ada").status_code == 422, "she is on it already"
    world.dora.must("reinforce", number, to="ben", note="带梯子")
    world.work()
    world.phones["ada"].stays_silent()
    world.phones["ben"].expects("带梯子")
    world.ada.must("depart", number)
    world.fast_forward(minutes=6)
    world.phones["lea"].expects("电线垂落")
    assert ways(world, number) == {"陈安": "leads", "黄本": "assists"}


def test_who_assists_reports_his_part_and_the_case_waits_for_its_lead(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    for name in ("ada", "ben"):
        world.person(name).must("acknowledge", number)
    world.ben.must("report_outcome", number, note="断电了")
    assert world.dora.case(number)["status"] == "acknowledged"
    world.ada.must("report_outcome", number, note="灯换好了")
    assert world.dora.case(number)["status"] == "answered"


def test_a_department_with_no_account_answers_by_its_link_with_a_photo(world: World) -> None:
    phone = without_accounts(world, "水务站")
    number = world.vik.files("水管爆了,我叫林阿伯").number
    world.dora.must("dispatch", number, to=["水务站", "ada"])
    world.work()
    browser, link = stranger(world), world.phones[phone].expects("水管爆了")["link"]
    page = browser.get(link)
    assert "水务站值班" in page.text and "不用登录" in page.text and "vik" not in page.text
    assert press(browser, link, "/signature").status_code == 303
    assert press(browser, link, "/signature").status_code == 303, "pressed twice"
    for action in ("depart", "arrive"):
        first = version(browser.get(link))
        press(browser, link, "/steps", action=action, version=first)
        again = press(browser, link, "/steps", action=action, version=first)
        assert again.status_code == 303, "the second press finds it done"
    step, photo = step_id(browser.get(link)), jpeg_with_everything()
    for _ in range(2):
        answer = outcome(browser, link, step, "阀门已关，明早换管", photo)
        assert answer.status_code == 200 and "反馈收到了" in answer.text, answer.text
    world.develop()
    with world.app.app_context():
        (kept,) = db.session.scalars(select(Attachment).where(Attachment.kind == "after"))
        file = kept.id
    assert (kept.state, len(world.dora.case(number)["photos"])) == ("ready", 1)
    assert world.dora.case(number)["status"] == "answered"
    assert world.dora.get(f"/photos/{file}/thumb").status_code == 200
    assert browser.get(f"{link}/photos/{file}/thumb", buffered=True).status_code == 200
    more = outcome(browser, link, step_id(browser.get(link)), "又看了一遍", photo[:-1] + b"\0", b"no picture")
    assert "反馈收到了" in more.text and "不是能识别的照片" in more.text
    said = [event["note"] for event in world.dora.case(number)["history"] if event["action"] == "report_outcome"]
    assert said == ["阀门已关，明早换管", "又看了一遍"]
    assert browser.get("/tasks").status_code == 302, "and it logged nobody in"


@pytest.mark.onedb
def test_only_a_photo_is_an_answer_and_nothing_at_all_is_none(world: World) -> None:
    phone = without_accounts(world, "水务站")
    number = world.vik.files("水管爆了").number
    world.dora.must("dispatch", number, to=["水务站"])
    world.work()
    browser, link = stranger(world), world.phones[phone].expects("水管爆了")["link"]
    press(browser, link, "/signature")
    step = step_id(browser.get(link))
    nothing = outcome(browser, link, step, "  ")
    assert nothing.status_code == 422 and "请写明原因或情况" in nothing.text
    assert "反馈收到了" in outcome(browser, link, step, "", jpeg_with_everything()).text
    assert world.dora.case(number)["history"][-1]["action"] in ("after_photo", "report_outcome")


def test_what_was_given_back_is_over_for_that_link_also_when_it_is_sent_again(world: World) -> None:
    phone = without_accounts(world, "水务站")
    number = world.vik.files("水管爆了", photos=(jpeg_with_everything(),)).number
    world.dora.must("dispatch", number, to=["水务站"])
    world.work()
    browser, link = stranger(world), world.phones[phone].expects("水管爆了")["link"]
    press(browser, link, "/signature")
    step = step_id(browser.get(link))
    world.develop()
    (photo,) = (f"/photos/{one['id']}/thumb" for one in world.dora.case(number)["photos"])
    assert browser.get(link + photo, buffered=True).status_code == 200
    back = press(browser, link, "/steps", action="return", note="不归我们管", version=version(browser.get(link)))
    assert "已交回值班台" in back.text
    assert world.dora.case(number)["status"] == "accepted"
    world.dora.must("dispatch", number, to=["水务站"])
    world.work()
    fresh = world.phones[phone].expects("水管爆了")["link"]
    assert browser.get(fresh).status_code == 200 and fresh != link
    late = outcome(browser, link, step, "办了", jpeg_with_everything())
    gone = press(browser, link, "/steps", action="depart", version="1")
    picture = browser.get(link + photo, buffered=True)
    assert browser.get(fresh + photo, buffered=True).status_code == 200
    for answer in (browser.get(link), press(browser, link, "/signature"), late, gone, picture):
        assert answer.status_code == 404 and "已经退回值班台" in answer.text
    assert world.dora.case(number)["status"] == "dispatched", "nothing the old link did counts"


def test_a_link_of_one_case_cannot_touch_another_and_a_wrong_one_tells_nothing(world: World) -> None:
    phone = without_accounts(world, "水务站")
    photo = jpeg_with_everything()
    first = world.vik.files("水管爆了", photos=(photo,)).number
    second = world.vik.files("井盖破损", photos=(photo,)).number
    for number in (first, second):
        world.dora.must("dispatch", number, to=["水务站"])
    world.work()
    world.develop()
    browser, link = stranger(world), world.phones[phone].expects("水管爆了")["link"]
    press(browser, link, "/signature")
    outcome(browser, link, step_id(browser.get(link)), "好了")
    assert [world.dora.case(number)["status"] for number in (first, second)] == ["answered", "dispatched"]
    pictures = [world.dora.case(number)["photos"][0]["id"] for number in (first, second)]
    assert [browser.get(f"{link}/photos/{one}/thumb", buffered=True).status_code for one in pictures] == [200, 404]
    wrong = link[:-1] + ("a" if link[-1] != "a" else "b")
    assert browser.get(wrong).text == browser.get("/r/" + "z" * 16).text.replace("z" * 16, wrong[3:])
    assert "水务站" not in browser.get(wrong).text
    assert outcome(browser, wrong, "x", "好了", photo).status_code == 404


def test_a_link_ends_with_its_time_its_address_and_goes_on_for_who_signed(world: World) -> None:
    phone = without_accounts(world, "水务站")
    numbers = [world.vik.files(words).number for words in ("水管爆了", "井盖破损")]
    for number in numbers:
        world.dora.must("dispatch", number, to=["水务站"])
    world.work()
    browser = stranger(world)
    signed, unsigned = (world.phones[phone].expects(words)["link"] for words in ("水管爆了", "井盖破损"))
    press(browser, signed, "/signature")
    with world.app.app_context():
        from fieldapp import links

        def works(link: str, days: float) -> bool:
            world.skipped = world.skipped.__class__(days=days)
            return links.find(link.removeprefix("/r/"), world.now) is not None

        assert [works(signed, days) for days in (0, 2, 13, 15)] == [True, True, True, False]
        assert [works(unsigned, days) for days in (0, 0.9, 2)] == [True, True, False]
        seat = db.session.scalars(select(User).where(User.seat)).one()
        department, contact = seat.department_id, db.session.scalars(select(Contact.id)).one()
    gone = world.root.post(f"/admin/departments/{department}/contacts/{contact}/removal")
    assert gone.status_code == 303
    assert browser.get(signed).status_code == 404


def test_a_department_whose_last_telephone_is_taken_away_holds_nothing_and_somebody_is_called(world: World) -> None:
    phone = without_accounts(world, "水务站")
    number = world.vik.files("水管爆了", severity="red").number
    world.dora.must("dispatch", number, to=["水务站"])
    world.work()
    press(stranger(world), world.phones[phone].expects("水管爆了")["link"], "/signature")
    assert world.dora.case(number)["status"] == "acknowledged"
    with world.app.app_context():
        seat = db.session.scalars(select(User).where(User.seat)).one()
        department, contact = seat.department_id, db.session.scalars(select(Contact.id)).one()
    world.hush()
    assert world.root.post(f"/admin/departments/{department}/contacts/{contact}/removal").status_code == 303
    world.work()
    assert (world.dora.case(number)["status"], ways(world, number)) == ("accepted", {"水务站": "out"})
    world.phones["ada"].expects("水管爆了")


@pytest.mark.onedb
def test_a_departments_seat_is_nobodys_account(world: World) -> None:
    """It is not among the accounts, nobody can be invited into it, and no cookie is ever made for it."""
    without_accounts(world, "水务站")
    with world.app.app_context():
        seat = db.session.scalars(select(User).where(User.seat)).one()
        seat_id, username = seat.id, seat.username
    assert "水务站值班" not in world.root.get("/admin/accounts").text
    assert world.root.post(f"/admin/accounts/{seat_id}/invitations").status_code == 404
    assert world.root.post(f"/admin/accounts/{seat_id}", data={"role": "duty", "active": "1"}).status_code == 404
    log_in = stranger(world).post("/api/session", json={"username": username, "password": ""})
    assert log_in.status_code in (401, 422)


def test_the_suggestion_says_why_and_one_tap_sends_it(world: World) -> None:
    without_accounts(world, "市政站")
    with world.app.app_context(), writing():
        office = db.session.scalars(select(Department.id).where(Department.name == "市政站")).one()
        village = User(username="he", name="何网格", role="grid", area_code="441521115004", created_at=clock.now())
        db.session.add(village)
    line = {"category": "facility", "area": "441521115004", "to": f"department:{office}"}
    assert world.root.post("/admin/dispatch", data=line).status_code == 303
    assert "已经有一条了" in world.root.post("/admin/dispatch", data=line).text
    number = world.vik.files("井盖破损", category="facility-1").number
    page = world.dora.get(f"/desk/cases/{number}").text
    reasons = ("南门社区的公共设施归市政站", "网格员：何网格", "现在备勤：陈安", "手上没有别的事", "就这样派：市政站")
    assert [reason for reason in reasons if reason not in page] == []
    assert world.dora.case(number)["status"] == "new", "nothing is sent by itself"
    found = re.search(r'建议派给.*?name="version" value="(\d+)".*?name="lead" value="([^"]+)"', page, re.S)
    assert found and found[2] == f"department:{office}"
    ticked = re.findall(r'name="to" value="([^"]+)" checked', page)
    assert f"department:{office}" not in ticked, "leading by itself: with another lead it is not sent along unasked"
    tap = {"action": "dispatch", "version": found[1], "to": [found[2]], "lead": found[2]}
    assert world.dora.post(f"/desk/cases/{number}/transitions", data=tap).status_code == 303
    assert ways(world, number) == {"市政站": "leads"}
    other = world.vik.files("护栏断了", category="facility-3").number
    world.dora.must("dispatch", other, to=["ada", "ben"])
    world.ada.must("acknowledge", other)
    world.ben.must("return", other, note="在外地")
    assert world.dora.get(f"/desk/cases/{other}").text.count("再叫一次") == 0
    world.dora.must("report_outcome", other, note="好了")
    world.dora.must("close", other)
    world.dora.must("reopen", other, note="又坏了")
    assert "退回或转走过" not in world.dora.get(f"/desk/cases/{other}").text, "who did it before gave nothing back"
    second = world.vik.files("路灯不亮", category="facility-2").number
    assert "手上 1 件" in world.dora.get(f"/desk/cases/{second}").text

"""The roster's pages: a week at a glance, forms that refuse politely, feeds, holidays and the handover sheet."""

import re
from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import Rotation, User
from tests.rotas import far_cut, ids, named, no_demo_rotations, rota, starts
from tests.world import Person, World

pytestmark = pytest.mark.onedb  # what pages say is the same on both


@pytest.fixture
def town(world: World) -> World:
    """Nobody on call by hand and no rotation yet."""
    world.take_off_call("ada", "ben", "lea")
    no_demo_rotations(world)
    return world


def form(town: World, *members: str, **more: object) -> dict[str, object]:
    today = clock.local(clock.now()).date()
    return {"rung": "on_call", "name": "备勤", "member": ids(town, *members), "starts_on": today.isoformat(),
            "cut": ["08:00"], "turn": "1", "days": "all"} | more  # fmt: skip


def text_of(answer_text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer_text))


def feed_of(person: Person, **data: str) -> str:
    answer = person.post("/roster/feeds", data={"town": "0", "instead_of": "0"} | data)
    assert answer.status_code == 200, answer.text
    return re.findall(r'value="https?://[^"]*(/ics/[^"]+)"', answer.text)[0]


def test_the_desk_sees_that_nobody_stands_before_it_happens(town: World) -> None:
    page = text_of(town.dora.get("/desk/roster").text)
    assert "今后 14 天有空班" in page and "备勤没有人" in page and "现在没有人备勤" in page
    answer = town.dora.post("/desk/rotations", data=form(town, "ada", "ben", cut=[far_cut()]))
    assert answer.status_code == 303
    page = town.dora.get(answer.headers["Location"].partition("#")[0]).text
    assert "陈安" in page and "黄本" in page
    post = db_rotation(town)
    at = starts(town, post, "ben")[0]
    put = town.dora.post(f"/desk/shifts/{post}/{int(at.timestamp())}/stand-in", data={"user": "nobody", "note": "请假"})
    assert put.status_code == 303
    week = clock.local(at).date().isoformat()
    page = town.dora.get(f"/desk/roster?week={week}").text
    assert "今后 14 天有空班" in page
    assert 'class="shift gap none"' in page
    assert f"{clock.local(at).month}月{clock.local(at).day}日" in text_of(page).split("今后 14 天有空班")[1][:200]


def test_otto_sees_nothing_of_it(town: World) -> None:
    rota(town, "ada", "ben", name="海城一组")
    assert "海城一组" in town.dora.get("/desk/roster").text
    other = town.otto.get("/desk/roster").text
    assert "海城一组" not in other and "陈安" not in other


def test_a_week_that_makes_no_sense_is_this_week(town: World) -> None:
    for week in ("", "x", "0001-01-01", "9999-12-31", "2026-13-01"):
        assert town.dora.get(f"/desk/roster?week={week}").status_code == 200


def test_holidays_stand_on_their_days_and_an_unknown_year_says_so(town: World) -> None:
    today = clock.local(clock.now()).date()
    day = today + timedelta(days=9 - today.weekday())  # next Wednesday
    rota(town, "ada", days="workdays", name="工作日")
    town.root.post("/admin/holidays", data={"day": day.isoformat(), "kind": "rest", "name": "建镇节"})
    town.root.post("/admin/holidays/years", data={"year": str(day.year), "source": "镇政府通知"})
    page = town.dora.get(f"/desk/roster?week={day.isoformat()}").text
    of_that_day = page.split('class="plain week')[1].split(f"{day.month}月{day.day}日")[1]
    assert "建镇节放假" in of_that_day and "不排班" in text_of(of_that_day)[:200]
    assert "待定" not in page
    town.root.post("/admin/holidays/years", data={"year": str(day.year), "published": "0"})
    page = town.dora.get(f"/desk/roster?week={day.isoformat()}").text
    assert "放假未公布" in page and "待定" in page and "建镇节" not in page
    assert f"{day.year} 年的放假安排还没有公布或录入" in page


def test_a_form_that_is_refused_comes_back_filled_in(town: World) -> None:
    refused = town.dora.post("/desk/rotations", data=form(town, "ada", name="夜班", cut=["20:00", "20:00"], turn="x"))
    assert refused.status_code == 422
    assert "夜班" in refused.text and "交接时间要填" in refused.text and "数目不对" in refused.text
    assert town.dora.post("/desk/rotations", data={}).status_code == 422


def test_a_rotation_is_changed_and_ended_by_form(town: World) -> None:
    post = rota(town, "ada")
    tomorrow = (clock.local(clock.now()) + timedelta(days=1)).date()
    assert "已经值过的班不改" in town.dora.get(f"/desk/rotations/{post}").text
    changed = form(town, "ben", starts_on=tomorrow.isoformat(), cut=[far_cut()])
    assert town.dora.post(f"/desk/rotations/{post}", data=changed).status_code == 303
    assert starts(town, db_rotation(town), "ben")
    assert town.dora.post(f"/desk/rotations/{db_rotation(town)}/end", data={"ends_on": "2020-01-01"}).status_code == 422
    ended = town.dora.post(f"/desk/rotations/{db_rotation(town)}/end", data={"ends_on": tomorrow.isoformat()})
    assert ended.status_code == 303
    assert "今后 14 天有空班" in town.dora.get("/desk/roster").text


def test_two_shifts_are_exchanged_by_form_and_a_stale_one_is_refused(town: World) -> None:
    post = rota(town, "ada", "ben")
    mine, his = starts(town, post, "ada"), starts(town, post, "ben")
    exchange = {"one": named(post, mine[0]), "other": named(post, his[1])}
    assert town.dora.post("/desk/exchanges", data=exchange).status_code == 303
    assert starts(town, post, "ada") == sorted([*mine[1:], his[1]])
    again = town.dora.post("/desk/exchanges", data=exchange | {"other": named(post, his[0])})
    assert again.status_code == 409 and "同一个人" in again.text
    assert town.dora.post("/desk/exchanges", data={"one": "1-x", "other": ""}).status_code == 404


def test_a_shift_that_is_no_shift_is_not_there(town: World) -> None:
    post = rota(town, "ada")
    at = int(starts(town, post, "ada")[0].timestamp())
    for path in (f"{post}/{at + 1}", f"{post}/0", f"{post}/99999999999999", f"{post + 999}/{at}"):
        assert town.dora.get(f"/desk/shifts/{path}").status_code == 404, path
    bad = {"user": str(town.ben.id), "starts_at": "2020-01-01T00:00", "ends_at": "2020-01-02T00:00"}
    for wrong in (bad, bad | {"ends_at": "x"}, {"user": "x"}, {"user": ""}, {"user": str(town.vik.id)}):
        refused = town.dora.post(f"/desk/shifts/{post}/{at}/stand-in", data=wrong)
        assert refused.status_code == 422, wrong
    assert starts(town, post, "ben") == []


def test_my_shifts_are_mine_and_the_desks_hand_is_told_too(town: World) -> None:
    post = rota(town, "ada", "ben")
    page = town.ada.get("/roster").text
    for at in starts(town, post, "ada"):
        assert (named(post, at) in page) == (at < clock.now() + timedelta(weeks=4))
    assert not any(named(post, at) in page for at in starts(town, post, "ben"))
    assert "今后四周没有排您的班" in town.lea.get("/roster").text
    assert town.dora.post("/desk/roster", data={"rung": "leader", "user": town.lea.id, "hours": "8"}).status_code == 303
    assert "您现在在岗：带班领导" in town.lea.get("/roster").text


def test_the_form_for_a_swap_offers_colleagues_and_their_shifts(town: World) -> None:
    post = rota(town, "ada", "ben")
    shift = named(post, starts(town, post, "ada")[0])
    page = town.ada.get(f"/roster/swaps/new?shift={shift}").text
    assert "请 黄本 代班" in page
    assert f'value="{town.ben.id}:{named(post, starts(town, post, "ben")[-1])}"' in page
    assert "李雷" not in page.split("<main")[1]
    for wrong in (named(post, starts(town, post, "ben")[0]), "x", "", "1-99999999999999999999"):
        assert town.ada.get(f"/roster/swaps/new?shift={wrong}").status_code == 404


def test_a_calendar_reads_ones_shifts_without_a_login(town: World) -> None:
    post = rota(town, "ada", "ben")
    path = feed_of(town.ada)
    assert len(path) > len("/ics/.ics") + 42
    answer = town.app.test_client().get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    assert answer.headers["Cache-Control"] == "private, max-age=900"
    events = icalendar.Calendar.from_ical(answer.data).walk("VEVENT")
    found = [event.decoded("dtstart").astimezone(UTC) for event in events]
    assert [at for at in found if at > datetime.now(UTC)][:3] == starts(town, post, "ada")[:3]
    assert {str(event["summary"]) for event in events} == {"备勤：陈安"}
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert town.app.test_client().get("/ics/unknown.ics").status_code == 404


def test_the_towns_calendar_has_everybody_and_the_gaps(town: World) -> None:
    post = rota(town, "ada", "ben", name="一组")
    at = starts(town, post, "ben")[0]
    town.dora.post(f"/desk/shifts/{post}/{int(at.timestamp())}/stand-in", data={"user": "nobody"})
    events = icalendar.Calendar.from_ical(town.app.test_client().get(feed_of(town.dora, town="1")).data).walk("VEVENT")
    said = {str(event["summary"]) for event in events}
    assert said == {"备勤 一组：陈安", "备勤 一组：黄本", "备勤没有人"}
    assert town.ada.post("/roster/feeds", data={"town": "1"}).status_code == 403


def test_an_address_made_anew_kills_the_old_and_a_form_sent_twice_makes_no_second(town: World) -> None:
    first = feed_of(town.ada)
    twice = town.ada.post("/roster/feeds", data={"town": "0", "instead_of": "0"})
    assert twice.status_code == 409 and "/ics/" not in twice.text
    instead = re.findall(r'name="instead_of" value="(\d+)"', town.ada.get("/roster").text)[0]
    second = feed_of(town.ada, instead_of=instead)
    client = town.app.test_client()
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200
    with town.app.app_context(), writing():
        db.session.scalars(db.select(User).where(User.username == "ada")).one().active = False
    assert client.get(second).status_code == 404


def test_an_address_that_is_ended_is_gone(town: World) -> None:
    path = feed_of(town.ben)
    assert town.ben.post("/roster/feeds/end", data={"town": "0"}).status_code == 200
    assert town.app.test_client().get(path).status_code == 404


def tap(town: World, username: str) -> None:
    """The phone shows its newest push, and its owner taps it."""
    assert town.receipt(town.phones[username].inbox.pop(), "opened").status_code == 204


def test_the_handover_is_filled_in_by_itself_and_stays_as_it_was_signed(town: World) -> None:
    number = town.vik.files("井盖破损", severity="red").number
    town.fast_forward(seconds=90)
    rota(town, "lea", rung="leader", name="带班")
    assert "李雷 ✕ 不可达" in text_of(town.dora.get("/desk/handover").text)
    town.lea.carries_phone()
    assert "李雷 ? 未验证" in text_of(town.dora.get("/desk/handover").text)
    lea = town.lea.id
    assert town.dora.post(f"/desk/proofs/{lea}").status_code == 303
    town.work()
    tap(town, "lea")
    assert "李雷 ✓ 可达" in text_of(town.dora.get("/desk/handover").text)
    assert town.otto.post(f"/desk/proofs/{lea}").status_code == 404
    page = text_of(town.dora.get("/desk/handover").text)
    assert number in page and "呼叫没有送到人的" in page and "没有人" in page
    assert town.dora.post("/desk/handover", data={"note": "<b>井盖</b> 的事等市政"}).status_code == 303
    town.dora.must("decline", number, note="不属实")
    waiting = town.lea.get("/desk/handover").text
    assert "吴朵 已交班" in waiting and number in waiting and "&lt;b&gt;井盖" in waiting
    mine = town.dora.get("/desk/handover").text
    assert "我接班，签字" not in mine and "收回，我还在班上" in mine
    one = re.findall(r"/desk/handover/(\d+)/taking", waiting)[0]
    assert town.dora.post(f"/desk/handover/{one}/taking", data={}).status_code == 409
    assert town.otto.post(f"/desk/handover/{one}/taking", data={}).status_code == 404
    taken = town.lea.post(f"/desk/handover/{one}/taking", data={"answer": "清楚"})
    assert taken.status_code == 303
    signed = text_of(town.dora.get(taken.headers["Location"]).text)
    assert "李雷" in signed and "清楚" in signed and number in signed and "待受理" in signed
    assert town.lea.post(f"/desk/handover/{one}/taking", data={}).status_code == 409
    assert f"/desk/handover/{one}" in town.dora.get("/desk/handover").text
    assert town.otto.get(f"/desk/handover/{one}").status_code == 404


def test_only_the_giver_takes_a_handover_back(town: World) -> None:
    assert town.dora.post("/desk/handover", data={}).status_code == 303
    assert town.lea.post("/desk/handover", data={"note": "我也要交"}).status_code == 409
    one = re.findall(r"/desk/handover/(\d+)/withdrawal", town.dora.get("/desk/handover").text)[0]
    assert town.lea.post(f"/desk/handover/{one}/withdrawal").status_code == 409
    assert town.dora.post(f"/desk/handover/{one}/withdrawal").status_code == 303
    assert town.lea.post("/desk/handover", data={}).status_code == 303


def test_the_admin_keeps_the_holidays_and_a_towns_admin_only_reads_them(town: World) -> None:
    page = town.root.get("/admin/holidays?year=2026").text
    assert "国务院办公厅关于2026年部分节假日安排的通知" in page and "10月10日" in page
    assert page.count("/removal") == page.count("确定删去") == page.count('<details class="sure"><summary') > 30
    assert "未公布" in town.root.get("/admin/holidays?year=2090").text
    day = {"day": "2090-01-03", "kind": "rest", "name": "元旦", "year": "2090"}
    assert town.root.post("/admin/holidays", data=day).status_code == 303
    assert town.root.post("/admin/holidays", data=day | {"day": "x"}).status_code == 422
    assert town.root.post("/admin/holidays/years", data={"year": "2090", "source": ""}).status_code == 422
    assert town.root.post("/admin/holidays/years", data={"year": "2090", "source": "国办通知"}).status_code == 303
    assert "已公布" in town.root.get("/admin/holidays?year=2090").text
    assert town.root.post("/admin/holidays/2090-01-03/removal").status_code == 303
    assert town.root.post("/admin/holidays/2090-01-03/removal").status_code == 404
    assert town.root.post("/admin/holidays/x/removal").status_code == 404
    with town.app.app_context(), writing():
        vik = db.session.scalars(db.select(User).where(User.username == "vik")).one()
        db.session.add(User(username="cora", name="县管", role="admin", area_code="441521", created_at=clock.now(),
                            password_hash=vik.password_hash))  # fmt: skip
    assert town.root.post("/admin/holidays", data=day).status_code == 403
    assert "标为已公布" not in town.root.get("/admin/holidays?year=2090").text
    assert town.person("cora").post("/admin/holidays", data=day).status_code == 303


def db_rotation(town: World) -> int:
    """The rotation made last."""
    with town.app.app_context():
        return int(db.session.scalars(db.select(Rotation.id).order_by(Rotation.id.desc())).first() or 0)


def test_the_desk_says_who_would_be_called_and_whether_they_are_in_reach(town: World) -> None:
    assert "备勤： ✕ 没有人" in text_of(town.dora.get("/desk/on-call").text).replace("备勤：✕", "备勤： ✕")
    rota(town, "ada")
    assert "陈安 ✕ 不可达" in text_of(town.dora.get("/desk/on-call").text)
    town.ada.carries_phone()
    assert "陈安 ? 未验证" in text_of(town.dora.get("/desk/on-call").text)
    assert "陈安" not in town.otto.get("/desk/on-call").text


def ahead(town: World) -> str:
    """What the roster says of the next two weeks."""
    return text_of(town.dora.get("/desk/roster").text.split("值班表</h1>")[1].split('class="now-on"')[0])


def test_the_roster_says_who_is_out_of_reach_and_what_hangs_on_a_hand(town: World) -> None:
    rota(town, "ada")
    assert "备勤：有人，但叫不到 （陈安），从现在起，共 14 天" in ahead(town) and "✓" not in ahead(town)
    town.ada.carries_phone()
    assert "备勤：有人，但未验证叫得到 （陈安）" in ahead(town) and "但叫不到" not in ahead(town)
    assert town.dora.post(f"/desk/proofs/{town.ada.id}").status_code == 303
    town.work()
    tap(town, "ada")
    assert "✓ 今后 14 天，每一刻都有人，也都叫得到" in ahead(town)
    tomorrow = (clock.local(clock.now()) + timedelta(days=1)).date().isoformat()
    assert town.dora.post(f"/desk/rotations/{db_rotation(town)}/end", data={"ends_on": tomorrow}).status_code == 303
    assert "今后 14 天有空班" in ahead(town)
    assert town.dora.post("/desk/roster", data={"rung": "on_call", "user": town.ben.id, "hours": ""}).status_code == 303
    found = ahead(town)
    assert "空班" not in found and "备勤：靠手工补上，直到取下 （黄本），从 " in found
    assert "靠手工补上，直到取下：备勤" in text_of(town.dora.get("/desk/handover").text)


def test_one_person_on_two_rungs_at_once_is_allowed_and_said(town: World) -> None:
    rota(town, "ada", "ben")
    assert "同时在两个岗" not in ahead(town)
    rota(town, "ada", rung="backup", name="后备")
    found = ahead(town)
    assert "同一个人同时在两个岗" in found and "陈安 ：备勤和后备" in found and "黄本 ：" not in found


def test_a_shift_says_whether_it_is_to_come_runs_or_is_over_and_offers_only_what_can_be_done(town: World) -> None:
    post = rota(town, "ada")
    running = starts(town, post, "ada", running=True)[0]
    for at, said, offered in (
        (running + timedelta(days=1), "还没开始", True), (running, "正在值", True),
        (running - timedelta(days=1), "这一班已经值完，不能再改", False),
    ):  # fmt: skip
        page = town.dora.get(f"/desk/shifts/{post}/{int(at.timestamp())}").text
        assert said in page and ("/stand-in" in page) == offered
        others = {"还没开始", "正在值", "已经值完"} - {said, said[3:7]}
        assert not any(word in page.split("<main")[1] for word in others)
    span = {"starts_at": f"{clock.local(running - timedelta(days=1)):%Y-%m-%dT%H:%M}"}
    begun = f"/desk/shifts/{post}/{int(running.timestamp())}/stand-in"
    assert town.dora.post(begun, data=span | {"user": town.ben.id}).status_code == 303  # runs: from now on
    before = rota(town, "ben", starts_on=clock.local(clock.now()).date() + timedelta(days=3))
    page = town.dora.get(f"/desk/shifts/{before}/{int((running - timedelta(days=1)).timestamp())}").text
    assert "当时：轮班未开始" in page and "这一班已经过去" in page and "还没开始" not in page.split("<main")[1]


def test_who_comes_next_stands_in_order_of_time_whatever_the_rung(town: World) -> None:
    rota(town, "lea", rung="leader", name="带班", ends_on=clock.local(clock.now()).date())
    rota(town, "ada", "ben", turn=7)
    found = re.findall(r"(\d+)月(\d+)日 周. (\d\d:\d\d) 接班", town.dora.get("/desk/handover").text)
    assert len(found) == 2 and found == sorted(found, key=lambda at: (int(at[0]), int(at[1]), at[2]))


def test_every_page_says_where_one_is(town: World) -> None:
    post = rota(town, "ada")
    shift = int(starts(town, post, "ada")[0].timestamp())
    for path in ("roster", "handover", f"shifts/{post}/{shift}", f"rotations/{post}", "rotations/new"):
        assert '<a href="/desk/roster" aria-current="page">' in town.dora.get(f"/desk/{path}").text, path
    titles = [
        re.findall("<title>(.*)</title>", town.root.get(f"/admin{path}").text)[0]
        for path in ("", "/limits", "/areas", "/departments", "/channels", "/holidays", "/policies", "/accounts")
    ]
    assert len(set(titles)) == 8 and titles[5] == "节假日 · 设置"

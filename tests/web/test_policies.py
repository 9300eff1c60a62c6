"""呼叫规则: read in words, edited without losing a letter, tried out; nobody edits another town's."""

import html
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from fieldapp import clock, policies
from fieldapp.db import db, writing
from fieldapp.models import Category, Delivery, EscalationPolicy, User
from fieldapp.rules.escalation import Call, Policy
from fieldapp.rules.severity import Severity
from tests.world import Person, World

TOWN, COUNTY = "441521115", "441521"
RED = "/admin/policies/edit?purpose=intake&level=red"
BLUE = "/admin/policies/edit?purpose=intake&level=blue"
SENT = "/admin/policies/edit?purpose=dispatch&level=red"
ONE = {"rungs": "1", "r0-who": "on_call", "repeat": "0"}


def read(page: str) -> str:
    """The page without tags, in one line."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1]).split()))


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return found[1]


def saves(person: Person, path: str, **form: object) -> tuple[int, str]:
    answer = person.post(path, data={"do": "save", "seen": seen(person.get(path).text)} | form)
    return answer.status_code, answer.text


def kept(world: World) -> list[tuple[str, str, Severity, str, Policy]]:
    with world.app.app_context():
        rows = db.session.scalars(select(EscalationPolicy).order_by(EscalationPolicy.id))
        return [(r.town_code, r.purpose, r.severity, r.category_code, policies.of_row(r)) for r in rows]


@pytest.fixture
def boss(world: World) -> Person:
    """An admin of the whole county."""
    return _somebody(world, "boss", "admin", COUNTY)


@pytest.fixture
def ola(world: World) -> Person:
    """The admin of the next town."""
    return _somebody(world, "ola", "admin", "441521119")


def _somebody(world: World, name: str, role: str, area: str) -> Person:
    with world.app.app_context(), writing():
        vik = db.session.scalars(select(User).where(User.username == "vik")).one()
        db.session.add(
            User(username=name, name=f"{name}的名字", role=role, area_code=area, created_at=clock.now(),
                 password_hash=vik.password_hash)
        )  # fmt: skip
    return world.person(name)


@pytest.mark.onedb
def test_what_is_in_force_is_said_in_words_and_on_a_line_of_time(world: World) -> None:
    page = read(world.root.get("/admin/policies").text)
    assert (
        "先叫备勤；5 分钟没有人签收，再叫带班领导；5 分钟还没有人签收，从头再叫 2 轮；最后没有人签收，值班台一直响。"
        in page
    )
    assert "0 分 备勤 5 分 带班领导 10 分 从头再叫 2 轮 30 分 值班台一直响" in page
    assert "不叫人，只排进值班台的列表。" in page, "a blue report"
    assert "先叫派单指定的人；12 小时没有人签收" in page


@pytest.mark.onedb
def test_the_desk_reads_it_and_finds_nothing_to_press(world: World) -> None:
    page = world.dora.get("/desk/policies").text
    assert "先叫备勤" in page and "/admin/policies/edit" not in page
    assert world.dora.get(RED).status_code == world.dora.post(RED, data=ONE | {"do": "save"}).status_code == 403
    assert world.ada.get("/desk/policies").status_code == 403
    assert kept(world) == []


@pytest.mark.onedb
def test_a_town_decides_and_the_next_report_is_called_so(world: World) -> None:
    world.dora.carries_phone()
    form = {
        "rungs": "2", "r0-who": ["desk", f"person:{world.lin.id}"], "r0-minutes": "3", "r0-copied": ["leader"],
        "r0-channel": ["sms_aliyun", "", "webpush"], "r0-at_once": "1", "r1-who": ["leader"], "r1-minutes": "",
        "repeat": "4",
    }  # fmt: skip
    assert saves(world.root, RED, **form)[0] == 303
    lin = f"person:{world.lin.id}"
    wanted = Policy((Call(("desk", lin), 3, ("leader",), ("sms_aliyun", "webpush"), True), Call(("leader",))), 4)
    assert kept(world) == [(TOWN, "intake", Severity.RED, "", wanted)]
    page = read(world.root.get("/admin/policies").text)
    assert "先叫值班台、林敏（短信、手机提醒一起用），同时抄送带班领导；3 分钟没有人签收，再叫带班领导；" in page
    assert "本镇自己定的" in page and "管理员" in page
    world.vik.files("电线垂落", severity="red")
    world.work()
    world.phones["dora"].expects("电线")


@pytest.mark.onedb
def test_rungs_move_and_nothing_that_was_typed_is_lost(world: World) -> None:
    typed = {
        "rungs": "3", "r0-who": "on_call", "r0-minutes": "七", "r1-who": ["leader", "desk"], "r1-minutes": "8",
        "r1-copied": "backup", "r2-who": f"person:{world.ben.id}", "r2-channel": "mail", "repeat": "x",
    }  # fmt: skip
    page = world.root.post(RED, data=typed | {"do": "up-2"}).text
    assert _rungs(page) == [["on_call"], [f"person:{world.ben.id}"], ["desk", "leader"]]
    assert 'value="七"' in page and 'name="repeat"' in page and 'value="x"' in page
    assert _rungs(world.root.post(RED, data=typed | {"do": "down-0"}).text)[1] == ["on_call"]
    assert _rungs(world.root.post(RED, data=typed | {"do": "remove-1"}).text)[1] == [f"person:{world.ben.id}"]
    assert _rungs(world.root.post(RED, data=typed | {"do": "add"}).text)[3] == []
    assert kept(world) == []


@pytest.mark.onedb
def test_what_is_wrong_is_said_at_each_rung(world: World) -> None:
    typed = {"rungs": "3", "r0-who": "on_call", "r0-minutes": "七", "r1-minutes": "5", "r2-who": "leader",
             "r2-minutes": "61", "repeat": "0"}  # fmt: skip
    status, page = saves(world.root, RED, **typed)
    assert status == 422
    assert "分钟要填 1 到 1440 的整数" in _error(page, 0)
    assert "还没有选叫谁" in _error(page, 1)
    assert "红色最多等 60 分钟签收" in _error(page, 2)
    assert 'value="七"' in page and 'value="61"' in page
    status, page = saves(world.root, RED, **ONE | {"repeat": "11"})
    assert (status, "从头再叫的次数要填 0 到 10 的整数" in page) == (422, True)
    assert kept(world) == []


@pytest.mark.onedb
@pytest.mark.parametrize("rungs", [{"rungs": "0"}, {"rungs": "1", "r0-who": "backup", "r0-copied": "leader"}])
@pytest.mark.onedb
def test_nobody_is_called_for_a_red_one_only_when_that_is_meant(world: World, rungs: dict[str, str]) -> None:
    """Also where a rung is there and nobody stands on it; who is only copied does not count."""
    status, page = saves(world.root, RED, **rungs)
    assert status == 422 and "这样一个人也叫不到" in page and 'name="knows"' in page
    assert kept(world) == []
    assert saves(world.root, RED, **rungs | {"knows": "1"})[0] == 303
    assert len(kept(world)) == 1


@pytest.mark.onedb
def test_a_blue_one_may_call_nobody_and_can_be_made_to_call(world: World) -> None:
    assert saves(world.root, BLUE, **ONE)[0] == 303
    assert saves(world.root, BLUE, rungs="0")[0] == 303
    assert [policy.calls for *_, policy in kept(world)] == [False]


@pytest.mark.onedb
def test_a_dispatch_reaches_whom_it_was_sent_to(world: World) -> None:
    status, page = saves(world.root, SENT, rungs="1", **{"r0-who": "leader"})
    assert status == 422 and "派单的第 1 梯次要叫" in _error(page, 0)
    status, page = saves(world.root, RED, rungs="1", **{"r0-who": "named"})
    assert status == 422 and "选不了的人" in _error(page, 0)
    assert saves(world.root, SENT, rungs="1", **{"r0-who": ["named", "desk"]})[0] == 303


@pytest.mark.onedb
def test_back_to_what_is_usual(world: World) -> None:
    saves(world.root, RED, **ONE)
    page = world.root.get(RED).text
    assert "恢复默认以后：先叫备勤；5 分钟没有人签收，再叫带班领导" in read(page)
    assert world.root.post(RED, data={"do": "restore", "seen": seen(page)}).status_code == 303
    assert kept(world) == []
    assert "恢复默认" not in world.root.get(RED).text


@pytest.mark.onedb
def test_one_kind_of_event_has_its_own(world: World) -> None:
    path = RED + "&category=fire"
    assert saves(world.root, path, rungs="1", **{"r0-who": "desk"})[0] == 303
    page = read(world.root.get("/admin/policies").text)
    assert "消防安全 本镇自己定的 先叫值班台；" in page and "默认 先叫备勤；" in page
    with world.app.app_context():
        finer = db.session.scalars(select(Category.code).where(Category.parent_code == "fire")).first()
    assert "先叫值班台" in read(world.root.get(f"{RED}&category={finer}").text), "what holds for the finer kind"


@pytest.mark.onedb
def test_the_county_decides_for_towns_that_have_not(world: World, boss: Person, ola: Person) -> None:
    assert saves(boss, RED, rungs="1", **{"r0-who": "desk"})[0] == 303
    assert kept(world)[0][0] == COUNTY
    assert "全县定的 先叫值班台；" in read(ola.get("/admin/policies").text)
    saves(world.root, RED, **ONE)
    assert "本镇自己定的 先叫备勤；" in read(world.root.get("/admin/policies").text)
    assert "全县定的 先叫值班台；" in read(ola.get("/admin/policies").text)
    assert "先叫值班台" in read(boss.get("/admin/policies").text)
    status, page = saves(boss, RED, rungs="1", **{"r0-who": f"person:{world.ada.id}"})
    assert status == 422 and "选不了的人" in page, "a county names nobody in a town"


@pytest.mark.onedb
def test_another_towns_people_are_nobody_here(world: World, ola: Person) -> None:
    with world.app.app_context():
        otto = db.session.scalars(select(User.id).where(User.username == "otto")).one()
    for group in (f"person:{otto}", "person:999999", "department:999999", "everybody", "person:x"):
        status, page = saves(world.root, RED, rungs="1", **{"r0-who": ["on_call", group]})
        assert (status, group, "选不了的人" in page) == (422, group, True)
        assert "欧拓" not in page.replace(f"person:{otto}", "")
    assert "陈安" not in ola.get(RED).text
    page = world.otto.get(f"/desk/policies?at=2026-11-25T20:00&level=red&town={TOWN}").text
    assert "陈安" not in page and "没有人在岗" in page
    saves(world.root, RED, **ONE)
    assert "本镇自己定的" not in ola.get("/admin/policies").text
    assert ola.post(RED, data={"do": "restore"}).status_code == 303
    assert len(kept(world)) == 1, "each takes back only what is one's own"


@pytest.mark.onedb
def test_the_later_of_two_editors_sees_what_the_earlier_one_saved(world: World) -> None:
    stale = seen(world.root.get(RED).text)
    assert saves(world.root, RED, rungs="1", **{"r0-who": "desk"})[0] == 303
    answer = world.root.post(RED, data=ONE | {"do": "save", "seen": stale})
    assert answer.status_code == 409
    page = read(answer.text)
    assert "刚刚有人改过" in page and "先叫值班台；" in page, "what stands now"
    assert _rungs(answer.text) == [["on_call"]], "and what was typed"
    assert world.root.post(RED, data=ONE | {"do": "save", "seen": seen(answer.text)}).status_code == 303
    assert kept(world)[0][-1].rungs[0].who == ("on_call",)


def test_many_editors_at_one_instant_break_nothing(world: World) -> None:
    world.root.get(RED)
    form = ONE | {"do": "save", "seen": ""}
    with ThreadPoolExecutor(6) as crowd:
        codes = list(crowd.map(lambda n: world.root.post(RED, data=form | {"repeat": str(n)}).status_code, range(6)))
    assert sorted(codes) == [303] + [409] * 5
    assert len(kept(world)) == 1


@pytest.mark.onedb
def test_a_rung_that_goes_only_by_what_is_not_set_up_is_refused(world: World) -> None:
    assert "短信（阿里云）（本镇没开通）" in world.root.get(RED).text
    typed = ONE | {"r0-channel": ["sms_aliyun", "mail"]}
    status, page = saves(world.root, RED, **typed)
    assert status == 422 and "都还没开通" in _error(page, 0)
    page = world.root.post(RED, data=typed | {"do": "look"}).text
    assert "都还没开通" in _error(page, 0) and "没有保存：" not in page, "looking refuses nothing, and says it too"
    assert saves(world.root, RED, **ONE | {"r0-channel": ["sms_aliyun", "webpush"]})[0] == 303, "one of them works"
    world.ada.has("sms_aliyun")
    assert saves(world.root, RED, **ONE | {"r0-channel": "sms_aliyun"})[0] == 303


@pytest.mark.onedb
def test_quiet_hours_are_said_plainly_and_that_red_does_not_care(world: World) -> None:
    world.take_off_call("ben")
    world.ada.carries_phone()
    world.ada.prefers(quiet=(22, 6))
    now = clock.local(clock.now())
    night = f"{max(now, now.replace(hour=23, minute=0)):%Y-%m-%dT%H:%M}"
    page = read(world.root.get(f"/admin/policies?level=yellow&purpose=intake&at={night}").text)
    assert "陈安 备勤 在安静时段里，现在不响，等到 06:00 才叫：手机提醒" in page
    assert "能叫的人都在安静时段里，现在不响，马上往下叫" in page
    assert "红色的事不管安静时段，马上叫" in page
    page = read(world.root.get(f"/admin/policies?level=red&purpose=intake&at={night}").text)
    assert "手机提醒（马上）。在安静时段里（到 06:00），红色照样叫" in page


@pytest.mark.onedb
def test_the_simulator_names_who_would_be_called_and_says_in_red_who_cannot(world: World) -> None:
    world.ada.carries_phone()
    page = world.root.get(f"/admin/policies?level=red&purpose=intake&at={_now()}").text
    assert '<b>陈安</b> <span class="muted">备勤</span> <span class="">手机提醒（马上）</span>' in page
    assert '<b>黄本</b> <span class="muted">备勤</span> <span class="bad">没有能用的方式，叫不到</span>' in page
    assert "60 秒里没有一台手机显示" in page and "在岗的人都叫不到" in page and "叫了一轮没有人签收" in page
    assert "留在值班台的红色名单上" in page
    ask = f"/admin/policies?level=blue&purpose=dispatch&at={_now()}&to=person:{world.lin.id}"
    assert "林敏" in world.root.get(ask).text.split('class="plain found"')[1]
    assert "一个人也不叫" in world.root.get(f"/admin/policies?level=blue&purpose=intake&at={_now()}").text


@pytest.mark.onedb
def test_the_county_tries_out_any_of_its_towns(world: World, boss: Person) -> None:
    page = read(boss.get(f"/admin/policies?level=red&town={TOWN}&at={_now()}").text)
    assert "海城镇 红色新报" in page and "陈安" in page


@pytest.mark.onedb
@pytest.mark.parametrize(
    "query",
    [
        "?at=%00", "?at=9999-12-31T23:59", "?at=0001-01-01T00:00", "?at=morgen", "?at=2026-11-25T20:00&town=%00",
        "?at=2026-11-25T20:00&to=person:99999999999999999999&purpose=dispatch", "?at=2026-11-25T20:00&to=x:%00",
        "?purpose=x", "?level=green", "?category=%00", "?category=" + "a" * 5000, "?saved=%00",
    ],
)  # fmt: skip
@pytest.mark.onedb
def test_no_address_breaks_a_page(world: World, query: str) -> None:
    for person, path in ((world.root, "/admin/policies"), (world.dora, "/desk/policies"), (world.root, RED[:20])):
        assert person.get(path + query).status_code < 500


@pytest.mark.onedb
def test_no_form_breaks_the_page(world: World) -> None:
    strange = [
        {}, {"do": "up-99"}, {"do": "remove--1"}, {"do": "add", "rungs": "9" * 5000}, {"do": "save", "rungs": "-1"},
        {"do": "save", "rungs": "1", "r0-who": "a\x00b", "seen": "\x00"}, {"do": "x" * 5000, "rungs": "三"},
        {"do": "save", "rungs": "9", **{f"r{n}-who": "desk" for n in range(9)}},
        {"do": "save", "rungs": "1", "r0-who": [f"person:{n}" for n in range(500)], "r0-minutes": "9" * 5000},
        {"do": "look", "rungs": "1", "r0-who": "person:99999999999999999999", "repeat": "-1"},
        {"do": "look", "rungs": "1", "r0-who": "desk", "r0-channel": "pigeon"},
    ]  # fmt: skip
    codes = [world.root.post(RED, data=form).status_code for form in strange]
    assert all(code < 500 for code in codes), codes
    assert kept(world) == []


@pytest.mark.onedb
def test_a_task_and_the_desk_say_why_somebody_was_called(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    why = "第 1 梯次：您在备勤（规则：海城镇 红色新报，默认）。"
    assert why in world.ada.get(f"/tasks/{number}").text
    assert why in world.ada.get(f"/tasks/{number}/called").text
    assert "陈安 第 1 梯次 · 备勤" in read(world.dora.get(f"/desk/cases/{number}").text)
    assert "为什么叫到您" not in world.lea.get(f"/tasks/{number}").text, "she may read it, and was not called"
    world.dora.must("dispatch", number, to=["ben"])
    assert "派单指定了您" in world.ben.get(f"/tasks/{number}").text


@pytest.mark.onedb
def test_why_stays_readable_for_what_was_raised_before_policies_were_kept(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    with world.app.app_context(), writing():
        for delivery in db.session.scalars(select(Delivery)):
            delivery.why, delivery.alert.policy = "", None
    assert "第 1 梯次：叫到了您（规则：海城镇 红色新报，默认）。" in world.ada.get(f"/tasks/{number}").text
    assert "陈安 第 1 梯次" in read(world.dora.get(f"/desk/cases/{number}").text)


def _now() -> str:
    return f"{clock.local(clock.now()):%Y-%m-%dT%H:%M}"


def _rungs(page: str) -> list[list[str]]:
    """Whom each rung of the form calls, as it stands there."""
    found = []
    for part in re.split(r'<fieldset class="card stack rung"', page)[1:]:
        who = re.search(r"<legend>叫谁</legend>(.*?)</fieldset>", part, re.S)
        assert who
        ticked = re.findall(r'value="([a-z_]+)" checked', who[1])
        found.append(sorted(ticked) + re.findall(r'<option value="([^"]+)" selected', who[1]))
    return found


def _error(page: str, rung: int) -> str:
    found = re.search(rf'id="rung-{rung}-error"[^>]*>([^<]*)<', page)
    return found[1] if found else ""

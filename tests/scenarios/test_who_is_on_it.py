"""Handing on, giving back, reopening, leaving: after each of them somebody is on it, and nobody is called in vain."""

import pytest
from sqlalchemy import select

from fieldapp.channels import Gone
from fieldapp.db import db, writing
from fieldapp.models import Assignment, Case, Department, User
from tests.world import World


@pytest.fixture(autouse=True)
def phones(world: World) -> None:
    for name in ("ada", "ben", "lea", "dora", "lin"):
        world.person(name).carries_phone()


def open_alerts(world: World, number: str) -> list[str]:
    return [a["purpose"] for a in world.dora.case(number)["alerts"] if a["state"] in ("open", "exhausted")]


def holders(world: World, number: str) -> list[tuple[str, bool]]:
    """Who holds the case now, and who of them leads."""
    with world.app.app_context():
        query = select(Assignment).join(Case).where(Case.number == number, Assignment.returned_at.is_(None))
        return sorted((a.user.name if a.user else a.department.name, a.lead) for a in db.session.scalars(query) if a)


def test_a_red_case_declined_by_mistake_and_reopened_calls_again(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.dora.must("decline", number, note="误报")
    world.hush()
    world.dora.must("reopen", number, note="不是误报")
    world.work()
    world.phones["ada"].expects("电线")


def test_the_only_liaison_leaves_and_the_case_does_not_wait_for_an_empty_department(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="市政管理所")
    world.lin.must("acknowledge", number)
    with world.app.app_context():
        lin = db.session.scalars(select(User.id).where(User.username == "lin")).one()
    world.hush()
    assert world.root.post(f"/admin/accounts/{lin}", data={"role": "liaison"}).status_code == 303
    world.work()
    assert world.dora.case(number)["status"] == "accepted"
    world.phones["dora"].expects("路灯")


def test_a_liaison_who_plays_another_role_keeps_nothing_of_the_department(world: World) -> None:
    with world.app.app_context():
        lin = db.session.scalars(select(User.id).where(User.username == "lin")).one()
    assert world.root.post(f"/admin/accounts/{lin}", data={"role": "grid", "active": "1"}).status_code == 303
    number = world.vik.files("新井盖").number
    world.dora.must("dispatch", number, to="市政管理所")
    world._people.pop("lin")
    assert world.lin.get(f"/api/cases/{number}").status_code == 404


def test_the_desk_signs_what_was_given_back(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.ada.must("acknowledge", number)
    world.hush()
    world.ada.must("return", number, note="车坏了")
    world.work()
    push = world.phones["dora"].expects("退回")
    assert world.receipt(push, "acknowledged").status_code == 204
    world.hush()
    world.fast_forward(minutes=10)
    world.phones["lea"].stays_silent()


def test_a_red_report_merged_into_a_case_that_was_answered_calls_people(world: World) -> None:
    answered = world.vik.files("电线").number
    world.dora.must("dispatch", answered, to="ada")
    world.ada.must("acknowledge", answered)
    world.ada.must("report_outcome", answered, note="看过了")
    red = world.ben.files("电线着火", severity="red").number
    world.work()
    world.hush()
    world.dora.must("merge", red, to=answered)
    world.work()
    assert open_alerts(world, answered)
    assert world.phones["ada"].inbox


def test_the_last_rungs_dead_phone_reddens_the_desk_at_once(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.receipt(world.phones["ada"].expects("电线"), "shown")
    world.phones["lea"].fails_with = Gone("service_410")
    world.fast_forward(minutes=7)
    (alert,) = world.dora.case(number)["alerts"]
    assert alert["unreached_at"]
    assert "round_over" in [event["action"] for event in world.dora.case(number)["history"]]
    world.phones["ada"].expects("电线")


def test_a_department_is_named_by_its_prefix_or_its_name_and_never_by_a_persons_number(world: World) -> None:
    number = world.vik.files("路灯").number
    with world.app.app_context():
        vik = db.session.scalars(select(User.id).where(User.username == "vik")).one()
        department = db.session.scalars(select(Department.id)).one()
    assert vik == department, "the same number names both"
    assert world.dora.does("dispatch", number, to=str(vik)).status_code == 422
    world.dora.must("dispatch", number, to=f"department:{department}")
    assert holders(world, number) == [("市政管理所", True)]


def test_a_whistled_department_without_anybody_is_said_and_stands_on_the_red_list(world: World) -> None:
    with world.app.app_context(), writing():
        db.session.add(Department(town_code="441521115", name="空部门"))
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to=["空部门", "ada"])
    case = world.dora.case(number)
    assert any(event["action"] == "nobody_on_call" and "空部门" in event["words"] for event in case["history"])
    assert world.dora.get("/api/cases?lane=unreached").json["items"][0]["number"] == number
    page = world.dora.get(f"/desk/cases/{number}").text
    assert page.count("这个部门没有联系方式") == 1, "and none for ada, who has no address either"
    assert "请打电话" in page and "复制文字" in page and "怎样叫到" in page and "没有联系方式，叫不到：空部门" in page
    world.dora.must("report_outcome", number, note="电话里说修好了")
    assert "这个部门没有联系方式" not in world.dora.get(f"/desk/cases/{number}").text


def test_handing_on_to_who_assists_makes_a_lead(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    world.ada.must("acknowledge", number)
    world.ada.must("transfer", number, to="ben")
    assert holders(world, number) == [("黄本", True)]


def test_an_assistants_handing_on_does_not_stop_the_one_on_the_way(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    world.ada.must("acknowledge", number)
    world.ada.must("depart", number)
    world.ben.must("transfer", number, to="lea")
    assert world.dora.case(number)["status"] == "en_route"
    world.ada.must("arrive", number)
    assert holders(world, number) == [("李雷", False), ("陈安", True)]


def test_setting_out_is_signing_too(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    world.ben.must("acknowledge", number)
    world.ada.must("depart", number)
    assert open_alerts(world, number) == []


def test_stepping_back_past_a_signed_colleague_wakes_nobody(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="ben")
    world.ben.must("acknowledge", number)
    world.dora.must("dispatch", number, to="ada")
    world.ada.must("return", number, note="不在镇上")
    assert open_alerts(world, number) == []


@pytest.mark.parametrize("how", ["says so", "account ends"])
def test_the_lead_leaves_and_who_has_reported_back_is_nobody_on_it(world: World, how: str) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.dora.must("dispatch", number, to=["lea", "ben"])
    for name in ("lea", "ben"):
        world.person(name).must("acknowledge", number)
    world.ben.must("report_outcome", number, note="断电了")
    world.work()
    world.hush()
    if how == "says so":
        world.lea.must("return", number, note="车坏了")
    else:
        assert world.root.post(f"/admin/accounts/{world.lea.id}", data={"role": "leader"}).status_code == 303
    world.work()
    assert (world.dora.case(number)["status"], open_alerts(world, number)) == ("accepted", ["return"])
    world.phones["ada"].expects("电线垂落")
    world.phones["ben"].expects("电线垂落")
    world.ben.must("acknowledge", number)
    assert holders(world, number) == [("黄本", True)]
    assert "depart" in world.ben.case(number)["actions"]


def test_the_lead_leaves_and_who_still_has_to_go_leads(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to=["lea", "ben", "ada"])
    for name in ("lea", "ben", "ada"):
        world.person(name).must("acknowledge", number)
    world.ben.must("report_outcome", number, note="断电了")
    world.lea.must("return", number, note="车坏了")
    assert holders(world, number) == [("陈安", True), ("黄本", False)]
    assert open_alerts(world, number) == []


def test_whom_the_desk_sends_again_is_not_called_by_two_alerts(world: World) -> None:
    number = world.vik.files("路灯").number
    for _ in range(3):
        world.dora.must("dispatch", number, to="ada")
    assert open_alerts(world, number) == ["dispatch"]


def test_a_liaison_sent_in_person_too_gives_back_both(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to=["lin", "市政管理所"])
    world.lin.must("acknowledge", number)
    world.lin.must("return", number, note="不归我们管")
    assert world.dora.case(number)["status"] == "accepted"
    assert holders(world, number) == []


def test_nobody_hands_on_to_his_own_department(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="市政管理所")
    world.lin.must("acknowledge", number)
    assert world.lin.does("transfer", number, to="市政管理所").status_code == 422


def test_the_desk_sends_back_and_the_way_begins_anew(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="ada")
    for step in ("acknowledge", "depart", "arrive"):
        world.ada.must(step, number)
    world.ada.must("report_outcome", number, note="好了")
    world.dora.must("return", number, note="灯还是不亮")
    assert world.ada.get(f"/tasks/{number}").text.count("the-step")
    world.ada.must("acknowledge", number)
    world.ada.must("depart", number)
    assert world.dora.case(number)["status"] == "en_route"


def test_who_cannot_go_says_so_before_the_desk_has_looked(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.hush()
    world.ada.must("return", number, note="在外地")
    world.work()
    assert world.dora.case(number)["status"] == "new"
    world.phones["ben"].stays_silent()  # is being called already
    world.ben.must("return", number, note="也在外地")
    world.work()
    world.phones["dora"].expects("退回")


def test_done_by_telephone_the_desk_writes_it_down_and_closes(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="ada")
    assert world.dora.does("report_outcome", number).status_code == 422, "what was done must be said"
    world.dora.must("report_outcome", number, note="陈安电话:灯已修好")
    assert open_alerts(world, number) == []
    world.dora.must("close", number)
    assert world.vik.get("/api/reports").json["items"][0]["status"] == "closed"


def test_a_case_that_turns_out_blue_wakes_no_leader(world: World) -> None:
    number = world.vik.files("以为着火", severity="red").number
    world.work()
    world.dora.must("classify", number, severity="blue")
    world.hush()
    world.fast_forward(minutes=10)
    world.phones["lea"].stays_silent()


def test_another_persons_login_on_the_phone_ends_what_waited_for_the_first(world: World) -> None:
    shared = world.ada.client
    endpoint = {"endpoint": "http://127.0.0.1:9/shared/1", "keys": _keys()}
    assert world.ada.post("/api/push/subscriptions", json=endpoint).status_code == 201
    number = world.vik.files("张三家电线", severity="red").number
    answer = shared.post(
        "/api/session", json={"username": "vik", "password": "demo"}, headers={"X-Requested-With": "fieldapp"}
    )
    assert answer.status_code == 204
    assert world.ada.post("/api/push/subscriptions", json=endpoint).status_code == 200
    world.work()
    world.phones["shared"].stays_silent()
    assert "张三" in world.phones["ben"].expects("张三")["title"]
    assert world.dora.case(number)["status"] == "new"


@pytest.mark.parametrize("how", ["revoked", "answered anew"])
def test_an_old_push_signs_nothing(world: World, how: str) -> None:
    number = world.vik.files("着火", severity="red").number
    world.work()
    push = world.phones["ada"].expects("着火")
    if how == "revoked":
        world.ada.post("/devices/revocation")
    else:
        world.ben.must("acknowledge", number)
        world.ben.must("report_outcome", number, note="灭了")
        world.dora.must("close", number)
        world.vik.must("dispute", number)
    before = world.dora.case(number)["status"]
    assert world.receipt(push, "acknowledged").status_code == (403 if how == "revoked" else 409)
    assert world.dora.case(number)["status"] == before


def _keys() -> dict[str, str]:
    from tests.world import AUTH, P256DH

    return {"p256dh": P256DH, "auth": AUTH}

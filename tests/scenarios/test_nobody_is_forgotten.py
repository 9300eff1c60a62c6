"""Whatever happens to a case after the first call, somebody is called until somebody has signed."""

import pytest
from sqlalchemy import select

from fieldapp import upkeep
from fieldapp.channels import Permanent
from fieldapp.db import db, writing
from fieldapp.models import Department, User
from tests.world import World


@pytest.fixture(autouse=True)
def phones(world: World) -> None:
    for name in ("ada", "ben", "lea", "dora", "lin"):
        world.person(name).carries_phone()


def test_the_signer_gives_a_red_case_back_and_the_others_are_called_at_once(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.ada.must("acknowledge", number)
    world.hush()
    world.ada.must("return", number, note="车坏了")
    world.work()
    world.phones["ben"].expects("退回")
    world.phones["dora"].expects("退回")
    world.phones["ada"].stays_silent()
    world.fast_forward(minutes=6)
    world.phones["lea"].expects("电线")


def test_giving_back_unsigned_does_not_silence_the_alert(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="ada")
    world.work()
    world.hush()
    world.ada.must("return", number, note="不在")
    world.work()
    world.phones["dora"].expects("退回")


def test_a_case_that_turns_red_runs_on_the_red_clock(world: World) -> None:
    number = world.vik.files("电线垂落").number
    world.dora.must("dispatch", number, to="ada")
    world.work()
    world.hush()
    world.dora.must("classify", number, severity="red")
    world.work()
    world.phones["ada"].expects("红")
    world.fast_forward(minutes=6)
    world.phones["lea"].expects("红")


def test_a_red_report_merged_into_an_unsigned_blue_case_still_calls(world: World) -> None:
    blue = world.vik.files("电线").number
    world.dora.must("dispatch", blue, to="ada")
    red = world.ben.files("电线垂落", severity="red").number
    world.work()
    world.hush()
    world.dora.must("merge", red, to=blue)
    world.work()
    world.phones["ada"].expects("红")
    world.fast_forward(minutes=6)
    world.phones["lea"].expects("红")


def test_a_department_without_anybody_to_call_goes_to_the_leader(world: World) -> None:
    with world.app.app_context(), writing():
        db.session.add(Department(town_code="441521115", name="空部门"))
    number = world.vik.files("垃圾").number
    world.dora.must("dispatch", number, to="空部门")
    world.work()
    world.phones["lea"].expects("垃圾")


def test_handing_over_to_somebody_who_stands_already_calls_them(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    world.work()
    world.ada.must("acknowledge", number)
    world.hush()
    world.ada.must("transfer", number, to="ben")
    world.work()
    world.phones["ben"].expects("电线")


def test_sending_the_same_person_again_calls_again(world: World) -> None:
    number = world.vik.files("垃圾").number
    world.dora.must("dispatch", number, to="ada")
    world.work()
    world.hush()
    world.dora.must("dispatch", number, to="ada")
    world.work()
    world.phones["ada"].expects("垃圾")


def test_a_liaison_who_gave_back_is_out_and_can_be_called_again(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="市政管理所")
    world.lin.must("acknowledge", number)
    world.lin.must("return", number, note="不归我们")
    assert world.lin.get(f"/api/cases/{number}").status_code == 404
    world.work()
    world.hush()
    world.dora.must("dispatch", number, to="lin")
    world.work()
    world.phones["lin"].expects("路灯")
    world.lin.must("acknowledge", number)


def test_one_who_is_named_and_speaks_for_a_department_is_called_once(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to=["lin", "市政管理所"])
    world.lin.must("acknowledge", number)
    world.lin.must("report_outcome", number, note="好了")
    world.dora.must("return", number, note="没好")
    world.work()
    assert world.dora.case(number)["status"] == "dispatched"


def test_disabling_the_signer_calls_the_others(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    push = world.phones["ada"].inbox[0]
    world.ada.must("acknowledge", number)
    world.hush()
    with world.app.app_context():
        ada = db.session.scalars(select(User.id).where(User.username == "ada")).one()
    assert world.root.post(f"/admin/accounts/{ada}", data={"role": "responder"}).status_code == 303
    world.work()
    world.phones["ben"].expects("退回")
    assert world.dora.case(number)["status"] == "accepted"
    world.receipt(push, "acknowledged")
    assert world.dora.case(number)["status"] == "accepted", "a disabled account signs nothing"


def test_a_leader_without_a_phone_is_not_the_end_while_another_has_one(world: World) -> None:
    with world.app.app_context(), writing():
        lea = db.session.scalars(select(User).where(User.username == "lea")).one()
        db.session.add(
            User(
                username="leb", name="雷二", role="leader", area_code=lea.area_code, created_at=lea.created_at,
                password_hash=lea.password_hash,
            )
        )  # fmt: skip
    world.person("leb").carries_phone()
    world.lea.delete("/api/push/subscriptions")
    world.vik.files("电线垂落", severity="red")
    world.work()
    world.fast_forward(minutes=6)
    world.phones["leb"].expects("电线")


def test_after_a_merge_nobody_reads_anothers_words(world: World) -> None:
    first = world.vik.files("张三家又在打架,别说是我讲的")
    second = world.ben.files("楼上吵架")
    world.ben.carries_phone()
    world.dora.must("merge", second.number, to=first.number)
    world.dora.must("accept", first.number)
    world.work()
    said = str(world.phones["ben"].inbox) + world.ben.get("/api/reports").text
    said += world.ben.get(f"/api/cases/{first.number}").text + world.ben.get(f"/api/reports/{second.id}").text
    assert "张三" not in said


def test_somebody_called_reads_what_the_desk_asks_for_also_without_a_push(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="ada", note="带上锥桶,走北门")
    assert "带上锥桶,走北门" in world.ada.get(f"/tasks/{number}").text
    world.ada.must("acknowledge", number)
    world.ada.must("report_outcome", number, note="灯泡已换")
    assert "灯泡已换" in world.dora.get(f"/desk/cases/{number}").text


def test_a_reporter_is_told_that_others_reported_it_too(world: World) -> None:
    first, second = world.vik.files("井盖"), world.ben.files("井盖坏了")
    world.dora.must("merge", second.number, to=first.number)
    story = world.ben.get(f"/api/reports/{second.id}").json["history"]
    assert "别人也报了这件事，一起办" in [event["words"] for event in story]
    assert "别人也报了这件事，一起办" not in world.vik.get(f"/api/reports/{first.id}").text


def test_a_village_switched_off_meanwhile_still_takes_what_was_saved(world: World) -> None:
    assert world.root.post("/admin/areas", data={"enabled": "441521115001"}).status_code == 303
    number = world.vik.files("垃圾", village_code="441521115004").number
    assert world.dora.case(number)["status"] == "new"


def test_a_push_service_that_refuses_our_configuration_is_told_on_the_desk(world: World) -> None:
    world.phones["ada"].fails_with = world.phones["ben"].fails_with = Permanent("service_403", ours=True)
    world.vik.files("电线垂落", severity="red")
    world.work()
    world.phones["lea"].expects("电线")  # nobody waits for what cannot arrive
    with world.app.app_context():
        upkeep.beat("test", "alerts", world.now)
    assert world.dora.get("/desk/pulse").json["trouble"] == "service_403"

"""The product's spine as one evening: report, triage, push, signature, outcome, closure, answer."""

from typing import Any

from sqlalchemy import select

from fieldapp.db import db
from fieldapp.models import Assignment, User
from tests.pictures import jpeg_with_everything
from tests.world import World


def test_from_the_patrols_report_to_the_patrols_answer(world: World) -> None:
    world.ada.carries_phone()
    world.vik.carries_phone()
    filed = world.vik.files("井盖破损,夜间危险", severity="yellow", photos=(jpeg_with_everything(),))
    number = filed.number
    assert [case["number"] for case in world.dora.get("/api/cases").json["items"]] == [number]
    world.work()
    world.dora.must("accept", number)
    world.dora.must("dispatch", number, to=["ada"], note="请带警示桩")
    world.work()
    world.phones["ada"].expects("井盖")  # the intake's own call
    world.phones["ada"].expects("请带警示桩")
    world.ada.must("acknowledge", number)
    world.ada.must("depart", number)
    world.ada.must("arrive", number)
    world.ada.must("report_outcome", number, note="已更换井盖")
    world.dora.must("verify", number)
    world.dora.must("close", number, note="感谢上报")
    world.work()
    said = [push["title"] for push in world.phones["vik"].inbox]
    assert said == ["中心已受理", "已有人签收，正在处理", "现场已处置，等中心核查", "已办结，请看看满意吗"]
    story = world.vik.get(f"/api/reports/{filed.id}").json
    assert story["status"] == "closed"
    assert story["actions"] == ["confirm", "dispute"]
    assert "感谢上报" in [event.get("note") for event in story["history"]]
    world.vik.must("confirm", number)
    assert world.vik.get(f"/api/reports/{filed.id}").json["satisfied"] is True


def test_a_merged_report_hears_the_outcome_of_the_other(world: World) -> None:
    first = world.vik.files("井盖破损")
    second = world.ben.files("井盖坏了", severity="red")
    world.dora.must("merge", second.number, to=first.number)
    case = world.dora.case(first.number)
    assert case["signals"] == 2
    assert case["severity"] == "red", "what the merged report knew must not be lost"
    world.dora.must("accept", first.number)
    world.dora.must("close", first.number, note="已修好")
    assert world.ben.get(f"/api/reports/{second.id}").json["status"] == "closed"


def test_a_department_is_whistled_for_and_answers(world: World) -> None:
    number = world.vik.files("路灯不亮").number
    world.dora.must("dispatch", number, to=["市政管理所"])
    world.lin.must("acknowledge", number)
    world.lin.must("report_outcome", number, note="灯泡已换")
    assert world.dora.case(number)["status"] == "answered"
    world.dora.must("return", number, note="还有一盏不亮")
    assert world.lin.case(number)["status"] == "dispatched"


def test_the_first_named_leads_be_it_a_department_or_a_person(world: World) -> None:
    number = world.vik.files("路灯").number
    form: dict[str, Any] = {"action": "dispatch", "version": "1", "to": ["", "department:1"], "lead": "department:1"}
    with world.app.app_context():
        form["to"][0] = str(db.session.scalars(select(User.id).where(User.username == "ada")).one())
    assert world.dora.post(f"/desk/cases/{number}/transitions", data=form).status_code == 303
    with world.app.app_context():
        sent = db.session.scalars(select(Assignment).order_by(Assignment.id))
        assert [(one.department_id, one.lead) for one in sent] == [(1, True), (None, False)]


def test_giving_back_leaves_it_with_the_other_responder(world: World) -> None:
    number = world.vik.files("树倒了").number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    world.ada.must("return", number, note="车坏了")
    assert world.dora.case(number)["status"] == "dispatched"
    world.ben.must("return", number, note="太远")
    assert world.dora.case(number)["status"] == "accepted"


def test_handing_over_calls_the_other(world: World) -> None:
    world.ben.carries_phone()
    number = world.vik.files("树倒了").number
    world.dora.must("dispatch", number, to="ada")
    world.ada.must("acknowledge", number)
    world.ada.must("transfer", number, to="ben")
    world.work()
    world.phones["ben"].expects("树倒了")
    assert world.dora.case(number)["status"] == "dispatched"

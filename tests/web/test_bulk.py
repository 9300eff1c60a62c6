"""Several at once: each for itself, told in words, and taken back while that still makes sense."""

import re
from typing import Any

import pytest
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from fieldapp import clock, suggestions
from fieldapp.db import db
from fieldapp.models import Case, Department, User
from tests.world import World

pytestmark = pytest.mark.onedb
HTMX = {"HX-Request": "true", "Origin": "http://localhost"}


def as_shown(world: World, *numbers: str) -> list[str]:
    with world.app.app_context():
        shown = {case.number: case.version for case in db.session.scalars(select(Case))}
    return [f"{number}:{shown[number]}" for number in numbers]


def sends(world: World, picked: list[str], action: str, who: str = "dora", **more: Any) -> TestResponse:
    return world.person(who).post("/desk/bulk", data={"case": picked, "action": action} | more, headers=HTMX)


def undoes(world: World, answer: TestResponse, who: str = "dora") -> TestResponse:
    """Press 撤销 as the page has it."""
    form = answer.text[answer.text.index('action="/desk/bulk/undo"') :]
    fields = re.findall(r'name="(action|case)" value="([^"]+)"', form)
    data = {"action": fields[0][1], "case": [value for name, value in fields if name == "case"]}
    return world.person(who).post("/desk/bulk/undo", data=data, headers=HTMX)


def words_of(answer: TestResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def states(world: World, *numbers: str) -> list[str]:
    return [str(world.dora.case(number)["status"]) for number in numbers]


def test_all_are_accepted_but_the_one_that_somebody_else_had_just_taken(world: World) -> None:
    numbers = [world.vik.files(f"井盖 {n}").number for n in range(3)]
    picked = as_shown(world, *numbers)
    world.lea.must("decline", numbers[1], note="不归我们管")
    answer = sends(world, picked, "accept")
    leader = (world.lea.get("/api/me").json or {})["name"]
    assert "2 件已受理" in words_of(answer) and f"1 件没有变：{leader}刚处理过" in words_of(answer)
    assert numbers[1] in answer.text and answer.headers["HX-Trigger"] == "desk:changed"
    assert states(world, *numbers) == ["accepted", "declined", "accepted"]


def test_an_acceptance_is_taken_back_and_the_call_it_had_answered_goes_out_again(world: World) -> None:
    world.dora.carries_phone()
    number = world.vik.files("煤气味", "red").number
    world.take_off_call("ada", "ben")
    world.fast_forward(minutes=10)
    assert [alert["state"] for alert in world.dora.case(number)["alerts"]] != ["acknowledged"]
    answer = sends(world, as_shown(world, number), "accept")
    taken_back = undoes(world, answer)
    assert "1 件已撤销" in words_of(taken_back)
    case = world.dora.case(number)
    assert case["status"] == "new" and case["history"][-1]["action"] in ("unaccept", "called", "nobody_on_call")
    assert any(line["words"] == "撤销受理" for line in case["history"])
    assert [a for a in case["alerts"] if a["state"] in ("open", "exhausted") and a["purpose"] == "intake"]


def test_a_classification_is_taken_back_also_to_none(world: World) -> None:
    number = world.vik.files("说不清是什么", category=None).number
    answer = sends(world, as_shown(world, number), "classify", category="facility", severity="red")
    assert "1 件已研判" in words_of(answer) and world.dora.case(number)["severity"] == "red"
    undoes(world, answer)
    case = world.dora.case(number)
    assert (case["category"], case["severity"], case["status"]) == (None, "blue", "new")
    assert not [alert for alert in case["alerts"] if alert["state"] in ("open", "exhausted")]


def test_nothing_is_taken_back_once_somebody_went_on_with_it_nor_by_another(world: World) -> None:
    number = world.vik.files("井盖破损").number
    answer = sends(world, as_shown(world, number), "accept")
    assert "不是您刚才做的" in words_of(undoes(world, answer, "lea"))
    world.lea.must("dispatch", number, to=["ada"])
    assert "这件没有变" in words_of(undoes(world, answer)) and states(world, number) == ["dispatched"]


def test_several_go_to_one_person_and_what_was_told_is_not_offered_to_be_undone(world: World) -> None:
    numbers = [world.vik.files(f"路灯 {n}").number for n in range(2)]
    answer = sends(world, as_shown(world, *numbers), "dispatch", to=[str(world.ada.id)])
    assert "2 件已派出" in words_of(answer) and "/undo" not in answer.text
    assert "2 件都没有变：现在是" in words_of(sends(world, as_shown(world, *numbers), "close", note="好了"))
    assert states(world, *numbers) == ["dispatched", "dispatched"]


def test_a_refusal_is_said_once(world: World) -> None:
    numbers = [world.vik.files(f"井盖 {n}").number for n in range(3)]
    one = sends(world, as_shown(world, numbers[0]), "verify")
    assert words_of(one).startswith("这件没有变：现在是“待受理”，不能“核查通过”。") and "一件也没有变" not in one.text
    world.lea.must("accept", numbers[2])
    mixed = words_of(sends(world, as_shown(world, *numbers), "verify"))
    assert mixed.startswith("2 件没有变：现在是“待受理”") and "1 件没有变：现在是“已受理”" in mixed
    assert "2 件都没有变：现在是“待受理”" in words_of(sends(world, as_shown(world, *numbers[:2]), "verify"))


def test_who_is_sent_and_cannot_be_reached_is_said_before_and_after(world: World) -> None:
    numbers = [world.vik.files(f"路灯 {n}").number for n in range(3)]
    world.ben.carries_phone()
    page = world.dora.get("/desk").text
    assert re.search(r">陈安 ✕ 不可达</option>", page) and re.search(r">黄本 \? 未验证</option>", page)
    row = " ".join(re.sub(r"<[^>]+>", " ", world.dora.get(f"/desk/cases/{numbers[2]}").text).split())
    assert re.search(r"陈安 备勤人员 值班中 ✕ 不可达", row) and re.search(r"黄本 备勤人员 (值班中 )?\? 未验证", row)
    sent = sends(world, as_shown(world, *numbers[:2]), "dispatch", to=[str(world.ada.id), str(world.ben.id)])
    assert "2 件已派出；现在叫不到：陈安，请打电话" in words_of(sent)
    reached = sends(world, as_shown(world, numbers[2]), "dispatch", to=[str(world.ben.id)])
    assert "1 件已派出" in words_of(reached) and "叫不到" not in words_of(reached)
    world.ada.carries_phone()
    assert re.search(r">陈安 \? 未验证</option>", world.dora.get("/desk/bulk/to").text), "asked anew for an open page"


def test_the_ways_to_all_of_them_cost_no_more_statements_than_those_to_one(world: World) -> None:
    world.ada.carries_phone()
    heard: list[str] = []
    with world.app.app_context():
        people = db.session.scalars(select(User).where(User.role.in_(("responder", "grid", "leader")))).all()
        offices = db.session.scalars(select(Department)).all()
        event.listen(db.engine, "before_cursor_execute", lambda *told: heard.append(told[2]))
        suggestions.in_reach(people[:1], offices[:1], clock.now())
        few = len(heard)
        heard.clear()
        found = suggestions.in_reach(people, offices, clock.now())
    assert len(found) == len(people) + len(offices) > 3 and len(heard) == few


@pytest.mark.parametrize(
    ("picked", "action", "said"),
    [
        ([], "accept", "还没有选"),
        ([f"HC-{n}:1" for n in range(201)], "accept", "一次最多 200 件"),
        (["HC-1:x"], "accept", "应为数字"),
        (["HC-1:1"], "reopen", "没有这一项"),
    ],
)
def test_what_cannot_be_done_is_said(world: World, picked: list[str], action: str, said: str) -> None:
    answer = sends(world, picked, action)
    assert answer.status_code == 422 and said in words_of(answer)


def test_another_towns_desk_changes_nothing(world: World) -> None:
    number = world.vik.files("井盖破损").number
    answer = sends(world, as_shown(world, number), "accept", who="otto")
    assert answer.status_code in (302, 403) or "这件没有变" in words_of(answer)
    assert states(world, number) == ["new"]

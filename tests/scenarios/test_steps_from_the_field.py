"""签收, 出发, 到场, 处置反馈 from a phone that had no network: once, in order, and true when the case has moved on."""

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import User
from tests.pictures import jpeg_with_everything
from tests.world import Person, World, manifest

pytestmark = pytest.mark.usefixtures("world")


def sends(person: Person, number: str, body: dict[str, Any], step_id: str = "") -> TestResponse:
    return person.put(f"/api/cases/{number}/steps/{step_id or uuid4()}", json=body)


@pytest.fixture
def number(world: World) -> str:
    """A case of vik's, sent to ada."""
    number = world.vik.files("井盖破损").number
    world.dora.must("dispatch", number, to="ada")
    return number


def history(world: World, number: str) -> list[str]:
    return [event["action"] for event in world.dora.case(number)["history"]]


def test_four_steps_from_a_phone_that_was_out_of_reach(world: World, number: str) -> None:
    for action, minutes in (("acknowledge", 40), ("depart", 38), ("arrive", 20), ("report_outcome", 5)):
        answer = sends(world.ada, number, world.ada.step(action, "已换盖" if minutes == 5 else "", minutes))
        assert answer.status_code == 201 and answer.json["result"] == "done" and answer.json["complete"] is True
    assert world.dora.case(number)["status"] == "answered"
    assert history(world, number)[-4:] == ["acknowledge", "depart", "arrive", "report_outcome"]
    arrived = next(e for e in world.dora.case(number)["history"] if e["action"] == "arrive")
    assert "手机上" in arrived["words"]


def test_the_same_step_again_is_the_same_step_and_other_words_under_its_id_are_refused(
    world: World, number: str
) -> None:
    body, step_id = world.ada.step("acknowledge"), str(uuid4())
    assert [sends(world.ada, number, body, step_id).status_code for _ in range(3)] == [201, 200, 200]
    assert history(world, number).count("acknowledge") == 1
    assert sends(world.ada, number, body | {"note": "别的"}, step_id).status_code == 409
    ben = world.ben.step("acknowledge")
    assert sends(world.ben, number, ben, step_id).status_code == 409


def test_a_step_taken_on_two_devices_counts_once(world: World, number: str) -> None:
    for _ in range(2):
        assert sends(world.ada, number, world.ada.step("acknowledge")).json["result"] == "done"
    assert history(world, number).count("acknowledge") == 1


def test_the_case_was_closed_meanwhile_and_what_was_done_still_stands_in_its_history(world: World, number: str) -> None:
    photo = jpeg_with_everything()
    world.ada.must("acknowledge", number)
    world.dora.must("report_outcome", number, note="电话里说好了")
    world.dora.must("close", number)
    body = world.ada.step("report_outcome", "盖已换好", 30, photos=[manifest(photo)])
    step_id = str(uuid4())
    answer = sends(world.ada, number, body, step_id)
    assert answer.status_code == 201 and answer.json["result"] == "late" and answer.json["status"] == "closed"
    assert world.dora.case(number)["status"] == "closed"
    last = world.dora.case(number)["history"][-1]
    assert last["action"] == "late_step" and last["note"] == "盖已换好" and "处置反馈" in last["words"]
    path = f"/api/cases/{number}/steps/{step_id}/photos/{body['photos'][0]['id']}"
    sent = world.ada.put(path, data=photo)
    assert sent.status_code == 201 and sent.json["complete"] is True
    world.develop()
    assert [p["state"] for p in world.dora.case(number)["photos"] if p["kind"] == "after"] == ["ready"]


def test_a_step_taken_before_the_reporter_said_that_it_is_not_solved_ends_no_second_try(
    world: World, number: str
) -> None:
    world.ada.must("acknowledge", number)
    world.ada.must("report_outcome", number, note="好了")
    world.dora.must("close", number)
    world.vik.must("dispute", number)
    world.dora.must("dispatch", number, to="ada")
    assert sends(world.ada, number, world.ada.step("report_outcome", "好了", 60)).json["result"] == "late"
    assert world.dora.case(number)["status"] == "dispatched"
    assert sends(world.ada, number, world.ada.step("acknowledge")).json["result"] == "done"


def test_a_phone_an_hour_slow_is_not_late_for_it(world: World, number: str) -> None:
    hour = timedelta(hours=1)
    body = world.ada.step("acknowledge")
    body["taken_at"] = (clock.now() - hour).isoformat()
    body["client_now"] = (clock.now() - hour + timedelta(seconds=1)).isoformat()
    assert sends(world.ada, number, body).json["result"] == "done"
    assert "手机上" not in world.dora.case(number)["history"][-1]["words"]


def test_who_gave_the_case_back_may_still_tell_what_was_done(world: World, number: str) -> None:
    world.ada.must("acknowledge", number)
    world.ada.must("return", number, note="车坏了")
    answer = sends(world.ada, number, world.ada.step("report_outcome", "路过时放了警示桩", 20))
    assert answer.json["result"] == "late"
    assert world.dora.case(number)["history"][-1]["note"] == "路过时放了警示桩"


def test_photos_follow_the_words_and_arrive_once(world: World, number: str) -> None:
    photos = [jpeg_with_everything(), jpeg_with_everything(width=300)]
    world.ada.must("acknowledge", number)
    body = world.ada.step("report_outcome", "已处理", photos=[manifest(photo) for photo in photos])
    step_id = str(uuid4())
    receipt = sends(world.ada, number, body, step_id).json
    assert receipt["complete"] is False and len(receipt["photos"]["missing"]) == 2
    assert world.dora.case(number)["status"] == "answered"  # nobody waits for a photo
    base = f"/api/cases/{number}/steps/{step_id}/photos"
    first, second = (item["id"] for item in body["photos"])
    assert world.ada.put(f"{base}/{first}", data=photos[1]).status_code == 422
    assert [world.ada.put(f"{base}/{first}", data=photos[0]).status_code for _ in range(2)] == [201, 200]
    assert world.ada.put(f"{base}/{first}", data=photos[1]).status_code == 409
    assert world.ben.put(f"{base}/{second}", data=photos[1]).status_code == 404
    assert world.ada.put(f"{base}/{second}", data=photos[1]).json["complete"] is True
    assert sends(world.ada, number, body, step_id).json["complete"] is True
    assert history(world, number).count("after_photo") == 2
    world.dora.must("close", number)
    world.develop()
    assert len(world.vik.get(f"/api/reports/{_report(world)}").json["after_photos"]) == 2


def _report(world: World) -> str:
    return str(world.vik.get("/api/reports").json["items"][0]["id"])


def test_what_cannot_be_a_step_is_named(world: World, number: str) -> None:
    assert sends(world.ada, number, world.ada.step("report_outcome")).json["errors"].keys() == {"note"}
    assert sends(world.ada, number, world.ada.step("close")).json["errors"].keys() == {"action"}
    assert sends(world.ada, number, world.ada.step("depart", owner=1_000_000)).json["errors"].keys() == {"owner"}
    assert sends(world.ada, number, {}).status_code == 422
    assert history(world, number)[-1] != "late_step"


def test_nobody_else_writes_into_the_case(world: World, number: str) -> None:
    for name in ("vik", "ben", "otto", "ana", "root"):
        person = world.person(name)
        assert sends(person, number, person.step("arrive", "我来")).status_code in (403, 404), name
    assert sends(world.ada, "HC-20200101-001", world.ada.step("arrive")).status_code == 404


def test_an_account_that_is_no_responder_any_more_sends_nothing_new_but_may_repeat(world: World, number: str) -> None:
    body, step_id = world.ada.step("acknowledge"), str(uuid4())
    assert sends(world.ada, number, body, step_id).status_code == 201
    with world.app.app_context(), writing():
        db.session.scalars(select(User).where(User.username == "ada")).one().role = "patrol"
    assert sends(world.ada, number, body, step_id).status_code == 200
    assert sends(world.ada, number, world.ada.step("arrive")).status_code == 403


def test_the_desk_sent_it_back_meanwhile_and_old_steps_do_not_answer_it_again(world: World, number: str) -> None:
    world.ada.must("acknowledge", number)
    world.dora.must("report_outcome", number, note="电话里说好了")
    world.dora.must("return", number, note="还在漏水")
    for action in ("depart", "arrive", "report_outcome"):
        assert sends(world.ada, number, world.ada.step(action, "换了盖", 40)).json["result"] == "late"
    case = world.dora.case(number)
    assert case["status"] == "dispatched"
    assert [a["state"] for a in case["alerts"] if a["purpose"] == "dispatch"].count("open") == 1
    assert sends(world.ada, number, world.ada.step("acknowledge")).json["result"] == "done"


@pytest.mark.parametrize("merges", [1, 2])
def test_the_case_was_merged_meanwhile_and_what_was_done_stands_where_people_look(world: World, merges: int) -> None:
    chain = [world.vik.files(f"井盖{n}", severity="red").number for n in range(merges + 1)]
    here, there = chain[0], chain[-1]
    for one, into in pairwise(chain):
        world.dora.must("merge", one, to=into)
    photo = jpeg_with_everything()
    body = world.ada.step("report_outcome", "已放警示桩", 10, photos=[manifest(photo)])
    step_id = str(uuid4())
    assert sends(world.ada, here, body, step_id).json["result"] == "late"
    path = f"/api/cases/{here}/steps/{step_id}/photos/{body['photos'][0]['id']}"
    assert world.ada.put(path, data=photo).status_code == 201
    told = world.dora.case(there)["history"]
    assert [e["note"] for e in told if e["action"] == "late_step"] == ["已放警示桩"]
    world.develop()
    assert [p["kind"] for p in world.dora.case(there)["photos"]] == ["after"]


def test_another_persons_session_on_the_phone_gives_nothing_up(world: World, number: str) -> None:
    body, step_id = world.ada.step("acknowledge"), str(uuid4())
    assert sends(world.ada, number, body, step_id).status_code == 201
    for name in ("vik", "ben", "dora"):
        answer = sends(world.person(name), number, body, step_id)
        assert answer.status_code == 422 and "owner" in answer.json["errors"], name


def test_a_reporter_sees_no_photo_that_is_not_here_and_none_of_a_late_step(world: World, number: str) -> None:
    report = _report(world)
    world.ada.must("acknowledge", number)
    photo = jpeg_with_everything()
    body = world.ada.step("report_outcome", "好了", photos=[manifest(photo)])
    sends(world.ada, number, body)
    assert world.vik.get(f"/api/reports/{report}").json["after_photos"] == []
    assert [p["state"] for p in world.dora.case(number)["photos"]] == ["processing"]
    world.dora.must("close", number)
    late, step_id = world.ada.step("report_outcome", "又去了一次", photos=[manifest(photo)]), str(uuid4())
    assert sends(world.ada, number, late, step_id).json["result"] == "late"
    path = f"/api/cases/{number}/steps/{step_id}/photos/{late['photos'][0]['id']}"
    assert world.ada.put(path, data=photo).status_code == 201
    world.develop()
    assert world.vik.get(f"/api/reports/{report}").json["after_photos"] == []
    assert len(world.dora.case(number)["photos"]) == 2

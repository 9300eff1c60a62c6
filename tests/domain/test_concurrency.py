"""Several people and workers at the same case at the same moment, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import func, select

from fieldapp import deliver, upkeep
from fieldapp.db import db
from fieldapp.models import Case, Delivery
from tests.pictures import jpeg_with_everything
from tests.world import HEADERS, World


def test_two_officers_press_at_once_and_one_is_politely_refused(world: World) -> None:
    number = world.vik.files("井盖").number
    world.dora.get("/api/me")
    world.lea.get("/api/me")
    with ThreadPoolExecutor(2) as pool:
        path, body = f"/api/cases/{number}/transitions", {"version": 1, "note": "原因"}
        pressed = [
            pool.submit(world.dora.post, path, json=body | {"action": "accept"}),
            pool.submit(world.lea.post, path, json=body | {"action": "decline"}),
        ]
        answers = [press.result() for press in pressed]
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (refused,) = [answer for answer in answers if answer.status_code == 409]
    assert refused.json["detail"]


def test_photos_arrive_while_the_desk_is_at_work_and_none_is_refused(world: World) -> None:
    photos = tuple(jpeg_with_everything(width=300 + n, height=200) for n in range(6))
    body = world.vik.report("", photos=photos)
    report = uuid4()
    world.vik.put(f"/api/reports/{report}", json=body)
    number = world.vik.get(f"/api/reports/{report}").json["case_number"]
    cookie = world.vik.client.get_cookie("fieldapp_device")
    assert cookie is not None

    def upload(index: int) -> int:
        client = world.app.test_client()
        client.set_cookie("fieldapp_device", cookie.value)
        path = f"/api/reports/{report}/photos/{body['photos'][index]['id']}"
        return client.put(path, data=photos[index], headers=HEADERS).status_code

    def classify(_: int) -> int:
        return world.dora.does("classify", number, severity="blue").status_code

    with ThreadPoolExecutor(4) as pool:
        uploads, clicks = pool.map(upload, range(6)), pool.map(classify, range(6))
        assert list(uploads) == [201] * 6
        assert set(clicks) <= {200, 409}
    assert world.vik.get(f"/api/reports/{report}").json["complete"] is True


def test_signing_while_the_alert_climbs_neither_fails_nor_deadlocks(world: World) -> None:
    world.ada.carries_phone()
    world.ben.carries_phone()
    world.lea.carries_phone()
    for _ in range(8):
        world.vik.files("电线垂落", severity="red")
    world.work()
    pushes = world.phones["ada"].inbox + world.phones["ben"].inbox
    assert len(pushes) == 16
    late = world.now.replace(year=world.now.year + 1)

    def climb(_: int) -> None:
        with world.app.app_context():
            deliver.escalate(late)
            deliver.look(late)

    with ThreadPoolExecutor(6) as pool:
        climbs = pool.map(climb, range(4))
        signed = list(pool.map(lambda push: world.receipt(push, "acknowledged").status_code, pushes))
        list(climbs)
    assert signed == [204] * 16
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).where(Case.status == "acknowledged")) == 8


def test_two_workers_never_send_the_same_delivery(world: World) -> None:
    for name in ("ada", "ben"):
        world.person(name).carries_phone()
    for _ in range(10):
        world.vik.files("电线垂落", severity="red")

    def claim(owner: int) -> list[object]:
        with world.app.app_context():
            return [one.delivery_id for one in deliver.claim(20, f"worker-{owner}", "http://town", "key", world.now)]

    with ThreadPoolExecutor(4) as pool:
        claimed = [one for batch in pool.map(claim, range(4)) for one in batch]
    assert len(claimed) == len(set(claimed)) == 20


def test_a_lease_that_ran_out_is_taken_again_and_the_late_result_changes_nothing(world: World) -> None:
    world.ada.carries_phone()
    world.vik.files("电线垂落", severity="red")
    with world.app.app_context():
        (first,) = deliver.claim(5, "dead", "http://town", "key", world.now)
        assert deliver.claim(5, "other", "http://town", "key", world.now) == []
        later = world.now + deliver.LEASE * 2
        (second,) = deliver.claim(5, "other", "http://town", "key", later)
        assert (second.delivery_id, second.attempt) == (first.delivery_id, first.attempt + 1)
        deliver.record([deliver.Outcome(first, None)], "dead", later, lambda: 0.0)
        assert db.session.get_one(Delivery, first.delivery_id).state == "queued"
        deliver.record([deliver.Outcome(second, None)], "other", later, lambda: 0.0)
        db.session.expire_all()
        assert db.session.get_one(Delivery, first.delivery_id).state == "accepted"


def test_a_phone_logged_out_while_its_push_waits_gets_none_and_the_next_rung_is_called(world: World) -> None:
    world.ada.carries_phone()
    world.lea.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    assert world.ada.delete("/api/session").status_code == 204
    with world.app.app_context():
        upkeep.audit(world.now)
    world.work()
    world.phones["ada"].stays_silent()
    world.phones["lea"].expects("电线")
    assert world.dora.case(number)["alerts"][0]["state"] == "open"

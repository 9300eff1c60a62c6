"""Several people and workers at the same case at the same moment, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sqlalchemy import func, select

from fieldapp import deliver, upkeep
from fieldapp.db import db, writing
from fieldapp.models import Case, Delivery, Report, User
from tests.pictures import jpeg_with_everything
from tests.world import AUTH, HEADERS, P256DH, World


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


def test_two_sign_at_once_and_both_are_on_their_way(world: World) -> None:
    world.ada.carries_phone()
    world.ben.carries_phone()
    for _ in range(6):
        number = world.vik.files("电线垂落", severity="red").number
        world.work()
        pushes = [world.phones[name].inbox.pop() for name in ("ada", "ben", "ada", "ben") if world.phones[name].inbox]
        with ThreadPoolExecutor(4) as pool:
            both = [*pushes, *pushes]  # and each of them taps twice
            answers = list(pool.map(lambda push: world.receipt(push, "acknowledged").status_code, both))
        assert answers == [204] * len(both)
        signed = [event["by"] for event in world.dora.case(number)["history"] if event["action"] == "acknowledge"]
        assert sorted(signed) == ["陈安", "黄本"]


def test_the_last_two_photos_at_once_make_the_report_complete(world: World) -> None:
    photos = tuple(jpeg_with_everything(width=200 + n, height=100) for n in range(2))
    cookie = world.vik.client.get_cookie("fieldapp_device")
    for _ in range(6):
        body, report = world.vik.report("", photos=photos), uuid4()
        world.vik.put(f"/api/reports/{report}", json=body)

        def upload(index: int, report: object = report, body: dict[str, list[dict[str, str]]] = body) -> bool:
            client = world.app.test_client()
            client.set_cookie("fieldapp_device", cookie.value if cookie else "")
            path = f"/api/reports/{report}/photos/{body['photos'][index]['id']}"
            return bool(client.put(path, data=photos[index], headers=HEADERS).json["complete"])

        with ThreadPoolExecutor(2) as pool:
            assert any(pool.map(upload, range(2))), "one of them was the last"
        with world.app.app_context():
            assert db.session.get_one(Report, report).completed_at is not None


def test_the_same_push_address_twice_at_once_is_one(world: World) -> None:
    world.ada.get("/api/me")
    body = {"endpoint": "http://127.0.0.1:9/ada/twice", "keys": {"p256dh": P256DH, "auth": AUTH}}
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: world.ada.post("/api/push/subscriptions", json=body).status_code, range(8))
        assert sorted(answers) == [200] * 7 + [201]


def test_two_admins_cannot_switch_each_other_off(world: World) -> None:
    with world.app.app_context(), writing():
        root = db.session.scalars(select(User).where(User.username == "root")).one()
        rosa = User(username="rosa", name="rosa", role="admin", area_code=root.area_code, created_at=world.now,
                    password_hash=root.password_hash)  # fmt: skip
        db.session.add(rosa)
        db.session.flush()
        ids = (root.id, rosa.id)
    each = [(world.root, ids[1]), (world.person("rosa"), ids[0])]
    for who, _ in each:
        who.get("/api/me")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one[0].post(f"/admin/accounts/{one[1]}", data={"role": "admin"}), each))
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).where(User.role == "admin", User.active)) == 1

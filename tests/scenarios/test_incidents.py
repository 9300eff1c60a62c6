"""Nights as they happen, from the report to the human who took it on."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from fieldapp import clock, deliver, groups, policies, sealing
from fieldapp.channels import Temporary
from fieldapp.db import db, writing
from fieldapp.models import CalendarDay, CalendarYear, Gateway, OnCall, PushSubscription, Rotation, User
from fieldapp.rules.escalation import Call, Policy
from fieldapp.rules.severity import Severity
from tests.scenarios.test_other_channels import press, stranger
from tests.world import World

TOWN = "441521115"


def decide(world: World, *rungs: Call, repeat: int = 0, severity: Severity = Severity.RED, category: str = "") -> None:
    """The town's admin decides who is called for a new report."""
    with world.app.app_context(), writing():
        root = db.session.scalars(select(User).where(User.username == "root")).one()
        policies.decide(root, "intake", severity, category, Policy(rungs, repeat), clock.now())


def post(world: World, name: str, days: str, *usernames: str, rung: str = "on_call") -> None:
    """A post that hands over at 08:00, held by these in turn since yesterday."""
    with world.app.app_context(), writing():
        ids = [db.session.scalars(select(User.id).where(User.username == who)).one() for who in usernames]
        since = clock.local(clock.now()).date() - timedelta(days=7)
        db.session.add(
            Rotation(
                town_code=TOWN,
                rung=rung,
                name=name,
                members=ids,
                starts_on=since,
                cuts=["00:00"],
                turn=1,
                days=days,
                created_at=clock.now(),
            )
        )


@pytest.fixture
def night(world: World) -> World:
    """Nobody is on call but by what the test says; everybody carries a phone."""
    with world.app.app_context(), writing():
        db.session.execute(delete(OnCall))
        db.session.execute(delete(Rotation))
    for name in ("ada", "ben", "lea", "dora"):
        world.person(name).carries_phone()
    return world


def put_on(world: World, rung: str, *usernames: str) -> None:
    with world.app.app_context(), writing():
        for name in usernames:
            user_id = db.session.scalars(select(User.id).where(User.username == name)).one()
            starts = clock.now() - timedelta(hours=3)
            db.session.add(OnCall(town_code=TOWN, user_id=user_id, rung=rung, starts_at=starts))


def events(world: World, number: str) -> list[str]:
    return [event["action"] for event in world.dora.case(number)["history"]]


def test_nobody_answers_and_the_second_rung_does(night: World) -> None:
    put_on(night, "on_call", "ada")
    put_on(night, "backup", "ben")
    put_on(night, "leader", "lea")
    decide(night, Call(("on_call",), 5), Call(("backup",), 5), Call(("leader",), 5), repeat=1)
    number = night.vik.files("煤气味很重", severity="red").number
    night.work()
    night.receipt(night.phones["ada"].expects("煤气味"), "shown")
    night.phones["ben"].stays_silent()
    night.fast_forward(minutes=5)
    push = night.phones["ben"].expects("煤气味")
    night.phones["lea"].stays_silent()
    assert night.receipt(push, "acknowledged").status_code == 204
    night.fast_forward(minutes=30)
    night.phones["lea"].stays_silent()
    assert night.dora.case(number)["status"] == "acknowledged"


def test_the_phone_is_off_for_an_hour(night: World) -> None:
    put_on(night, "on_call", "ada")
    put_on(night, "leader", "lea")
    number = night.vik.files("煤气味很重", severity="red").number
    night.work()
    late = night.phones["ada"].expects("煤气味")  # its push service keeps it: the phone itself is off
    night.fast_forward(seconds=61)
    assert "unseen" in events(night, number)
    assert [c["number"] for c in night.dora.get("/api/cases?lane=unreached").json["items"]] == [number]
    night.fast_forward(minutes=4)
    assert night.receipt(night.phones["lea"].expects("煤气味"), "acknowledged").status_code == 204
    night.fast_forward(minutes=60)
    assert night.receipt(late, "shown").status_code == 204
    assert night.receipt(late, "acknowledged").status_code == 204, "ada goes as well, and is not told that she is late"
    case = night.dora.case(number)
    assert case["status"] == "acknowledged"
    assert {a["state"] for a in case["alerts"] if a["purpose"] == "intake"} == {"acknowledged"}


def test_the_phone_has_no_network_for_an_hour_and_every_try_is_under_the_same_alert(night: World) -> None:
    put_on(night, "on_call", "ada")
    night.phones["ada"].fails_with = Temporary("ClientConnectorError")
    number = night.vik.files("煤气味很重", severity="red").number
    night.fast_forward(minutes=4)
    night.phones["ada"].fails_with = None
    night.fast_forward(minutes=6)
    tags = {push["tag"] for push in night.phones["ada"].inbox}
    assert tags == {night.dora.case(number)["alerts"][-1]["id"]}


def test_holiday_night(night: World) -> None:
    """Today is off although the week says otherwise: the table says so, and the holiday's post is called."""
    today = clock.local(clock.now()).date()
    with night.app.app_context(), writing():
        db.session.merge(CalendarYear(year=today.year, source="国办发明电", published_at=clock.now()))
        db.session.merge(CalendarDay(day=today, kind="rest", name="国庆节"))
    post(night, "平日班", "workdays", "ben")
    post(night, "节假日班", "rest_days", "ada")
    night.vik.files("煤气味很重", severity="red")
    night.work()
    night.phones["ada"].expects("煤气味")
    night.phones["ben"].stays_silent()


def test_a_make_up_sunday_is_a_workday(night: World) -> None:
    today = clock.local(clock.now()).date()
    with night.app.app_context(), writing():
        db.session.merge(CalendarYear(year=today.year, source="国办发明电", published_at=clock.now()))
        db.session.merge(CalendarDay(day=today, kind="work", name="补班"))
    post(night, "平日班", "workdays", "ben")
    post(night, "节假日班", "rest_days", "ada")
    night.vik.files("煤气味很重", severity="red")
    night.work()
    night.phones["ben"].expects("煤气味")
    night.phones["ada"].stays_silent()


def test_the_leader_alone_is_left(night: World) -> None:
    """Nobody on call; the leader's phone is dead and asleep by quiet hours: a text message and a link do it."""
    put_on(night, "leader", "lea")
    night.lea.has("sms_aliyun")
    hour = (clock.now().hour + 8) % 24
    night.lea.prefers(quiet=(hour, (hour + 2) % 24))
    number = night.vik.files("有人落水", severity="red").number
    night.work()
    assert "nobody_on_call" in events(night, number)
    night.phones["lea"].expects("有人落水")
    night.fast_forward(seconds=61)
    link = night.phones["lea sms_aliyun"].expects("有人落水")["link"]
    assert press(stranger(night), link, "/signature").status_code == 303
    assert night.dora.case(number)["status"] == "acknowledged"
    night.fast_forward(minutes=30)
    night.phones["lea"].stays_silent()


def test_who_is_copied_is_told_and_waited_for_by_nobody(night: World) -> None:
    put_on(night, "on_call", "ada")
    decide(night, Call(("on_call",), 5, copied=("leader", "desk")))
    put_on(night, "leader", "lea")
    number = night.vik.files("煤气味很重", severity="red").number
    night.work()
    night.receipt(night.phones["lea"].expects("煤气味"), "shown")
    night.phones["dora"].expects("煤气味")
    night.fast_forward(seconds=61)
    assert "unseen" in events(night, number), "that the leader saw it does not mean that ada did"


def test_a_categorys_own_policy_counts_before_the_towns(night: World) -> None:
    put_on(night, "on_call", "ada")
    put_on(night, "backup", "ben")
    decide(night, Call(("backup",), 5), category="fire")
    night.vik.files("起火", severity="red", category="fire")
    night.vik.files("井盖", severity="red", category="facility")
    night.work()
    night.phones["ben"].expects("起火")
    night.phones["ben"].stays_silent()
    night.phones["ada"].expects("井盖")


def test_a_policy_changed_meanwhile_changes_no_alert_that_is_on_its_way(night: World) -> None:
    put_on(night, "on_call", "ada")
    put_on(night, "leader", "lea")
    night.vik.files("煤气味很重", severity="red")
    decide(night, Call(("on_call",), 60))
    night.fast_forward(minutes=5)
    night.phones["lea"].expects("煤气味")


def test_a_groups_bot_says_many_things_at_once_and_no_word_of_a_reporters(night: World) -> None:
    with night.app.app_context(), writing():
        sealed = sealing.seal(night.app.config["SETTINGS"].instance, {"key": "x" * 20})
        db.session.add(
            Gateway(town_code=TOWN, kind="wecombot", name="应急群", sealed=sealed, created_at=clock.now())
        )  # fmt: skip
    numbers = [night.vik.files(f"王某家门口 {n}", severity="red", category="fire").number for n in range(3)]
    with night.app.app_context():
        (bundle,) = groups.claim("one", "http://town", clock.now())
        assert groups.claim("two", "http://town", clock.now()) == [], "one at a time"
        assert "王某" not in bundle.message.body
        assert [number in bundle.message.body for number in numbers] == [True] * 3
        groups.record(bundle, Temporary("service_429", 30), "one", clock.now(), lambda: 0.0)
        assert groups.claim("one", "http://town", clock.now() + timedelta(seconds=29)) == []
        (again,) = groups.claim("two", "http://town", clock.now() + timedelta(seconds=31))
        assert again.posts == bundle.posts
        groups.record(again, None, "one", clock.now(), lambda: 0.0)
        assert groups.claim("x", "http://town", clock.now() + timedelta(seconds=29)) == [], "a late result of another's"
        groups.record(again, None, "two", clock.now(), lambda: 0.0)
        assert groups.claim("one", "http://town", clock.now() + timedelta(minutes=10)) == []


def test_two_workers_never_hold_the_same_delivery(night: World) -> None:
    put_on(night, "on_call", "ada", "ben")
    for n in range(4):
        night.vik.files(f"煤气味 {n}", severity="red")
    with night.app.app_context():
        key = night.app.config["SECRET_KEY"]
        first = deliver.claim(5, "one", "http://town", key, night.now)
        second = deliver.claim(50, "two", "http://town", key, night.now)
        assert len(first) == 5 and len(second) == 3
        assert not {c.delivery_id for c in first} & {c.delivery_id for c in second}


def test_a_gateway_put_away_mid_alert_gives_way_to_the_next(night: World) -> None:
    put_on(night, "on_call", "ada")
    put_on(night, "leader", "lea")
    night.ada.has("sms_aliyun")
    night.ada.has("mail")
    night.ada.prefers("sms_aliyun", "mail", "webpush")
    night.vik.files("煤气味很重", severity="red")
    with night.app.app_context(), writing():
        db.session.scalars(select(Gateway).where(Gateway.kind == "sms_aliyun")).one().active = False
    audit(night)
    night.phones["ada mail"].expects("煤气味")
    night.phones["ada sms_aliyun"].stays_silent()


def test_who_is_switched_off_mid_alert_holds_nobody_up(night: World) -> None:
    put_on(night, "on_call", "ada")
    put_on(night, "leader", "lea")
    night.vik.files("煤气味很重", severity="red")
    night.work()
    night.receipt(night.phones["ada"].expects("煤气味"), "shown")
    assert night.root.post(f"/admin/accounts/{night.ada.id}", data={"role": "responder"}).status_code == 303
    audit(night)
    night.phones["lea"].expects("煤气味")


def test_who_comes_on_call_because_everybody_was_called_in_vain_is_called(night: World) -> None:
    number = night.vik.files("路灯不亮", severity="yellow").number
    night.dora.delete("/api/push/subscriptions")
    night.lea.delete("/api/push/subscriptions")
    night.fast_forward(minutes=90)
    assert night.dora.case(number)["alerts"][0]["state"] == "exhausted"
    night.hush()
    form = {"rung": "on_call", "user": str(night.ben.id), "hours": ""}
    assert night.dora.post("/desk/roster", data=form).status_code == 303
    night.work()
    assert night.receipt(night.phones["ben"].expects("路灯不亮"), "acknowledged").status_code == 204
    assert night.dora.case(number)["status"] == "acknowledged"


def test_the_second_rungs_silent_phone_is_told_to_the_desk_too(night: World) -> None:
    put_on(night, "on_call", "ada")
    put_on(night, "leader", "lea")
    number = night.vik.files("煤气味很重", severity="red").number
    night.work()
    night.receipt(night.phones["ada"].expects("煤气味"), "shown")
    night.fast_forward(minutes=5)
    night.phones["lea"].expects("煤气味")
    assert "unseen" not in events(night, number)
    night.fast_forward(seconds=61)
    assert "unseen" in events(night, number)


def test_signing_proves_no_phone_that_was_never_reached(night: World) -> None:
    put_on(night, "on_call", "ada")
    night.ada.has("sms_aliyun")
    number = night.vik.files("煤气味很重", severity="red").number
    night.ada.must("acknowledge", number)
    night.work()
    states = {
        d["state"] for a in night.dora.case(number)["alerts"] for d in a["deliveries"] if a["purpose"] == "intake"
    }
    assert states == {"expired"}
    with night.app.app_context():
        assert (
            db.session.scalars(select(PushSubscription.proved_at).where(PushSubscription.user_id == night.ada.id)).one()
            is None
        )


def test_all_at_once_means_that_a_phone_takes_no_text_message_back(night: World) -> None:
    put_on(night, "on_call", "ada")
    night.ada.has("sms_aliyun")
    decide(night, Call(("on_call",), 5, at_once=True))
    night.vik.files("煤气味很重", severity="red")
    with night.app.app_context():
        (push,) = deliver.claim(1, "test", "http://town", night.app.config["SECRET_KEY"], night.now)
    notification: Any = push.push.payload["notification"]
    night.receipt(notification, "shown")
    night.work()
    night.phones["ada sms_aliyun"].expects("煤气味")


def audit(world: World) -> None:
    """The worker's look at what was disabled, and what follows from it."""
    with world.app.app_context():
        deliver.drop_disabled(world.now)
    world.work()


def test_a_group_hears_nothing_of_what_was_signed_meanwhile(night: World) -> None:
    put_on(night, "on_call", "ada")
    with night.app.app_context(), writing():
        sealed = sealing.seal(night.app.config["SETTINGS"].instance, {"key": "x" * 20})
        db.session.add(Gateway(town_code=TOWN, kind="wecombot", name="群", sealed=sealed, created_at=clock.now()))
    number = night.vik.files("起火", severity="red").number
    night.ada.must("acknowledge", number)
    with night.app.app_context():
        assert groups.claim("one", "http://town", clock.now()) == []

"""What whoever runs it can ask: alive, ready, and the numbers; and what every officer's page hears."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from fieldapp import clock, groups, tallies, upkeep
from fieldapp.channels import Permanent
from fieldapp.db import db, writing
from fieldapp.models import Alert, Delivery, Gateway, Heartbeat
from tests.world import World

pytestmark = pytest.mark.onedb  # what pages say is the same on both


@pytest.fixture(autouse=True)
def tonight(world: World) -> None:
    """Both workers live, and ada's phone is on."""
    world.app.config["SETTINGS"].instance.mkdir(parents=True, exist_ok=True)
    world.ada.carries_phone()
    beats(world, clock.now())


def beats(world: World, at: object) -> None:
    with world.app.app_context():
        for kind in ("alerts", "photos"):
            upkeep.beat(f"{kind}-1", kind, at)  # type: ignore[arg-type]


def ready(world: World) -> tuple[int, list[str]]:
    """The status, and what is wrong."""
    answer = world.app.test_client().get("/readyz")
    return answer.status_code, [name for name, fine in answer.json["checks"].items() if not fine]


def numbers(world: World) -> dict[str, float]:
    """Every sample by its name and labels, as a real reader of the format understands it."""
    answer = world.app.test_client().get("/metrics")
    assert answer.mimetype == "text/plain"
    return {
        f"{sample.name}{''.join(f' {value}' for _, value in sorted(sample.labels.items()))}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def put(world: World, statement: object) -> None:
    with world.app.app_context(), writing():
        db.session.execute(statement)  # type: ignore[call-overload]


def test_all_is_well(world: World) -> None:
    world.vik.files("电线垂落", severity="red")
    assert ready(world) == (200, [])


def test_a_worker_that_fell_silent_is_named(world: World) -> None:
    put(world, update(Heartbeat).where(Heartbeat.kind == "alerts").values(at=clock.now() - timedelta(seconds=21)))
    assert ready(world) == (503, ["alert_worker"])
    assert world.ana.get("/desk/heartbeat").json["worker_age_s"] in (21, 22, 23)


def test_what_is_due_and_not_sent_is_named(world: World) -> None:
    world.vik.files("电线垂落", severity="red")
    put(world, update(Delivery).values(due_at=clock.now() - timedelta(seconds=61)))
    assert ready(world) == (503, ["due_queue"])
    assert 61 <= numbers(world)["fieldapp_queue_age_seconds deliveries"] < 75


@pytest.mark.parametrize("late", [None, 61])
def test_an_alert_that_stands_still_is_named(world: World, late: int | None) -> None:
    world.vik.files("电线垂落", severity="red")
    put(world, update(Alert).values(next_step_at=clock.now() - timedelta(seconds=late) if late else None))
    assert ready(world) == (503, ["alerts"])
    assert numbers(world)["fieldapp_alerts_stuck"] == 1


def test_a_gateway_in_trouble_is_named_and_fails_nothing(world: World) -> None:
    with world.app.app_context(), writing():
        bot = Gateway(town_code="441521115", kind="wecombot", name="值班群", sealed="", created_at=clock.now(),
                      trouble="bot_unknown")  # fmt: skip
        db.session.add(bot)
        db.session.flush()
        named = f"wecombot {bot.id}"
    answer = world.app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["gateways_in_trouble"]) == (200, [named])
    assert numbers(world)["fieldapp_gateways_in_trouble"] == 1


def test_a_database_that_is_gone_is_named(world: World) -> None:
    put(world, db.text("ALTER TABLE heartbeats RENAME TO lost"))
    assert ready(world) == (503, ["database"])
    put(world, db.text("ALTER TABLE lost RENAME TO heartbeats"))
    assert ready(world) == (200, [])


def test_the_numbers_of_an_evening(world: World) -> None:
    with world.app.app_context(), writing():
        db.session.add(
            Gateway(town_code="441521115", kind="wecombot", name="值班群", sealed="", created_at=clock.now())
        )
    world.vik.files("电线垂落", severity="red")
    world.vik.files("井盖破损")
    told = numbers(world)
    assert told["fieldapp_open_cases"] == 2
    assert (told["fieldapp_alerts open"], told["fieldapp_alerts exhausted"]) == (1, 0)
    assert told["fieldapp_deliveries_waiting queued"] == 1
    assert told["fieldapp_deliveries_waiting failed-temporary"] == 0
    assert told["fieldapp_group_posts_waiting"] == 1
    assert told["fieldapp_alerts_unreached"] == 0
    assert told["fieldapp_audit_findings no_step"] == told["fieldapp_audit_found_total no_step"] == 0
    world.work()
    assert numbers(world)["fieldapp_deliveries_waiting queued"] == 0
    world.fast_forward(minutes=2)
    assert numbers(world)["fieldapp_alerts_unreached"] == 1


def test_sends_are_counted_by_what_came_of_them(world: World) -> None:
    world.vik.files("电线垂落", severity="red")
    world.work()
    world.phones["ada"].fails_with = Permanent("service_403", ours=True)
    world.vik.files("垃圾", severity="yellow")
    world.work()
    told = numbers(world)
    assert told["fieldapp_sends_total webpush accepted"] == 1
    assert told["fieldapp_sends_total webpush refused"] == 1


def test_the_time_to_a_signature_is_a_real_histogram(world: World) -> None:
    with world.app.app_context(), writing():
        for seconds in (0.4, 3, 4, 59, 7200):
            tallies.measure(tallies.ACKNOWLEDGED, "red", seconds)
    told = numbers(world)
    name = "fieldapp_time_to_acknowledged_seconds"
    buckets = {le: told[f"{name}_bucket {le} red"] for le in ("1.0", "2.0", "5.0", "15.0", "60.0", "3600.0", "+Inf")}
    assert list(buckets.values()) == [1, 1, 3, 3, 4, 4, 5]
    assert told[f"{name}_count red"] == 5
    assert told[f"{name}_sum red"] == pytest.approx(7266.4)


def test_a_shown_push_and_a_signature_come_into_the_numbers(world: World) -> None:
    world.vik.files("电线垂落", severity="red")
    world.work()
    push = world.phones["ada"].expects("电线")
    world.receipt(push, "shown")
    world.receipt(push, "acknowledged")
    told = numbers(world)
    assert told["fieldapp_time_to_shown_seconds_count webpush"] == 1
    assert told["fieldapp_time_to_acknowledged_seconds_count red"] == 1


def test_lines_that_a_group_no_longer_needs_do_not_wait(world: World) -> None:
    with world.app.app_context(), writing():
        db.session.add(
            Gateway(town_code="441521115", kind="wecombot", name="值班群", sealed="", created_at=clock.now())
        )
    world.vik.files("电线垂落", severity="red")
    with world.app.app_context():
        groups.expire(clock.now() + groups.LASTS)
    assert numbers(world)["fieldapp_group_posts_waiting"] == 0
    assert numbers(world)["fieldapp_queue_age_seconds groups"] == 0


@pytest.mark.parametrize("who", ["dora", "lea", "root", "ana"])
def test_every_officers_page_hears_whether_the_workers_live(world: World, who: str) -> None:
    told = world.person(who).get("/desk/heartbeat")
    assert told.headers["Cache-Control"] == "no-store"
    assert told.json["trouble"] is None and told.json["worker_age_s"] < 10
    home = {"dora": "/desk/roster", "lea": "/desk/invitations", "root": "/admin", "ana": "/analysis"}[who]
    assert "desk-watch.js" in world.person(who).get(home).text
    assert "desk-watch.js" not in world.dora.get("/desk").text, "the desk hears it with its pulse"

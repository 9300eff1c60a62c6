"""Faults of our own: however a row came to stand as it never should, the call goes on, and the desk hears of it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, event, func, select, text, update

from fieldapp import auditor, deliver, tallies, upkeep
from fieldapp.auditor import Fault
from fieldapp.channels import Permanent
from fieldapp.db import db, writing
from fieldapp.models import Alert, Case, Delivery, EscalationPolicy, Fact, Heartbeat, User
from fieldapp.rules.escalation import Policy
from fieldapp.rules.severity import Severity
from tests.world import World

YEAR = timedelta(days=365)
REFUSES = {
    "sqlite": """CREATE TRIGGER broken BEFORE INSERT ON alerts WHEN NEW.title LIKE '%断断%'
        BEGIN SELECT RAISE(ABORT, 'broken'); END""",
    "postgresql": "ALTER TABLE alerts ADD CHECK (title NOT LIKE '%断断%')",
}


@pytest.fixture(autouse=True)
def phones(world: World) -> None:
    for name in ("ada", "ben", "lea", "dora"):
        world.person(name).carries_phone()


@pytest.fixture
def red(world: World) -> str:
    """A red case whose first call has gone out."""
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.hush()
    return number


def put(world: World, statement: Any) -> None:
    with world.app.app_context(), writing():
        db.session.execute(statement)


def audit(world: World) -> dict[Fault, int]:
    with world.app.app_context():
        upkeep.audit(world.now)
        return dict(auditor.audit(world.now))


def said(world: World) -> dict[Fault, int]:
    with world.app.app_context():
        return auditor.said(world.now)


def ever(world: World, fault: Fault) -> int:
    with world.app.app_context():
        return tallies.totals(auditor.FOUND).get(fault, (0, 0.0))[0]


def alert_of(world: World, number: str) -> UUID:
    with world.app.app_context():
        return db.session.scalars(select(Alert.id).join(Case).where(Case.number == number)).one()


@contextmanager
def statements(world: World) -> Iterator[list[tuple[str, Any]]]:
    """Everything that is asked of the database meanwhile."""
    heard: list[tuple[str, Any]] = []

    def hear(connection: Any, cursor: Any, statement: str, values: Any, *_: object) -> None:
        heard.append((statement, values))

    with world.app.app_context():
        event.listen(db.engine, "before_cursor_execute", hear)
        try:
            yield heard
        finally:
            event.remove(db.engine, "before_cursor_execute", hear)


def test_an_evening_without_faults_is_only_looked_at(world: World, red: str) -> None:
    world.vik.files("垃圾", severity="yellow")
    world.vik.files("路灯")
    with statements(world) as heard:
        upkeep.audit(world.now)
    assert len(heard) > 5
    assert [statement for statement, _ in heard if not statement.startswith(("SELECT", "BEGIN"))] == []
    assert said(world) == {}


@pytest.mark.onedb  # the plans of SQLite; PostgreSQL has the same partial indexes
def test_looking_costs_the_same_however_much_is_over(world: World, red: str) -> None:
    with statements(world) as heard:
        auditor.audit(world.now)
        for path in ("/metrics", "/readyz"):
            assert world.app.test_client().get(path).data
    with world.app.app_context(), db.engine.connect() as connection:
        plans = {
            line[3]: statement
            for statement, values in heard
            if statement.startswith("SELECT")
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        }
    through = ("SCAN deliveries", "SCAN alerts", "SCAN group_posts", "SCAN cases", "SCAN attachments")
    whole = {line: statement for line, statement in plans.items() if line.startswith(through) and "INDEX" not in line}
    assert not whole, whole


def test_an_alert_that_nothing_will_happen_to_is_called_on(world: World, red: str) -> None:
    put(world, update(Alert).values(next_step_at=None))
    assert audit(world) == {}, "mended by the first of two audits"
    world.work()
    world.phones["lea"].expects("电线")
    assert said(world) == {Fault.NO_STEP: 1}
    assert ever(world, Fault.NO_STEP) == 1


def test_the_desk_hears_of_it_also_when_it_was_mended_at_once_and_not_for_ever(world: World, red: str) -> None:
    put(world, update(Alert).values(next_step_at=None))
    audit(world)
    assert world.dora.get("/desk/pulse").json["trouble"] == "calls:1"
    assert world.root.get("/desk/heartbeat").json["trouble"] == "calls:1"
    world.skipped += timedelta(seconds=61)
    assert said(world) == {}


def test_the_clock_was_a_year_ahead_when_it_was_raised(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    then = world.now + YEAR
    put(world, update(Alert).values(raised_at=then, next_step_at=then + timedelta(minutes=5), look_at=then))
    leased = {"lease_owner": "alerts-then-1", "lease_until": then + timedelta(seconds=30)}
    put(world, update(Delivery).values(due_at=then, expires_at=then + timedelta(days=1), **leased))
    world.work()
    world.phones["ada"].stays_silent()
    audit(world)
    world.work()
    world.phones["ada"].expects("电线")
    assert said(world) == {Fault.FAR_STEP: 1, Fault.NO_TIME: 2}
    assert world.dora.case(number)["alerts"][0]["state"] == "open"


def test_a_delivery_that_waits_for_no_moment_is_sent(world: World) -> None:
    world.vik.files("电线垂落", severity="red")
    put(world, update(Delivery).values(due_at=None))
    world.work()
    world.phones["ada"].stays_silent()
    audit(world)
    world.work()
    world.phones["ada"].expects("电线")
    assert world.dora.get("/desk/pulse").json["trouble"] == "sends:2"


def test_a_delivery_that_was_leased_for_a_year_is_sent(world: World) -> None:
    world.vik.files("电线垂落", severity="red")
    with world.app.app_context():
        deliver.claim(9, "alerts-then-1", "http://town", "key", world.now)
    put(world, update(Delivery).values(lease_until=world.now + YEAR))
    world.skipped += timedelta(seconds=61)
    audit(world)
    world.work()
    world.phones["ada"].expects("电线")
    assert said(world) == {Fault.LONG_LEASE: 2}


def test_a_dead_workers_deliveries_that_nobody_takes_are_said(world: World) -> None:
    world.vik.files("电线垂落", severity="red")
    with world.app.app_context():
        deliver.claim(9, "alerts-dead-1", "http://town", "key", world.now)
    world.skipped += timedelta(seconds=30)
    assert audit(world) == {}, "another may still take them"
    world.skipped += deliver.LEASE + timedelta(seconds=61)
    assert audit(world)[Fault.LEASE_OVER] == 2


def test_what_is_due_and_not_taken_is_said_until_it_is_and_counted_once(world: World) -> None:
    world.vik.files("电线垂落", severity="red")
    late = {"next_step_at": world.now - timedelta(seconds=61)}
    put(world, update(Alert).values(late))
    put(world, update(Delivery).values(due_at=late["next_step_at"]))
    for _ in range(3):
        assert audit(world) == {Fault.STEP_LATE: 1, Fault.DELIVERY_LATE: 2}
        world.skipped += timedelta(seconds=25)
    assert ever(world, Fault.DELIVERY_LATE) == 2
    world.work()
    assert audit(world) == {}


def test_an_alert_that_called_nobody_goes_to_the_next_rung_and_on_the_red_list(world: World, red: str) -> None:
    put(world, delete(Delivery))
    audit(world)
    assert [row["number"] for row in world.dora.get("/api/cases?lane=unreached").json["items"]] == [red]
    world.work()
    world.phones["lea"].expects("电线")
    assert said(world) == {Fault.NO_CALL: 1}


def test_a_red_case_for_which_nobody_was_called_calls(world: World, red: str) -> None:
    put(world, delete(Delivery))
    put(world, delete(Alert))
    audit(world)
    world.work()
    world.phones["ada"].expects("电线")
    assert said(world) == {Fault.NO_ALERT: 1}


def test_of_two_workers_that_find_it_one_calls(world: World, red: str) -> None:
    put(world, delete(Delivery))
    put(world, delete(Alert))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: audit(world), range(4)))
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Alert)) == 1


def test_a_town_that_wants_no_calls_for_yellow_is_not_at_fault(world: World) -> None:
    with world.app.app_context(), writing():
        dora = db.session.scalars(select(User).where(User.username == "dora")).one()
        db.session.add(
            EscalationPolicy(
                town_code=dora.town_code, purpose="intake", severity=Severity.YELLOW, ladder=Policy().as_data(),
                changed_by_id=dora.id, changed_at=world.now,
            )
        )  # fmt: skip
    world.vik.files("垃圾", severity="yellow")
    red = world.vik.files("电线垂落", severity="red").number
    world.work()
    assert audit(world) == {}
    put(world, delete(Delivery).where(Delivery.alert_id == alert_of(world, red)))
    put(world, delete(Alert).where(Alert.id == alert_of(world, red)))
    assert audit(world) == {} and said(world) == {Fault.NO_ALERT: 1}


def test_a_town_that_now_wants_calls_is_not_woken_for_what_came_before(world: World) -> None:
    with world.app.app_context(), writing():
        dora = db.session.scalars(select(User).where(User.username == "dora")).one()
        policy = EscalationPolicy(
            town_code=dora.town_code, purpose="intake", severity=Severity.YELLOW, ladder=Policy().as_data(),
            changed_by_id=dora.id, changed_at=world.now,
        )  # fmt: skip
        db.session.add(policy)
    world.vik.files("垃圾", severity="yellow")
    ladder = {"rungs": [{"who": ["desk"], "minutes": 5}], "repeat": 0}
    put(world, update(EscalationPolicy).values(ladder=ladder, changed_at=world.now))
    assert audit(world) == {}
    world.work()
    world.phones["dora"].stays_silent()


def test_one_that_cannot_be_mended_does_not_hold_up_the_next(world: World) -> None:
    first, second = (world.vik.files("电线垂落", severity="red").number for _ in range(2))
    put(world, delete(Delivery))
    put(world, delete(Alert))
    put(world, update(Case).where(Case.number == first).values(title="断" * 79))
    with world.app.app_context():
        put(world, text(REFUSES[db.engine.dialect.name]))
    audit(world)
    world.work()
    assert world.phones["ada"].expects("电线")["body"].endswith(second)
    world.phones["ada"].stays_silent()


def test_the_note_is_read_whatever_a_later_release_writes_into_it(world: World) -> None:
    at = int(world.now.timestamp())
    put(world, text("INSERT INTO facts (name, value) VALUES ('audit', :value)").bindparams(
        value=json.dumps({"no_step": [2, at], "unknown_to_us": [1, at]})))  # fmt: skip
    assert said(world) == {Fault.NO_STEP: 2}
    put(world, delete(Fact).where(Fact.name == "audit"))


def test_what_a_push_service_holds_against_us_is_said_for_an_hour_by_every_worker(world: World) -> None:
    world.phones["ada"].fails_with = Permanent("service_401", ours=True)
    world.vik.files("垃圾", severity="yellow")
    world.work()
    for minutes, said_of_it in ((0, "service_401"), (50, "service_401"), (12, None)):
        world.skipped += timedelta(minutes=minutes)
        for worker in ("alerts-1", "alerts-2"):
            with world.app.app_context():
                upkeep.beat(worker, "alerts", world.now)
                assert db.session.get_one(Heartbeat, worker).trouble == said_of_it
    with statements(world) as heard:
        upkeep.beat("alerts-1", "alerts", world.now)
    assert not [statement for statement, _ in heard if "FROM deliveries" in statement], "nothing new was refused"

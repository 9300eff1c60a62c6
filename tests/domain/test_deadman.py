"""Somebody outside is asked every minute while all is well, and hears nothing as soon as it is not."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from fieldapp import auditor, deadman, upkeep, vitals
from fieldapp.config import Settings
from fieldapp.db import db, writing
from fieldapp.models import Alert, Delivery, Heartbeat
from tests.channels.service import Reply, Service
from tests.processes import Product
from tests.world import World

pytestmark = pytest.mark.onedb  # about sockets and clocks


@pytest.fixture
def watcher() -> Iterator[Service]:
    with Service(lambda _: Reply()) as service:
        yield service


class Town:
    """A worker's rounds in a town that is watched."""

    def __init__(self, world: World, settings: Settings, watcher: Service) -> None:
        self.world = world
        self._settings = replace(settings, deadman_url=f"http://{watcher.address}/ping/abc?from=town")

    def lives(self, *kinds: str) -> None:
        with self.world.app.app_context():
            for kind in kinds or (vitals.ALERTS, vitals.PHOTOS):
                upkeep.beat(f"{kind}-1", kind, self.world.now)

    def tell(self) -> threading.Thread | None:
        """What a worker does after each audit; gives the thread that asks."""
        with self.world.app.app_context():
            return deadman.tell(self._settings, self.world.now)

    def told(self) -> bool:
        """The same, and the asking is over."""
        thread = self.tell()
        if thread:
            thread.join(20)
            assert not thread.is_alive()
        return thread is not None

    def put(self, statement: object) -> None:
        with self.world.app.app_context(), writing():
            db.session.execute(statement)  # type: ignore[call-overload]

    def audit(self) -> None:
        with self.world.app.app_context():
            auditor.audit(self.world.now)


@pytest.fixture
def town(world: World, settings: Settings, watcher: Service) -> Town:
    settings.instance.mkdir(parents=True, exist_ok=True)
    world.ada.carries_phone()
    made = Town(world, settings, watcher)
    made.lives()
    return made


def a_minute_ago(world: World) -> datetime:
    return world.now - timedelta(seconds=61)


def test_all_is_well_and_it_is_asked_once_a_minute(town: Town, watcher: Service) -> None:
    assert town.told()
    assert [(request.method, request.target) for request in watcher.received] == [("GET", "/ping/abc?from=town")]
    for _ in range(3):
        assert not town.told()
        town.world.skipped += timedelta(seconds=19)
        town.lives()
    town.world.skipped += timedelta(seconds=4)
    assert town.told()


def test_of_several_workers_one_asks(town: Town, watcher: Service) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: town.told(), range(4))) == [False, False, False, True]
    assert len(watcher.received) == 1


def test_an_alert_without_a_next_step_keeps_it_silent_for_a_minute_after_it_was_mended(town: Town) -> None:
    town.world.vik.files("电线垂落", severity="red")
    town.world.work()
    town.put(update(Alert).values(next_step_at=None))
    town.audit()
    assert not town.told()
    town.world.work()
    town.world.skipped += timedelta(seconds=62)
    town.lives()
    assert town.told()


def test_a_step_that_nobody_takes_keeps_it_silent(town: Town) -> None:
    town.world.vik.files("电线垂落", severity="red")
    town.world.work()
    town.put(update(Alert).values(next_step_at=a_minute_ago(town.world)))
    assert not town.told()


def test_a_push_that_is_late_keeps_it_silent(town: Town) -> None:
    town.world.vik.files("电线垂落", severity="red")
    town.put(update(Delivery).values(due_at=a_minute_ago(town.world)))
    assert not town.told()
    town.world.work()
    assert town.told()


def test_without_a_photo_worker_it_is_silent(town: Town) -> None:
    town.put(delete(Heartbeat).where(Heartbeat.kind == vitals.PHOTOS))
    assert not town.told()
    town.lives(vitals.PHOTOS)
    assert town.told()


def test_with_a_full_disk_it_is_silent(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "DISK_NEEDED", 1 << 62)
    assert not town.told()


def test_a_clock_that_was_set_back_does_not_keep_it_silent(town: Town) -> None:
    town.world.skipped = timedelta(days=9)
    town.lives()
    assert town.told()
    town.world.skipped = timedelta()
    town.lives()
    assert town.told()


def test_one_that_never_answers_holds_nobody_up(town: Town, watcher: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadman, "PATIENCE_S", 1.0)
    for reply in (Reply(hangs=True), Reply(drips=True)):
        watcher.next = reply
        watcher.gone.clear()
        thread = town.tell()
        assert thread is not None and thread.is_alive(), "the round went on while the other side says nothing"
        thread.join(20)
        assert not thread.is_alive()
        assert watcher.gone.wait(10), "and it was hung up on"
        town.world.skipped += timedelta(seconds=61)
        town.lives()
    watcher.next = None
    assert town.told()


def test_where_it_points_elsewhere_nobody_goes(town: Town, watcher: Service, caplog: pytest.LogCaptureFixture) -> None:
    watcher.next = Reply(302, headers={"Location": f"http://{watcher.address}/private"})
    assert town.told()
    assert [request.path for request in watcher.received] == ["/ping/abc"]
    assert "answered 302" in caplog.text


def test_one_that_is_not_there_is_said_in_the_log(
    town: Town, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    town._settings = replace(settings, deadman_url="http://127.0.0.1:9/ping")
    assert town.told()
    assert "dead-man address" in caplog.text
    town._settings = replace(settings, deadman_url="")
    town.world.skipped += timedelta(seconds=61)
    assert not town.told()


def test_the_product_as_it_is_started_asks(watcher: Service, tmp_path: Path) -> None:
    url = f"http://{watcher.address}/ping"
    with Product(tmp_path / "instance", FIELDAPP_DEADMAN_URL=url) as product:
        product.wait_until(lambda: watcher.received)
        assert watcher.received[0].path == "/ping"

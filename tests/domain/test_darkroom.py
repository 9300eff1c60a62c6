"""The photo worker decides once about every photo, whatever breaks, and no photo holds it up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from fieldapp import darkroom
from fieldapp.config import Settings
from fieldapp.darkroom import LEASE, LEFTOVER_S, MOST_TRIES, PAUSE, TIME_LIMIT_S, TIME_TO_DIE_S
from fieldapp.db import db
from fieldapp.loop import HEARTBEAT_S
from fieldapp.models import Attachment
from fieldapp.photos import BadFile, Store
from fieldapp.vitals import PHOTOS, SILENT_AFTER
from tests.pictures import jpeg_with_everything
from tests.world import Filed, World

pytestmark = pytest.mark.onedb


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.photo_folder)


@pytest.fixture
def filed(world: World) -> Filed:
    """A report with one photo that waits for the worker."""
    return world.vik.files("", photos=(jpeg_with_everything(),))


def photo_of(filed: Filed) -> UUID:
    return UUID(filed.body["photos"][0]["id"])


def state(world: World, filed: Filed) -> str:
    return str(world.dora.case(filed.number)["photos"][0]["state"])


def history(world: World, filed: Filed) -> list[str]:
    return [event["action"] for event in world.dora.case(filed.number)["history"]]


def step(world: World, store: Store, after: timedelta = timedelta()) -> bool:
    """One turn of a worker."""
    with world.app.app_context():
        return darkroom.publish_next(store, lambda: world.now + after)


def files(store: Store, folder: str) -> list[Path]:
    return [path for path in (store.root / folder).rglob("*") if path.is_file()]


class Troubled(Store):
    """A store in which developing a photo goes wrong."""

    def __init__(self, root: Path, trouble: Callable[[], object]) -> None:
        super().__init__(root)
        self._trouble = trouble

    def develop(self, file_id: UUID) -> dict[str, bytes]:
        self._trouble()
        return super().develop(file_id)


def raising(error: Exception) -> Callable[[], object]:
    def trouble() -> None:
        raise error

    return trouble


def test_an_original_that_was_set_apart_before_a_crash_is_unreadable(world: World, store: Store, filed: Filed) -> None:
    store.set_apart(photo_of(filed))
    world.develop()
    assert state(world, filed) == "unreadable"
    assert len(files(store, "unreadable")) == 1


def test_an_original_that_is_nowhere_is_unreadable(world: World, store: Store, filed: Filed) -> None:
    store.original(photo_of(filed)).unlink()
    world.develop()
    assert state(world, filed) == "unreadable"
    assert "unreadable" in history(world, filed)


def test_a_disk_that_is_gone_is_not_the_photos_fault(world: World, store: Store, filed: Filed) -> None:
    away = store.root / "originals"
    away.rename(store.root / "elsewhere")
    for turn in range(2 * MOST_TRIES):
        assert not step(world, store, after=turn * (PAUSE + timedelta(seconds=1)))
    assert state(world, filed) == "processing"
    (store.root / "elsewhere").rename(away)
    assert step(world, store, after=2 * LEASE + 2 * MOST_TRIES * PAUSE)
    assert state(world, filed) == "ready"


def test_the_row_is_decided_before_the_file_is_moved(world: World, store: Store, filed: Filed) -> None:
    class Dying(Troubled):
        def set_apart(self, file_id: UUID) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        step(world, Dying(store.root, raising(BadFile("unreadable"))))
    assert state(world, filed) == "unreadable"
    again = world.vik.put(f"/api/reports/{filed.id}/photos/{photo_of(filed)}", data=jpeg_with_everything())
    assert again.status_code == 200
    assert len(files(store, "originals")) == 1


@pytest.mark.parametrize("late", [BadFile("unreadable"), MemoryError(), OSError(5, "Input/output error"), None])
def test_a_worker_slower_than_its_lease_overrules_nobody(
    world: World, store: Store, filed: Filed, late: Exception | None
) -> None:
    def lease_runs_out() -> None:
        assert step(world, store, after=LEASE * 2)  # another worker is done meanwhile
        if late:
            raise late

    step(world, Troubled(store.root, lease_runs_out))
    assert state(world, filed) == "ready"
    assert "unreadable" not in history(world, filed)
    assert len(files(store, "originals")) == 1
    with world.app.app_context():
        assert db.session.get_one(Attachment, photo_of(filed)).attempts == 2


def test_a_slow_worker_does_not_publish_what_another_found_unreadable(world: World, store: Store, filed: Filed) -> None:
    def lease_runs_out() -> None:
        assert step(world, Troubled(store.root, raising(BadFile("unreadable"))), after=LEASE * 2)

    step(world, Troubled(store.root, lease_runs_out))
    assert state(world, filed) == "unreadable"
    assert history(world, filed).count("unreadable") == 1


def test_a_photo_that_exhausts_the_memory_is_given_up_after_three_tries(
    world: World, store: Store, filed: Filed
) -> None:
    hungry, tries = Troubled(store.root, raising(MemoryError())), 0
    while state(world, filed) == "processing" and tries < 10:
        step(world, hungry, after=tries * (PAUSE + timedelta(seconds=1)))
        tries += 1
    assert (state(world, filed), tries) == ("unreadable", MOST_TRIES + 1)


def test_a_disk_in_trouble_uses_up_no_tries(world: World, store: Store, filed: Filed) -> None:
    full = Troubled(store.root, raising(OSError(28, "No space left on device")))
    for turn in range(2 * MOST_TRIES):
        assert not step(world, full, after=turn * (PAUSE + timedelta(seconds=1)))
    assert step(world, store, after=2 * LEASE + 2 * MOST_TRIES * PAUSE)
    assert state(world, filed) == "ready"


def test_a_photo_put_again_after_it_was_set_apart_is_kept_once(world: World, store: Store) -> None:
    half = jpeg_with_everything(width=3000, height=2000)[:20_000]
    filed = world.vik.files("", photos=(half,))
    world.develop()
    again = world.vik.put(f"/api/reports/{filed.id}/photos/{photo_of(filed)}", data=half)
    assert again.status_code == 200
    assert (len(files(store, "originals")), len(files(store, "unreadable"))) == (0, 1)


def forever() -> None:
    while True:
        time.sleep(0.01)


def test_a_photo_that_takes_too_long_is_unreadable(
    world: World, store: Store, filed: Filed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(darkroom, "TIME_LIMIT_S", 0.2)
    assert step(world, Troubled(store.root, forever))
    assert state(world, filed) == "unreadable"


@pytest.fixture
def alarm() -> Iterator[list[int]]:
    """Another's alarm, a minute away."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: rung.append(number))
    left, _ = signal.setitimer(signal.ITIMER_REAL, 60)
    yield rung
    signal.setitimer(signal.ITIMER_REAL, left)
    signal.signal(signal.SIGALRM, before)


def test_the_time_limit_leaves_anothers_alarm_as_it_was(alarm: list[int]) -> None:
    handler = signal.getsignal(signal.SIGALRM)
    with darkroom.within(5):
        pass
    with pytest.raises(BadFile, match="unreadable"), darkroom.within(0.05):
        forever()
    assert signal.getsignal(signal.SIGALRM) is handler
    assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    assert alarm == []


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from fieldapp import darkroom\n" + program],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_decoder_that_never_comes_back_takes_the_worker_with_it() -> None:
    began = time.monotonic()
    done = run(
        "import hashlib\ndarkroom.TIME_TO_DIE_S = 0.2\n"
        "with darkroom.within(0.1):\n    hashlib.pbkdf2_hmac('sha256', b'x', b'x', 10**9)"
    )
    assert (done.returncode, time.monotonic() - began < 30) == (1, True)
    assert "Timeout" in done.stderr


def test_a_picture_cannot_take_the_machines_memory() -> None:
    done = run("darkroom.hold_memory(2**29)\ntry:\n    bytearray(2**30)\nexcept MemoryError:\n    print('held')")
    assert done.stdout.strip() == "held", done.stderr


def test_the_slowest_photo_does_not_make_the_worker_look_dead() -> None:
    slowest = TIME_LIMIT_S + TIME_TO_DIE_S
    assert SILENT_AFTER[PHOTOS].total_seconds() > HEARTBEAT_S + slowest
    assert LEASE.total_seconds() > slowest


def test_leftovers_are_swept_though_files_vanish_meanwhile(tmp_path: Path) -> None:
    incoming = Store(tmp_path).root / "incoming"
    (incoming / "a-vanished").symlink_to(incoming / "nothing")  # listed, but gone when it is looked at
    for name, age in (("b-old", LEFTOVER_S + 60), ("c-young", 60)):
        (incoming / name).touch()
        os.utime(incoming / name, (time.time() - age, time.time() - age))
    darkroom.sweep(Store(tmp_path), time.time())
    assert sorted(path.name for path in incoming.iterdir()) == ["a-vanished", "c-young"]


def test_the_loop_sweeps_again_and_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[float] = []
    turns = iter([False, False, False, True])

    class ThreeTurns:
        def __bool__(self) -> bool:
            return next(turns)

    monkeypatch.setattr(darkroom, "create_core", lambda: app)
    monkeypatch.setattr(darkroom, "Stop", ThreeTurns)
    monkeypatch.setattr(darkroom, "SWEEP_S", 0)
    monkeypatch.setattr(darkroom, "hold_memory", lambda most: None)  # this process is not the worker
    monkeypatch.setattr(darkroom, "sweep", lambda store, at: swept.append(at))
    darkroom.main()
    assert len(swept) == 3

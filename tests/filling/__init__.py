"""Months of a county's work in bulk, for benches and for tests that need many rows: see `fill` and `check`."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import delete, insert, select

from fieldapp import clock, duplicates, search
from fieldapp.config import Settings
from fieldapp.core import create_core
from fieldapp.db import db, writing
from fieldapp.models import CaseCounter, Category
from fieldapp.seed import DEMO_TOWN
from tests.filling import bulk, clocks, county
from tests.filling.checking import check
from tests.filling.lives import Fate, Life
from tests.filling.rows import Rows

__all__ = ["Filled", "check", "fill"]

BATCH = 20_000
REPEATS = 0.08
OPEN_PER_REPORT, LEAST_OPEN = 0.003, 60
Say = Callable[[str], None]


@dataclass(frozen=True)
class Filled:
    """What was put in, and how long it took; `open_at_desk` are those of the demo's town."""

    reports: int
    cases: int
    open_cases: int
    open_at_desk: int
    seconds: float


def fill(where: Settings | Flask, reports: int, seed: int = 1, progress: Say = lambda line: None) -> Filled:
    """Fill a migrated and seeded instance with so many reports over eighteen months before now, and what came of
    them. About 0.3 % are open, at all steps; 40 % are the demo town's. The same seed gives the same towns and words.
    """
    app = where if isinstance(where, Flask) else create_core(where)
    with app.app_context(), _nothing_to_collect():
        return _Filling(reports, seed, progress).run()


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Millions of objects that all stay are looked through again and again otherwise."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Filling:
    def __init__(self, reports: int, seed: int, progress: Say) -> None:
        self.reports, self.say, self.begun = reports, progress, time.monotonic()
        self.now = clock.now()
        clocks.forget()
        towns = county.towns()
        self.fate = Fate(towns, county.weights(towns), seed, self.now.timestamp())
        self.last = Counter({(row.town_code, row.day): row.last for row in db.session.scalars(select(CaseCounter))})
        self.kinds = {one.code: one.name for one in db.session.scalars(select(Category))}
        self.allowed = clocks.allowed()
        self.open = Counter[str]()
        self.cases = self.done = 0

    def run(self) -> Filled:
        planned = self._planned()
        with bulk.loading(self.reports) as load:
            rows = Rows(load, self.fate.chance, self.now.timestamp())
            rows.kinds = self.kinds
            self.next_id = load.next_id("cases")
            with search.bulk(load.connection):
                load.connection.commit()
                for batch in self._batches(planned):
                    with load.connection.begin():
                        self._write(load, rows, batch)
                    db.session.rollback()  # limits and ladders were read: a reader would keep SQLite's log from ending
                    self._tell()
                self.say("making the indexes")
            load.connection.commit()
        self._counted()
        self.say("learning what repeats look like")
        duplicates.learn(self.now)
        return Filled(self.reports, self.cases, self.open.total(), self.open[DEMO_TOWN], time.monotonic() - self.begun)

    def _planned(self) -> list[tuple[float, bool | Life, int]]:
        """When each case began; whether in a storm, or the open one it is; and how often it is told again."""
        repeats = round(self.reports * REPEATS)
        many = self.reports - repeats
        still = max(min(LEAST_OPEN, many), round(self.reports * OPEN_PER_REPORT))
        lives = [self.fate.open(self.allowed) for _ in range(still)]
        begun: list[tuple[float, bool | Life]] = [(life.opened, life) for life in lives]
        begun += self.fate.openings(many - still)
        begun.sort(key=lambda one: one[0])
        again = Counter(self._told_again(many, repeats))
        return [(at, what, again[place]) for place, (at, what) in enumerate(begun)]

    def _told_again(self, many: int, repeats: int) -> Iterator[int]:
        """Half of them about what was told again already: what everybody sees, everybody tells."""
        place = 0
        for _ in range(repeats):
            if self.fate.chance.random() < 0.5:
                place = self.fate.chance.randrange(many)
            yield place

    def _batches(self, planned: Sequence[tuple[float, bool | Life, int]]) -> Iterator[list[Life]]:
        for start in range(0, len(planned), BATCH):
            lives = []
            for at, what, again in planned[start : start + BATCH]:
                life = what if isinstance(what, Life) else self.fate.over(at, what)
                for _ in range(again):
                    self.fate.again(life)
                self.done += 1 + again
                lives += [life, *life.merged]
            lives.sort(key=lambda one: one.opened)
            yield lives

    def _write(self, load: bulk.Bulk, rows: Rows, lives: list[Life]) -> None:
        for life in lives:
            life.id, life.number = self.next_id, self._number(life)
            self.next_id += 1
            if life.ended is None:
                self.open[life.town.code] += 1
        for life in lives:
            rows.put(life)
        self.cases += len(lives)
        entries = rows.entries
        rows.write()
        search.index_rows(load.connection, entries)

    def _number(self, life: Life) -> str:
        day = clock.local(datetime.fromtimestamp(life.opened, UTC)).strftime("%Y%m%d")
        self.last[life.town.code, day] += 1
        return f"{life.town.letters}-{day}-{self.last[life.town.code, day]:03d}"

    def _counted(self) -> None:
        counted = [{"town_code": town, "day": day, "last": last} for (town, day), last in self.last.items()]
        with writing():
            db.session.execute(delete(CaseCounter))
            db.session.execute(insert(CaseCounter), counted)

    def _tell(self) -> None:
        took = time.monotonic() - self.begun
        rate = self.done / took
        left = int((self.reports - self.done) / rate)
        self.say(f"{self.done:,} of {self.reports:,} reports, {rate:,.0f} a second, {left // 60}:{left % 60:02} left")

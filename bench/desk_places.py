"""A filled database opened in this process: who asks, what is asked about, and a second connection for bare SQL."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from load import report
from sqlalchemy import func, select

from fieldapp import clock, create_app, queue
from fieldapp.config import Settings
from fieldapp.db import db
from fieldapp.models import IS_DONE, IS_OPEN, Alert, Area, Assignment, Case, CaseEvent, User
from fieldapp.queue import Filter
from fieldapp.rules import tokens

T = TypeVar("T")
MANY = 60  # different cases, boxes and words that the calls go round through
HEADERS = {"X-Requested-With": "fieldapp"}
STREET, TOWN = 0.004, 0.15  # half the width of a map's box, in degrees
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Spot:
    """A case as a question needs it."""

    id: int
    number: str
    title: str
    place: str
    lat: float
    lon: float


@dataclass
class Place:
    """One filled database, asked by the town's duty officer."""

    settings: Settings
    limit: int = queue.PAGE
    app: Flask = field(init=False)
    user: User = field(init=False)

    def __post_init__(self) -> None:
        self.app = create_app(self.settings)
        with self.app.app_context():
            self.user = db.session.scalars(select(User).where(User.username == "dora")).one()
            db.session.remove()  # what was loaded of her stays
        self.dialect = self.read(lambda: db.engine.dialect.name)
        self.client, self.reporter = self._person("dora"), self._person("vik")

    def read(self, work: Callable[[], T]) -> T:
        """Ask something in a session of its own."""
        with self.app.app_context():
            try:
                return work()
            finally:
                db.session.remove()

    def timed(self, work: Callable[["Place", int], object], turn: int) -> float:
        """Milliseconds of the work alone, in a session of its own as a request has one."""
        with self.app.app_context():
            waited, start = self._waited(), time.perf_counter()
            work(self, turn)
            took = time.perf_counter() - start
            held_up = self._waited() - waited
            db.session.remove()
        return max(took - held_up, 0.0) * 1000

    def _waited(self) -> float:
        """Seconds that this thread, and the database's for us, stood ready while others had the processor."""
        return sum(int(file.read_text().split()[1]) for file in self._waits if file.exists()) / 1e9

    @cached_property
    def _waits(self) -> list[Path]:
        """Where Linux says so; elsewhere nothing is taken off."""
        ours = [Path("/proc/thread-self/schedstat")]
        if self.dialect == "sqlite":
            return ours
        found = self.rows("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        self.end()
        return ours + [Path(f"/proc/{pid}/schedstat") for (pid,) in found]

    def rows_of(self, work: Callable[["Place", int], object]) -> int:
        """How much comes of it: rows, hits, cases on the map; of a page its bytes."""
        found = self.read(lambda: work(self, 0))
        if isinstance(found, tuple):
            return len(found[0])
        if hasattr(found, "total"):
            return int(found.total)
        return len(getattr(found, "hits", found if isinstance(found, list | bytes) else []))

    def page(self, path: str, part: bool = False) -> bytes:
        """A page through the whole application; `part`: only the case's column, as htmx asks for it."""
        answer = self.client.get(path, headers=HEADERS | ({"HX-Request": "true"} if part else {}), buffered=True)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")
        return answer.data

    def file(self, text: str) -> str:
        """The number of a new case, by a report through the API."""
        report_id, owner = str(uuid4()), int(self.reporter.get("/api/me").json["id"])
        answer = self.reporter.put(f"/api/reports/{report_id}", json=report(owner, "blue", text=text), headers=HEADERS)
        if answer.status_code != 201:
            raise SystemExit(f"filing: {answer.status_code} {answer.text[:300]}")
        return str(self.reporter.get(f"/api/reports/{report_id}").json["case_number"])

    @cached_property
    def _line(self) -> Any:
        with self.app.app_context():
            return db.engine.raw_connection()

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Bare SQL past everything of ours; `?` stands for a value."""
        cursor = self._line.cursor()
        cursor.execute(sql.replace("%", "%%").replace("?", "%s") if self.dialect != "sqlite" else sql, values)
        return list(cursor.fetchall()) if cursor.description else []

    def bare(self, sql: str, *values: object) -> list[Any]:
        """The same, and its snapshot given back."""
        found = self.rows(sql, *values)
        self.end()
        return found

    def begin(self) -> None:
        """A durable write transaction, as `writing` begins one."""
        if self.dialect == "sqlite":
            self._line.cursor().execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        """Commit what is begun."""
        if self.dialect == "sqlite":
            if self._line.in_transaction:
                self._line.cursor().execute("COMMIT")
        else:
            self._line.commit()

    def moment(self, at: datetime) -> object:
        """As the driver keeps it."""
        return at if self.dialect != "sqlite" else at.replace(tzinfo=None).isoformat(" ", "microseconds")

    def _person(self, username: str) -> FlaskClient:
        client = self.app.test_client()
        answer = client.post("/api/session", json={"username": username, "password": "demo"}, headers=HEADERS)
        if answer.status_code != 204:
            raise SystemExit(f"login of {username}: {answer.status_code} {answer.text[:300]}")
        return client

    # what is asked about, chosen by chance with a fixed seed

    @cached_property
    def town(self) -> str:
        return self.user.town_code

    @cached_property
    def open_spots(self) -> list[Spot]:
        """Open cases of the village that has most of them."""
        crowded = self.read(lambda: db.session.execute(self._open(Case.area_code, func.count()).group_by(
            Case.area_code).order_by(func.count().desc()).limit(1)).first())  # fmt: skip
        where = (Case.area_code == crowded[0], Case.lat.is_not(None), Case.lon.is_not(None))
        return self._spots(IS_OPEN, *where)

    @cached_property
    def crowd(self) -> int:
        """How many are open in that village."""
        place = self.open_spots[0].place
        return int(self.read(lambda: db.session.scalar(self._open(func.count()).where(Case.area_code == place))))

    @cached_property
    def done_spots(self) -> list[Spot]:
        """Cases that are over, the newest; their deadlines, alerts and histories are whole."""
        return self._spots(IS_DONE, Case.lat.is_not(None))

    @cached_property
    def told_most(self) -> list[str]:
        """The numbers of the open cases with the most alerts and the longest histories."""
        alerts = self._open(Case.number).join(Alert, Alert.case_id == Case.id).group_by(Case.number)
        events = self._open(Case.number).join(CaseEvent, CaseEvent.case_id == Case.id).group_by(Case.number)
        most = (one.order_by(func.count().desc()).limit(5) for one in (alerts, events))
        return [number for one in most for number in self.read(lambda one=one: list(db.session.scalars(one)))]

    @cached_property
    def deep(self) -> str:
        """The cursor half-way down the open ones."""
        at, left = "", int(self.read(lambda: db.session.scalar(self._open(func.count())))) // 2
        while left > 0 and at is not None:
            step, now = min(left, queue.MOST), clock.now()
            _, at = self.read(lambda at=at, step=step, now=now: queue.page(self.user, Filter(), at, step, now))
            left -= step
        return at or ""

    @cached_property
    def last_of_deep(self) -> Any:
        """Severity, deadline and id where that cursor stands, as the driver keeps them."""
        severity, due, case_id = queue._last_of(self.deep)
        return int(severity), self.moment(due), case_id

    @cached_property
    def holder(self) -> int:
        """The person of the town with the most cases in hand."""
        query = select(Assignment.user_id).join(User, User.id == Assignment.user_id).where(
            User.area_code.startswith(self.town), Assignment.returned_at.is_(None))  # fmt: skip
        most = query.group_by(Assignment.user_id).order_by(func.count().desc()).limit(1)
        return int(self.read(lambda: db.session.scalar(most)) or self.user.id)

    @cached_property
    def category(self) -> str:
        return self._commonest(Case.category_code)

    @cached_property
    def village(self) -> str:
        return self._commonest(Case.area_code)[:12]

    @cached_property
    def week(self) -> tuple[datetime, datetime]:
        """A week about half-way back through what is done."""
        ends = select(func.min(Case.opened_at), func.max(Case.opened_at)).where(Case.town_code == self.town)
        first, last = self.read(lambda: db.session.execute(ends).one())
        middle = first + (last - first) / 2
        return middle, middle + timedelta(days=7)

    @cached_property
    def _pairs(self) -> list[str]:
        """Two-character pieces of the town's titles, the commonest first."""
        titles = select(Case.title).where(Case.town_code == self.town).order_by(Case.id.desc()).limit(3000)
        found = self.read(lambda: list(db.session.scalars(titles)))
        seen = Counter(pair for title in found for run in tokens.runs(title) if tokens.is_han(run)
                       for pair in sorted(tokens.pairs(run)))  # fmt: skip
        return [pair for pair, _ in seen.most_common()]

    @property
    def common(self) -> list[str]:
        return self._pairs[:6]

    @property
    def rare(self) -> list[str]:
        return self._pairs[-MANY:]

    @cached_property
    def fragments(self) -> list[str]:
        """Pieces of real numbers, as somebody remembers them: 1123-007."""
        return ["-".join((spot.number.split("-")[1][4:], spot.number.split("-")[2])) for spot in self.done_spots]

    @cached_property
    def initials(self) -> list[str]:
        """The first letters of the first three characters of real titles."""
        found = ("".join(tokens.initials(one)[:1] for one in spot.title[:3]) for spot in self.done_spots)
        return [letters for letters in dict.fromkeys(found) if len(letters) == 3] or ["jgp"]

    @cached_property
    def villages(self) -> list[str]:
        """What people call the villages."""
        inside = select(Area).where(Area.level == "village", Area.code.startswith(self.town))
        return self.read(lambda: [area.short_name for area in db.session.scalars(inside)])

    def box(self, turn: int, half: float, spots: Sequence[Spot]) -> tuple[float, float, float, float]:
        """West, south, east, north around one of these cases."""
        spot = spots[turn % len(spots)]
        return spot.lon - half, spot.lat - half, spot.lon + half, spot.lat + half

    def _spots(self, *where: Any) -> list[Spot]:
        columns = (Case.id, Case.number, Case.title, Case.area_code, Case.lat, Case.lon)
        query = select(*columns).where(Case.town_code == self.town, *where).order_by(Case.opened_at.desc()).limit(2000)
        found = self.read(lambda: [Spot(*row) for row in db.session.execute(query)])
        return random.Random(5).sample(found, min(MANY, len(found)))

    def _commonest(self, column: Any) -> str:
        query = self._open(column).group_by(column).order_by(func.count().desc()).where(column.is_not(None)).limit(1)
        return str(self.read(lambda: db.session.scalar(query)))

    def _open(self, *columns: Any) -> Any:
        return select(*columns).where(Case.town_code == self.town, IS_OPEN)

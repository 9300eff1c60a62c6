"""What the desk does, each beside the bare SQL that fetches the same rows through an index: see `PATHS`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

from desk_places import STREET, TOWN, Place, Spot
from sqlalchemy import select

from fieldapp import bulk, clock, duplicates, mapping, pulse, queue, search
from fieldapp.bulk import Picked
from fieldapp.cases import Ask
from fieldapp.db import db
from fieldapp.models import IS_DONE, IS_OPEN, Case, User
from fieldapp.models.case import IS_OVER
from fieldapp.queue import Filter
from fieldapp.rules.severity import Severity
from fieldapp.rules.sources import Source

Work = Callable[[Place, int], object]
ROW = "id, number, title, severity, status, due_at, opened_at, area_code, category_code, version"
MINE = f"SELECT {ROW} FROM cases WHERE town_code = ? AND "
WORST = " ORDER BY severity DESC, due_at, id LIMIT 51"
NEWEST = " ORDER BY opened_at DESC, id DESC LIMIT 51"
AFTER = " AND severity <= ? AND (severity < ? OR (severity = ? AND (due_at > ? OR (due_at = ? AND id > ?))))"
OF_CASE = (
    "SELECT * FROM case_events WHERE case_id = ? ORDER BY id", "SELECT * FROM reports WHERE case_id = ?",
    "SELECT * FROM assignments WHERE case_id = ?", "SELECT * FROM alerts WHERE case_id = ?",
)  # fmt: skip
FTS = (f"SELECT {ROW} FROM cases WHERE id IN (SELECT rowid FROM case_words WHERE case_words MATCH ?"
       " ORDER BY rowid DESC LIMIT 50)")  # fmt: skip
TSVECTOR = (f"SELECT {ROW} FROM cases WHERE id IN (SELECT case_id FROM case_words WHERE words @@ CAST(? AS tsquery)"
            " ORDER BY case_id + 0 DESC LIMIT 50)")  # fmt: skip
EVENT = ("INSERT INTO case_events (case_id, at, action, actor_id, source, result, note, data)"
         " VALUES (?, ?, ?, ?, ?, ?, '', '{}')")  # fmt: skip
MOVE = "UPDATE cases SET status = ?, version = version + 1, changed_at = ?, due_since = ? WHERE id = ?"
HELD = " AND EXISTS (SELECT 1 FROM assignments WHERE case_id = cases.id AND user_id = ? AND returned_at IS NULL)"
_next = count()  # so that no page is the one kept for the next officer
QUEUE_GROWTH, GROWTH = 1.2, 1.5
THROWN = 12


@dataclass(frozen=True)
class Path:
    """One thing the desk does, and the floor below it. What goes before and after it is not timed."""

    name: str
    ours: Work
    floor: Work
    growth: float = GROWTH
    paged: bool = False  # how many rows it shows can be limited, so that both sizes show as many
    before: Work | None = None
    after: Work | None = None


@dataclass
class ThrowAway:
    """Cases that are accepted and put back again and again, of each database; declined at the end."""

    numbers: dict[int, list[str]] = field(default_factory=dict)
    seen: int = 0  # the version that the officer has before her

    def look(self, place: Place, turn: int) -> None:
        self.seen = _version(self._number(place, turn))

    def accept(self, place: Place, turn: int) -> None:
        self._do(place, turn, lambda dora, one: bulk.run(dora, "accept", [one], Ask(), clock.now()))

    def undo(self, place: Place, turn: int) -> None:
        self._do(place, turn, lambda dora, one: bulk.undo(dora, "accept", [one], clock.now()))

    def accepted(self, place: Place, turn: int) -> None:
        self.look(place, turn)
        self.accept(place, turn)

    def by_hand(self, place: Place, turn: int) -> None:
        """One row changed and one line of history, in one durable transaction."""
        number, now = self._all(place)[-1], place.moment(clock.now())
        place.begin()
        case_id, status = place.rows("SELECT id, status FROM cases WHERE number = ?", number)[0]
        other = "accepted" if status == "new" else "new"
        place.rows(MOVE, other, now, now, case_id)
        place.rows(EVENT, case_id, now, "accept", place.user.id, status, other)
        place.end()

    def over(self, place: Place) -> None:
        """Leave nothing open behind."""
        for number in self.numbers.pop(id(place), []):
            place.read(lambda number=number: self._decline(place, number))  # type: ignore[misc]

    def _decline(self, place: Place, number: str) -> None:
        dora = db.session.get_one(User, place.user.id)
        bulk.run(dora, "decline", [Picked(number, _version(number))], Ask("试测"), clock.now())

    def _do(self, place: Place, turn: int, verb: Callable[[User, Picked], list[bulk.Result]]) -> None:
        number = self._number(place, turn)
        (done,) = verb(db.session.get_one(User, place.user.id), Picked(number, self.seen))
        if done.why:
            raise SystemExit(f"{number}: {done.why!r}")
        self.seen = done.version

    def _number(self, place: Place, turn: int) -> str:
        return self._all(place)[turn % (THROWN - 1)]

    def _all(self, place: Place) -> list[str]:
        if id(place) not in self.numbers:
            self.numbers[id(place)] = [place.file(f"试测第{number}处路灯不亮") for number in range(THROWN)]
        return self.numbers[id(place)]


thrown = ThrowAway()


def _version(number: str) -> int:
    return int(db.session.scalars(select(Case.version).where(Case.number == number)).one())


def _queue(name: str, sql: str, values: Callable[[Place], tuple[object, ...]], **wanted: Any) -> Path:
    """A page of the queue; a wish that hangs on the place is a function of it."""
    done = wanted.get("lane") == "done"
    text = MINE + f"{IS_DONE if done else IS_OPEN}{sql}" + (NEWEST if done else WORST)

    def ours(place: Place, turn: int) -> object:
        asked = {key: value(place) if callable(value) else value for key, value in wanted.items()}
        at = asked.pop("at", "")
        return queue.page(place.user, Filter(**asked), at, place.limit, clock.now())

    floor: Work = lambda place, turn: place.bare(text, place.town, *values(place))  # noqa: E731
    return Path(name, ours, floor, QUEUE_GROWTH, paged=True)


def _lanes(lane: str) -> list[Path]:
    """Every filter in one lane."""
    told = "open" if lane == "open" else "done"
    each: list[tuple[str, str, Callable[[Place], tuple[object, ...]], dict[str, Any]]] = [
        ("village", " AND area_code LIKE ?", lambda at: (at.village + "%",), {"area": lambda at: at.village}),
        ("kind", " AND category_code = ?", lambda at: (at.category,), {"category": lambda at: at.category}),
        ("red", " AND severity = 3", lambda at: (), {"severity": Severity.RED}),
        ("source", " AND source = ?", lambda at: ("hotline",), {"source": Source.HOTLINE}),
        ("a week", " AND opened_at >= ? AND opened_at < ?", lambda at: tuple(map(at.moment, at.week)),
         {"since": lambda at: at.week[0], "before": lambda at: at.week[1]}),
        ("holder", HELD,
         lambda at: (at.holder,), {"holder": lambda at: str(at.holder)}),
    ]  # fmt: skip
    return [_queue(f"queue {told}: {name}", sql, values, lane=lane, **more) for name, sql, values, more in each]


def _counted(place: Place, turn: int) -> object:
    sql = (f"SELECT status, count(*), sum(version), sum(CASE WHEN severity = 3 THEN 1 ELSE 0 END) FROM cases "
           f"WHERE town_code = ? AND {IS_OPEN} GROUP BY status")  # fmt: skip
    return place.bare(sql, place.town)


def _search(name: str, words: Callable[[Place], list[str]], asked: Callable[[Place, str], str]) -> Path:
    """`asked` is what the bare query has its index look for; nothing where words stand for a case's number."""

    def ours(place: Place, turn: int) -> object:
        return search.find(place.user, _at(words(place), turn), "", place.limit, clock.now())

    def floor(place: Place, turn: int) -> object:
        sqlite = place.dialect == "sqlite"
        return place.bare(FTS if sqlite else TSVECTOR, asked(place, _at(words(place), turn)))

    return Path(f"search: {name}", ours, floor, paged=True)


def _tokens(*prefixes: str) -> Callable[[Place, str], str]:
    """Words as the index has them: `-` parts them."""

    def asked(place: Place, words: str) -> str:
        sqlite = place.dialect == "sqlite"
        quoted, both = ('"{}{}"', " AND ") if sqlite else ("'{}{}'", " & ")
        parts = words.split("-")
        marks = prefixes * len(parts) if len(prefixes) == 1 else prefixes
        tokens = [quoted.format(mark, part) for mark, part in zip(marks, parts, strict=True)]
        return both.join([*tokens, quoted.format("@", place.town)])

    return asked


def _paired(place: Place, words: str) -> str:
    """A word of several characters by its pairs."""
    return _tokens("")(place, "-".join(words[at : at + 2] for at in range(len(words) - 1)) or words)


def _duplicates(place: Place, turn: int) -> object:
    case = db.session.get_one(Case, place.open_spots[turn % len(place.open_spots)].id)
    return duplicates.likely(place.user, case, clock.now())


def _near(place: Place, turn: int) -> object:
    west, south, east, north = place.box(turn, 0.003, place.open_spots)
    sql = MINE + f"{IS_OPEN} AND lat BETWEEN ? AND ? AND lon BETWEEN ? AND ? ORDER BY opened_at DESC LIMIT 60"
    return place.bare(sql, place.town, south, north, west, east)


def _map(name: str, half: float, zoom: int, lane: str = "open") -> Path:
    def spots(place: Place) -> list[Spot]:
        return place.open_spots if lane == "open" else place.done_spots

    def ours(place: Place, turn: int) -> object:
        wanted = Filter(lane, bbox=place.box(turn, half, spots(place)))
        return mapping.box(place.user, wanted, zoom, clock.now())

    def floor(place: Place, turn: int) -> object:
        west, south, east, north = place.box(turn, half, spots(place))
        inside, ends = " AND lat BETWEEN ? AND ? AND lon BETWEEN ? AND ?", (south, north, west, east)
        if lane == "open":
            return place.bare(f"{MINE}{IS_OPEN}{inside} LIMIT 301", place.town, *ends)
        since = place.moment(clock.now() - timedelta(weeks=mapping.WEEKS_OVER))
        return place.bare(f"{MINE}{IS_OVER} AND closed_at >= ?{inside} LIMIT 301", place.town, since, *ends)

    return Path(f"map: {name}", ours, floor)


def _case_page(name: str, numbers: Callable[[Place], list[str]], part: bool = False) -> Path:
    def ours(place: Place, turn: int) -> object:
        return place.page(f"/desk/cases/{_at(numbers(place), turn)}", part)

    def fragment(place: Place, turn: int) -> object:
        found = place.rows(f"SELECT {ROW} FROM cases WHERE number = ?", _at(numbers(place), turn))
        rows = [place.rows(sql, found[0][0]) for sql in OF_CASE]
        place.end()
        return rows

    return Path(f"case page: {name}", ours, fragment)


def _html(name: str, path: Callable[[Place, int], str], floor: Work, growth: float = GROWTH) -> Path:
    return Path(name, lambda place, turn: place.page(path(place, turn)), floor, growth)


def _at(found: list[str], turn: int) -> str:
    return found[turn % len(found)]


FIRST = _queue("queue: first page", "", lambda at: ())
BY_WORDS = _search("two characters, common", lambda at: at.common, _tokens(""))
PATHS = [
    FIRST,
    _queue("queue: half-way down", AFTER, lambda at: (*[at.last_of_deep[0]] * 3, *[at.last_of_deep[1]] * 2,
                                                      at.last_of_deep[2]), at=lambda at: at.deep),
    *_lanes("open"),
    _queue("queue done: first page", "", lambda at: (), lane="done"),
    *_lanes("done"),
    _html("GET /desk/queue, nobody else asked", lambda at, turn: f"/desk/queue?n={next(_next)}", FIRST.floor,
          QUEUE_GROWTH),
    Path("counts: lanes", lambda at, turn: queue.standing(at.user, clock.now()), _counted),
    Path("counts: pulse", lambda at, turn: pulse.take(at.user, clock.now()), _counted),
    BY_WORDS,
    _search("two characters, rare", lambda at: at.rare, _tokens("")),
    _search("one character", lambda at: [pair[0] for pair in at.common], lambda at, words: _prefix(at, words)),
    _search("piece of a number", lambda at: at.fragments, _tokens("#d", "#s")),
    _search("first letters", lambda at: at.initials, _tokens("~")),
    _search("village", lambda at: at.villages, _paired),
    _html("GET /api/cases?q= (common)", lambda at, turn: f"/api/cases?limit=50&q={quote(_at(at.common, turn))}",
          BY_WORDS.floor),
    Path("duplicates: crowded village", _duplicates, _near),
    _map("the town", TOWN, 12),
    _map("a street", STREET, 17),
    _map("the town, what is over", TOWN, 12, "done"),
    _map("a street, what is over", STREET, 17, "done"),
    _case_page("open", lambda at: [spot.number for spot in at.open_spots]),
    _case_page("open, beside the queue", lambda at: [spot.number for spot in at.open_spots], part=True),
    _case_page("over", lambda at: [spot.number for spot in at.done_spots]),
    _case_page("most calls and history", lambda at: at.told_most),
    Path("transition: accept", thrown.accept, thrown.by_hand, before=thrown.look, after=thrown.undo),
    Path("transition: undo it", thrown.undo, thrown.by_hand, before=thrown.accepted),
]  # fmt: skip


def _prefix(place: Place, words: str) -> str:
    return f'"{words}" * AND "@{place.town}"' if place.dialect == "sqlite" else f"'{words}':* & '@{place.town}'"

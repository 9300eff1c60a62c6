"""找得到: the desk's search over all cases of its town, by words, place, kind, number or the pinyin's first letters.

A case is indexed in the transaction that opens or changes it. Who opens one says so (`opened`); every later change of
its title, place, kind or standing, and every report that joins it, is noticed when the session is flushed.

Loaders of very many rows: `with bulk(connection):` around the whole load, and in it `index_rows(connection, entries)`
in the transaction that inserts the cases, with one `Entry` for each new case, in batches of any size.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Integer, cast, event, func, inspect, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, joinedload

from fieldapp import scope, wordindex
from fieldapp.db import db, table_of, writing
from fieldapp.errors import Invalid
from fieldapp.models import Area, Case, CaseEvent, Category, Fact, Report, User, town_of
from fieldapp.rules import cursors, finding, tokens
from fieldapp.rules.finding import Need, Part
from fieldapp.rules.masking import mask
from fieldapp.rules.workflow import OPEN, Status
from fieldapp.wordindex import TOP, Row, bulk

log = logging.getLogger(__name__)
__all__ = [
    "Entry",
    "Found",
    "Hit",
    "bulk",
    "catch_up",
    "find",
    "ids",
    "index_rows",
    "note",
    "numbered",
    "opened",
    "reindex",
]

CHUNK = 100  # of the newest that are ranked among each other
FARTHEST = 1000  # finds that one page looks through when a filter leaves some of them out
BATCH = 100  # cases indexed in one transaction: others wait some hundredths of a second for the lock
LEFT = "search_left"  # the fact that says which ids are not indexed yet: from this one down
WAITING = "search"
TEXTS = ("title", "category_code", "area_code", "town_code", "signals")
VILLAGE = 12
AreaName = Callable[[str], str | None]
KindName = Callable[[str], tuple[str, str | None] | None]  # its name, and the code of the kind above it
Filtered = Sequence[ColumnElement[bool]]


@dataclass(frozen=True)
class Entry:
    """All of a case that it can be found by; `texts` are its reports' and its history's, earliest first."""

    case_id: int
    number: str
    town_code: str
    area_code: str
    category_code: str | None
    status: str
    title: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A case that was found, and where: pieces of text with those looked for marked. `excerpt` is of a report or of
    the history, where number, title, place and kind do not say all that was looked for.
    """

    case: Case
    number: list[Part]
    title: list[Part]
    place: list[Part]
    kind: list[Part]
    excerpt: list[Part]


@dataclass(frozen=True)
class Found:
    """A page of them; `whole` is False while old cases are still being indexed."""

    hits: list[Hit]
    cursor: str | None
    whole: bool


def find(user: User, words: str, cursor: str, limit: int, now: datetime, only: Filtered = ()) -> Found:
    """What the desk of the user's town has: the case whose number was typed, then open ones, then those that are over.

    The best of the newest hundred come first, then the best of the hundred before. `only`: what else a case must be;
    then a page may be short, or empty, and yet not the last one. Raises Invalid for more words than anybody looks for,
    and for a cursor we did not make.
    """
    needs = _asked(words)
    shown: list[int] = []
    end = None
    for case_id, state in _stream(user, needs, words, _read(cursor), bool(cursor), now, only):
        if case_id is None or len(shown) == limit:
            end = state
            break
        shown.append(case_id)
    return Found(_hits(user, shown, needs), _cursor(end) if end else None, left() == 0)


def numbered(user: User, words: str, limit: int) -> list[Case]:
    """The cases of the user's town with this number, or with this piece in it: open ones, or else those that are over;
    the newest first.
    """
    piece, exact = finding.piece_of_number(words), _by_number(user, words)
    needs, found = [piece] if piece else [], [exact] if exact else []
    for is_open in (True, False):
        found = found or wordindex.matching(user.town_code, needs, is_open, TOP, limit)
    return list(db.session.scalars(scope.worklist(user).where(Case.id.in_(found)).order_by(Case.id.desc())))


def ids(user: User, words: str, is_open: bool, below: int | None, limit: int) -> list[int]:
    """The same by id alone and newest first, for those who order by other things. Raises Invalid."""
    return wordindex.matching(user.town_code, _asked(words), is_open, below or TOP, limit)


def opened(case: Case, texts: Sequence[str]) -> None:
    """Index a case that is new in this transaction."""
    row = _row(_entry(case, texts), _name_of_area, _kind)
    _or_later(db.session.connection(), lambda connection: wordindex.add(connection, [row]), case.id)


def note(case: Case) -> None:
    """Index a case anew at the end of this transaction; for changes that the session does not see."""
    db.session.info.setdefault(WAITING, set()).add(case.id)


def index_rows(connection: Connection, entries: Iterable[Entry]) -> None:
    """Index cases that are not in the index yet, inside the caller's transaction."""
    areas, kinds = _areas(connection), _kinds(connection)
    wordindex.add(connection, [_row(entry, areas.get, kinds.get) for entry in entries])


def left() -> int:
    """How far old cases wait for being indexed: from this id down; 0 when none do."""
    return int(db.session.scalar(select(Fact.value).where(Fact.name == LEFT)) or 0)


def catch_up() -> int:
    """Index the next of those that wait, in a transaction of its own; how far the others go on waiting, 0 for none."""
    if not left():
        db.session.rollback()
        return 0
    with writing():
        connection = db.session.connection()
        marker = db.session.get_one(Fact, LEFT, with_for_update=True, populate_existing=True)
        top = int(marker.value)
        batch = list(db.session.scalars(select(Case.id).where(Case.id <= top).order_by(Case.id.desc()).limit(BATCH)))
        # held, or what somebody changes just now would be put back to what it was; in the order everybody takes them
        held = select(Case.id).where(Case.id.in_(batch)).order_by(Case.id).with_for_update(read=True)
        db.session.scalars(held).all()
        _put(connection, batch, _areas(connection).get, _kinds(connection).get)
        marker.value = str(batch[-1] - 1 if len(batch) == BATCH else 0)
        return int(marker.value)


def reindex(progress: Callable[[int, int], None], again: bool = False) -> None:
    """Index all that waits, or everything `again`, telling how many ids are done of how many. Can be broken off: what
    is left is written down.
    """
    if again:
        with writing():
            top = db.session.scalar(select(func.max(Case.id))) or 0
            db.session.execute(update(Fact).where(Fact.name == LEFT).values(value=str(top)))
    total = waiting = left()
    while waiting:
        waiting = catch_up()
        progress(total - waiting, total)


@event.listens_for(Session, "after_flush")
def _watch(session: Session, context: object) -> None:
    changed = {row.id for row in session.dirty if isinstance(row, Case) and _reads_otherwise(row)}
    changed |= {row.id for row in session.new if isinstance(row, Case)}
    if changed:
        session.info.setdefault(WAITING, set()).update(changed)


@event.listens_for(Session, "before_commit")
def _settle(session: Session) -> None:
    session.flush()
    if waiting := sorted(session.info.pop(WAITING, ())):
        _or_later(session.connection(), lambda there: _put(there, waiting, _name_of_area, _kind), waiting[-1])


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: object) -> None:
    session.info.pop(WAITING, None)


def _or_later(connection: Connection, write: Callable[[Connection], None], last: int) -> None:
    """Index now, or, when the index is broken, in the worker's time: no report is refused because of it."""
    try:
        with connection.begin_nested():
            write(connection)
    except SQLAlchemyError:
        log.exception("not indexed: cases up to %s", last)
        behind = (Fact.name == LEFT) & (cast(Fact.value, Integer) < last)
        connection.execute(update(table_of(Fact)).where(behind).values(value=str(last)))


def _reads_otherwise(case: Case) -> bool:
    state = inspect(case).attrs
    if any(state[name].history.has_changes() for name in TEXTS):
        return True
    before = next(iter(state["status"].history.deleted or ()), None)
    # with these steps come the words of what was done, and an end
    return before is not None and (case.status == Status.ANSWERED or (before in OPEN) != (case.status in OPEN))


def _put(connection: Connection, case_ids: Sequence[int], area: AreaName, kind: KindName) -> None:
    wordindex.put(connection, [_row(entry, area, kind) for entry in _entries(connection, case_ids)])


def _entries(connection: Connection, case_ids: Sequence[int]) -> list[Entry]:
    told = _texts(connection, case_ids)
    table = table_of(Case).c
    columns = (table.id, table.number, table.town_code, table.area_code, table.category_code, table.status, table.title)
    rows = connection.execute(select(*columns).where(table.id.in_(case_ids)))
    return [
        Entry(
            row.id, row.number, row.town_code, row.area_code, row.category_code, row.status, row.title,
            tuple(told.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip


def _texts(connection: Connection, case_ids: Sequence[int]) -> dict[int, list[str]]:
    """What reporters said of these cases, and after it what stands in their history."""
    reports, events = table_of(Report).c, table_of(CaseEvent).c
    said = select(reports.case_id, reports.text).where(reports.case_id.in_(case_ids), reports.text != "")
    noted = select(events.case_id, events.note).where(events.case_id.in_(case_ids), events.note != "")
    told: dict[int, list[str]] = {}
    for query in (said.order_by(reports.received_at, reports.id), noted.order_by(events.id)):
        for case_id, words in connection.execute(query):
            told.setdefault(case_id, []).append(words)
    return told


def _entry(case: Case, texts: Sequence[str]) -> Entry:
    return Entry(
        case.id, case.number, case.town_code, case.area_code, case.category_code, case.status, case.title, tuple(texts)
    )


def _row(entry: Entry, area: Callable[[str], str | None], kind: Callable[[str], tuple[str, str | None] | None]) -> Row:
    names = [entry.title, *_places(entry, area), *_kind_names(entry.category_code, kind)]
    also = wordindex.own_words(entry.town_code, entry.status in OPEN)
    return Row(entry.case_id, entry.town_code, tokens.of_case(entry.number, names, entry.texts, also))


def _places(entry: Entry, area: AreaName) -> list[str]:
    """The town's name, the village's and the cell's."""
    codes = dict.fromkeys((town_of(entry.area_code), entry.area_code[:VILLAGE], entry.area_code))
    return [Area.shortened(name) for code in codes if (name := area(code))]


def _kind_names(code: str | None, kind: KindName) -> list[str]:
    names = []
    while code and (found := kind(code)):
        name, code = found
        names.append(name)
    return names


def _areas(connection: Connection) -> dict[str, str]:
    table = table_of(Area).c
    return {row.code: row.name for row in connection.execute(select(table.code, table.name))}


def _kinds(connection: Connection) -> dict[str, tuple[str, str | None]]:
    table = table_of(Category).c
    rows = connection.execute(select(table.code, table.name, table.parent_code))
    return {code: (name, parent) for code, name, parent in rows}


def _name_of_area(code: str) -> str | None:
    area = db.session.get(Area, code)  # kept by the session
    return area.name if area else None


def _kind(code: str) -> tuple[str, str | None] | None:
    category = db.session.get(Category, code)
    return (category.name, category.parent_code) if category else None


def _asked(words: str) -> list[Need]:
    try:
        return finding.asked(words)
    except finding.TooLong as error:
        raise Invalid({"q": "search_too_long"}) from error


State = tuple[bool, int, int]  # among the open ones; below this id; so many of that hundred were shown


def _stream(
    user: User, needs: Sequence[Need], words: str, start: State, later: bool, now: datetime, only: Filtered
) -> Iterator[tuple[int | None, State]]:
    """The ids, each with where a page that begins with it goes on; no id: so far was looked, and no farther."""
    exact = _by_number(user, words, only)
    if exact and not later:
        yield exact, start
    first, below, skip = start
    looked = 0
    for is_open in (True, False) if first else (False,):
        while found := wordindex.matching(user.town_code, needs, is_open, below, CHUNK):
            if only and (looked := looked + len(found)) > FARTHEST:
                yield None, (is_open, below, 0)
            for place, case_id in enumerate(_ranked(user, found, needs, now, only)):
                if place >= skip and case_id != exact:
                    yield case_id, (is_open, below, place)
            below, skip = found[-1], 0
            if len(found) < CHUNK:
                break
        below, skip = TOP, 0


def _by_number(user: User, words: str, only: Filtered = ()) -> int | None:
    number = finding.number_in(words)
    known = scope.worklist(user).where(Case.number == number, *only).with_only_columns(Case.id)
    return db.session.scalar(known) if number else None


def _ranked(user: User, found: Sequence[int], needs: Sequence[Need], now: datetime, only: Filtered) -> list[int]:
    """The best first, of equals the worst; by rows without objects, for a hundred are weighed and few are shown."""
    weighed = scope.worklist(user).where(Case.id.in_(found), *only).join(Case.area).outerjoin(Case.category)
    rows = db.session.connection().execute(
        weighed.with_only_columns(Case.id, Case.severity, Case.title, Case.opened_at, Area.name, Category.name)
    )
    worth = [
        (round(finding.score(title, _named(area, kind), needs, now - opened_at), 1), severity, case_id)
        for case_id, severity, title, opened_at, area, kind in rows
    ]
    return [case_id for _, _, case_id in sorted(worth, reverse=True)]


def _named(area: str, kind: str | None) -> str:
    return f"{Area.shortened(area)} {kind or ''}"


def _hits(user: User, found: Sequence[int], needs: Sequence[Need]) -> list[Hit]:
    loaded = scope.worklist(user).where(Case.id.in_(found)).options(joinedload(Case.area), joinedload(Case.category))
    cases = {case.id: case for case in db.session.scalars(loaded)}
    lacking = {case_id: finding.lacking(_shown(case), needs) for case_id, case in cases.items()}
    unsaid = [case_id for case_id, missing in lacking.items() if missing]
    told = _texts(db.session.connection(), unsaid) if unsaid else {}
    return [_hit(cases[case_id], needs, told.get(case_id, ()), lacking[case_id]) for case_id in found]


def _shown(case: Case) -> str:
    return f"{case.number} {case.title} {_named(case.area.name, case.category.name if case.category else None)}"


def _hit(case: Case, needs: Sequence[Need], texts: Sequence[str], missing: Sequence[Need]) -> Hit:
    plain = (case.number, case.heading, case.area.short_name, case.category.name if case.category else "")
    number, title, place, kind = (finding.marked(one, needs) for one in plain)
    excerpt = next((shown for text in texts if (shown := finding.excerpt(mask(text), missing))), [])
    return Hit(case, number, title, place, kind, excerpt)


def _cursor(state: State) -> str:
    return cursors.written(state)


def _read(cursor: str) -> State:
    if not cursor:
        return True, TOP, 0
    try:
        read = cursors.read(cursor)
        is_open, below, skip = bool(read[0]), int(read[1]), int(read[2])
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise Invalid({"cursor": "unknown"}) from error
    if not (0 < below <= TOP and 0 <= skip < CHUNK):
        raise Invalid({"cursor": "unknown"})
    return is_open, below, skip

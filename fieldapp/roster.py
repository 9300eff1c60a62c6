"""The town's roster: who is on call now, putting people on or taking them off by hand, and a week at a glance."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import joinedload

from fieldapp import addresses, clock, oncall, proofs, scope
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import CalendarDay, CalendarYear, OnCall, Rotation, Swap, User
from fieldapp.oncall import Stand
from fieldapp.rules.calendar import days
from fieldapp.rules.escalation import Rung
from fieldapp.rules.reachability import Reach
from fieldapp.rules.roster import Held, Hole, Shift, Twice, held_only_by, instant, twice_on

RUNGS = oncall.STANDS_ON
MOST_HOURS = 24 * 7
AHEAD = timedelta(days=14)
HOLIDAYS_AHEAD = timedelta(days=60)

TakenOver = Callable[[str, Rung, User, datetime], None]
"""Called when somebody comes onto a rung of a town at this very instant: whatever is open must reach him or her too."""


@dataclass(frozen=True)
class Turn:
    """One person on call, by hand (`entry`) or by a rotation, and how many of his or her devices a push can reach."""

    user: User
    devices: int
    entry: OnCall | None = None
    rotation: Rotation | None = None
    shift: Shift | None = None


@dataclass(frozen=True)
class Row:
    """A post over a week, and the stretches still to come in which nobody at all is on its rung."""

    stand: Stand
    rung: Rung
    holes: Sequence[Hole]

    def uncovered(self, shift: Shift) -> bool:
        """True when nobody else of the rung is there while this shift has no holder."""
        return shift.holder is None and any(
            hole.starts_at < shift.ends_at and shift.starts_at < hole.ends_at for hole in self.holes
        )


@dataclass(frozen=True)
class Day:
    """A day of the week's table. `kind` is rest or work where the holidays say something else than the weekday."""

    day: date
    kind: str
    name: str
    known: bool
    cells: Sequence[tuple[Row, Sequence[Shift]]]


@dataclass(frozen=True)
class Week:
    """Seven days of every post of the town."""

    rows: Sequence[Row]
    days: Sequence[Day]


@dataclass(frozen=True)
class Weak:
    """Somebody is on a rung, but that is not all: only by hand until taken off, or only people out of reach."""

    rung: Rung
    why: str  # by_hand, unreachable or unproved
    spans: Sequence[tuple[datetime, datetime]]
    people: Sequence[User]


def turns(user: User, rung: Rung, now: datetime) -> list[Turn]:
    """Who is on call on this rung of the user's town: those put on by hand, then those whose turn it is."""
    found = [
        Turn(entry.user, len(addresses.usable_subscriptions(entry.user, now)), entry)
        for entry in _by_hand(user, rung, now)
        if entry.user.active
    ]
    for row, shift in _standing(user.town_code, rung, now):
        person = db.session.get_one(User, shift.holder)
        found.append(Turn(person, len(addresses.usable_subscriptions(person, now)), None, row, shift))
    return found


def free(user: User, rung: Rung, now: datetime) -> list[User]:
    """Those of the town who could be put on this rung and are not on it."""
    busy = {turn.user.id for turn in turns(user, rung, now)}
    return [person for person in people(user, rung) if person.id not in busy]


def people(user: User, rung: Rung) -> list[User]:
    """Those of the town who may stand on this rung, by name."""
    query = scope.people(user).where(User.active, User.role.in_(RUNGS[rung]))
    return list(db.session.scalars(query.order_by(User.name, User.id)))


def put_on(
    actor: User, rung: Rung, user_id: int, hours: int | None, now: datetime, taken_over: TakenOver | None = None
) -> OnCall:
    """Put a person on call from now on, for so many hours or until taken off. Raises Invalid."""
    person = next((one for one in free(actor, rung, now) if one.id == user_id), None)
    if person is None:
        raise Invalid({"user": "not_free"})
    if hours is not None and not 1 <= hours <= MOST_HOURS:
        raise Invalid({"hours": "out_of_range"})
    ends = now + timedelta(hours=hours) if hours else None
    entry = OnCall(town_code=actor.town_code, user_id=user_id, rung=rung, starts_at=now, ends_at=ends)
    db.session.add(entry)
    if taken_over:
        taken_over(actor.town_code, rung, person, now)
    return entry


def take_off(actor: User, entry_id: int, now: datetime) -> None:
    """End a turn now; the row stays as a record of who was on call when. Raises NotHere for another town's."""
    entry = db.session.scalar(_running(actor, now).where(OnCall.id == entry_id))
    if entry is None:
        raise NotHere(str(entry_id))
    entry.ends_at = now


def end_all(person: User, now: datetime) -> None:
    """Somebody left or changed roles: no turn of his or hers runs on, and no question about a shift stays open.

    Rotations leave his or her turns as named gaps, which the roster shows before they come.
    """
    running = or_(OnCall.ends_at.is_(None), OnCall.ends_at > now)
    for entry in db.session.scalars(select(OnCall).where(OnCall.user_id == person.id, running)):
        entry.ends_at = now
    mine = or_(Swap.asker_id == person.id, Swap.other_id == person.id) & (Swap.state == "asked")
    db.session.execute(update(Swap).where(mine).values(state="over", answered_at=now))


def week(user: User, monday: date, now: datetime) -> Week:
    """Seven days from this one on. A shift stands on the local day on which it starts, whole."""
    since, until = (instant(monday + timedelta(days=n), time()) for n in (0, 7))
    rows = [row for rung in RUNGS for row in _rows(user, rung, since, until, now)]
    return Week(rows, [_day(day, rows) for day in days(monday, monday + timedelta(days=6))])


def gaps_ahead(user: User, now: datetime) -> list[tuple[Rung, Hole]]:
    """The next two weeks' stretches in which nobody is on call, the earliest first."""
    found = [(rung, hole) for rung in RUNGS for hole in oncall.gaps(user.town_code, rung, now, now + AHEAD)]
    return sorted(found, key=lambda pair: pair[1].starts_at)


def weak_ahead(user: User, now: datetime) -> list[Weak]:
    """What stands on weak feet within the next two weeks though somebody is on, as far as is known of them now."""
    held = {rung: oncall.held(user.town_code, rung, now, now + AHEAD) for rung in RUNGS}
    ids = {one.holder for some in held.values() for one in some}
    everybody = list(db.session.scalars(select(User).where(User.id.in_(ids)).order_by(User.name, User.id)))
    reach = proofs.standing(everybody, now)
    return [weak for rung in RUNGS for weak in _weak(rung, held[rung], everybody, reach, now) if weak.spans]


def twice_ahead(user: User, now: datetime) -> list[list[Twice]]:
    """Who is put on two rungs at once by rotations within the next two weeks: per person and rungs, when."""
    stands = [(rung, stand) for rung in RUNGS for stand in oncall.stands(user.town_code, rung, now, now + AHEAD)]
    found: dict[tuple[int, tuple[Rung, Rung]], list[Twice]] = {}
    for twice in twice_on((rung, shift) for rung, stand in stands for shift in stand.shifts):
        found.setdefault((twice.holder, twice.rungs), []).append(twice)
    return list(found.values())


def unpublished(now: datetime) -> list[int]:
    """The years within the next two months whose holidays are not known."""
    years = {clock.local(at).year for at in (now, now + HOLIDAYS_AHEAD)}
    return sorted(years - set(db.session.scalars(select(CalendarYear.year))))


def handovers_ahead(user: User, rung: Rung, now: datetime) -> list[tuple[Rotation, Shift]]:
    """For each post of a rung, the next shift within a week that brings somebody else, the earliest first."""
    found = []
    for stand in oncall.stands(user.town_code, rung, now, now + timedelta(days=7)):
        first = stand.shifts[0]
        other = (s for s in stand.shifts if (s.holder, s.gap) != (first.holder, first.gap))
        found += [(stand.rotation, shift) for shift in [next(other, None)] if shift]
    return sorted(found, key=lambda pair: pair[1].starts_at)


_NO_POST = frozenset({"not_started", "ended"})


def _weak(
    rung: Rung, held: Sequence[Held], everybody: Sequence[User], reach: Mapping[int, Reach], now: datetime
) -> Iterator[Weak]:
    endless = {one for one in held if one.ends_at is None}
    silent = {one for one in held if reach[one.holder] == Reach.UNREACHABLE}
    unproved = {one for one in held if reach[one.holder] == Reach.UNPROVED}
    kinds = (("by_hand", held, endless), ("unreachable", held, silent), ("unproved", set(held) - silent, unproved))
    for why, some, weak in kinds:
        spans = held_only_by(some, weak, now, now + AHEAD)
        ids = {one.holder for one in weak if _touches(one, spans)}
        yield Weak(rung, why, spans, [person for person in everybody if person.id in ids])


def _touches(one: Held, spans: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(one.starts_at < until and (one.ends_at is None or since < one.ends_at) for since, until in spans)


def _rows(user: User, rung: Rung, since: datetime, until: datetime, now: datetime) -> list[Row]:
    margin = oncall.LONGEST_SHIFT
    holes = oncall.gaps(user.town_code, rung, max(since, now), until + margin) if now < until + margin else []
    found = []
    for stand in oncall.stands(user.town_code, rung, since - margin, until + margin):
        shifts = [shift for shift in stand.shifts if since <= shift.starts_at < until]
        if any(shift.gap not in _NO_POST for shift in shifts):
            found.append(Row(Stand(stand.rotation, shifts), rung, holes))
    return found


def _day(day: date, rows: Sequence[Row]) -> Day:
    marked = db.session.get(CalendarDay, day)
    known = db.session.get(CalendarYear, day.year) is not None
    kind, name = (marked.kind, marked.name) if marked and known else ("", "")
    cells = [(row, [s for s in row.stand.shifts if clock.local(s.starts_at).date() == day]) for row in rows]
    return Day(day, kind, name, known, cells)


def _standing(town_code: str, rung: Rung, now: datetime) -> list[tuple[Rotation, Shift]]:
    """The shifts that run now and have a holder, whole."""
    span = (now - oncall.LONGEST_SHIFT, now + oncall.LONGEST_SHIFT)
    every = [(stand.rotation, shift) for stand in oncall.stands(town_code, rung, *span) for shift in stand.shifts]
    return [(row, shift) for row, shift in every if shift.holder and shift.starts_at <= now < shift.ends_at]


def _by_hand(user: User, rung: Rung, now: datetime) -> list[OnCall]:
    query = _running(user, now).where(OnCall.rung == rung).order_by(OnCall.starts_at, OnCall.id)
    return list(db.session.scalars(query.options(joinedload(OnCall.user))))


def _running(user: User, now: datetime) -> Select[OnCall]:
    running = (OnCall.starts_at <= now) & or_(OnCall.ends_at.is_(None), OnCall.ends_at > now)
    return select(OnCall).where(OnCall.town_code == user.town_code, running)

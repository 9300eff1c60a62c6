"""Who holds a post when: rotations, what was changed on them by hand, and the stretches nobody holds.

A rotation is one post of a rung: at every instant it has exactly one holder or one named gap. A rung may have
several posts, and is uncovered only while none of them has a holder. Times of hand-over are times on the wall; when
the clocks change, one that does not exist comes at the change and one that comes twice counts the first time.
"""

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

from fieldapp.rules.calendar import Calendar, days
from fieldapp.rules.escalation import Rung

HAIFENG = ZoneInfo("Asia/Shanghai")
LOOKS_AHEAD = timedelta(days=60)
MOMENT = timedelta(microseconds=1)


class Days(StrEnum):
    """On which days a rotation's shifts start. Members take turns only over the shifts that count."""

    ALL = "all"
    WORKDAYS = "workdays"
    REST_DAYS = "rest_days"


class Gap(StrEnum):
    """Why nobody holds a post."""

    NOT_STARTED = "not_started"
    ENDED = "ended"
    NOBODY = "nobody"  # the rotation has no members
    OFF_DAY = "off_day"
    LEFT_OPEN = "left_open"  # somebody was taken off a shift and nobody put on
    INACTIVE = "inactive"  # whose turn it is has left, or no longer has a role for this rung


@dataclass(frozen=True)
class Rotation:
    """A post held in turn. A shift belongs to the local day on which it starts; the last starts on `ends_on`."""

    id: int
    rung: Rung
    name: str
    members: tuple[int, ...]
    starts_on: date
    ends_on: date | None = None
    cuts: tuple[time, ...] = (time(8),)  # times of hand-over on a day, sorted, at least one
    turn: int = 1  # shifts in a row that one member holds
    days: Days = Days.ALL


@dataclass(frozen=True)
class Override:
    """Somebody else (or nobody) holds a post for a while. Of two on the same instant the later made counts."""

    rotation_id: int
    starts_at: datetime
    ends_at: datetime
    holder: int | None


@dataclass(frozen=True)
class Shift:
    """A stretch of a post with one holder or one gap. `member` is whose turn it is by the rotation alone."""

    rotation_id: int
    starts_at: datetime
    ends_at: datetime
    holder: int | None
    gap: Gap | None
    member: int | None = None
    overridden: bool = False
    unsure: bool = False  # whether this day counts hangs on holidays that are not yet published

    @property
    def length(self) -> timedelta:
        """How long it lasts, by the clock that never changes."""
        return self.ends_at - self.starts_at


@dataclass(frozen=True)
class Hole:
    """A stretch in which no post of a rung has a holder, and why each of them has none."""

    starts_at: datetime
    ends_at: datetime
    why: tuple[Gap, ...]
    unsure: bool = False


@dataclass(frozen=True)
class Held:
    """Somebody is on a rung over a stretch; without an end, until somebody else takes him or her off by hand."""

    holder: int
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class Twice:
    """A stretch in which rotations put one person on two rungs at the same time."""

    holder: int
    rungs: tuple[Rung, Rung]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Post:
    """A rotation with what was changed on it by hand, in the order in which it was changed."""

    rotation: Rotation
    overrides: Sequence[Override] = ()


def shifts(
    rotation: Rotation, overrides: Sequence[Override], calendar: Calendar, since: datetime, until: datetime,
    active: Container[int], zone: ZoneInfo = HAIFENG,
) -> list[Shift]:  # fmt: skip
    """The post from `since` until `until`, without overlap and without a hole; overrides in the order made."""
    mine = [made for made in overrides if made.rotation_id == rotation.id]
    found: list[Shift] = []
    for slot in _slots(rotation, calendar, since, until, zone):
        for piece in _pieces(_clipped(slot, since, until), mine, active):
            if found and slot.starts_at < piece.starts_at and _same(found[-1], piece):
                piece = replace(piece, starts_at=found.pop().starts_at)
            found.append(piece)
    return found


def holder_at(
    rotation: Rotation, overrides: Sequence[Override], calendar: Calendar, at: datetime,
    active: Container[int], zone: ZoneInfo = HAIFENG,
) -> Shift:  # fmt: skip
    """The post at one instant: its holder, or the gap's name; the times are not those of the whole shift."""
    return shifts(rotation, overrides, calendar, at, at + MOMENT, active, zone)[0]


def next_handover(
    rotation: Rotation, overrides: Sequence[Override], calendar: Calendar, at: datetime,
    active: Container[int], zone: ZoneInfo = HAIFENG,
) -> Shift | None:  # fmt: skip
    """The first shift within 60 days that brings another holder, or a gap, than there is at this instant."""
    ahead = shifts(rotation, overrides, calendar, at, at + LOOKS_AHEAD, active, zone)
    return next((shift for shift in ahead if (shift.holder, shift.gap) != (ahead[0].holder, ahead[0].gap)), None)


def rung_gaps(
    posts: Iterable[Post], calendar: Calendar, since: datetime, until: datetime, active: Container[int],
    also: Iterable[tuple[datetime, datetime]] = (), zone: ZoneInfo = HAIFENG,
) -> list[Hole]:  # fmt: skip
    """The stretches in which no post of a rung is held; `also` are spans that somebody covers by other means."""
    every = [shifts(post.rotation, post.overrides, calendar, since, until, active, zone) for post in posts]
    held = [(shift.starts_at, shift.ends_at) for post in every for shift in post if shift.holder is not None]
    empty = [shift for post in every for shift in post if shift.holder is None]
    return [_hole(span, empty) for span in _uncovered([*held, *also], since, until)]


def held_only_by(
    held: Iterable[Held], weak: Container[Held], since: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    """The stretches held by nobody but these weak ones. What nobody holds at all is no such stretch."""
    every = list(held)
    good = [(one.starts_at, one.ends_at or until) for one in every if one not in weak]
    gaps = _uncovered([(one.starts_at, one.ends_at or until) for one in every], since, until)
    return list(_uncovered([*good, *gaps], since, until))


def twice_on(shifts: Iterable[tuple[Rung, Shift]]) -> list[Twice]:
    """Where the same person holds shifts of two rungs at once, the earliest first."""
    mine = [(rung, shift) for rung, shift in shifts if shift.holder is not None]
    pairs = (pair for pair in combinations(mine, 2) if pair[0][0] != pair[1][0] and _clash(pair[0][1], pair[1][1]))
    found = [_twice(*one, *other) for one, other in pairs]
    return sorted(found, key=lambda twice: (twice.starts_at, twice.holder))


def exchange(one: Shift, other: Shift) -> tuple[Override, Override]:
    """What makes the holders of two shifts change places. Both shifts have a holder."""
    assert one.holder is not None and other.holder is not None
    return (
        Override(one.rotation_id, one.starts_at, one.ends_at, other.holder),
        Override(other.rotation_id, other.starts_at, other.ends_at, one.holder),
    )


def from_then(shift: Shift, at: datetime) -> Shift:
    """What is left of a shift at this instant; the whole of one that has not begun."""
    return replace(shift, starts_at=max(shift.starts_at, at))


def instant(day: date, cut: time, zone: ZoneInfo = HAIFENG) -> datetime:
    """When the wall first shows this time on this day; for one that is skipped, when the clocks are put forward."""
    wall = datetime.combine(day, cut, zone)
    first, second = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if second >= first:
        return first
    seconds = range(int(second.timestamp()), int(first.timestamp()))
    shown = bisect_left(seconds, True, key=lambda at: _wall(at, zone) >= wall.replace(tzinfo=None))
    return datetime.fromtimestamp(int(second.timestamp()) + shown, UTC)


def _wall(timestamp: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(timestamp, zone).replace(tzinfo=None)


def _slots(rotation: Rotation, calendar: Calendar, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[Shift]:
    """The rotation by itself over at least this span, as if nobody ever changed or left anything."""
    first, last = (edge.astimezone(zone).date() for edge in (since, until))
    around = days(first - timedelta(days=2), last + timedelta(days=2))
    starts = [(day, place) for day in around for place in range(len(rotation.cuts))]
    taken = _taken(rotation, calendar, around[0])
    for (day, place), (next_day, next_place) in pairwise(starts):
        starts_at = instant(day, rotation.cuts[place], zone)
        ends_at = instant(next_day, rotation.cuts[next_place], zone)
        counts = _why_not(rotation, calendar, day) is None
        if starts_at < until and since < ends_at and starts_at < ends_at:
            yield _slot(rotation, calendar, day, taken, Shift(rotation.id, starts_at, ends_at, None, None))
        taken += counts


def _slot(rotation: Rotation, calendar: Calendar, day: date, taken: int, bare: Shift) -> Shift:
    gap = _why_not(rotation, calendar, day) or (None if rotation.members else Gap.NOBODY)
    unsure = rotation.days != Days.ALL and gap not in (Gap.NOT_STARTED, Gap.ENDED) and not calendar.knows(day)
    member = None if gap else rotation.members[taken // rotation.turn % len(rotation.members)]
    return replace(bare, gap=gap, member=member, holder=member, unsure=unsure)


def _taken(rotation: Rotation, calendar: Calendar, day: date) -> int:
    """How many shifts that count have gone before this day."""
    before = days(rotation.starts_on, day - timedelta(days=1))
    if rotation.days == Days.ALL and rotation.ends_on is None:
        return len(before) * len(rotation.cuts)
    return sum(_why_not(rotation, calendar, past) is None for past in before) * len(rotation.cuts)


def _why_not(rotation: Rotation, calendar: Calendar, day: date) -> Gap | None:
    """Why no shift of the rotation starts on this day; None when one does."""
    if day < rotation.starts_on:
        return Gap.NOT_STARTED
    if rotation.ends_on is not None and day > rotation.ends_on:
        return Gap.ENDED
    if rotation.days == Days.ALL or (rotation.days == Days.REST_DAYS) == calendar.is_rest(day):
        return None
    return Gap.OFF_DAY


def _clipped(slot: Shift, since: datetime, until: datetime) -> Shift:
    return replace(slot, starts_at=max(slot.starts_at, since), ends_at=min(slot.ends_at, until))


def _pieces(slot: Shift, overrides: Sequence[Override], active: Container[int]) -> Iterator[Shift]:
    """The slot cut where an override begins or ends. A rotation that has not begun or is over takes none."""
    mine = [] if slot.gap in (Gap.NOT_STARTED, Gap.ENDED) else _touching(slot, overrides)
    edges = {edge for made in mine for edge in (made.starts_at, made.ends_at)}
    inside = [edge for edge in sorted(edges) if slot.starts_at < edge < slot.ends_at]
    for starts_at, ends_at in pairwise([slot.starts_at, *inside, slot.ends_at]):
        piece = replace(slot, starts_at=starts_at, ends_at=ends_at)
        last = next((made for made in reversed(mine) if made.starts_at <= starts_at < made.ends_at), None)
        if last:
            piece = replace(piece, holder=last.holder, overridden=True, gap=None if last.holder else Gap.LEFT_OPEN)
        yield piece if piece.holder is None or piece.holder in active else replace(piece, holder=None, gap=Gap.INACTIVE)


def _touching(slot: Shift, overrides: Sequence[Override]) -> list[Override]:
    return [made for made in overrides if made.starts_at < slot.ends_at and slot.starts_at < made.ends_at]


def _same(one: Shift, other: Shift) -> bool:
    """True when nothing changes between two neighbours of one slot."""
    return replace(one, starts_at=other.starts_at, ends_at=other.ends_at) == other


def _uncovered(
    spans: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    reached = since
    for starts_at, ends_at in sorted(spans):
        if starts_at >= until:
            break
        if starts_at > reached:
            yield reached, starts_at
        reached = max(reached, ends_at)
    if reached < until:
        yield reached, until


def _clash(one: Shift, other: Shift) -> bool:
    return one.holder == other.holder and one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _twice(rung: Rung, one: Shift, rung_of_other: Rung, other: Shift) -> Twice:
    assert one.holder is not None
    span = max(one.starts_at, other.starts_at), min(one.ends_at, other.ends_at)
    return Twice(one.holder, (rung, rung_of_other), *span)


def _hole(span: tuple[datetime, datetime], empty: Sequence[Shift]) -> Hole:
    starts_at, ends_at = span
    inside = [shift for shift in empty if shift.starts_at < ends_at and starts_at < shift.ends_at]
    why = tuple(sorted({shift.gap for shift in inside if shift.gap}))
    return Hole(starts_at, ends_at, why, any(shift.unsure for shift in inside))

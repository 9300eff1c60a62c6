"""Who is on call in a town and when: turns put on by hand, and rotations. Read only: changing them is others' work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload

from fieldapp.db import db
from fieldapp.models import CalendarDay, CalendarYear, OnCall, Override, Rotation, User
from fieldapp.rules import roster
from fieldapp.rules.calendar import Calendar
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import Role
from fieldapp.rules.roster import HAIFENG, Days, Held, Hole, Post, Shift

# a rung is for these roles; somebody whose role changed is not called by an old entry
STANDS_ON = {
    Rung.ON_CALL: frozenset({Role.RESPONDER, Role.GRID}),
    Rung.BACKUP: frozenset({Role.RESPONDER, Role.GRID}),
    Rung.LEADER: frozenset({Role.LEADER}),
}
LONGEST_SHIFT = timedelta(days=3)  # from one hand-over of a post to the next, also where clocks change
AN_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stand:
    """A post and what happens on it over a stretch of time."""

    rotation: Rotation
    shifts: Sequence[Shift]


def holders(town_code: str, rung: Rung, now: datetime) -> list[User]:
    """Who is on call in a town on this rung at this instant, by hand or by rotation."""
    by_hand = select(OnCall.user_id).where(OnCall.town_code == town_code, OnCall.rung == rung, _running(now, now))
    turns = [stand.shifts[0].holder for stand in stands(town_code, rung, now, now + AN_INSTANT)]
    wanted = or_(User.id.in_(by_hand), User.id.in_([holder for holder in turns if holder is not None]))
    fits = select(User).where(User.active, User.role.in_(STANDS_ON[rung]), wanted)
    return list(db.session.scalars(fits.order_by(User.id)))


def by_hand(town_code: str, rung: Rung, since: datetime, until: datetime) -> list[OnCall]:
    """The turns put on by hand that touch this span, of people who may still stand on the rung."""
    query = select(OnCall).join(User, OnCall.user_id == User.id).options(joinedload(OnCall.user))
    mine = query.where(OnCall.town_code == town_code, OnCall.rung == rung, _running(since, until))
    fits = mine.where(User.active, User.role.in_(STANDS_ON[rung]))
    return list(db.session.scalars(fits.order_by(OnCall.starts_at, OnCall.id)))


def rotations(town_code: str, rung: Rung | None, since: datetime) -> list[Rotation]:
    """The town's posts that still have a shift after this instant, in the order in which they were made."""
    day = since.astimezone(HAIFENG).date()
    lives = or_(Rotation.ends_on.is_(None), Rotation.ends_on >= day - LONGEST_SHIFT)
    query = select(Rotation).where(Rotation.town_code == town_code, lives)
    query = query.where(Rotation.rung == rung) if rung else query.where(Rotation.rung.in_(STANDS_ON))
    found = db.session.scalars(query.order_by(Rotation.name, Rotation.id))
    return [row for row in found if row.ends_on is None or row.ends_on >= row.starts_on]


def stands(town_code: str, rung: Rung, since: datetime, until: datetime) -> list[Stand]:
    """Every post of a rung with its shifts over this span; a post that is over before it begins is left out."""
    rows = rotations(town_code, rung, since)
    if not rows:
        return []
    known, able_ones = calendar(rows), able(town_code, rung)
    found = [
        Stand(row, roster.shifts(post.rotation, post.overrides, known, since, until, able_ones))
        for row, post in zip(rows, posts(rows, since, until), strict=True)
    ]
    return [stand for stand in found if any(shift.gap != roster.Gap.ENDED for shift in stand.shifts)]


def shift_at(rotation: Rotation, starts_at: datetime) -> Shift | None:
    """The shift of a post that begins at this instant, which addresses name by the second; None when none does."""
    rung, until = Rung(rotation.rung), starts_at + LONGEST_SHIFT
    (post,) = posts([rotation], starts_at - LONGEST_SHIFT, until)
    found = roster.shifts(
        post.rotation, post.overrides, calendar([rotation]), starts_at - LONGEST_SHIFT, until,
        able(rotation.town_code, rung),
    )  # fmt: skip
    second = starts_at.replace(microsecond=0)
    return next((shift for shift in found if shift.starts_at.replace(microsecond=0) == second), None)


def shifts_of(user: User, since: datetime, until: datetime) -> list[tuple[Rotation, Shift]]:
    """The shifts this user holds in the span, the earliest first; one that runs over its edge is shown whole."""
    rungs = [rung for rung, roles in STANDS_ON.items() if user.role in roles]
    every = [
        stand for rung in rungs for stand in stands(user.town_code, rung, since - LONGEST_SHIFT, until + LONGEST_SHIFT)
    ]
    mine = [(stand.rotation, shift) for stand in every for shift in stand.shifts if shift.holder == user.id]
    inside = [(row, shift) for row, shift in mine if shift.ends_at > since and shift.starts_at < until]
    return sorted(inside, key=lambda pair: (pair[1].starts_at, pair[0].id))


def gaps(town_code: str, rung: Rung, since: datetime, until: datetime) -> list[Hole]:
    """The stretches in which nobody is on call on this rung. 备勤 must always be held, others once they are used."""
    rows = rotations(town_code, rung, since)
    turns = by_hand(town_code, rung, since, until)
    if rung != Rung.ON_CALL and not rows and not turns:
        return []
    also = [(turn.starts_at, turn.ends_at or until) for turn in turns]
    return roster.rung_gaps(posts(rows, since, until), calendar(rows), since, until, able(town_code, rung), also)


def held(town_code: str, rung: Rung, since: datetime, until: datetime) -> list[Held]:
    """Who is on a rung over this span, by rotation or by hand."""
    every = [shift for stand in stands(town_code, rung, since, until) for shift in stand.shifts]
    turns = by_hand(town_code, rung, since, until)
    return [
        *(Held(shift.holder, shift.starts_at, shift.ends_at) for shift in every if shift.holder is not None),
        *(Held(turn.user_id, turn.starts_at, turn.ends_at) for turn in turns),
    ]


def able(town_code: str, rung: Rung) -> frozenset[int]:
    """The ids of those of the town who may stand on this rung."""
    mine = User.area_code.startswith(town_code, autoescape=True) & User.role.in_(STANDS_ON[rung])
    return frozenset(db.session.scalars(select(User.id).where(User.active, mine)))


def posts(rows: Sequence[Rotation], since: datetime, until: datetime) -> list[Post]:
    """The rows as the rules know them, with the overrides that touch this span."""
    ids = [row.id for row in rows]
    touching = (Override.ends_at > since) & (Override.starts_at < until)
    query = select(Override).where(Override.rotation_id.in_(ids), touching).order_by(Override.made_at, Override.id)
    made = [roster.Override(o.rotation_id, o.starts_at, o.ends_at, o.user_id) for o in db.session.scalars(query)]
    return [Post(as_rule(row), [entry for entry in made if entry.rotation_id == row.id]) for row in rows]


def as_rule(row: Rotation) -> roster.Rotation:
    """A rotation as the rules know it."""
    cuts = tuple(time.fromisoformat(cut) for cut in row.cuts)
    return roster.Rotation(
        row.id, Rung(row.rung), row.name, tuple(row.members), row.starts_on, row.ends_on, cuts, row.turn, Days(row.days)
    )


def calendar(rows: Sequence[Rotation]) -> Calendar:
    """The holidays, or an empty calendar when none of these rotations asks for them."""
    if all(row.days == Days.ALL for row in rows):
        return Calendar()
    return whole_calendar()


def whole_calendar() -> Calendar:
    """The holidays that are known, and for which years."""
    days = list(db.session.scalars(select(CalendarDay)))
    return Calendar(
        frozenset(row.day for row in days if row.kind == "rest"),
        frozenset(row.day for row in days if row.kind == "work"),
        frozenset(db.session.scalars(select(CalendarYear.year))),
    )


def _running(since: datetime, until: datetime) -> ColumnElement[bool]:
    return (OnCall.starts_at <= until) & or_(OnCall.ends_at.is_(None), OnCall.ends_at > since)

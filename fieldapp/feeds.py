"""Calendar feeds: a secret address per person, or per officer for the whole town, that a phone's calendar reads."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from fieldapp import oncall
from fieldapp.db import db
from fieldapp.errors import Conflict, NotAllowed
from fieldapp.models import Feed, User
from fieldapp.oncall import STANDS_ON
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import WORKS_DESK

WEEKS = timedelta(weeks=8)


@dataclass(frozen=True)
class Entry:
    """A line of a calendar. `uid` is the same as long as the shift begins at the same time on the same post."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    rung: Rung
    post: str = ""
    holder: str = ""  # none: nobody is on call


def current(user: User, whole_town: bool) -> Feed | None:
    """The feed this user has; its address is known only to whoever was shown it."""
    return db.session.scalar(_live(user, whole_town))


def make(user: User, whole_town: bool, instead_of: int, now: datetime) -> str:
    """A new address, shown once; the old one is dead. Raises Conflict when it was changed meanwhile, or NotAllowed."""
    if whole_town and not user.plays(WORKS_DESK):
        raise NotAllowed("role")
    db.session.get(User, user.id, with_for_update=True)
    old = current(user, whole_town)
    if (old.id if old else 0) != instead_of:
        raise Conflict("feed_changed")
    end(user, whole_town, now)
    token = secrets.token_urlsafe(32)
    db.session.add(Feed(user_id=user.id, whole_town=whole_town, token_hash=_digest(token), created_at=now))
    return token


def end(user: User, whole_town: bool, now: datetime) -> None:
    """The address stops working."""
    for old in db.session.scalars(_live(user, whole_town)):
        old.revoked_at = now


def of_token(token: str) -> Feed | None:
    """The feed behind an address; None when it is unknown, was replaced, or its owner may no longer see it."""
    query = select(Feed).where(Feed.token_hash == _digest(token), Feed.revoked_at.is_(None))
    found = db.session.scalar(query.options(joinedload(Feed.user)))
    if found is None or not found.user.active or (found.whole_town and not found.user.plays(WORKS_DESK)):
        return None
    return found


def entries(feed: Feed, now: datetime) -> list[Entry]:
    """The shifts of the next eight weeks: one's own, or the town's with the stretches nobody holds."""
    if not feed.whole_town:
        return [*_own_by_hand(feed.user, now), *_own(feed.user, now)]
    return [entry for rung in STANDS_ON for entry in _of_town(feed.user.town_code, rung, now)]


def _own(user: User, now: datetime) -> list[Entry]:
    return [
        Entry(
            _uid("shift", row.id, shift.starts_at), shift.starts_at, shift.ends_at, Rung(row.rung), row.name, user.name
        )
        for row, shift in oncall.shifts_of(user, now, now + WEEKS)
    ]


def _own_by_hand(user: User, now: datetime) -> list[Entry]:
    rungs = [rung for rung, roles in STANDS_ON.items() if user.role in roles]
    return [entry for rung in rungs for entry in _by_hand(user.town_code, rung, now) if entry.holder == user.name]


def _of_town(town_code: str, rung: Rung, now: datetime) -> list[Entry]:
    stands = oncall.stands(town_code, rung, now - oncall.LONGEST_SHIFT, now + WEEKS)
    held = [
        (stand.rotation, shift) for stand in stands for shift in stand.shifts if shift.holder and shift.ends_at > now
    ]
    names = dict(db.session.execute(select(User.id, User.name).where(User.id.in_({s.holder for _, s in held}))).all())
    found = [
        Entry(_uid("shift", row.id, s.starts_at), s.starts_at, s.ends_at, rung, row.name, names[s.holder or 0])
        for row, s in held
    ]
    gaps = [Entry(_uid("gap", rung, hole.starts_at), hole.starts_at, hole.ends_at, rung)
            for hole in oncall.gaps(town_code, rung, now, now + WEEKS)]  # fmt: skip
    return [*_by_hand(town_code, rung, now), *found, *gaps]


def _by_hand(town_code: str, rung: Rung, now: datetime) -> list[Entry]:
    """Turns put on by hand that have an end; one without is not a date in a calendar."""
    return [
        Entry(f"turn-{turn.id}", turn.starts_at, turn.ends_at, rung, "", turn.user.name)
        for turn in oncall.by_hand(town_code, rung, now, now + WEEKS)
        if turn.ends_at
    ]


def _uid(kind: str, of: object, starts_at: datetime) -> str:
    return f"{kind}-{of}-{int(starts_at.timestamp())}"


def _live(user: User, whole_town: bool) -> Select[Feed]:
    mine = (Feed.user_id == user.id) & (Feed.whole_town == whole_town)
    return select(Feed).where(mine, Feed.revoked_at.is_(None)).order_by(Feed.id.desc())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

"""Who is on call now in a town, and putting people on or taking them off."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from fieldapp import alerting, scope
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import OnCall, User
from fieldapp.rules.escalation import Rung

RUNGS = alerting.STANDS_ON
MOST_HOURS = 24 * 7


@dataclass(frozen=True)
class Turn:
    """One person on call, and how many of his or her devices a push can reach."""

    entry: OnCall
    devices: int


def turns(user: User, rung: Rung, now: datetime) -> list[Turn]:
    """Who is on call on this rung of the user's town, the longest on first."""
    query = _running(user, now).where(OnCall.rung == rung).order_by(OnCall.starts_at, OnCall.id)
    entries = db.session.scalars(query.options(joinedload(OnCall.user)))
    return [Turn(entry, len(alerting.usable_subscriptions(entry.user, now))) for entry in entries if entry.user.active]


def free(user: User, rung: Rung, now: datetime) -> list[User]:
    """Those of the town who could be put on this rung and are not on it."""
    busy = [turn.entry.user_id for turn in turns(user, rung, now)]
    query = scope.people(user).where(User.active, User.role.in_(RUNGS[rung]), User.id.not_in(busy))
    return list(db.session.scalars(query.order_by(User.name)))


def put_on(actor: User, rung: Rung, user_id: int, hours: int | None, now: datetime) -> OnCall:
    """Put a person on call from now on, for so many hours or until taken off. Raises Invalid."""
    if user_id not in {person.id for person in free(actor, rung, now)}:
        raise Invalid({"user": "not_free"})
    if hours is not None and not 1 <= hours <= MOST_HOURS:
        raise Invalid({"hours": "out_of_range"})
    ends = now + timedelta(hours=hours) if hours else None
    entry = OnCall(town_code=actor.town_code, user_id=user_id, rung=rung, starts_at=now, ends_at=ends)
    db.session.add(entry)
    return entry


def take_off(actor: User, entry_id: int, now: datetime) -> None:
    """End a turn now; the row stays as a record of who was on call when. Raises NotHere for another town's."""
    entry = db.session.scalar(_running(actor, now).where(OnCall.id == entry_id))
    if entry is None:
        raise NotHere(str(entry_id))
    entry.ends_at = now


def _running(user: User, now: datetime) -> Select[OnCall]:
    running = (OnCall.starts_at <= now) & or_(OnCall.ends_at.is_(None), OnCall.ends_at > now)
    return select(OnCall).where(OnCall.town_code == user.town_code, running)


def end_all(person: User, now: datetime) -> None:
    """Somebody left or changed roles: no turn of his or hers runs on."""
    running = or_(OnCall.ends_at.is_(None), OnCall.ends_at > now)
    for entry in db.session.scalars(select(OnCall).where(OnCall.user_id == person.id, running)):
        entry.ends_at = now

"""接班前验证: before a shift each device of its holder proves itself by a push that needs a tap."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from fieldapp import addresses, alerting, clock, messages, oncall
from fieldapp.addresses import Address, Ways
from fieldapp.db import db, writing
from fieldapp.models import Alert, Contact, Delivery, Purpose, Rotation, User
from fieldapp.rules.escalation import Rung
from fieldapp.rules.reachability import ASK_BEFORE, FRESH, Reach, of_person

LASTS = timedelta(minutes=60)
MOST_A_DAY = 10
_PROOF = text("alerts.purpose = 'proof'")  # as its partial index says it


def ask(user: User, when: str, once: str, now: datetime) -> Alert | None:
    """Ask every device of this user for a tap; None when that was asked before (`once`)."""
    return alerting.raise_to(user, Purpose.PROOF, messages.proof(when), now, once, LASTS)


def ask_now(user: User, now: datetime) -> Alert | None:
    """The same because somebody wants to know: at most once a minute, and ten times a day."""
    mine = select(func.count()).select_from(Alert).where(_PROOF, Alert.raised_at > now - FRESH)
    if (db.session.scalar(mine.where(Alert.once.startswith(f"proof:{user.id}:"))) or 0) >= MOST_A_DAY:
        return None
    return ask(user, "", f"proof:{user.id}:{now:%Y%m%d%H%M}", now)


def ask_before_shifts(now: datetime) -> None:
    """Ask the holder of every shift that begins within the hour, once per shift, whichever worker comes first."""
    due = [(user, at) for user, at in _beginning(now) if not _asked(_once(user, at))]
    db.session.rollback()
    for user, at in due:
        with writing():
            found = db.session.get(User, user)
            if found is not None and found.active:
                ask(found, f"{clock.local(at):%H:%M}", _once(user, at), now)


def standing(people: Sequence[User], now: datetime) -> dict[int, Reach]:
    """Whether each of these people can be reached, by user id."""
    return by_ways(addresses.ways(people, now), now)


def by_ways(ways: Mapping[int, Ways], now: datetime) -> dict[int, Reach]:
    """The same where the ways to them are at hand already."""
    asked = _last_asked(list(ways), now)
    return {
        user_id: of_person(
            [_proved(address) for found in way.by_kind.values() for address in found], asked.get(user_id), now
        )
        for user_id, way in ways.items()
    }


def _proved(address: Address) -> datetime | None:
    """When it was last proved; what was proved before its gateway failed proves nothing now."""
    return None if isinstance(address, Contact) and address.gateway.trouble else address.proved_at


def _once(user_id: int, at: datetime) -> str:
    return f"proof:{user_id}:{at:%Y%m%dT%H%M%S}"


def _asked(once: str) -> bool:
    return db.session.scalar(select(Alert.id).where(Alert.once == once)) is not None


def _beginning(now: datetime) -> Iterable[tuple[int, datetime]]:
    """Who comes on when, of all towns, as user ids. Whom somebody puts on by hand is asked there and then."""
    until = now + ASK_BEFORE
    towns = db.session.execute(select(Rotation.town_code, Rotation.rung).distinct()).all()
    for town_code, rung in towns:
        for stand in oncall.stands(town_code, Rung(rung), now, until):
            for shift in stand.shifts:
                if shift.holder is not None and now < shift.starts_at <= until:
                    yield shift.holder, shift.starts_at


def _last_asked(user_ids: Sequence[int], now: datetime) -> dict[int, datetime]:
    query = (
        select(Delivery.user_id, func.max(Alert.raised_at))
        .join(Alert, Delivery.alert_id == Alert.id)
        .where(Delivery.user_id.in_(user_ids), _PROOF, Alert.raised_at > now - FRESH)
        .group_by(Delivery.user_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}

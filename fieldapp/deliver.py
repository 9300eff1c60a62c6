"""One delivery from claim to result. A claim is a lease with a fence: a late result of an old try changes nothing."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, or_, select, update
from sqlalchemy.orm import selectinload

from fieldapp import accounts, alerting, links, messages, reach, tallies
from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.channels.message import Message
from fieldapp.channels.webpush import Address, Push, origin_of
from fieldapp.db import db, table_of, writing
from fieldapp.models import Alert, AlertState, Area, Case, Contact, Delivery, Gateway, Purpose, PushSubscription, User
from fieldapp.rules import escalation
from fieldapp.rules.delivery import HOPELESS, WAITING, DeliveryState
from fieldapp.rules.severity import COLOUR
from fieldapp.vitals import IS_WAITING

log = logging.getLogger(__name__)
_failing: dict[UUID, datetime] = {}  # alerts whose step failed in this process, and when: others get their turn first

LEASE = timedelta(seconds=30)  # three times as long as a send may take
BATCH = 20
LOOKED_THROUGH = 2000  # of the longest waiting, in search of calls: more would take longer than sending them
FAILED_FOR = timedelta(seconds=30)
GATEWAY = "gateway:"  # how a gateway is named where a push service is named by its origin
TELLS = frozenset({Purpose.ANSWER, Purpose.NOTICE})  # nobody need be woken
BY_LINK = frozenset({Purpose.DRILL, Purpose.PROOF})  # what is confirmed on a page of its own


@dataclass(frozen=True)
class Parcel:
    """What goes out through a gateway; its settings and the address are still sealed."""

    kind: str
    settings: str
    address: str
    message: Message


@dataclass(frozen=True)
class Claim:
    """A delivery that is ours for a while, and what to send. `origin` is the service it goes to."""

    delivery_id: UUID
    alert_id: UUID
    attempt: int
    channel: str
    origin: str
    what: Push | Parcel

    @property
    def push(self) -> Push:
        """The push, for a delivery that is one."""
        assert isinstance(self.what, Push)
        return self.what


@dataclass(frozen=True)
class Outcome:
    """What became of a send: no error means that the service took it."""

    claim: Claim
    error: Exception | None


def claim(
    most: int, owner: str, base_url: str, key: str, now: datetime, busy: Collection[str] = (), only: str = ""
) -> list[Claim]:
    """Lease up to `most` due deliveries, the longest waiting first: pushes, but none for services that are `busy`, or
    what goes to one service `only` (a push service by its origin, a gateway as "gateway:<id>").
    """
    if most < 1 or not _any_due(now, busy, only):
        return []
    with writing():
        found = db.session.execute(_next(most, now, busy, only)).all()
        _lease([(row.id, row.contact_id is not None or row.purpose in BY_LINK) for row in found], owner, key, now)
        ids = [row.id for row in found]
        rows = db.session.execute(_facts(), {"ids": ids}).all() if ids else []
    return [_claim(row, base_url, key, now) for row in rows]


def record(outcomes: Sequence[Outcome], owner: str, now: datetime, chance: Callable[[], float]) -> None:
    """Write what became of sends, each only where our lease still holds.

    Locks are taken in one order everywhere, case before alert before delivery, so that no two wait for each other.
    """
    if not outcomes:
        return
    with writing():
        for alert_id in sorted({o.claim.alert_id for o in outcomes if isinstance(o.error, Permanent)}):
            db.session.get(Alert, alert_id, with_for_update=True, populate_existing=True)
        ours = Delivery.id.in_([outcome.claim.delivery_id for outcome in outcomes])
        db.session.execute(select(Delivery.id).where(ours).order_by(Delivery.id).with_for_update()).all()
        _failed([outcome for outcome in outcomes if outcome.error], owner, now, chance)
        _accepted([outcome.claim for outcome in outcomes if not outcome.error], owner, now)
        tallies.count(tallies.SENT, Counter(f"{o.claim.channel} {_result(o.error)}" for o in outcomes))


def escalate(now: datetime) -> bool:
    """Call the next rung of every alert whose time is up; True when there was one."""
    due = (Alert.state == AlertState.OPEN) & (Alert.next_step_at <= now)
    return _each_alert(due, now, alerting.escalate)


def look(now: datetime) -> bool:
    """Check alerts whose devices should have shown them by now; True when there was one."""
    return _each_alert(Alert.look_at <= now, now, alerting.note_unseen)


def expire(now: datetime) -> None:
    """End deliveries that nobody can use any more."""
    query = select(Delivery.id).where(IS_WAITING, Delivery.expires_at <= now).order_by(Delivery.id)
    if db.session.scalar(query.limit(1)) is None:
        db.session.rollback()
        return
    with writing():
        over = list(db.session.scalars(query.with_for_update(skip_locked=True)))
        values = {"state": DeliveryState.EXPIRED, "error": "expired", "due_at": None, "updated_at": now}
        db.session.execute(update(Delivery).where(Delivery.id.in_(over)).values(values))


def drop_disabled(now: datetime) -> None:
    """End deliveries whose address was logged out, disabled or taken over while they waited, or whose person left."""
    dead_push = or_(PushSubscription.disabled_at.is_not(None), PushSubscription.user_id != Delivery.user_id)
    dead_contact = or_(Contact.disabled_at.is_not(None), Gateway.active.is_(False))
    waiting = select(Delivery.alert_id).where(IS_WAITING)  # as its partial index says it, or all are read
    _each_alert(Alert.id.in_(waiting.join(PushSubscription).where(dead_push)), now, alerting.drop_disabled)
    by_contact = waiting.join(Contact).join(Gateway).where(dead_contact)
    _each_alert(Alert.id.in_(by_contact), now, alerting.drop_disabled)
    left = or_(User.active.is_(False), User.role.not_in(reach.CALLABLE))
    over = (*HOPELESS, DeliveryState.ACKNOWLEDGED)
    to_them = select(Delivery.id).join(User).where(Delivery.alert_id == Alert.id, left, Delivery.state.not_in(over))
    _each_alert((Alert.state == AlertState.OPEN) & to_them.exists(), now, alerting.drop_disabled)


def waiting_gateways(now: datetime) -> list[str]:
    """The gateways that have something to take now, as origins."""
    by_contact = select(Gateway.id).join(Contact).join(Delivery, Delivery.contact_id == Contact.id)
    found = db.session.scalars(by_contact.where(_is_due(now), Contact.disabled_at.is_(None), Gateway.active).distinct())
    names = [f"{GATEWAY}{gateway_id}" for gateway_id in found]
    db.session.rollback()
    return names


def _due(now: datetime, busy: Collection[str], only: str) -> Select[UUID]:
    """Deliveries to send now: to an address that is still there, at a service that is not busy."""
    way = _by_gateway(only) if only.startswith(GATEWAY) else _by_push(busy, only)
    return select(Delivery.id).where(_is_due(now), way)


def _next(most: int, now: datetime, busy: Collection[str], only: str) -> Select[*tuple[Any, ...]]:
    """The next to send, held for us. Calls overtake what nobody waits for, among the longest waiting."""
    longest = _due(now, busy, only).order_by(Delivery.due_at).limit(LOOKED_THROUGH)
    return (
        select(Delivery.id, Delivery.contact_id, Alert.purpose)
        .join(Alert, Delivery.alert_id == Alert.id)
        .where(Delivery.id.in_(longest.scalar_subquery()), _is_due(now))
        .order_by(Alert.state == AlertState.TOLD, Delivery.due_at)
        .limit(most)
        .with_for_update(of=Delivery, skip_locked=True)
    )


def _lease(found: Sequence[tuple[UUID, bool]], owner: str, key: str, now: datetime) -> None:
    """Take them, and note the hash of the link that each one's message will carry, if it carries one."""
    if not found:
        return
    table = table_of(Delivery)
    values = {"lease_owner": owner, "lease_until": now + LEASE, "attempts": table.c.attempts + 1}
    taken = update(table).where(table.c.id == bindparam("of")).values(values | {"link_hash": bindparam("hash")})
    rows = [{"of": one, "hash": links.digest(links.code(key, one)) if linked else None} for one, linked in found]
    db.session.connection().execute(taken, rows)


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Due, not over, not leased."""
    free = or_(Delivery.lease_until.is_(None), Delivery.lease_until < now)
    return and_(IS_WAITING, Delivery.due_at <= now, Delivery.expires_at > now, free)


def _by_push(busy: Collection[str], only: str) -> ColumnElement[bool]:
    # by key, delivery by delivery: a list of all usable devices would be read anew for each of them
    usable = select(PushSubscription.id).where(
        PushSubscription.id == Delivery.subscription_id,
        PushSubscription.disabled_at.is_(None),
        PushSubscription.user_id == Delivery.user_id,
    )
    for origin in busy:
        usable = usable.where(~PushSubscription.endpoint.startswith(origin + "/", autoescape=True))
    if only:
        usable = usable.where(PushSubscription.endpoint.startswith(only + "/", autoescape=True))
    return usable.exists()


def _by_gateway(only: str) -> ColumnElement[bool]:
    usable = (
        select(Contact.id)
        .join(Gateway)
        .where(Contact.id == Delivery.contact_id, Contact.disabled_at.is_(None), Gateway.active)
        .where(Gateway.id == int(only.removeprefix(GATEWAY)))
    )
    return usable.exists()


def _any_due(now: datetime, busy: Collection[str], only: str) -> bool:
    """A read first: an idle worker must not take SQLite's write lock ten times a second."""
    found = db.session.scalar(_due(now, busy, only).limit(1))
    db.session.rollback()
    return found is not None


def _each_alert(due: ColumnElement[bool], now: datetime, step: Callable[[Alert, datetime], None]) -> bool:
    """Take `step` for every alert that is due, each in a transaction of its own; True when there was one."""
    skipped = [alert_id for alert_id, since in _failing.items() if since <= now < since + FAILED_FOR]
    query = select(Alert.id, Alert.case_id).where(due, Alert.id.not_in(skipped)).order_by(Alert.raised_at)
    waiting = db.session.execute(query.limit(BATCH)).all()
    db.session.rollback()
    for alert_id, case_id in waiting:
        try:
            _step_alert(alert_id, case_id, due, now, step)
            _failing.pop(alert_id, None)
        except Exception:  # one that cannot be helped must not hold up the next, now or in half a minute
            log.exception("alert %s: step failed", alert_id)
            _failing[alert_id] = now
    return bool(waiting)


def _step_alert(
    alert_id: UUID, case: int | None, due: ColumnElement[bool], now: datetime, step: Callable[[Alert, datetime], None]
) -> None:
    with writing():
        db.session.scalar(select(Case.id).where(Case.id == case).with_for_update())
        query = select(Alert).where(Alert.id == alert_id, due).options(selectinload(Alert.deliveries))
        alert = db.session.scalar(query.with_for_update(of=Alert, skip_locked=True))
        if alert is not None:  # nobody signed, and no other worker was here meanwhile
            step(alert, now)


def _facts() -> Select[*tuple[Any, ...]]:
    """All that a claim is made of, in one read and without the session's objects: pushes go out by the hundred."""
    return (
        select(
            Delivery.id, Delivery.attempts, Delivery.expires_at, Delivery.channel,
            Alert.id.label("alert_id"), Alert.title, Alert.body, Alert.path, Alert.purpose, Alert.severity,
            Case.number, Area.name.label("place"), User.role,
            PushSubscription.endpoint, PushSubscription.p256dh, PushSubscription.auth,
            Contact.sealed.label("address"), Gateway.id.label("gateway_id"), Gateway.kind,
            Gateway.sealed.label("settings"),
        )
        .join(Alert, Delivery.alert_id == Alert.id)
        .join(User, Delivery.user_id == User.id)
        .outerjoin(Case, Alert.case_id == Case.id)
        .outerjoin(Area, Case.area_code == Area.code)
        .outerjoin(PushSubscription, Delivery.subscription_id == PushSubscription.id)
        .outerjoin(Contact, Delivery.contact_id == Contact.id)
        .outerjoin(Gateway, Contact.gateway_id == Gateway.id)
        .where(Delivery.id.in_(bindparam("ids", expanding=True)))
        .order_by(Delivery.due_at)
    )  # fmt: skip


def _claim(row: Row[Any], base_url: str, key: str, now: datetime) -> Claim:
    if row.endpoint is None:
        what: Push | Parcel = Parcel(row.kind, row.settings, row.address, _message(row, base_url, key))
        return Claim(row.id, row.alert_id, row.attempts, row.channel, f"{GATEWAY}{row.gateway_id}", what)
    landing = alerting.landing(row.purpose, row.path, row.role, row.number)
    path = links.path(links.code(key, row.id)) if row.purpose in BY_LINK else landing
    notification: dict[str, object] = {
        "title": row.title,
        "body": row.body,
        "navigate": base_url + path,
        "tag": str(row.alert_id),
        "lang": "zh-CN",
        "silent": False,
        "requireInteraction": row.purpose != Purpose.ANSWER,
        "data": {"delivery": str(row.id), "token": accounts.receipt_token(key, row.id)},
    }
    push = Push(
        Address(row.endpoint, row.p256dh, row.auth),
        {"web_push": 8030, "notification": notification},
        ttl=max(60, int((row.expires_at - now).total_seconds())),
        topic=row.alert_id.hex,
    )
    return Claim(row.id, row.alert_id, row.attempts, row.channel, origin_of(row.endpoint), push)


def _message(row: Row[Any], base_url: str, key: str) -> Message:
    code = links.code(key, row.id)
    place = Area.shortened(row.place) if row.place else ""
    link, colour = base_url + links.path(code), COLOUR[row.severity]
    return Message(row.title, row.body, link, colour, place, code, urgent=row.purpose not in TELLS)


def _accepted(claims: Sequence[Claim], owner: str, now: datetime) -> None:
    """The services took them. One that was shown before its service's answer came stays what it is."""
    if not claims:
        return
    table = table_of(Delivery)
    ours = (table.c.id == bindparam("of")) & (table.c.attempts == bindparam("try")) & (table.c.lease_owner == owner)
    waiting = or_(*(table.c.state == state for state in WAITING))  # a list cannot be sent with many rows at once
    taken = (
        update(table)
        .where(ours, waiting)
        .values(
            state=DeliveryState.ACCEPTED, accepted_at=now, updated_at=now, due_at=None, error=None,
            lease_owner=None, lease_until=None,
        )
    )  # fmt: skip
    db.session.connection().execute(taken, [{"of": c.delivery_id, "try": c.attempt} for c in claims])
    well = {int(claim.origin.removeprefix(GATEWAY)) for claim in claims if claim.origin.startswith(GATEWAY)}
    if well:
        troubled = Gateway.id.in_(well) & Gateway.trouble.is_not(None)
        db.session.execute(update(Gateway).where(troubled).values(trouble=None))


def _failed(outcomes: Sequence[Outcome], owner: str, now: datetime, chance: Callable[[], float]) -> None:
    if not outcomes:
        return
    held = select(Delivery).where(
        Delivery.id.in_([outcome.claim.delivery_id for outcome in outcomes]),
        Delivery.lease_owner == owner,
        Delivery.state.in_(WAITING),
    )
    found = {delivery.id: delivery for delivery in db.session.scalars(held)}
    for outcome in outcomes:
        delivery = found.get(outcome.claim.delivery_id)
        if delivery is not None and delivery.attempts == outcome.claim.attempt:
            _settle(delivery, outcome.error, now, chance())


def _settle(delivery: Delivery, error: Exception | None, now: datetime, chance: float) -> None:
    delivery.updated_at, delivery.lease_owner, delivery.lease_until = now, None, None
    delivery.error = str(error)[:200]
    if isinstance(error, Permanent):
        delivery.state, delivery.due_at = DeliveryState.FAILED, None
        address = delivery.subscription or delivery.contact
        if isinstance(error, Gone) and address is not None:
            alerting.gone(address, str(error), messages.device_is_dead(address), now)
        if error.ours and delivery.contact is not None:
            delivery.contact.gateway.trouble = delivery.error
        alerting.way_is_closed(delivery, now)
        return
    retry_after = error.retry_after if isinstance(error, Temporary) else None
    delivery.state = DeliveryState.RETRYING
    delivery.due_at = now + escalation.retry_delay(delivery.attempts, retry_after, chance)


def _result(error: Exception | None) -> str:
    if error is None:
        return "accepted"
    return "gone" if isinstance(error, Gone) else "refused" if isinstance(error, Permanent) else "later"

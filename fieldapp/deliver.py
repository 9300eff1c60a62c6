"""One delivery from claim to result. A claim is a lease with a fence: a late result of an old try changes nothing."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import joinedload, selectinload

from fieldapp import accounts, alerting
from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.channels.webpush import Address, Push, Sender
from fieldapp.db import db, writing
from fieldapp.models import Alert, AlertState, Case, Delivery, Purpose, PushSubscription
from fieldapp.rules import escalation
from fieldapp.rules.delivery import WAITING, DeliveryState

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)  # three times as long as a send may take
BATCH = 20


@dataclass(frozen=True)
class Claim:
    """A delivery that is ours for a while, and what to send."""

    delivery_id: UUID
    alert_id: UUID
    attempt: int
    push: Push


@dataclass(frozen=True)
class Outcome:
    """What became of a send: no error means that the push service took it."""

    claim: Claim
    error: Exception | None


def claim(
    most: int, owner: str, base_url: str, key: str, now: datetime, busy: Collection[str] = (), only: str = ""
) -> list[Claim]:
    """Lease up to `most` due deliveries, the longest waiting first: none for the push services (origins) that are
    `busy`, or those for one service `only`.
    """
    if most < 1 or not _any_due(now, busy, only):
        return []
    with writing():
        due = _due(now, busy, only).order_by(Delivery.due_at).limit(most).with_for_update(skip_locked=True)
        taken = (
            update(Delivery)
            .where(Delivery.id.in_(due.scalar_subquery()))
            .values(lease_owner=owner, lease_until=now + LEASE, attempts=Delivery.attempts + 1)
            .returning(Delivery.id)
        )
        ids = list(db.session.scalars(taken.execution_options(synchronize_session=False)))
        return [_claim(delivery, base_url, key, now) for delivery in _loaded(ids)]


async def send(sender: Sender, claim: Claim) -> Outcome:
    """Send outside any transaction."""
    try:
        await sender.send(claim.push)
    except Exception as error:
        return Outcome(claim, error)
    return Outcome(claim, None)


def record(outcomes: Sequence[Outcome], owner: str, now: datetime, chance: Callable[[], float]) -> None:
    """Write what became of sends, each only where our lease still holds.

    Locks are taken in one order everywhere, case before alert before delivery, so that no two wait for each other.
    """
    if not outcomes:
        return
    with writing():
        for alert_id in sorted({o.claim.alert_id for o in outcomes if isinstance(o.error, Permanent)}):
            db.session.get(Alert, alert_id, with_for_update=True, populate_existing=True)
        held = select(Delivery).where(
            Delivery.id.in_([outcome.claim.delivery_id for outcome in outcomes]),
            Delivery.lease_owner == owner,
            Delivery.state.in_(WAITING),
        )
        found = {delivery.id: delivery for delivery in db.session.scalars(held.with_for_update(of=Delivery))}
        for outcome in outcomes:
            delivery = found.get(outcome.claim.delivery_id)
            if delivery is not None and delivery.attempts == outcome.claim.attempt:
                _settle(delivery, outcome.error, now, chance())


def escalate(now: datetime) -> bool:
    """Call the next rung of every alert whose time is up; True when there was one."""
    due = (Alert.state == AlertState.OPEN) & (Alert.next_step_at <= now)
    return _each_alert(due, now, alerting.escalate)


def look(now: datetime) -> bool:
    """Check alerts whose devices should have shown them by now; True when there was one."""
    return _each_alert(Alert.look_at <= now, now, alerting.note_unseen)


def expire(now: datetime) -> None:
    """End deliveries that nobody can use any more."""
    over = Delivery.state.in_(WAITING) & (Delivery.expires_at <= now)
    with writing():
        db.session.execute(
            update(Delivery)
            .where(over)
            .values(state=DeliveryState.EXPIRED, error="expired", due_at=None, updated_at=now)
        )


def drop_disabled(now: datetime) -> None:
    """End deliveries whose device was logged out, disabled or taken over while they waited."""
    gone = (
        select(Delivery.alert_id)
        .join(PushSubscription)
        .where(Delivery.state.in_(WAITING))
        .where(or_(PushSubscription.disabled_at.is_not(None), PushSubscription.user_id != Delivery.user_id))
    )
    _each_alert(Alert.id.in_(gone), now, alerting.drop_disabled)


def _due(now: datetime, busy: Collection[str], only: str) -> Select[UUID]:
    """Deliveries to send now: due, not over, not leased, to a device that is still there, at a service not busy."""
    free = or_(Delivery.lease_until.is_(None), Delivery.lease_until < now)
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
    live = usable.exists()
    waiting = (Delivery.state.in_(WAITING)) & (Delivery.due_at <= now) & (Delivery.expires_at > now)
    return select(Delivery.id).where(waiting, free, live)


def _any_due(now: datetime, busy: Collection[str], only: str) -> bool:
    """A read first: an idle worker must not take SQLite's write lock ten times a second."""
    found = db.session.scalar(_due(now, busy, only).limit(1))
    db.session.rollback()
    return found is not None


def _each_alert(due: ColumnElement[bool], now: datetime, step: Callable[[Alert, datetime], None]) -> bool:
    """Take `step` for every alert that is due, each in a transaction of its own; True when there was one."""
    waiting = db.session.execute(
        select(Alert.id, Alert.case_id).where(due).order_by(Alert.raised_at).limit(BATCH)
    ).all()
    db.session.rollback()
    for alert_id, case_id in waiting:
        try:
            _step_alert(alert_id, case_id, due, now, step)
        except Exception:  # one that cannot be helped must not hold up the next
            log.exception("alert %s: step failed", alert_id)
    return bool(waiting)


def _step_alert(
    alert_id: UUID, case_id: int, due: ColumnElement[bool], now: datetime, step: Callable[[Alert, datetime], None]
) -> None:
    with writing():
        db.session.scalar(select(Case.id).where(Case.id == case_id).with_for_update())
        query = select(Alert).where(Alert.id == alert_id, due).options(selectinload(Alert.deliveries))
        alert = db.session.scalar(query.with_for_update(of=Alert, skip_locked=True))
        if alert is not None:  # nobody signed, and no other worker was here meanwhile
            step(alert, now)


def _loaded(ids: list[UUID]) -> list[Delivery]:
    query = (
        select(Delivery)
        .where(Delivery.id.in_(ids))
        .order_by(Delivery.due_at)
        .options(
            joinedload(Delivery.alert).joinedload(Alert.case),
            joinedload(Delivery.user),
            joinedload(Delivery.subscription),
        )
    )
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def _claim(delivery: Delivery, base_url: str, key: str, now: datetime) -> Claim:
    alert, subscription = delivery.alert, delivery.subscription
    assert subscription is not None  # only deliveries with an address are ever queued
    notification: dict[str, object] = {
        "title": alert.title,
        "body": alert.body,
        "navigate": base_url + alerting.landing(alert, delivery.user),
        "tag": str(alert.id),
        "lang": "zh-CN",
        "silent": False,
        "requireInteraction": alert.purpose != Purpose.ANSWER,
        "data": {"delivery": str(delivery.id), "token": accounts.receipt_token(key, delivery.id)},
    }
    push = Push(
        Address(subscription.endpoint, subscription.p256dh, subscription.auth),
        {"web_push": 8030, "notification": notification},
        ttl=max(60, int((delivery.expires_at - now).total_seconds())),
        topic=alert.id.hex,
    )
    return Claim(delivery.id, alert.id, delivery.attempts, push)


def _settle(delivery: Delivery, error: Exception | None, now: datetime, chance: float) -> None:
    delivery.updated_at, delivery.lease_owner, delivery.lease_until = now, None, None
    delivery.error = str(error)[:200] if error else None
    if error is None:
        delivery.state, delivery.accepted_at, delivery.due_at = DeliveryState.ACCEPTED, now, None
        return
    if isinstance(error, Permanent):
        delivery.state, delivery.due_at = DeliveryState.FAILED, None
        if isinstance(error, Gone) and delivery.subscription:
            alerting.disable(delivery.subscription, str(error), now)
        alerting.give_up_on_rung(delivery.alert, now)
        return
    retry_after = error.retry_after if isinstance(error, Temporary) else None
    delivery.state = DeliveryState.RETRYING
    delivery.due_at = now + escalation.retry_delay(delivery.attempts, retry_after, chance)

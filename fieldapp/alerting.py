"""Alerts: raise one, call its rungs, take receipts, stop. The rows written here are the queue the worker drains."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import uuid4

from sqlalchemy import ColumnElement, inspect, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.dml import ReturningInsert

from fieldapp import cases
from fieldapp.db import db, insert
from fieldapp.errors import Conflict
from fieldapp.models import (
    TOWN,
    UNANSWERED,
    Alert,
    AlertState,
    Case,
    Delivery,
    Device,
    OnCall,
    Purpose,
    PushSubscription,
    User,
)
from fieldapp.rules import escalation
from fieldapp.rules.deadlines import Step
from fieldapp.rules.delivery import HOPELESS, RECEIPTS, SEEN, WAITING, DeliveryState, advance
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import Role

ANSWER_HORIZON = timedelta(days=3)
DEAD = frozenset({"service_404", "service_410", "bad_keys"})  # why an address will never work again
STANDS_ON = {  # a rung is for these roles; somebody whose role changed is not called by an old entry
    Rung.ON_CALL: frozenset({Role.RESPONDER, Role.GRID}),
    Rung.LEADER: frozenset({Role.LEADER}),
}


@dataclass(frozen=True)
class Message:
    """The words of an alert, worked out by the caller in the language of the place."""

    title: str
    body: str
    path: str


def raise_on_intake(case: Case, message: Callable[[Case], Message], now: datetime) -> Alert | None:
    """Call who must know of a new case at once; None when its severity calls nobody."""
    if not escalation.ON_INTAKE[case.severity]:
        return None
    alert = _new_alert(case, Purpose.INTAKE, message(case), now)
    call_rung(alert, now)
    return alert


def raise_on_dispatch(case: Case, people: Sequence[User], message: Message, now: datetime) -> Alert:
    """Call the people a case was sent to; the leader follows when none of them acknowledges."""
    alert = _new_alert(case, Purpose.DISPATCH, message, now)
    call_rung(alert, now, named=people)
    return alert


def raise_on_return(case: Case, giver: User, message: Message, now: datetime) -> Alert:
    """Nobody holds the case any more: call the others, but not the one who just gave it back."""
    alert = _new_alert(case, Purpose.RETURN, message, now)
    call_rung(alert, now, without=giver)
    return alert


def tell(case: Case, user: User, message: Message, now: datetime) -> None:
    """Let a reporter know what became of it; nothing escalates from here."""
    alert = _new_alert(case, Purpose.ANSWER, message, now)
    alert.state, alert.look_at = AlertState.TOLD, None
    _store(alert, _deliveries(alert, [user], now, ANSWER_HORIZON))


def call_rung(alert: Alert, now: datetime, named: Sequence[User] = (), without: User | None = None) -> None:
    """Call everybody on the alert's current rung, or, when none is left, hand it to the desk's red list.

    A rung with nobody on it, or nobody reachable, says so in the history and gives way at once.
    """
    step = escalation.climb(_ladder(alert), alert.rung, alert.minutes, now)
    if step.exhausted:
        _exhaust(alert, now)
        return
    wanted = list(named) or _people(alert.town_code, step.groups, now)
    people = list({user.id: user for user in wanted if without is None or user.id != without.id}.values())
    calls = _deliveries(alert, people, now, escalation.DELIVERY_HORIZON)
    reachable = any(delivery.state == DeliveryState.QUEUED for delivery in calls)
    names = [user.name for user in people]
    event = "called" if reachable else ("nobody_reachable" if people else "nobody_on_call")
    cases.record(alert.case, event, None, now, data={"rung": _rung_names(step.groups), "people": names})
    alert.next_step_at = step.look_again if reachable else now
    if not reachable:
        alert.unreached_at = alert.unreached_at or now
    elif alert.look_at is None and alert.unreached_at is None:
        alert.look_at = now + escalation.SHOWN_WITHIN
    _store(alert, calls)


def escalate(alert: Alert, now: datetime) -> None:
    """The current rung did not acknowledge in time: call the next."""
    alert.rung += 1
    call_rung(alert, now)


def note_unseen(alert: Alert, now: datetime) -> None:
    """The time for a device to confirm `shown` is up: if none did, the desk is told."""
    alert.look_at = None
    if alert.state == AlertState.OPEN and not any(delivery.state in SEEN for delivery in alert.deliveries):
        alert.unreached_at = now
        cases.record(alert.case, "unseen", None, now, data={"people": [d.user.name for d in alert.deliveries]})


def acknowledge(case: Case, user: User, now: datetime) -> None:
    """A person took the case on: every unanswered alert of the case stops climbing, and waiting sends end."""
    for alert in unanswered(case, lock=True):
        alert.state, alert.acknowledged_at, alert.acknowledged_by_id = AlertState.ACKNOWLEDGED, now, user.id
        _end(alert, now)
        for delivery in alert.deliveries:
            if delivery.user_id == user.id and delivery.state != DeliveryState.FAILED:
                _set_state(delivery, DeliveryState.ACKNOWLEDGED, now)


def stop(case: Case, now: datetime, *purposes: Purpose) -> None:
    """The case is over or went another way: its unanswered alerts (of these purposes) end without a signature."""
    for alert in unanswered(case, lock=True):
        if not purposes or alert.purpose in purposes:
            _stop(alert, now)


def supersede(case: Case, people: Sequence[User], now: datetime) -> None:
    """These people are called anew or are out of it: unanswered alerts that called nobody else need not climb."""
    ids = {user.id for user in people}
    for alert in unanswered(case, lock=True):
        named = {delivery.user_id for delivery in alert.deliveries if delivery.rung == 0}
        if alert.purpose == Purpose.DISPATCH and named <= ids:
            _stop(alert, now)


def unanswered(case: Case, lock: bool = False) -> list[Alert]:
    """The case's alerts that nobody acknowledged yet; `lock` holds them and their deliveries, read anew."""
    query = select(Alert).where(Alert.case_id == case.id, Alert.state.in_(UNANSWERED))
    if not lock:
        return list(db.session.scalars(query.options(selectinload(Alert.deliveries))))
    db.session.flush()
    fresh = {"populate_existing": True}
    held = list(db.session.scalars(query.order_by(Alert.id).with_for_update().execution_options(**fresh)))
    deliveries = select(Delivery).where(Delivery.alert_id.in_([alert.id for alert in held])).order_by(Delivery.id)
    if held:
        db.session.scalars(deliveries.with_for_update().execution_options(**fresh)).all()
    return held


def was_called(case: Case, user: User) -> bool:
    """True when an unanswered alert of this case called this user."""
    return any(delivery.user_id == user.id for alert in unanswered(case) for delivery in alert.deliveries)


def take_receipt(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    """A device confirmed `shown` or `opened` (or a person acknowledged). Late and repeated receipts are harmless."""
    if state in RECEIPTS:
        db.session.flush()
        db.session.refresh(delivery.alert, with_for_update=True)
        db.session.refresh(delivery, with_for_update=True)
        _set_state(delivery, advance(DeliveryState(delivery.state), state), now)
        if delivery.alert.state == AlertState.OPEN:
            delivery.alert.unreached_at = delivery.alert.look_at = None


def calls_others(case: Case, user: User) -> bool:
    """True while an unanswered alert is calling somebody else whom it may still reach and who has not given it back."""
    gone = {user.id, *(assignment.user_id for assignment in case.assignments if not assignment.standing)}
    deliveries = [delivery for alert in unanswered(case) for delivery in alert.deliveries]
    return any(delivery.user_id not in gone and delivery.state not in HOPELESS for delivery in deliveries)


def may_sign(delivery: Delivery, now: datetime) -> bool:
    """True while the push that carried this delivery's token is on a device that is still its user's."""
    on = delivery.subscription
    return (
        on is not None and on.user_id == delivery.user_id and on.disabled_at is None
        and on.device.revoked_at is None and on.device.expires_at > now
    )  # fmt: skip


def of_case(case: Case) -> list[Alert]:
    """Every alert of a case with its deliveries, latest first."""
    query = select(Alert).where(Alert.case_id == case.id).order_by(Alert.raised_at.desc())
    loaded = selectinload(Alert.deliveries).joinedload(Delivery.user)
    return list(db.session.scalars(query.options(loaded)))


def on_call(town_code: str, rung: Rung, now: datetime) -> list[User]:
    """Who is on call in a town on this rung at this instant."""
    running = (OnCall.starts_at <= now) & or_(OnCall.ends_at.is_(None), OnCall.ends_at > now)
    ids = select(OnCall.user_id).where(OnCall.town_code == town_code, OnCall.rung == rung, running)
    return _users(User.id.in_(ids) & User.role.in_(STANDS_ON[rung])) if rung in STANDS_ON else []


def subscribe(device: Device, endpoint: str, p256dh: str, auth: str, now: datetime) -> bool:
    """Remember where a device can be pushed; True when it is new. Any earlier address of the device is retired.

    Raises Conflict("endpoint_dead") for an address its push service has given up: the browser must make a new one.
    """
    for old in db.session.scalars(
        select(PushSubscription).where(PushSubscription.device_id == device.id, PushSubscription.endpoint != endpoint)
    ):
        disable(old, "replaced", now)
    values = {
        "user_id": device.user_id, "device_id": device.id, "endpoint": endpoint, "p256dh": p256dh, "auth": auth,
        "created_at": now, "renewed_at": now,
    }  # fmt: skip
    if db.session.scalar(_insert_once(db.engine.dialect.name), values) is not None:
        return True
    same = select(PushSubscription).where(PushSubscription.endpoint == endpoint).with_for_update()
    found = db.session.scalars(same.execution_options(populate_existing=True)).one()
    if found.disabled_why in DEAD:
        raise Conflict("endpoint_dead")
    found.user_id, found.device_id, found.p256dh, found.auth = device.user_id, device.id, p256dh, auth
    found.renewed_at, found.disabled_at, found.disabled_why = now, None, None
    return False


@lru_cache
def _insert_once(dialect: str) -> ReturningInsert[int]:
    insert_into = postgresql.insert if dialect == "postgresql" else sqlite.insert
    once = insert_into(PushSubscription).on_conflict_do_nothing(index_elements=["endpoint"])
    return once.returning(PushSubscription.id)


def disable(subscription: PushSubscription, why: str, now: datetime) -> None:
    """Stop using an address; the row stays so that its owner can be told."""
    if subscription.disabled_at is None:
        subscription.disabled_at, subscription.disabled_why = now, why


def landing(alert: Alert, user: User) -> str:
    """The page a tap opens: the desk for who sits at it, else the page the alert names."""
    on_desk = user.role == Role.DUTY and alert.purpose != Purpose.ANSWER
    return f"/desk/cases/{alert.case.number}" if on_desk else alert.path


def give_up_on_rung(alert: Alert, now: datetime) -> None:
    """The last address of a rung turned out dead: climb at once instead of waiting for nobody."""
    called = [delivery for delivery in alert.deliveries if delivery.rung == alert.rung]
    if alert.state == AlertState.OPEN and all(delivery.state in HOPELESS for delivery in called):
        alert.next_step_at, alert.unreached_at = now, alert.unreached_at or now


def drop_disabled(alert: Alert, now: datetime) -> None:
    """Waiting deliveries to devices that were disabled or are another's now end; the rung may have nobody left."""
    for delivery in alert.deliveries:
        to = delivery.subscription
        if delivery.state in WAITING and to and (to.disabled_at or to.user_id != delivery.user_id):
            _set_state(delivery, DeliveryState.FAILED, now)
            delivery.error = "device_disabled"
    give_up_on_rung(alert, now)


def usable_subscriptions(user: User, now: datetime) -> list[PushSubscription]:
    """The addresses of the user's devices that are still logged in and not disabled."""
    return _subscriptions([user], now).get(user.id, [])


def _subscriptions(people: Sequence[User], now: datetime) -> dict[int, list[PushSubscription]]:
    live = (PushSubscription.disabled_at.is_(None), Device.revoked_at.is_(None), Device.expires_at > now)
    query = select(PushSubscription).join(Device).where(PushSubscription.user_id.in_([p.id for p in people]), *live)
    found: dict[int, list[PushSubscription]] = {}
    for subscription in db.session.scalars(query.order_by(PushSubscription.id)):
        found.setdefault(subscription.user_id, []).append(subscription)
    return found


def _new_alert(case: Case, purpose: Purpose, message: Message, now: datetime) -> Alert:
    """An alert that stands in no table yet: it is written once its first calls are known."""
    return Alert(
        id=uuid4(), case_id=case.id, case=case, town_code=case.town_code, purpose=purpose, severity=case.severity,
        state=AlertState.OPEN, title=message.title[:80], body=message.body[:160], path=message.path,
        raised_at=now, rung=0, minutes=cases.minutes_for(case.severity, Step.ACKNOWLEDGE),
    )  # fmt: skip


def _store(alert: Alert, calls: Sequence[Delivery]) -> None:
    before = [] if inspect(alert).transient else list(alert.deliveries)
    if inspect(alert).transient:
        insert(alert)
    insert(*calls)
    for call in calls:
        set_committed_value(call, "alert", alert)
    set_committed_value(alert, "deliveries", [*before, *calls])


def _ladder(alert: Alert) -> tuple[tuple[Rung, ...], ...]:
    if alert.purpose == Purpose.DISPATCH:
        return escalation.ON_DISPATCH
    if alert.purpose == Purpose.RETURN:
        return escalation.ON_RETURN[alert.severity]
    return escalation.ON_INTAKE[alert.severity]


def _people(town_code: str, groups: tuple[Rung, ...], now: datetime) -> list[User]:
    found: dict[int, User] = {}
    for group in groups:
        for user in _group(town_code, group, now):
            found[user.id] = user
    return list(found.values())


def _group(town_code: str, group: Rung, now: datetime) -> list[User]:
    if group == Rung.DESK:
        return _with_role(town_code, Role.DUTY)
    found = on_call(town_code, group, now)
    if group != Rung.LEADER or any(usable_subscriptions(user, now) for user in found):
        return found
    # the leader is the last rung: when none on the roster can be reached, all the town's leaders are called
    return list({user.id: user for user in (*found, *_with_role(town_code, Role.LEADER))}.values())


def _with_role(town_code: str, role: Role) -> list[User]:
    if len(town_code) < TOWN:
        return []  # a county's code is the prefix of every town
    return _users(User.area_code.startswith(town_code, autoescape=True) & (User.role == role))


def _users(condition: ColumnElement[bool]) -> list[User]:
    return list(db.session.scalars(select(User).where(User.active, condition).order_by(User.id)))


def _deliveries(alert: Alert, people: Sequence[User], now: datetime, horizon: timedelta) -> list[Delivery]:
    """One delivery per device; somebody without any gets one that says so."""
    subscriptions = _subscriptions(people, now)
    nowhere: list[PushSubscription | None] = [None]
    return [
        _delivery(alert, user, subscription, now, horizon)
        for user in people
        for subscription in subscriptions.get(user.id) or nowhere
    ]


def _delivery(
    alert: Alert, user: User, subscription: PushSubscription | None, now: datetime, horizon: timedelta
) -> Delivery:
    reachable = subscription is not None
    return Delivery(
        id=uuid4(), alert_id=alert.id, user_id=user.id, user=user, channel="webpush", rung=alert.rung,
        subscription_id=subscription.id if subscription else None, attempts=0, created_at=now, updated_at=now,
        state=DeliveryState.QUEUED if reachable else DeliveryState.FAILED, error=None if reachable else "no_device",
        due_at=now if reachable else None, expires_at=now + horizon,
    )  # fmt: skip


def _exhaust(alert: Alert, now: datetime) -> None:
    alert.state, alert.next_step_at = AlertState.EXHAUSTED, None
    alert.unreached_at = alert.unreached_at or now
    cases.record(alert.case, "exhausted", None, now)


def _stop(alert: Alert, now: datetime) -> None:
    alert.state = AlertState.STOPPED
    _end(alert, now)


def _end(alert: Alert, now: datetime) -> None:
    alert.next_step_at = alert.look_at = None
    for delivery in alert.deliveries:
        if delivery.state in WAITING:
            _set_state(delivery, DeliveryState.EXPIRED, now)
            delivery.error = "over"


def _set_state(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    if delivery.state == state:
        return
    delivery.state, delivery.updated_at = state, now
    if state in SEEN:
        delivery.shown_at = delivery.shown_at or now
    if state not in WAITING:
        delivery.due_at = delivery.lease_owner = delivery.lease_until = None


def _rung_names(groups: tuple[Rung, ...]) -> list[str]:
    return [group.value for group in groups]

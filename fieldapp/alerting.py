"""Alerts: raise one, call its rungs, take receipts, stop. The rows written here are the queue the worker drains."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import inspect, select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from fieldapp import addresses, cases, groups, known, policies, reach, tallies
from fieldapp.addresses import Address
from fieldapp.db import db, insert, insert_once
from fieldapp.models import UNANSWERED, Alert, AlertState, Case, Delivery, Purpose, User
from fieldapp.reach import Meant
from fieldapp.rules import escalation
from fieldapp.rules.delivery import HOPELESS, RECEIPTS, SEEN, WAITING, DeliveryState, advance
from fieldapp.rules.escalation import Call, Policy, Rung
from fieldapp.rules.roles import Role
from fieldapp.rules.severity import Severity

ANSWER_HORIZON = timedelta(days=3)
TOLD_AGAIN_S = 3600


@dataclass(frozen=True)
class Message:
    """The words of an alert, worked out by the caller in the language of the place."""

    title: str
    body: str
    path: str


def raise_on_intake(case: Case, message: Callable[[Case], Message], now: datetime) -> Alert | None:
    """Call who must know of a new case at once; None when its severity calls nobody."""
    policy = policies.for_case(case, Purpose.INTAKE)
    return _raise(case, Purpose.INTAKE, policy, message(case), now) if policy.calls else None


def calls_on_intake(case: Case, severity: Severity) -> bool:
    """True when a report of this severity would call somebody."""
    return policies.choose(case.town_code, Purpose.INTAKE, severity, case.category_code).policy.calls


def raise_on_dispatch(case: Case, people: Sequence[User], message: Message, now: datetime) -> Alert:
    """Call the people a case was sent to; the leader follows when none of them acknowledges."""
    return _raise(case, Purpose.DISPATCH, policies.for_case(case, Purpose.DISPATCH), message, now, named=people)


def raise_on_return(case: Case, giver: User, message: Message, now: datetime) -> Alert:
    """Nobody holds the case any more: call the others, but not the one who just gave it back."""
    return _raise(case, Purpose.RETURN, policies.for_case(case, Purpose.RETURN), message, now, without=giver)


def tell(case: Case, user: User, message: Message, now: datetime) -> None:
    """Let a reporter know what became of it; nothing escalates from here."""
    alert = _new_alert(Purpose.ANSWER, case.town_code, case.severity, message, now, case)
    alert.state = AlertState.TOLD
    _store(alert, reach.first_way(alert, user, now, ANSWER_HORIZON))


def raise_to(
    user: User,
    purpose: Purpose,
    message: Message,
    now: datetime,
    once: str,
    lasts: timedelta,
    drill_id: int | None = None,
    severity: Severity = Severity.YELLOW,
) -> Alert | None:
    """A word to one person that belongs to no case: a drill, the proof of devices, a notice. None when the same
    (`once`) was raised before. Drills and proofs wait for a tap until they are over; every device is asked.
    """
    alert = _new_alert(purpose, user.town_code, severity, message, now)
    alert.once, alert.drill_id = once, drill_id
    tells = purpose == Purpose.NOTICE
    alert.state, alert.next_step_at = (AlertState.TOLD, None) if tells else (AlertState.OPEN, now + lasts)
    db.session.flush()
    if not insert_once(alert, "once"):
        return None
    if tells:
        _store(alert, reach.first_way(alert, user, now, lasts))
    else:
        at_once = Call((), at_once=purpose == Purpose.PROOF)
        _store(alert, reach.deliveries(alert, [Meant(user, purpose)], at_once, now, lasts))
    return alert


def call_rung(alert: Alert, now: datetime) -> None:
    """Call everybody on the alert's current rung, or, when none is left, hand it to the desk's red list.

    What came of it is in the history: also that nobody was on the rung, or nobody could be called.
    """
    policy, case = policies.of_alert(alert), alert.case
    call = policy.at(alert.rung)
    if call is None or case is None:
        _exhaust(alert, now)
        return
    if policy.round_over(alert.rung):
        alert.unreached_at = alert.unreached_at or now
        cases.record(case, "round_over", None, now)
    step = reach.climb(alert, policy, call, now)
    cases.record(case, step.event, None, now, data=_said(alert, call, step.people))
    _store(alert, step.calls)


def escalate(alert: Alert, now: datetime) -> None:
    """The current rung did not acknowledge in time: call the next. What belongs to no case is over unanswered."""
    alert.rung += 1
    call_rung(alert, now)


def call_also(alert: Alert, user: User, rung: Rung, now: datetime) -> bool:
    """Somebody came onto a rung while its alert is calling, or after it called everybody in vain: he or she is called
    as well, at once. False when that rung's turn is not yet, or this person was called in it.
    """
    policy = policies.of_alert(alert)
    calls = [call for call in policy.rungs if rung in call.who]
    now_calling = policy.at(alert.rung)
    is_due = now_calling in calls or (alert.state == AlertState.EXHAUSTED and calls)
    called = any(d.user_id == user.id and d.rung == alert.rung for d in alert.deliveries)
    if alert.case is None or not is_due or called:
        return False
    cases.record(alert.case, "called", None, now, data={"rung": [rung], "people": [user.name]})
    call = now_calling if now_calling in calls and now_calling else calls[0]
    _store(alert, reach.deliveries(alert, [Meant(user, rung)], call, now, escalation.DELIVERY_HORIZON))
    return True


def note_unseen(alert: Alert, now: datetime) -> None:
    """The time for a device to confirm `shown` is up: if none did, the desk is told."""
    alert.look_at = None
    called = reach.waits_for(alert)
    if alert.state == AlertState.OPEN and alert.case and not any(delivery.state in SEEN for delivery in called):
        alert.unreached_at = now
        names = list(dict.fromkeys(delivery.user.name for delivery in called))
        cases.record(alert.case, "unseen", None, now, data={"people": names})


def acknowledge(case: Case, user: User, now: datetime) -> None:
    """A person took the case on: alerts of the case that called this user, or anybody on duty, are answered.

    One that sends several by name goes on for those of them who have not signed; who was not named in it answers none.
    """
    for alert in unanswered(case, lock=True):
        mine = [delivery for delivery in alert.deliveries if delivery.user_id == user.id]
        if alert.purpose == Purpose.DISPATCH and not mine:
            continue
        _signed_by(alert, case, user, now)
        for delivery in mine:  # of what was never taken by a service nothing is known, not even now
            if delivery.accepted_at or delivery.state in SEEN:
                known.becomes(delivery, DeliveryState.ACKNOWLEDGED, now)


def confirm(delivery: Delivery, now: datetime) -> None:
    """我收到了, to a drill or the proof of a device: this very address works."""
    if delivery.alert.state in UNANSWERED:
        _answered(delivery.alert, delivery.user, now)
    known.becomes(delivery, DeliveryState.ACKNOWLEDGED, now)


def over(alert: Alert, now: datetime) -> None:
    """The time of a drill or a proof is up."""
    alert.state = AlertState.EXHAUSTED
    _end(alert, now)


def stop(case: Case, now: datetime, *purposes: Purpose) -> None:
    """The case is over or went another way: its unanswered alerts (of these purposes) end without a signature."""
    for alert in unanswered(case, lock=True):
        if not purposes or alert.purpose in purposes:
            _stop(alert, now)


def supersede(case: Case, people: Sequence[User], now: datetime) -> None:
    """These people are called anew or are out of it: alerts that sent others by name need not climb for them."""
    ids = {user.id for user in people}
    for alert in unanswered(case, lock=True):
        if alert.purpose == Purpose.DISPATCH and reach.awaited(alert, case) <= ids:
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


def hold(alert: Alert) -> None:
    """Lock an alert and then all its deliveries, in the order in which everybody does, and read them anew."""
    db.session.refresh(alert, with_for_update=True)
    deliveries = select(Delivery).where(Delivery.alert_id == alert.id).order_by(Delivery.id)
    db.session.scalars(deliveries.with_for_update().execution_options(populate_existing=True)).all()


def was_called(case: Case, user: User) -> bool:
    """True when an unanswered alert of this case called this user."""
    called = (delivery for alert in unanswered(case) for delivery in alert.deliveries if not delivery.copied)
    return any(delivery.user_id == user.id for delivery in called)


def take_receipt(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    """A device confirmed `shown` or `opened` (or a person acknowledged). Late and repeated receipts are harmless."""
    if state not in RECEIPTS:
        return
    db.session.flush()
    alert = delivery.alert
    hold(alert)
    if alert.purpose == Purpose.PROOF and state == DeliveryState.OPENED and delivery.subscription is not None:
        state = DeliveryState.ACKNOWLEDGED  # the tap is all that was asked for
    if state == DeliveryState.ACKNOWLEDGED and alert.case_id is None:
        confirm(delivery, now)
    known.becomes(delivery, advance(DeliveryState(delivery.state), state), now)
    known.told(delivery, state, now)
    for other in reach.not_needed(alert, delivery, now):
        known.becomes(other, DeliveryState.EXPIRED, now)
        other.error = "shown"
    if alert.state == AlertState.OPEN and not delivery.copied:
        alert.look_at = None
        if not _climbs_again(alert):  # after a whole round in vain, seeing is not enough
            alert.unreached_at = None


def calls_others(case: Case, user: User) -> bool:
    """True while an unanswered alert is calling somebody else whom it may still reach and who has not given it back."""
    gone = {user.id, *(assignment.user_id for assignment in case.assignments if not assignment.standing)}
    deliveries = [d for alert in unanswered(case) for d in alert.deliveries if not d.copied]
    return any(delivery.user_id not in gone and delivery.state not in HOPELESS for delivery in deliveries)


def may_sign(delivery: Delivery, now: datetime) -> bool:
    """True while the address that carried this delivery's token is still its user's own."""
    if delivery.contact is not None:
        return delivery.contact.user_id == delivery.user_id and delivery.contact.disabled_at is None
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


def landing(purpose: str, path: str, role: str, number: str | None) -> str:
    """The page a tap opens: the desk for who sits at it, else the page the alert names."""
    on_desk = role == Role.DUTY and number is not None and purpose != Purpose.ANSWER
    return f"/desk/cases/{number}" if on_desk else path


def way_is_closed(delivery: Delivery, now: datetime) -> None:
    """A delivery failed for good: the person's next way is tried at once; a rung with no way left gives way."""
    reach.hasten(delivery.alert, delivery, now)
    _give_up_on_rung(delivery.alert, now)


def gone(address: Address, why: str, message: Message, now: datetime) -> None:
    """An address is dead: it is used no more, and its owner is told through another one, once."""
    if address.disabled_at is not None:
        return
    addresses.disable(address, why, now)
    db.session.flush()
    owner = db.session.get(User, address.user_id)
    if owner and owner.active and addresses.reachable(owner, now):
        once = f"gone:{owner.id}:{int(now.timestamp()) // TOLD_AGAIN_S}"  # many may die together
        raise_to(owner, Purpose.NOTICE, message, now, once, ANSWER_HORIZON)


def drop_disabled(alert: Alert, now: datetime) -> None:
    """Waiting deliveries to addresses that are used no more, and all to people who may be called no more, end; the
    rung may have nobody left.
    """
    for delivery in alert.deliveries:
        left = alert.state == AlertState.OPEN and not reach.may_be_called(delivery.user)
        closed = delivery.state in WAITING and reach.is_closed(delivery)
        if (closed or left) and delivery.state not in (*HOPELESS, DeliveryState.ACKNOWLEDGED):
            known.becomes(delivery, DeliveryState.FAILED, now)
            delivery.error = "device_disabled"
            reach.hasten(alert, delivery, now)
    _give_up_on_rung(alert, now)


def _give_up_on_rung(alert: Alert, now: datetime) -> None:
    """The last way to a rung turned out closed: climb at once instead of waiting for nobody."""
    called = reach.waits_for(alert)
    if alert.state == AlertState.OPEN and alert.case_id and all(reach.helps_nobody(delivery) for delivery in called):
        alert.unreached_at = alert.unreached_at or now
        alert.next_step_at = alert.next_step_at if _climbs_again(alert) else now


def _signed_by(alert: Alert, case: Case, user: User, now: datetime) -> None:
    """One signed. When the alert sent others by name too, it goes on for them and calls this one no more."""
    kept = alert.policy or {}
    named, done = set(kept.get("named", ())), set(kept.get("without", ()))
    if not named & done:
        tallies.measure(tallies.ACKNOWLEDGED, alert.severity.word, (now - alert.raised_at).total_seconds())
    left = reach.awaited(alert, case) - {user.id} if user.id in named else set()
    if not left:
        _answered(alert, user, now)
        return
    alert.policy = kept | {"without": sorted((done | named) - left)}
    for delivery in alert.deliveries:
        if delivery.user_id not in left and delivery.state in WAITING:
            known.becomes(delivery, DeliveryState.EXPIRED, now)
            delivery.error = "over"


def _climbs_again(alert: Alert) -> bool:
    """True once everybody on the ladder was called in vain."""
    return alert.rung >= len(policies.of_alert(alert).rungs)


def _raise(
    case: Case,
    purpose: Purpose,
    policy: Policy,
    message: Message,
    now: datetime,
    named: Sequence[User] = (),
    without: User | None = None,
) -> Alert:
    cases.wake(case, now)  # what calls people is not put aside
    alert = _new_alert(purpose, case.town_code, case.severity, message, now, case)
    alert.policy = policy.as_data() | {
        "named": [user.id for user in named], "without": [without.id] if without else [],
    }  # fmt: skip
    call_rung(alert, now)
    groups.post(alert, case, now)
    return alert


def _said(alert: Alert, call: Call, people: Sequence[Meant]) -> dict[str, object]:
    """What the history keeps of a rung that was called."""
    said: dict[str, object] = {"alert": str(alert.id), "rung": list(call.who)}
    said["people"] = [meant.user.name for meant in people if not meant.copied]
    copied = [meant.user.name for meant in people if meant.copied]
    return said | ({"copied": copied} if copied else {})


def _new_alert(
    purpose: Purpose, town_code: str, severity: Severity, message: Message, now: datetime, case: Case | None = None
) -> Alert:
    """An alert that stands in no table yet: it is written once its first calls are known."""
    return Alert(
        id=uuid4(), case_id=case.id if case else None, case=case, town_code=town_code, purpose=purpose,
        severity=severity, state=AlertState.OPEN, title=message.title[:80], body=message.body[:160],
        path=message.path, raised_at=now, rung=0,
    )  # fmt: skip


def _store(alert: Alert, calls: Sequence[Delivery]) -> None:
    before = [] if inspect(alert).transient else list(alert.deliveries)
    if inspect(alert).transient:
        insert(alert)
    insert(*calls)
    for call in calls:
        set_committed_value(call, "alert", alert)
    set_committed_value(alert, "deliveries", [*before, *calls])


def _exhaust(alert: Alert, now: datetime) -> None:
    if alert.case is None:
        over(alert, now)
        return
    alert.state, alert.next_step_at = AlertState.EXHAUSTED, None
    alert.unreached_at = alert.unreached_at or now
    cases.record(alert.case, "exhausted", None, now)


def _answered(alert: Alert, user: User, now: datetime) -> None:
    alert.state, alert.acknowledged_at, alert.acknowledged_by_id = AlertState.ACKNOWLEDGED, now, user.id
    _end(alert, now)


def _stop(alert: Alert, now: datetime) -> None:
    alert.state = AlertState.STOPPED
    _end(alert, now)


def _end(alert: Alert, now: datetime) -> None:
    alert.next_step_at = alert.look_at = None
    for delivery in alert.deliveries:
        if delivery.state in WAITING and alert.purpose != Purpose.PROOF:  # each device proves itself
            known.becomes(delivery, DeliveryState.EXPIRED, now)
            delivery.error = "over"

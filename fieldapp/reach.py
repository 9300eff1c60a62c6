"""From people to deliveries: who is meant by a rung, and the ways to each, one after the other.

All the ways of one person are written at once, each with the time it is due: the next one waits for 60 seconds
without `shown` on the one before, and ends by itself when it is not needed. Nothing is kept in memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, inspect, select

from fieldapp import addresses, clock, oncall
from fieldapp.addresses import Address, Ways
from fieldapp.db import db
from fieldapp.models import TOWN, Alert, Case, Contact, Delivery, Department, Purpose, PushSubscription, User
from fieldapp.rules.delivery import HOPELESS, WAITING, DeliveryState
from fieldapp.rules.escalation import DELIVERY_HORIZON, SHOWN_WITHIN, Call, Policy, Rung, quiet_until
from fieldapp.rules.roles import IS_CALLED, Role
from fieldapp.rules.severity import Severity

CALLABLE = IS_CALLED | {Role.DUTY}
QUIET = "quiet"  # why a delivery waits: its person's quiet hours


@dataclass(frozen=True)
class Meant:
    """Somebody a rung means, and by which group or name. `copied`: told beside the others, nobody waits for it."""

    user: User
    why: str
    copied: bool = False


@dataclass(frozen=True)
class Climb:
    """What a rung came to: whom it means, the deliveries to them, and the word that the history keeps for it."""

    people: list[Meant]
    calls: list[Delivery]
    event: str


def climb(alert: Alert, policy: Policy, call: Call, now: datetime) -> Climb:
    """Call the alert's current rung. Its timers are set; nothing is written, so that a simulation can do the same.

    A rung with nobody on it, or nobody who can be called now, gives way at once; when the ladder is climbed again it
    waits, because by then somebody may have come.
    """
    people = _meant(alert, call, now)
    calls = deliveries(alert, people, call, now, DELIVERY_HORIZON)
    going = any(not delivery.copied and goes_out_now(delivery, now) for delivery in calls)
    waits = going or alert.rung >= len(policy.rungs)
    alert.next_step_at = now + timedelta(minutes=call.minutes or 0) if waits else now
    if not going:
        alert.unreached_at = alert.unreached_at or now
    elif alert.look_at is None and alert.unreached_at is None:
        alert.look_at = now + SHOWN_WITHIN
    called = any(not meant.copied for meant in people)
    return Climb(people, calls, "called" if going else "nobody_reachable" if called else "nobody_on_call")


def whom(town_code: str, call: Call, now: datetime, named: Sequence[int] = ()) -> list[Meant]:
    """Everybody a rung means, each once: as called rather than as copied, by the first that means him or her."""
    found: dict[int, Meant] = {}
    for copied, groups in ((False, call.who), (True, call.copied)):
        for group in groups:
            for user in _group(town_code, group, now, named):
                found.setdefault(user.id, Meant(user, group, copied))
    return list(found.values())


def liaisons(department: Department) -> list[User]:
    """Who speaks for a department."""
    return _users((User.department_id == department.id) & (User.role == Role.LIAISON))


def speakers(departments: Iterable[Department]) -> dict[int, list[User]]:
    """The same of several at once, by the department's id."""
    found: dict[int, list[User]] = {department.id: [] for department in departments}
    for user in _users(User.department_id.in_(found) & (User.role == Role.LIAISON)):
        found[user.department_id or 0].append(user)
    return found


def deliveries(alert: Alert, people: Sequence[Meant], call: Call, now: datetime, lasts: timedelta) -> list[Delivery]:
    """The deliveries that call these people; somebody without any address gets one that says so."""
    ways = addresses.ways((meant.user for meant in people), now)
    return [made for meant in people for made in _of_person(alert, meant, ways[meant.user.id], call, now, now + lasts)]


def first_way(alert: Alert, user: User, now: datetime, lasts: timedelta) -> list[Delivery]:
    """For what only tells: the person's first way and no other."""
    made = _of_person(
        alert, Meant(user, alert.purpose), addresses.ways([user], now)[user.id], Call(()), now, now + lasts
    )
    return [delivery for delivery in made if delivery.turn == 0]


def quiet_ends(people: Iterable[User], now: datetime) -> dict[int, datetime | None]:
    """When the quiet hours end that run now, by user id; None for who has none or is outside of them."""
    found = addresses.ways(people, now)
    return {user_id: _quiet_end(ways, now) for user_id, ways in found.items()}


def goes_out_now(delivery: Delivery, now: datetime) -> bool:
    """True for one that waits for nothing but a worker."""
    return delivery.state == DeliveryState.QUEUED and delivery.due_at is not None and delivery.due_at <= now


def hasten(alert: Alert, of: Delivery, now: datetime) -> bool:
    """A way turned out closed: the same person's next one is due at once; True when there is one."""
    later = [d for d in _other_ways(alert, of) if d.state == DeliveryState.QUEUED and d.error != QUIET]
    if not later:
        return False
    turn = min(delivery.turn for delivery in later)
    for delivery in later:
        if delivery.turn == turn and delivery.due_at is not None:
            delivery.due_at = min(delivery.due_at, now)
    return True


def not_needed(alert: Alert, shown: Delivery, now: datetime) -> list[Delivery]:
    """The person's further ways whose time has not come and need not: this one was shown. What is due already, as in a
    call by all ways at once, goes out.
    """
    waiting = (d for d in _other_ways(alert, shown) if d.state in WAITING and d.attempts == 0 and d.due_at)
    return [d for d in waiting if d.turn > shown.turn and d.due_at and d.due_at > now]


def may_be_called(person: User) -> bool:
    """True while somebody's account is in use and of a role that is ever called."""
    return person.active and person.role in CALLABLE


def is_closed(delivery: Delivery) -> bool:
    """True when its address is used no more."""
    to = delivery.subscription or delivery.contact
    put_away = delivery.contact is not None and not delivery.contact.gateway.active
    return to is not None and (to.disabled_at is not None or to.user_id != delivery.user_id or put_away)


def helps_nobody(delivery: Delivery) -> bool:
    """True for one from which no answer can come now: it failed, it is over, or its person sleeps."""
    return delivery.state in HOPELESS or (delivery.state in WAITING and delivery.error == QUIET)


def waits_for(alert: Alert) -> list[Delivery]:
    """The deliveries of the current rung from which an answer is still wanted."""
    done = (alert.policy or {}).get("without", ())
    return [d for d in alert.deliveries if d.rung == alert.rung and not d.copied and d.user_id not in done]


def awaited(alert: Alert, case: Case) -> set[int]:
    """Those this alert sends by name who hold the case, in person or for a department, and have not signed."""
    waiting = [one for one in case.assignments if one.standing and not one.acknowledged_at]
    people, departments = {one.user_id for one in waiting}, {one.department_id for one in waiting} - {None}
    first = {d.user_id: d.user for d in alert.deliveries if d.rung == 0 and not d.copied}
    return {user.id for user in first.values() if user.id in people or user.speaks_for in departments}


def _meant(alert: Alert, call: Call, now: datetime) -> list[Meant]:
    """Whom a rung of this alert means: those it was sent to by name, never the one who just gave it back."""
    kept = alert.policy or {}
    before = [] if inspect(alert).transient else alert.deliveries
    named = kept.get("named") or [delivery.user_id for delivery in before if delivery.rung == 0]
    people = whom(alert.town_code, call, now, named)
    return [meant for meant in people if meant.user.id not in kept.get("without", ())]


def _other_ways(alert: Alert, of: Delivery) -> Iterable[Delivery]:
    return (d for d in alert.deliveries if d is not of and (d.user_id, d.rung) == (of.user_id, of.rung))


def _of_person(alert: Alert, meant: Meant, ways: Ways, call: Call, now: datetime, until: datetime) -> list[Delivery]:
    made = []
    for turn, (kind, found) in enumerate(ways.in_order(call.channels)):
        due = now if call.at_once else now + turn * SHOWN_WITHIN
        held = _held_until(alert, ways, due)
        for address in found:
            made.append(_delivery(alert, meant, kind, now, until))
            made[-1].turn, made[-1].due_at, made[-1].error = turn, held or due, QUIET if held else None
            _at(made[-1], address)
    if not made:
        made.append(_delivery(alert, meant, addresses.WEBPUSH, now, until))
        made[-1].state, made[-1].error = DeliveryState.FAILED, "no_device"
    return made


def _held_until(alert: Alert, ways: Ways, now: datetime) -> datetime | None:
    """When quiet hours end that hold this alert back; they never hold a red one, nor what tries a device out."""
    if alert.severity == Severity.RED or alert.purpose in (Purpose.DRILL, Purpose.PROOF):
        return None
    return _quiet_end(ways, now)


def _quiet_end(ways: Ways, now: datetime) -> datetime | None:
    chosen = ways.preference
    return quiet_until(clock.local(now), chosen.quiet_from, chosen.quiet_to) if chosen else None


def _delivery(alert: Alert, meant: Meant, kind: str, now: datetime, until: datetime) -> Delivery:
    return Delivery(
        id=uuid4(), alert_id=alert.id, user_id=meant.user.id, user=meant.user, channel=kind, rung=alert.rung,
        why=meant.why, copied=meant.copied, state=DeliveryState.QUEUED, created_at=now, updated_at=now,
        expires_at=until, subscription_id=None, contact_id=None, turn=0, attempts=0, due_at=None, error=None,
    )  # fmt: skip


def _at(delivery: Delivery, address: Address) -> None:
    if isinstance(address, PushSubscription):
        delivery.subscription_id = address.id
    elif isinstance(address, Contact):
        delivery.contact_id = address.id


def _group(town_code: str, group: str, now: datetime, named: Sequence[int]) -> list[User]:
    kind, _, number = group.partition(":")
    if kind == Rung.NAMED:
        return _users(User.id.in_(named))
    if kind == "person":
        return _users((User.id == int(number)) & User.area_code.startswith(town_code, autoescape=True))
    if kind == "department":
        department = db.session.get(Department, int(number))
        return liaisons(department) if department and department.town_code == town_code and department.active else []
    if kind == Rung.DESK:
        return _with_role(town_code, Role.DUTY)
    return _on_duty(town_code, Rung(group), now)


def _on_duty(town_code: str, rung: Rung, now: datetime) -> list[User]:
    found = oncall.holders(town_code, rung, now)
    if rung != Rung.LEADER or any(addresses.reachable(user, now) for user in found):
        return found
    # the leader is the last rung: when none on the roster can be reached, all the town's leaders are called
    return list({user.id: user for user in (*found, *_with_role(town_code, Role.LEADER))}.values())


def _with_role(town_code: str, role: Role) -> list[User]:
    if len(town_code) < TOWN:
        return []  # a county's code is the prefix of every town
    return _users(User.area_code.startswith(town_code, autoescape=True) & (User.role == role))


def _users(condition: ColumnElement[bool]) -> list[User]:
    return list(db.session.scalars(select(User).where(User.active, condition).order_by(User.id)))

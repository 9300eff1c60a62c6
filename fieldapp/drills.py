"""演练: a whole township is called as in earnest, to see who answers, how fast, by which channel."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from fieldapp import addresses, alerting, messages, scope
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import Alert, AlertState, Area, Delivery, Drill, Purpose, User
from fieldapp.reach import CALLABLE
from fieldapp.rules.delivery import SEEN, DeliveryState

MINUTES = (5, 10, 30)
PAUSE, DAY, MOST_A_DAY = timedelta(minutes=10), timedelta(days=1), 6  # or people stop answering
_RUNS = (Alert.purpose == Purpose.DRILL) & (Alert.state == AlertState.OPEN)


@dataclass(frozen=True)
class Answer:
    """What is known of one person in a drill: after how many seconds and by which channel he or she answered."""

    person: User
    seconds: float | None
    channel: str | None
    over: bool
    deliveries: tuple[Delivery, ...]

    @property
    def seen(self) -> bool:
        """At least one device showed it."""
        return any(delivery.state in SEEN for delivery in self.deliveries)


@dataclass(frozen=True)
class Result:
    """A drill and what became of it, who did not answer first, then by name: nobody is ranked."""

    drill: Drill
    answers: tuple[Answer, ...]
    running: bool

    @property
    def called(self) -> int:
        """How many there was a way to."""
        return sum(any(delivery.error != "no_device" for delivery in answer.deliveries) for answer in self.answers)

    @property
    def answered(self) -> int:
        """How many pressed the button."""
        return sum(answer.seconds is not None for answer in self.answers)

    @property
    def median_s(self) -> float | None:
        """Half of those who answered were as fast as this (seconds)."""
        times = [answer.seconds for answer in self.answers if answer.seconds is not None]
        return median(times) if times else None

    @property
    def by_channel(self) -> list[tuple[str, int]]:
        """How many answered by each channel, the most used first."""
        return Counter(answer.channel for answer in self.answers if answer.channel).most_common()


def start(actor: User, note: str, minutes: int, now: datetime) -> Drill:
    """Call everybody of the actor's town who may ever be called. Raises Invalid, also while one is running."""
    db.session.get(Area, actor.town_code, with_for_update={"key_share": True})
    may_start(actor, minutes, now)
    lasts = timedelta(minutes=minutes)
    note = " ".join(note.split())[:60]
    drill = Drill(
        town_code=actor.town_code, note=note, started_by_id=actor.id, started_at=now, ends_at=now + lasts
    )  # fmt: skip
    db.session.add(drill)
    db.session.flush()
    for person in db.session.scalars(_takes_part(actor).order_by(User.id)).all():
        alerting.raise_to(
            person, Purpose.DRILL, messages.drill(note), now, f"drill:{drill.id}:{person.id}", lasts, drill.id
        )
    return drill


def may_start(actor: User, minutes: int, now: datetime) -> None:
    """Raises Invalid for a time that is not offered, too soon after the last drill, and while one is running."""
    if minutes not in MINUTES:
        raise Invalid({"minutes": "out_of_range"})
    before = select(Drill.started_at).where(Drill.town_code == actor.town_code, Drill.started_at > now - DAY)
    starts = list(db.session.scalars(before))
    if len(starts) >= MOST_A_DAY or any(now - at < PAUSE for at in starts):
        raise Invalid({"drill": "drill_too_soon"})
    if db.session.scalar(select(Alert.id).where(Alert.town_code == actor.town_code, _RUNS).limit(1)) is not None:
        raise Invalid({"drill": "drill_running"})


def would_call(actor: User, now: datetime) -> tuple[int, int]:
    """How many people a drill would be for, and to how many of them there is any way now."""
    people = db.session.scalars(_takes_part(actor)).all()
    return len(people), sum(bool(ways.by_kind) for ways in addresses.ways(people, now).values())


def ended(alert: Alert, now: datetime) -> bool:
    """True for an alert of a drill that is over."""
    drill = db.session.get(Drill, alert.drill_id) if alert.drill_id else None
    return drill is not None and drill.ends_at <= now


def participant(actor: User, user_id: int) -> User | None:
    """Somebody of the actor's town who may ever be called."""
    return db.session.scalar(_takes_part(actor).where(User.id == user_id))


def end(actor: User, drill_id: int, now: datetime) -> None:
    """End it before its time. Raises NotHere for another town's."""
    drill = find(actor, drill_id)
    drill.ends_at = min(drill.ends_at, now)
    waiting = select(Alert).where(Alert.drill_id == drill.id, Alert.state == AlertState.OPEN)
    for alert in db.session.scalars(waiting.with_for_update()):
        alerting.over(alert, now)


def of_town(actor: User, most: int = 20) -> list[Drill]:
    """The drills of the actor's town, the latest first."""
    query = select(Drill).where(Drill.town_code == actor.town_code).order_by(Drill.started_at.desc())
    return list(db.session.scalars(query.limit(most).options(joinedload(Drill.started_by))))


def find(actor: User, drill_id: int) -> Drill:
    """One of them. Raises NotHere."""
    found = db.session.scalar(select(Drill).where(Drill.id == drill_id, Drill.town_code == actor.town_code))
    if found is None:
        raise NotHere(str(drill_id))
    return found


def result(drill: Drill, now: datetime) -> Result:
    """Who answered, how fast, by which channel."""
    query = select(Alert).where(Alert.drill_id == drill.id)
    loaded = selectinload(Alert.deliveries).joinedload(Delivery.user)
    answers = [_answer(alert) for alert in db.session.scalars(query.options(loaded))]
    running = drill.ends_at > now and any(not answer.over for answer in answers)
    ordered = sorted(answers, key=lambda answer: (answer.seconds is not None, answer.person.name))
    return Result(drill, tuple(ordered), running)


def _takes_part(actor: User) -> Select[User]:
    return scope.people(actor).where(User.active, User.role.in_(CALLABLE))


def _answer(alert: Alert) -> Answer:
    pressed = _pressed(alert.deliveries)
    took = (alert.acknowledged_at - alert.raised_at).total_seconds() if alert.acknowledged_at else None
    channel = pressed.channel if pressed else None
    over = alert.state != AlertState.OPEN
    return Answer(alert.deliveries[0].user, took, channel, over, tuple(alert.deliveries))


def _pressed(deliveries: Sequence[Delivery]) -> Delivery | None:
    return next((delivery for delivery in deliveries if delivery.state == DeliveryState.ACKNOWLEDGED), None)

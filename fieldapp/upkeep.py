"""Beside its work, a worker shows that it lives, ends what is over, audits, and tells the dead-man that all is well."""

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select

from fieldapp import auditor, deadman, deliver, notes, tallies
from fieldapp.config import Settings
from fieldapp.db import db, writing
from fieldapp.models import Delivery, Heartbeat
from fieldapp.rules.delivery import DeliveryState
from fieldapp.vitals import ALERTS, IS_WAITING

FORGET_AFTER = timedelta(minutes=10)
LATELY = timedelta(hours=1)
REFUSED = "webpush refused"  # the label of the tally
REFUSALS = "push_refusals"  # the row that all workers share


def beat(name: str, kind: str, now: datetime) -> None:
    """Write that this worker lives, and what ails sending if anything does; forget workers long gone."""
    trouble = _trouble(now) if kind == ALERTS else None  # before the lock is taken
    with writing():
        db.session.merge(Heartbeat(worker=name, kind=kind, at=now, trouble=trouble))
        gone = or_(Heartbeat.at < now - FORGET_AFTER, Heartbeat.at > now + FORGET_AFTER)  # or the clock went back
        db.session.execute(delete(Heartbeat).where(gone))


def leave(name: str) -> None:
    """A worker that stops on purpose takes its sign of life with it."""
    with writing():
        db.session.execute(delete(Heartbeat).where(Heartbeat.worker == name))


def audit(now: datetime) -> None:
    """End what nobody can use any more, then look for what should never be (see auditor.py)."""
    if _any_over(now):
        deliver.expire(now)
    deliver.drop_disabled(now)
    auditor.audit(now)


def report_health(settings: Settings, now: datetime) -> None:
    """Once a minute, and only while all is well, whoever watches from outside hears of it (see deadman.py)."""
    deadman.tell(settings, now)


def _any_over(now: datetime) -> bool:
    """A read first: an idle worker must not take SQLite's write lock every few seconds."""
    over = select(Delivery.id).where(and_(IS_WAITING, Delivery.expires_at <= now))
    found = db.session.scalar(over.limit(1))
    db.session.rollback()
    return found is not None


def _trouble(now: datetime) -> str | None:
    """Our own configuration refused by a push service in the last hour: the desk must know.

    Which refusal it was is looked up among all deliveries, so only when there were more of them than last time.
    """
    refusals = tallies.totals(tallies.SENT).get(REFUSED, (0, 0.0))[0]
    known, why, at = (notes.read(REFUSALS) or "0 - 0").split()
    if int(known) != refusals:
        why, at = _refusal(now)
        with writing():
            notes.hold(REFUSALS).value = f"{refusals} {why} {at}"
    lately = abs(now.timestamp() - float(at)) < LATELY.total_seconds()
    return why if lately and why != "-" else None


def _refusal(now: datetime) -> tuple[str, str]:
    """The latest one: what was answered, and when (seconds of the epoch)."""
    ours = ("service_400", "service_401", "service_403", "service_413", "payload_too_large")
    failed = (Delivery.state == DeliveryState.FAILED, Delivery.updated_at > now - LATELY, Delivery.error.in_(ours))
    query = select(Delivery.error, Delivery.updated_at).where(*failed).order_by(Delivery.updated_at.desc())
    found = db.session.execute(query.limit(1)).first()
    return (str(found.error), f"{found.updated_at.timestamp():.0f}") if found else ("-", "0")

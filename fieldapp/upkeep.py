"""Beside its work, a worker shows that it lives, and checks that no alert is stuck."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update

from fieldapp import deliver
from fieldapp.db import db, writing
from fieldapp.models import Alert, AlertState, Delivery, Heartbeat
from fieldapp.rules.delivery import DeliveryState

FORGET_AFTER = timedelta(minutes=10)


def beat(name: str, kind: str, now: datetime) -> None:
    """Write that this worker lives, and what ails sending if anything does; forget workers long gone."""
    with writing():
        db.session.merge(Heartbeat(worker=name, kind=kind, at=now, trouble=_trouble(now) if kind == "alerts" else None))
        gone = or_(Heartbeat.at < now - FORGET_AFTER, Heartbeat.at > now + FORGET_AFTER)  # or the clock went back
        db.session.execute(delete(Heartbeat).where(gone))


def leave(name: str) -> None:
    """A worker that stops on purpose takes its sign of life with it."""
    with writing():
        db.session.execute(delete(Heartbeat).where(Heartbeat.worker == name))


def audit(now: datetime) -> None:
    """Every open alert must have a future step; one that has none (a fault of ours) is made due at once."""
    deliver.expire(now)
    deliver.drop_disabled(now)
    with writing():
        db.session.execute(
            update(Alert).where(Alert.state == AlertState.OPEN, Alert.next_step_at.is_(None)).values(next_step_at=now)
        )


def _trouble(now: datetime) -> str | None:
    """Our own configuration refused by a push service in the last hour: the desk must know."""
    refused = ("service_400", "service_401", "service_403", "service_413", "payload_too_large")
    query = select(Delivery.error).where(
        Delivery.state == DeliveryState.FAILED,
        Delivery.error.in_(refused),
        Delivery.updated_at > now - timedelta(hours=1),
    )
    return db.session.scalar(query.limit(1))

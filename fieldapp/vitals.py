"""How well the machinery is: the age of its queues and of its workers' last signs, read at the moment of asking.

Every read is served by a partial index over what is still waiting, so it costs the same beside a million rows.
"""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Select, and_, func, or_, select, text

from fieldapp import groups
from fieldapp.db import db
from fieldapp.models import IS_UNANSWERED, Alert, Delivery, Gateway, GroupPost, Heartbeat

ALERTS, PHOTOS = "alerts", "photos"
SILENT_AFTER = {ALERTS: timedelta(seconds=20), PHOTOS: timedelta(seconds=30)}
"""Four signs missed, so that every desk says it within 30 s; one picture alone may keep the photo worker for 22 s."""

LATE = timedelta(seconds=60)
"""What has been due for so long is not merely waiting for its turn."""

CLOCKS_DIFFER = timedelta(seconds=10)
DISK_NEEDED = 200 * 1024 * 1024
MOST = 1000  # more of one kind are counted as so many

# spelt out as in the tables' partial indexes, or the database does not see that they serve
IS_OPEN = text("alerts.state = 'open'")
IS_WAITING = text("deliveries.state IN ('queued', 'failed-temporary')")


def worker_age(now: datetime, kind: str) -> float:
    """Seconds since a worker of this kind last gave a sign of life; infinite when none ever did."""
    believable = Heartbeat.at <= now + CLOCKS_DIFFER  # one from before the clock was set back says nothing
    last = db.session.scalar(select(func.max(Heartbeat.at)).where(Heartbeat.kind == kind, believable))
    return max(0.0, (now - last).total_seconds()) if last else 1e9


def lives(now: datetime, kind: str) -> bool:
    """True while a worker of this kind gives signs of life."""
    return worker_age(now, kind) < SILENT_AFTER[kind].total_seconds()


def disk_is_fine(folder: Path) -> bool:
    """True while there is room for more photos and for the database to grow."""
    return shutil.disk_usage(folder).free > DISK_NEEDED


def delivery_age(now: datetime) -> float:
    """Seconds that the delivery which has been due for longest has waited; 0 when none is due."""
    due = and_(IS_WAITING, Delivery.due_at <= now, Delivery.expires_at > now)
    return _age(now, db.session.scalar(select(Delivery.due_at).where(due).order_by(Delivery.due_at).limit(1)))


def step_age(now: datetime) -> float:
    """Seconds that the step of an alert which has been due for longest has waited; 0 when none is due."""
    due = and_(IS_OPEN, Alert.next_step_at <= now)
    return _age(now, db.session.scalar(select(Alert.next_step_at).where(due).order_by(Alert.next_step_at).limit(1)))


def post_age(now: datetime) -> float:
    """Seconds that the oldest line for a group has waited; 0 when none waits."""
    waits = and_(groups.WAITS, GroupPost.expires_at > now)
    return _age(now, db.session.scalar(select(func.min(GroupPost.created_at)).where(waits)))


def stuck_alerts(now: datetime) -> int:
    """Open alerts that have no next step, or whose step nobody took in time."""
    stuck = or_(Alert.next_step_at.is_(None), Alert.next_step_at < now - LATE)
    return counted(select(Alert.id).where(and_(IS_OPEN, stuck)))


def unreached() -> int:
    """Unanswered alerts on a desk's red list."""
    on_list = or_(Alert.state == "exhausted", Alert.unreached_at.is_not(None))
    return db.session.scalar(select(func.count()).select_from(Alert).where(and_(IS_UNANSWERED, on_list))) or 0


def gateways_in_trouble() -> list[str]:
    """The gateways whose service last refused or did not answer, by kind and number: "wecombot 3"."""
    query = select(Gateway.kind, Gateway.id).where(Gateway.active, Gateway.trouble.is_not(None)).order_by(Gateway.id)
    return [f"{kind} {gateway_id}" for kind, gateway_id in db.session.execute(query.limit(MOST))]


def push_trouble() -> str | None:
    """What a push service holds against our configuration, as the alert worker last noted it."""
    query = select(Heartbeat.trouble).where(Heartbeat.kind == ALERTS, Heartbeat.trouble.is_not(None))
    return db.session.scalar(query.limit(1))


def counted(query: Select[object]) -> int:
    """How many rows a query gives, up to MOST."""
    return db.session.scalar(select(func.count()).select_from(query.limit(MOST).subquery())) or 0


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0

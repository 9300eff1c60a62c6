"""For whoever runs it: alive, ready, and the numbers to watch."""

import shutil
from datetime import datetime, timedelta

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select

from fieldapp import clock
from fieldapp.db import db
from fieldapp.models import UNANSWERED, Alert, Attachment, AttachmentState, Case, Delivery, Heartbeat
from fieldapp.rules.delivery import WAITING
from fieldapp.rules.workflow import OPEN
from fieldapp.web.security import settings

bp = Blueprint("operations", __name__)

SILENT_AFTER = timedelta(seconds=30)
CLOCKS_DIFFER = timedelta(seconds=10)
DISK_NEEDED = 200 * 1024 * 1024


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Database, workers and disk; 503 names what is wrong."""
    now = clock.now()
    checks = {
        "database": db.session.scalar(select(func.count()).select_from(Heartbeat)) is not None,
        "alert_worker": worker_age(now, "alerts") < SILENT_AFTER.total_seconds(),
        "photo_worker": worker_age(now, "photos") < SILENT_AFTER.total_seconds(),
        "disk": shutil.disk_usage(settings().instance).free > DISK_NEEDED,
    }
    ready = all(checks.values())
    body = {"status": "ok" if ready else "not ready", "checks": checks, "worker_age_s": worker_age(now, "alerts")}
    return jsonify(body), 200 if ready else 503


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Prometheus text, read from the database at the moment of asking, so that every process tells the same."""
    now, registry = clock.now(), CollectorRegistry()
    for kind in ("alerts", "photos"):
        _gauge(registry, f"fieldapp_{kind}_worker_age_seconds", f"Since the {kind} worker's last sign.",
               worker_age(now, kind))  # fmt: skip
    open_cases = select(func.count()).select_from(Case).where(Case.status.in_(OPEN))
    waiting = select(func.count(), func.min(Delivery.due_at)).where(Delivery.state.in_(WAITING))
    unanswered = select(func.count()).select_from(Alert).where(Alert.state.in_(UNANSWERED))
    undone = select(func.count()).select_from(Attachment).where(Attachment.state == AttachmentState.RECEIVED)
    count, oldest = db.session.execute(waiting).one()
    _gauge(registry, "fieldapp_open_cases", "Cases not yet over.", db.session.scalar(open_cases) or 0)
    _gauge(registry, "fieldapp_unanswered_alerts", "Alerts nobody signed.", db.session.scalar(unanswered) or 0)
    _gauge(registry, "fieldapp_deliveries_waiting", "Deliveries not yet sent.", count)
    _gauge(registry, "fieldapp_delivery_queue_age_seconds", "How long the oldest due delivery has waited.",
           max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)  # fmt: skip
    _gauge(
        registry, "fieldapp_photos_waiting", "Photos received and not yet published.", db.session.scalar(undone) or 0
    )
    return Response(generate_latest(registry), mimetype="text/plain; version=0.0.4")


def worker_age(now: datetime, kind: str) -> float:
    """Seconds since a worker of this kind last gave a sign of life; infinite when none ever did."""
    believable = Heartbeat.at <= now + CLOCKS_DIFFER  # one from before the clock was set back says nothing
    last = db.session.scalar(select(func.max(Heartbeat.at)).where(Heartbeat.kind == kind, believable))
    return max(0.0, (now - last).total_seconds()) if last else 1e9


def push_trouble() -> str | None:
    """What a push service holds against our configuration, as the alert worker last noted it."""
    query = select(Heartbeat.trouble).where(Heartbeat.kind == "alerts", Heartbeat.trouble.is_not(None))
    return db.session.scalar(query.limit(1))


def _gauge(registry: CollectorRegistry, name: str, what: str, value: float) -> None:
    Gauge(name, what, registry=registry).set(value)

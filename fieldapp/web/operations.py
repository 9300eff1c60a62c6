"""For whoever runs it: alive, ready, and the numbers to watch."""

from collections.abc import Iterable
from datetime import datetime

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy.exc import DBAPIError

from fieldapp import auditor, clock, vitals
from fieldapp.db import db
from fieldapp.rules.roles import WORKS_DESK, Role
from fieldapp.web.gauges import Gauges
from fieldapp.web.security import for_roles, settings

bp = Blueprint("operations", __name__)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Database, workers, queues and disk; 503 names what is wrong. A gateway in trouble is named and fails nothing:
    alerts go round it.
    """
    now = clock.now()
    try:
        checks, said = _checks(now), _said(now)
    except DBAPIError:
        db.session.rollback()
        checks, said = {"database": False}, {}
    ready = all(checks.values())
    body = {"status": "ok" if ready else "not ready", "checks": checks, **said}
    return jsonify(body), 200 if ready else 503


@bp.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Prometheus text, read from the database at the moment of asking, so that every process tells the same."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Gauges(clock.now()))
    return Response(generate_latest(registry), mimetype="text/plain; version=0.0.4")


@bp.get("/desk/heartbeat")
@for_roles(*WORKS_DESK, Role.ADMIN, Role.ANALYST)
def heartbeat() -> ResponseReturnValue:
    """What every officer's page asks every few seconds; the desk itself hears it with its pulse."""
    now = clock.now()
    age = vitals.worker_age(now, vitals.ALERTS)
    answer = jsonify(worker_age_s=round(min(age, 1e6)), trouble=auditor.trouble(now))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _checks(now: datetime) -> dict[str, bool]:
    late = vitals.LATE.total_seconds()
    return {
        "database": True,  # or the next line has raised
        "alert_worker": vitals.lives(now, vitals.ALERTS),
        "photo_worker": vitals.lives(now, vitals.PHOTOS),
        "disk": vitals.disk_is_fine(settings().instance),
        "due_queue": vitals.delivery_age(now) < late,
        "alerts": vitals.stuck_alerts(now) == 0,
    }


def _said(now: datetime) -> dict[str, float | int | Iterable[str]]:
    return {
        "worker_age_s": vitals.worker_age(now, vitals.ALERTS),
        "due_queue_age_s": vitals.delivery_age(now),
        "stuck_alerts": vitals.stuck_alerts(now),
        "gateways_in_trouble": vitals.gateways_in_trouble(),
    }

"""The floor: the least code that does the same work, behind the same server. `granian … bench.floor:app`.

No login, no rules, no words: the same rows by bare SQL in one durable transaction, the same bytes hashed, fsynced
and renamed, the same fifty rows through the ORM as JSON.
"""

import hashlib
import json
import os
import sqlite3
import threading
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from flask import Flask, Response, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from fieldapp import accounts, config
from fieldapp.core import create_core
from fieldapp.db import db
from fieldapp.models.case import IS_OPEN, Case
from fieldapp.seed import DEMO_TOWN

app: Flask = create_core()
SETTINGS: config.Settings = app.config["SETTINGS"]
SQLITE = SETTINGS.database_url.startswith("sqlite")
CHUNK = 256 * 1024

_mine = threading.local()
_turn = threading.Lock()  # SQLite's busy handler is unfair: writers of this one process queue here
_numbers = count(1)
_people = {"owner": 0, "called": []}

INSERTS = {
    "reports": ("id", "owner_id", "case_id", "content_hash", "text", "category_code", "severity", "area_code", "lat",
                "lon", "accuracy_m", "age_s", "position_source", "captured_at", "clock_offset_s", "received_at",
                "completed_at"),
    "cases": ("number", "town_code", "area_code", "category_code", "severity", "status", "title", "lat", "lon",
              "opened_at", "changed_at", "due_step", "due_since", "due_at", "signals", "reopened", "version"),
    "case_events": ("case_id", "at", "action", "actor_id", "result", "note", "data"),
    "alerts": ("id", "case_id", "town_code", "purpose", "severity", "state", "title", "body", "path", "raised_at",
               "rung", "policy", "next_step_at", "look_at"),
    "deliveries": ("id", "alert_id", "user_id", "subscription_id", "channel", "rung", "turn", "why",
                   "copied", "state", "attempts", "created_at", "updated_at", "due_at", "expires_at"),
}  # fmt: skip
LADDER = json.dumps({"rungs": [{"who": ["standby"], "minutes": 5, "copied": []}], "repeats": 2})
COUNTER = (
    "INSERT INTO case_counters (town_code, day, last) VALUES (?, ?, 1)"
    " ON CONFLICT (town_code, day) DO UPDATE SET last = case_counters.last + 1 RETURNING last"
)


@app.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")


@app.put("/intake/<severity>/<uuid:report_id>")
def intake(severity: str, report_id: Any) -> tuple[Response, int]:
    """The rows of one report: 4 for a blue one, 8 for a red one that calls two devices."""
    body = json.loads(request.get_data())
    connection = _connection()
    if SQLITE:
        with _turn:
            connection.execute("BEGIN IMMEDIATE")
            _write(connection, body, _id(report_id), severity == "red")
            connection.execute("COMMIT")
    else:
        with connection.transaction():
            _write(connection, body, report_id, severity == "red")
    return jsonify(id=str(report_id), complete=True), 201


@app.put("/upload/<uuid:file_id>")
def upload(file_id: Any) -> tuple[Response, int]:
    """Hash, fsync and rename; the folder's entry is on disk too."""
    request.max_content_length = SETTINGS.max_photo_bytes
    folder = SETTINGS.photo_folder
    temporary, digest = folder / f"{file_id}.part", hashlib.sha256()
    with temporary.open("xb") as target:
        while chunk := request.stream.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    place = folder / file_id.hex[-2:]
    place.mkdir(exist_ok=True)
    temporary.rename(place / str(file_id))
    _fsync(place)
    return jsonify(sha256=digest.hexdigest()), 201


@app.get("/queue")
def queue() -> Response:
    """Fifty open cases of the town, worst first, as JSON."""
    # said in the index's own words: SQLite recognises a partial index by the text, never through parameters
    query = select(Case).where(Case.town_code == DEMO_TOWN, IS_OPEN)
    query = query.order_by(Case.severity.desc(), Case.due_at, Case.id).limit(50)
    rows = db.session.scalars(query.options(joinedload(Case.area), joinedload(Case.category)))
    return jsonify(items=[_row(case) for case in rows])


def _row(case: Case) -> dict[str, Any]:
    return {
        "number": case.number, "status": case.status, "severity": int(case.severity), "version": case.version,
        "title": case.title, "area": case.area.name, "category": case.category.name if case.category else None,
        "lat": case.lat, "lon": case.lon, "opened_at": case.opened_at.isoformat(),
        "due_at": case.due_at.isoformat() if case.due_at else None, "due_step": case.due_step, "signals": case.signals,
    }  # fmt: skip


def _write(connection: Any, body: dict[str, Any], report_id: Any, red: bool) -> None:
    now, level = _time(datetime.now(UTC)), 3 if red else 1
    area, place = DEMO_TOWN, (body["position"]["lat"], body["position"]["lon"])
    digest = hashlib.sha256(request.get_data()).hexdigest()
    connection.execute(_sql(COUNTER), (area, "floor")).fetchone()
    case_id = _insert(
        connection, "cases", f"F-{os.getpid()}-{next(_numbers)}", area, area, "facility", level, "new", body["text"],
        *place, now, now, "triage", now, now, 1, 0, 1, returning="id",
    )  # fmt: skip
    owner = _people["owner"]
    _insert(
        connection, "reports", report_id, owner, case_id, digest, body["text"], "facility", level, area, *place, 12.5,
        1.0, "gps", now, 0.0, now, now,
    )  # fmt: skip
    _insert(connection, "case_events", case_id, now, "report", owner, "new", "", "{}")
    if red:
        _call(connection, case_id, now, body["text"])


def _call(connection: Any, case_id: int, now: Any, title: str) -> None:
    alert_id = _id(uuid4())
    _insert(connection, "case_events", case_id, now, "called", None, None, "", "{}")
    _insert(
        connection, "alerts", alert_id, case_id, DEMO_TOWN, "intake", 3, "open", title, title, "/tasks/1", now, 0,
        LADDER, now, now,
    )  # fmt: skip
    for user_id, subscription_id in _people["called"]:
        _insert(
            connection, "deliveries", _id(uuid4()), alert_id, user_id, subscription_id, "webpush", 0, 0, "standby",
            False, "queued", 0, now, now, now, now,
        )  # fmt: skip


def _insert(connection: Any, table: str, *values: Any, returning: str = "") -> Any:
    columns = INSERTS[table]
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    done = connection.execute(_sql(f"{sql} RETURNING {returning}" if returning else sql), values)
    return done.fetchone()[0] if returning else None


def _connection() -> Any:
    if not hasattr(_mine, "connection"):
        _mine.connection = _connected()
    return _mine.connection


def _connected() -> Any:
    if not SQLITE:
        url = SETTINGS.database_url.replace("postgresql+psycopg", "postgresql")
        connection: Any = psycopg.connect(url, autocommit=True)
    else:
        connection = sqlite3.connect(SETTINGS.database_url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
    if not _people["owner"]:
        _people["owner"] = connection.execute("SELECT id FROM users WHERE username = 'vik'").fetchone()[0]
        _people["called"] = connection.execute("SELECT user_id, id FROM push_subscriptions").fetchall()
    return connection


def _sql(text: str) -> str:
    return text if SQLITE else text.replace("?", "%s")


def _id(value: Any) -> Any:
    return value.hex if SQLITE else value


def _time(value: datetime) -> Any:
    return value.replace(tzinfo=None).isoformat(" ") if SQLITE else value


def _fsync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


SETTINGS.photo_folder.mkdir(parents=True, exist_ok=True)
accounts.secret(SETTINGS.instance, "session.key")

"""The desk's queue as HTML and as JSON beside the same fifty rows as JSON straight from the ORM. Goal: half its rate.

`--rows` is how many cases there are, one in ten of them open; each has its report.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from common import HEADERS, Caller, Town, in_turn, options, table, towns, verdict
from load import getting, load
from sqlalchemy import insert, select

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import Case, CaseEvent, Report, User
from fieldapp.rules.severity import Severity
from fieldapp.seed import DEMO_TOWN, DEMO_VILLAGE

GOAL = 0.5
BATCH = 5000
TITLES = ("井盖破损,夜间危险", "路灯不亮", "垃圾没有收", "电线垂落到路面", "巷道堆放杂物,消防车进不来")
OPEN = ("new", "accepted", "dispatched", "acknowledged", "answered")
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


def main() -> None:
    chosen = options("The queue's first page of 50 rows, 8 callers at once", rows=10_000)
    with towns(chosen.db, 2) as (town, floor):
        for one in (town, floor):
            _fill(one, chosen.rows)
        town.serves()
        floor.serves("bench.floor:app")
        _compare(town, floor, town.person("dora"), chosen.seconds)


def _compare(town: Town, floor: Town, dora: Caller, seconds: float) -> None:
    def side(port: int, path: str, headers: dict[str, str]) -> Callable[[float], dict[str, float]]:
        return lambda for_s: load(port, for_s, getting(path, headers))

    web = town.settings.port
    found = in_turn(
        {
            "floor: ORM, 50 rows as JSON": side(floor.settings.port, "/queue", HEADERS),
            "GET /desk/queue (HTML)": side(web, "/desk/queue", dora.headers),
            "GET /desk (HTML)": side(web, "/desk", dora.headers),
            "GET /desk (HTML, as a browser: compressed)": side(web, "/desk", dora.headers | BROWSER),
            "GET /api/cases (JSON)": side(web, "/api/cases?limit=50", dora.headers),
            "GET /desk/pulse (JSON)": side(web, "/desk/pulse", dora.headers),
        },
        seconds,
    )
    table(("", "per s", "p50 ms", "p95 ms", "p99 ms"),
          [(name, *(got[key] for key in ("rate", "p50", "p95", "p99"))) for name, got in found.items()])  # fmt: skip
    least = found["floor: ORM, 50 rows as JSON"]["rate"]
    for path in ("GET /desk/queue (HTML)", "GET /desk (HTML)", "GET /api/cases (JSON)"):
        verdict(f"{path} / floor", found[path]["rate"] / least, GOAL)


def _fill(town: Town, rows: int) -> None:
    """Cases over a year, one in ten open, each with its report and the first line of its history."""
    app, chance, now = town.core(), random.Random(7), clock.now()
    with app.app_context():
        vik = db.session.scalars(select(User.id).where(User.username == "vik")).one()
        for start in range(0, rows, BATCH):
            numbers = range(start + 1, min(start + BATCH, rows) + 1)
            cases = [_case(number, chance, now - timedelta(minutes=rows - number)) for number in numbers]
            with writing():
                db.session.execute(insert(Case), cases)
                db.session.execute(insert(Report), [_report(case, vik) for case in cases])
                db.session.execute(insert(CaseEvent), [_event(case, vik) for case in cases])
        with writing():
            db.session.execute(db.text("ANALYZE"))
        db.session.remove()
        db.engine.dispose()


def _case(number: int, chance: random.Random, at: datetime) -> dict[str, Any]:
    is_open = number % 10 == 0
    return {
        "id": number, "number": f"HC-BENCH-{number}", "town_code": DEMO_TOWN, "area_code": DEMO_VILLAGE,
        "category_code": "facility", "severity": Severity(chance.choice((1, 1, 1, 1, 2, 2, 3))),
        "status": chance.choice(OPEN) if is_open else "closed", "title": chance.choice(TITLES),
        "lat": 22.95 + chance.random() / 20, "lon": 115.3 + chance.random() / 20, "opened_at": at, "changed_at": at,
        "closed_at": None if is_open else at, "due_step": "triage" if is_open else None,
        "due_since": at if is_open else None, "due_at": at + timedelta(hours=1) if is_open else None,
        "signals": 1, "reopened": 0, "version": 1,
    }  # fmt: skip


def _report(case: dict[str, Any], owner: int) -> dict[str, Any]:
    return {
        "id": UUID(int=case["id"]), "owner_id": owner, "case_id": case["id"], "content_hash": "0" * 64,
        "text": case["title"], "category_code": case["category_code"], "severity": case["severity"],
        "area_code": case["area_code"], "captured_at": case["opened_at"], "clock_offset_s": 0.0,
        "received_at": case["opened_at"], "completed_at": case["opened_at"],
    }  # fmt: skip


def _event(case: dict[str, Any], owner: int) -> dict[str, Any]:
    return {
        "case_id": case["id"], "at": case["opened_at"], "action": "report", "actor_id": owner, "result": "new",
        "note": "", "data": {},
    }  # fmt: skip


if __name__ == "__main__":
    main()

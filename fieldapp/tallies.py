"""Running totals kept in the database, so that every process tells the same: sends by outcome, seconds to an answer."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from fieldapp.db import db, table_of
from fieldapp.models import Tally

BUCKETS_S = (1, 2, 5, 15, 60, 300, 900, 3600)
SENT, SHOWN, ACKNOWLEDGED = "sent", "shown", "acknowledged"


def count(name: str, counts: Mapping[str, int]) -> None:
    """Add to how often each labelled thing happened."""
    for label in counts:
        _add(name, label, counts[label], 0.0)


def measure(name: str, label: str, seconds: float) -> None:
    """Note that something took so long."""
    bucket = bisect_left(BUCKETS_S, max(0.0, seconds))
    _add(name, f"{label} {BUCKETS_S[bucket] if bucket < len(BUCKETS_S) else '+Inf'}", 1, max(0.0, seconds))


def totals(name: str) -> dict[str, tuple[int, float]]:
    """How often, and the sum of the seconds, by label."""
    return {row.label: (row.count, row.total) for row in db.session.scalars(select(Tally).where(Tally.name == name))}


def _add(name: str, label: str, often: int, seconds: float) -> None:
    """Kept until the commit: all rows are then written in one order, so that no two commits wait for each other."""
    noted = db.session.info.setdefault("tallies", {})
    count, total = noted.get((name, label[:40]), (0, 0.0))
    noted[name, label[:40]] = count + often, total + seconds


@event.listens_for(db.session, "before_commit")
def _write(session: Session) -> None:
    noted = session.info.pop("tallies", {})
    rows = [{"name": n, "label": at, "count": c, "total": t} for (n, at), (c, t) in sorted(noted.items())]
    if rows:
        session.connection().execute(_upsert(session.get_bind().dialect.name), rows)


@event.listens_for(db.session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("tallies", None)


@lru_cache
def _upsert(dialect: str) -> Any:
    table: Table = table_of(Tally)
    made = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    grown = {"count": table.c.count + made.excluded.count, "total": table.c.total + made.excluded.total}
    return made.on_conflict_do_update(index_elements=["name", "label"], set_=grown)

"""Running totals kept in the database, so that every process tells the same: sends by outcome, seconds to an answer."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite

from fieldapp.db import db, table_of
from fieldapp.models import Tally

BUCKETS_S = (1, 2, 5, 15, 60, 300, 900, 3600)
SENT, SHOWN, ACKNOWLEDGED = "sent", "shown", "acknowledged"


def count(name: str, counts: Mapping[str, int]) -> None:
    """Add to how often each labelled thing happened."""
    for label in sorted(counts):  # in one order everywhere: these rows are locked until the commit
        _add(name, label, counts[label], 0.0)


def measure(name: str, label: str, seconds: float) -> None:
    """Note that something took so long."""
    bucket = bisect_left(BUCKETS_S, max(0.0, seconds))
    _add(name, f"{label} {BUCKETS_S[bucket] if bucket < len(BUCKETS_S) else '+Inf'}", 1, max(0.0, seconds))


def totals(name: str) -> dict[str, tuple[int, float]]:
    """How often, and the sum of the seconds, by label."""
    return {row.label: (row.count, row.total) for row in db.session.scalars(select(Tally).where(Tally.name == name))}


def _add(name: str, label: str, often: int, seconds: float) -> None:
    values = {"name": name, "label": label[:40], "count": often, "total": seconds}
    db.session.connection().execute(_upsert(db.engine.dialect.name), values)


@lru_cache
def _upsert(dialect: str) -> Any:
    table: Table = table_of(Tally)
    made = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    grown = {"count": table.c.count + made.excluded.count, "total": table.c.total + made.excluded.total}
    return made.on_conflict_do_update(index_elements=["name", "label"], set_=grown)

"""Rows by the hundred thousand: bare `executemany` on SQLite, COPY on PostgreSQL, with indexes put aside meanwhile."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from fieldapp.db import db

TABLES = (
    "cases", "reports", "case_events", "assignments", "alerts", "deliveries", "attachments", "pair_decisions",
)  # fmt: skip
Event = tuple[float, str, int | None, str | None, str | None, str, str]  # when, what, who, from, to, words, data
WORTH_IT = 20_000  # so many reports at least, or making the indexes anew costs more than it saves
NOTHING = "∅"
FAST = ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-1000000", "temp_store=MEMORY")
USUAL = ("synchronous=FULL", "foreign_keys=ON", "cache_size=-2000", "temp_store=DEFAULT")


class Bulk:
    """A connection that only inserts. Values are strings, numbers and None as the database keeps them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.driver: Any = connection.connection.driver_connection
        self.sqlite = connection.dialect.name == "sqlite"
        self._cut = 26 if self.sqlite else None

    def at(self, seconds: float | None) -> str | None:
        """A time of the epoch as the database takes it."""
        if seconds is None:
            return None
        return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "microseconds")[: self._cut]

    def write(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert them all."""
        if not rows:
            return
        named = ", ".join(f'"{column}"' for column in columns)
        if self.sqlite:
            marks = ", ".join("?" * len(columns))
            self.driver.executemany(f"INSERT INTO {table} ({named}) VALUES ({marks})", rows)
            return
        with self.driver.cursor().copy(f"COPY {table} ({named}) FROM STDIN WITH (NULL '{NOTHING}')") as copy:
            for start in range(0, len(rows), 1000):
                copy.write("".join(map(_line, rows[start : start + 1000])).replace("\\", "\\\\"))

    def next_id(self, table: str) -> int:
        """The number the next row may have."""
        return int(self.connection.scalar(text(f"SELECT coalesce(max(id), 0) + 1 FROM {table}")) or 1)


@contextmanager
def loading(reports: int) -> Iterator[Bulk]:
    """A connection of its own, without the care that a product takes; afterwards all is as before, and analysed."""
    db.session.rollback()
    with db.engine.connect() as connection:
        bulk = Bulk(connection)
        _hurry(bulk)
        try:
            with _without_indexes(bulk) if reports >= WORTH_IT else _as_they_are():
                yield bulk
            _settle(bulk)
        finally:
            _behave(bulk)


def _line(row: Sequence[Any]) -> str:
    return "\t".join([NOTHING if value is None else str(value) for value in row]) + "\n"


def _hurry(bulk: Bulk) -> None:
    if bulk.sqlite:
        for pragma in FAST:
            bulk.driver.execute(f"PRAGMA {pragma}")
        return
    with bulk.connection.begin():
        superuser = bulk.connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
        if superuser:  # foreign keys are looked up for each row otherwise; `check` looks them up at once
            bulk.connection.execute(text("SET session_replication_role = replica"))
        for setting in ("synchronous_commit = off", "maintenance_work_mem = '512MB'"):
            bulk.connection.execute(text(f"SET {setting}"))


def _behave(bulk: Bulk) -> None:
    if bulk.sqlite:
        for pragma in USUAL:
            bulk.driver.execute(f"PRAGMA {pragma}")
    else:
        bulk.connection.invalidate()  # the pool opens another, with the usual settings


@contextmanager
def _as_they_are() -> Iterator[None]:
    yield


@contextmanager
def _without_indexes(bulk: Bulk) -> Iterator[None]:
    """Primary keys and what is declared UNIQUE stay; the others are built at the end."""
    with bulk.connection.begin():
        found = [(name, made) for table in TABLES for name, made in _indexes(bulk, table)]
        for name, _ in found:
            bulk.connection.execute(text(f"DROP INDEX {name}"))
    yield
    for _, made in found:
        with bulk.connection.begin():
            bulk.connection.exec_driver_sql(made)


def _indexes(bulk: Bulk, table: str) -> list[tuple[str, str]]:
    if bulk.sqlite:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = :table"
    else:
        query = """SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :table AND indexname NOT IN
            (SELECT conname FROM pg_constraint) AND schemaname = current_schema()"""
    return [(name, made) for name, made in bulk.connection.execute(text(query), {"table": table})]


def _settle(bulk: Bulk) -> None:
    """Numbers go on after ours, and the planner knows what is there."""
    if bulk.sqlite:
        bulk.driver.execute("ANALYZE")
        bulk.driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with bulk.connection.begin():
        for table in ("cases", "case_events", "assignments"):
            bulk.connection.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} HAVING max(id) > 0")
            )
    bulk.connection.commit()
    bulk.driver.autocommit = True
    bulk.driver.execute("VACUUM (ANALYZE)")


def dashed(plain: str) -> str:
    """An id as JSON has it."""
    return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"

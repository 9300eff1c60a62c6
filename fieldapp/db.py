"""The database: one session per request, UTC columns, and the only way to write.

SQLite and PostgreSQL behave alike here: `writing()` takes the write lock at once (BEGIN IMMEDIATE)
instead of failing half-way when a read snapshot cannot be upgraded.
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Engine, MetaData, SmallInteger, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from fieldapp.rules.severity import Severity

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Common ground of all tables: constraint names that migrations can rely on."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant, stored in UTC; naive times are refused so that no clock is guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """See TypeDecorator."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive time")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """See TypeDecorator."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SeverityType(TypeDecorator[Severity]):
    """A severity as its rank, so that the database can sort worst first."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Severity | None, dialect: Dialect) -> int | None:
        """See TypeDecorator."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Severity | None:
        """See TypeDecorator."""
        return None if value is None else Severity(value)


@contextmanager
def writing() -> Iterator[None]:
    """One durable write transaction: commits at the end, rolls back on any error.

    Whatever was read before is expired, so objects loaded inside are fresh. Keep it short and free of
    network and disk work: on SQLite every other writer waits for it.
    """
    db.session.rollback()
    with _fair_turn():
        try:
            db.session.connection(execution_options={"fieldapp_begin": "IMMEDIATE"})
            yield
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise


# SQLite's busy handler polls and is unfair (a writer can wait seconds while others overtake it);
# a file lock in front of it queues writers of all processes in turn.
_turn = threading.Lock()


@contextmanager
def _fair_turn() -> Iterator[None]:
    path = db.engine.url.database if db.engine.dialect.name == "sqlite" else None
    if not path or path == ":memory:":
        yield
        return
    with _turn, Path(path + ".turn").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@event.listens_for(Engine, "connect")
def _on_connect(connection: Any, record: Any) -> None:
    if type(connection).__module__.startswith("sqlite3"):
        connection.isolation_level = None  # pysqlite must not begin transactions on its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _on_begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN " + connection.get_execution_options().get("fieldapp_begin", "DEFERRED"))

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
from typing import TYPE_CHECKING, Any, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, DateTime, Engine, MetaData, SmallInteger, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, QueryContext, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.schema import CallableColumnDefault, ScalarElementColumnDefault
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


class Lookup:
    """A small table that many places ask: a row that was loaded stays with its session, which otherwise forgets what
    nobody holds, and asks again.
    """


@event.listens_for(Lookup, "load", propagate=True)
def _stay(row: Lookup, context: QueryContext) -> None:
    context.session.info.setdefault("lookups", set()).add(row)


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


def table_of(model: type[Base]) -> Table:
    """The model's table, for statements past the ORM."""
    return cast(Table, model.__table__)


def insert(*rows: Base) -> None:
    """Insert new objects of one kind at once, and hand them to the session as loaded.

    A prepared statement costs a third of what the session's unit of work does, and a report waits for six of them.
    Columns left out get their defaults. Objects they point to must be in the database already.
    """
    if not rows:
        return
    table = table_of(type(rows[0]))
    numbered = table.autoincrement_column
    values = [_filled_in(row, table) for row in rows]
    if numbered is None:
        db.session.connection().execute(table.insert(), values)
    else:
        for row, own in zip(rows, values, strict=True):
            made = db.session.connection().execute(table.insert(), own)
            set_committed_value(row, numbered.key, made.inserted_primary_key[0])  # type: ignore[index]
    for row in rows:
        adopt(row)


def insert_once(row: Base, unique: str) -> bool:
    """Insert one new object unless another has the same value in the column `unique`; False when one has.

    Two that come at once do not fail: the second waits for the first, and then writes nothing.
    """
    table = table_of(type(row))
    make = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    once = make(table).on_conflict_do_nothing(index_elements=[unique]).returning(*table.primary_key.columns)
    if db.session.connection().execute(once, _filled_in(row, table)).first() is None:
        return False
    adopt(row)
    return True


def adopt(row: Base) -> None:
    """Hand an object to the session that a statement of our own has just inserted."""
    make_transient_to_detached(row)
    db.session.add(row)


def _filled_in(row: Base, table: Table) -> dict[str, Any]:
    """The row's values by column, with defaults set on the object too, so that reading one asks no database."""
    wanted = [column for column in table.columns if column is not table.autoincrement_column]
    for column in wanted:
        if column.key not in vars(row):
            set_committed_value(row, column.key, _default(column))
    return {column.key: vars(row)[column.key] for column in wanted}


def _default(column: Column[Any]) -> Any:
    default = column.default
    if isinstance(default, ScalarElementColumnDefault):
        return default.arg
    return default.arg(cast(Any, None)) if isinstance(default, CallableColumnDefault) else None


WRITTEN = {  # what changes with every commit of anybody, without reading a table
    "sqlite": "PRAGMA data_version",
    "postgresql": "SELECT pg_current_snapshot()::text",
}


class Writes:
    """Whether anybody has written since the last look, for who would otherwise ask all its questions all the time.

    It keeps a connection of its own, for SQLite counts the commits of others. What cannot be told counts as yes.
    """

    def __init__(self) -> None:
        self._connection: PoolProxiedConnection | None = None
        self._mark: object = None

    def any(self) -> bool:
        """True also at the first look. Ask before you read, or what comes in between is missed."""
        before, self._mark = self._mark, self._look()
        return self._mark is None or self._mark != before

    def _look(self) -> object:
        try:
            if self._connection is None:
                self._connection = db.engine.raw_connection()
            cursor = self._connection.cursor()
            cursor.execute(WRITTEN[db.engine.dialect.name])
            (mark,) = cursor.fetchone() or (None,)
            self._connection.rollback()
        except Exception:  # whatever a driver raises: the steps that follow meet it too, and say so
            self.close()
            return None
        return mark

    def close(self) -> None:
        """Give the connection up; the next look makes another."""
        if self._connection is not None:
            self._connection.invalidate()
        self._connection = None


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

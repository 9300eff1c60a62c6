"""Rows that all workers share, one for each name: what one has found or done, the others know."""

from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from fieldapp.db import db, table_of
from fieldapp.models import Fact


def read(name: str) -> str:
    """What is noted; nothing at first."""
    return db.session.scalar(select(Fact.value).where(Fact.name == name)) or ""


def hold(name: str) -> Fact:
    """The row, made if need be, and ours until the end of the transaction."""
    db.session.connection().execute(_made(db.engine.dialect.name), {"name": name, "value": ""})
    return db.session.get_one(Fact, name, with_for_update=True, populate_existing=True)


@lru_cache
def _made(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table_of(Fact)).on_conflict_do_nothing(index_elements=["name"])

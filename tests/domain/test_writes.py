"""A worker that has nothing to do asks one cheap thing: whether anybody has written."""

import time
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from fieldapp.db import Writes, db

STEP = text("UPDATE areas SET name = name || '.' WHERE code = (SELECT min(code) FROM areas)")


@pytest.fixture
def writes(app: Flask) -> Iterator[Writes]:
    with app.app_context():
        asking = Writes()
        yield asking
        asking.close()


@pytest.fixture
def other(app: Flask, writes: Writes) -> Iterator[Connection]:
    """Somebody else's connection."""
    with db.engine.connect() as connection:
        yield connection


def rests(writes: Writes) -> bool:
    """PostgreSQL counts for all its databases, and the next test's is being made on this server."""
    for _ in range(300):
        if not writes.any():
            return True
        time.sleep(0.01)
    return False


def test_what_others_commit_is_seen_once(writes: Writes, other: Connection) -> None:
    assert writes.any(), "the first look knows nothing"
    assert rests(writes)
    other.execute(STEP)
    rests(writes)  # PostgreSQL shows that somebody has begun; what they wrote cannot be read yet
    other.commit()
    assert writes.any(), "and their end is seen for itself"
    assert rests(writes)


def test_reading_and_giving_up_are_no_news_for_long(writes: Writes, other: Connection) -> None:
    writes.any()
    other.execute(text("SELECT count(*) FROM cases"))
    other.commit()
    assert rests(writes)
    other.execute(STEP)
    other.rollback()
    writes.any()
    assert rests(writes)


def test_a_broken_connection_counts_as_news_and_is_made_again(writes: Writes, other: Connection) -> None:
    writes.any()
    assert writes._connection and writes._connection.driver_connection
    writes._connection.driver_connection.close()
    assert writes.any(), "whoever reads next sees what is the matter"
    assert writes.any(), "a new connection knows nothing either"
    assert rests(writes)

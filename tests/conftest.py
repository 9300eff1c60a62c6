"""Every test that touches the database runs on SQLite and on a real PostgreSQL."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache

from fieldapp import create_app
from fieldapp.config import Settings
from fieldapp.db import db
from tests.databases import Database, Databases, Postgres, Sqlite
from tests.world import World

hypothesis.settings.register_profile("fieldapp", deadline=None)  # timing never decides a test
hypothesis.settings.load_profile("fieldapp")

LONGEST = {"test_serve.py"}
DATABASES = ("sqlite", "postgresql")
CI = os.environ.get("CI") == "true"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", action="append", choices=DATABASES, help="only this database")
    parser.addoption("--screenshots", action="store_true", help="write the browser tests' pictures to docs/screens")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, or the last file runs alone while the other processes have nothing left to do."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--db") or DATABASES
        if metafunc.definition.get_closest_marker("onedb"):
            wanted = wanted[:1]
        metafunc.parametrize("database", wanted, indirect=True, scope="session")


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Each kind started once and kept: the fixture below ends whenever the next test wants the other kind."""
    started: dict[str, Database] = {}

    def start(kind: str) -> Database:
        if kind not in started:
            made = Sqlite() if kind == "sqlite" else Postgres()
            if not made.available():
                if CI:
                    pytest.fail("PostgreSQL's server is not installed: the suite must run on it in CI")
                pytest.skip("PostgreSQL's server is not installed: NOT TESTED on it")
            started[kind] = made
            made.start(tmp_path_factory.mktemp(kind))
        return started[kind]

    yield start
    for made in started.values():
        made.stop()


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, databases: Databases) -> Database:
    """A migrated database with the reference data, made once and emptied for each test."""
    return databases(request.param)


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(
        instance=tmp_path / "instance",
        database_url=database.fresh(tmp_path),
        push_allow_loopback=True,
        rate_limits=False,
        testing=True,
    )


class Compiled(BytecodeCache):
    """Templates compiled once for all the apps of this process: half of what a page costs in a fresh one."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app without a pushed context: each request must find its own user, as in a server."""
    app = create_app(settings)
    app.jinja_env.bytecode_cache = COMPILED
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def start_again() -> Iterator[Callable[[Settings], Flask]]:
    """Make the app anew on the same instance, as a restart does."""
    made: list[Flask] = []

    def start(settings: Settings) -> Flask:
        made.append(create_app(settings))
        return made[-1]

    yield start
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def world(app: Flask) -> World:
    """海城镇 tonight: vik on patrol, ada and ben on call, dora at the desk, lea leading; otto in the next town."""
    return World(app)

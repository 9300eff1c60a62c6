"""Every test that touches the database runs on SQLite and on a real PostgreSQL."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from flask import Flask

from fieldapp import create_app
from fieldapp.config import Settings
from fieldapp.db import db
from tests.databases import Database, Databases, Postgres, Sqlite
from tests.kept import share, share_rules
from tests.world import World

hypothesis.settings.register_profile("fieldapp", deadline=None)  # timing never decides a test
hypothesis.settings.load_profile("fieldapp")

LONGEST = {"test_serve.py", "test_every_page.py", "test_every_commit.py", "test_who_may.py"}
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


@pytest.fixture(scope="session", autouse=True)
def shared_rules() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        share_rules(patch)
        yield


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The app without a pushed context: each request must find its own user, as in a server."""
    app = share(create_app(settings))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def start_again() -> Iterator[Callable[[Settings], Flask]]:
    """Make the app anew on the same instance, as a restart does."""
    made: list[Flask] = []

    def start(settings: Settings) -> Flask:
        made.append(share(create_app(settings)))
        return made[-1]

    yield start
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def world(app: Flask) -> World:
    """海城镇 tonight: vik on patrol, ada and ben on call, dora at the desk, lea leading; otto in the next town."""
    return World(app)

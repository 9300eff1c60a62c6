"""The two databases under test. PostgreSQL is a real server in a temporary folder, on a socket only."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from flask_migrate import upgrade
from sqlalchemy import create_engine, select, text

from fieldapp import clock, create_app, seed
from fieldapp.config import Settings
from fieldapp.db import db, writing
from fieldapp.migrating import add_migrations
from fieldapp.models import Rotation


class Database:
    """Made once (`start`), and handed out as good as new (`fresh`)."""

    def available(self) -> bool:
        return True

    def start(self, folder: Path) -> None:
        raise NotImplementedError

    def fresh(self, folder: Path) -> str:
        """The URL of a database that holds the seeded demo and nothing else."""
        raise NotImplementedError

    def stop(self) -> None:
        pass


Databases = Callable[[str], Database]  # by kind; started when first asked for


class Sqlite(Database):
    def start(self, folder: Path) -> None:
        self._template = folder / "template.sqlite3"
        _migrate_and_seed(folder, f"sqlite:///{self._template}")

    def fresh(self, folder: Path) -> str:
        copy = folder / "test.sqlite3"
        shutil.copyfile(self._template, copy)
        return f"sqlite:///{copy}"


class Postgres(Database):
    """Fresh copies of a template; the next one is made while the test before it runs."""

    _count = 0
    _next: Future[str] | None = None

    @cached_property
    def _beside(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1)

    def available(self) -> bool:
        return bool(self._binaries())

    def start(self, folder: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pg", dir=_roomy_memory()))  # socket names take 107 bytes at most
        self._bin = self._binaries()[-1]
        if os.getuid() == 0:
            shutil.chown(self._folder, "postgres")
        self._run(
            "initdb", "-D", str(self._folder / "data"), "-A", "trust", "-U", "fieldapp", "--no-sync", "-E", "UTF8"
        )
        options = f"-k {self._folder} -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=60"
        self._run(
            "pg_ctl", "-D", str(self._folder / "data"), "-w", "-l", str(self._folder / "log"), "-o", options, "start"
        )
        self._admin("CREATE DATABASE template_town")
        _migrate_and_seed(folder, self._url("template_town"))

    def fresh(self, folder: Path) -> str:
        url = self._next.result() if self._next else self._copy(1)
        self._count += 1
        self._next = self._beside.submit(self._turn, self._count)
        return url

    def _turn(self, used: int) -> str:
        self._admin(f"DROP DATABASE IF EXISTS town{used - 1} WITH (FORCE)")
        return self._copy(used + 1)

    def _copy(self, number: int) -> str:
        self._admin(f"CREATE DATABASE town{number} TEMPLATE template_town STRATEGY file_copy")
        return self._url(f"town{number}")

    def stop(self) -> None:
        self._beside.shutdown()
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://fieldapp@/{name}?host={self._folder}"

    def _admin(self, statement: str) -> None:
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, program: str, *arguments: str) -> None:
        as_user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        subprocess.run(
            [self._bin / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self._folder, **as_user
        )

    @staticmethod
    def _binaries() -> list[Path]:
        return sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def _roomy_memory() -> Path | None:
    """A folder in memory, where a copy of a database costs half; none where it is small, as in some containers."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**31 else None


def _migrate_and_seed(folder: Path, url: str) -> None:
    app = create_app(Settings(instance=folder / "template", database_url=url, testing=True))
    add_migrations(app)
    with app.app_context():
        upgrade()
        with writing():
            seed.demo(clock.now())
            # the next hand-over is far off, or what a worker sends would depend on the hour of the day
            for rotation in db.session.scalars(select(Rotation)):
                rotation.starts_on += timedelta(days=2)
        db.session.remove()
        db.engine.dispose()

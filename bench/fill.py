"""A filled database that benches can use again and again: `fill.py --reports 1000000 --db sqlite --into FOLDER`.

FOLDER then holds an instance and, with `--db postgresql`, a server's files too; that server goes on running (how to
stop it is printed). A folder with anything else in it is refused. What is there is in FOLDER/filled.json.
"""

import argparse
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from common import DurablePostgres
from flask_migrate import upgrade
from sqlalchemy import create_engine, text

from fieldapp import clock, seed
from fieldapp.config import Settings
from fieldapp.core import create_core
from fieldapp.db import writing
from fieldapp.migrating import add_migrations
from tests.filling import check, fill

NOTE = "filled.json"
TUNED = {"shared_buffers": "1GB", "max_wal_size": "4GB", "effective_cache_size": "4GB", "random_page_cost": "1.1"}


def main() -> None:
    chosen = _options()
    folder: Path = chosen.into.resolve()
    _make_room(folder, chosen.db)
    own = f"sqlite:///{folder / 'fieldapp.sqlite3'}"
    url = chosen.url or (own if chosen.db == "sqlite" else _served(folder, chosen.port, chosen.reports))
    app = create_core(Settings(folder / "instance", url))
    add_migrations(app)
    with app.app_context():
        upgrade()
        with writing():
            seed.demo(clock.now())
    filled = fill(app, chosen.reports, chosen.seed, lambda line: print(line, flush=True))
    print("looking whether all is as it should be", flush=True)
    wrong = check(app)
    kept = asdict(filled) | {"url": url, "at": clock.now().isoformat(), "seed": chosen.seed, "wrong": wrong}
    (folder / NOTE).write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print("\n".join(f"WRONG: {sentence}" for sentence in wrong) or "all invariants hold")
    print(f"{filled.reports / filled.seconds:,.0f} reports a second, {filled.seconds:.0f} s in all: DATABASE_URL={url}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fill a database with eighteen months of reports")
    parser.add_argument("--reports", type=int, default=1_000_000)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--into", type=Path, required=True, help="an empty folder, or one that does not exist")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=55432, help="where the kept PostgreSQL listens on 127.0.0.1")
    parser.add_argument("--url", default="", help="an empty database on a server that runs, instead of one of its own")
    return parser.parse_args()


def _make_room(folder: Path, kind: str) -> None:
    if folder.exists() and any(folder.iterdir()):
        filled = "it is filled already" if (folder / NOTE).exists() else "it holds something else"
        raise SystemExit(f"{folder} is not empty: {filled}")
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "postgresql":
        folder.chmod(0o755)  # its server is another user when this one is root


def _served(folder: Path, port: int, reports: int) -> str:
    """A new server's address, with one empty database."""
    server = KeptPostgres(folder / "server", port)
    size = f"{reports // 1_000_000}m" if reports % 1_000_000 == 0 else f"{reports // 1000}k"
    name = f"filled_{size}"
    server.admin(f"CREATE DATABASE {name}")
    return server.url(name)


class KeptPostgres(DurablePostgres):
    """A server in a folder of its own that outlives this process. It forgets nothing on a crash."""

    def __init__(self, folder: Path, port: int) -> None:
        if not self.available():
            raise SystemExit("PostgreSQL's server is not installed")
        self._folder, self._port, self._bin = folder, port, self._binaries()[-1]
        folder.mkdir()
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        data = str(folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "fieldapp", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses=127.0.0.1 -p {port} " + " ".join(
            f"-c {name}={value}" for name, value in TUNED.items()
        )
        self._run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        print(f"PostgreSQL runs on port {port}; to stop it: {self._bin / 'pg_ctl'} -D {data} stop", flush=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://fieldapp@127.0.0.1:{self._port}/{name}"

    def admin(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


if __name__ == "__main__":
    main()

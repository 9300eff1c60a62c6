"""Filled databases for a bench: made by fill.py when they are not there yet, used again when they are kept.

A kept folder holds one folder for each, `sqlite-10000`, `postgresql-1000000`, as fill.py leaves it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from common import ROOT, free_port
from sqlalchemy import create_engine, exc

from fieldapp.config import Settings
from tests.databases import Postgres

NOTE = "filled.json"


@contextmanager
def filled(kind: str, keep: str, sizes: Sequence[int]) -> Iterator[list[Settings]]:
    """One for each number of reports. What is not kept is gone at the end, its server too."""
    if keep:
        yield [_one(kind, Path(keep).resolve(), reports) for reports in sizes]
        return
    with tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # a server of PostgreSQL is another user when this one is root
        try:
            yield [_one(kind, folder, reports) for reports in sizes]
        finally:
            for data in folder.glob("*/server/data"):
                _stop(data)


def _one(kind: str, keep: Path, reports: int) -> Settings:
    folder = keep / f"{kind}-{reports}"
    if not (folder / NOTE).exists():
        print(f"filling {folder}: {reports:,} reports", flush=True)
        fill = [sys.executable, ROOT / "bench" / "fill.py", "--db", kind, "--reports", str(reports), "--into", folder]
        subprocess.run([*fill, "--port", str(free_port())], cwd=ROOT, check=True)
    url = json.loads((folder / NOTE).read_text(encoding="utf-8"))["url"]
    _check(url, folder)
    return Settings(folder / "instance", url, port=free_port())


def _check(url: str, folder: Path) -> None:
    engine = create_engine(url)
    try:
        engine.connect().close()
    except exc.OperationalError as error:
        raise SystemExit(f"{url} does not answer; start the server in {folder / 'server' / 'data'} again") from error
    finally:
        engine.dispose()


def _stop(data: Path) -> None:
    owner = {"user": "postgres", "group": "postgres"} if data.owner() == "postgres" else {}
    command = [Postgres._binaries()[-1] / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, cwd="/", **owner)

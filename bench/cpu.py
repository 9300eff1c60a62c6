"""What the server's and the database's processes use of one core, read from /proc."""

import os
import time
from pathlib import Path

from common import Town
from sqlalchemy import create_engine, text

TICKS = os.sysconf("SC_CLK_TCK")


class Used:
    """Between `begin` and `shares`."""

    def __init__(self, town: Town) -> None:
        self._web = town._processes[0].pid
        postgres = town.settings.database_url.startswith("postgresql")
        self._engine = create_engine(town.settings.database_url) if postgres else None

    def begin(self) -> None:
        self._at, self._before = time.monotonic(), self._taken()

    def shares(self) -> dict[str, float]:
        """By process: "server", and "database" where that is not in it."""
        took, now = time.monotonic() - self._at, self._taken()
        return {name: sum(self._more(name, now).values()) / took for name in now}

    def _more(self, name: str, now: dict[str, dict[int, float]]) -> dict[int, float]:
        return {pid: seconds - self._before[name].get(pid, 0.0) for pid, seconds in now[name].items()}

    def _taken(self) -> dict[str, dict[int, float]]:
        found = {"server": {self._web: _cpu(self._web)}}
        return found | ({"database": self._backends()} if self._engine else {})

    def _backends(self) -> dict[int, float]:
        """Those of this database, and the server's own: its log, its pages, its sweeping."""
        assert self._engine is not None
        query = ("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                 " AND (datname IS NULL OR datname = current_database())")  # fmt: skip
        with self._engine.connect() as connection:
            return {pid: _cpu(pid) for pid in connection.scalars(text(query)) if Path(f"/proc/{pid}").exists()}


def _cpu(pid: int) -> float:
    """Seconds used by a process and all below it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    below = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(_cpu(child) for child in below)

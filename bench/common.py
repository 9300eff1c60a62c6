"""What every bench shares: a town of its own with the real server, a floor beside it, and one way to print.

Everything lives in a temporary folder and ends with the block. The two sides of a comparison run in turn, in short
rounds, so that a noisy machine is noisy for both.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402
from load import report  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from fieldapp import serve  # noqa: E402
from fieldapp.config import Settings  # noqa: E402
from fieldapp.core import create_core  # noqa: E402
from tests.browser.conftest import CHROMIUM, FLAGS  # noqa: E402
from tests.databases import Database, Postgres, Sqlite  # noqa: E402
from tests.processes import Product  # noqa: E402
from tests.world import AUTH, P256DH  # noqa: E402

UP_WITHIN_S = 20
BROWSER = "gzip, deflate, br, zstd"
REFERENCES = re.compile(r"""<(?:link|script|img|use|source)\b[^>]*?\b(?:href|src)="([^"#]+)""")
IMPORTS = re.compile(r"""(?:\bfrom\s*|\bimport\s*)["']([^"']+)["']""")  # what import() brings later is no first visit
URLS = re.compile(r"""url\(["']?([^"')]+)""")
HEADERS = {"X-Requested-With": "fieldapp", "Content-Type": "application/json"}


def options(what: str, seconds: float = 24, **more: int | str) -> argparse.Namespace:
    """The command line of a bench: how long, on which database, and its own numbers."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--seconds", type=float, default=seconds, help="for all the measuring together")
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    for name, default in more.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--photo", type=Path, help="a JPEG to use instead of a generated one")
    chosen = parser.parse_args()
    print(f"{what} [{chosen.db}, {os.cpu_count()} cores]", flush=True)
    return chosen


@dataclass
class Town:
    """One seeded instance, its processes, and who is logged in."""

    folder: Path
    settings: Settings
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "FIELDAPP_INSTANCE": str(self.settings.instance), "DATABASE_URL": self.settings.database_url,
            "PORT": str(self.settings.port), "FIELDAPP_PUSH_ALLOW_LOOPBACK": "1",
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    def serves(self, application: str = "wsgi:app") -> "Town":
        """Start the web server exactly as `make run` does, with this application behind it."""
        self.runs(*serve._granian(self.settings)[1:-1], application)
        deadline = time.monotonic() + UP_WITHIN_S
        while not _answers(self.origin + "/healthz"):
            if time.monotonic() > deadline:
                raise SystemExit((self.folder / "log").read_text())
            time.sleep(0.05)
        return self

    def runs(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a Python process beside it; what it says goes to the town's log."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def core(self) -> Flask:
        """The app without its pages, for filling tables."""
        return create_core(self.settings)

    def person(self, username: str) -> "Caller":
        """Log a demo person in."""
        caller = Caller(self.settings.port)
        caller.ask("POST", "/api/session", {"username": username, "password": "demo"})
        return caller


class Caller:
    """A program that is logged in, over one kept connection."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookie = ""

    @property
    def headers(self) -> dict[str, str]:
        return HEADERS | {"Cookie": self.cookie}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the JSON of the answer. An error ends the bench."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        self.connection.request(method, path, content, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {text.decode()[:300]}")
        self.cookie = (answer.headers.get("Set-Cookie") or self.cookie).split(";")[0]
        return json.loads(text) if text else None

    def subscribe(self, endpoint: str, p256dh: str = P256DH, auth: str = AUTH) -> None:
        body = {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}}
        self.ask("POST", "/api/push/subscriptions", body)

    def file(self, severity: str = "blue", photos: Sequence[dict[str, Any]] = (), text: str = "井盖破损") -> str:
        """File a report and say its id."""
        report_id = str(uuid4())
        self.ask("PUT", f"/api/reports/{report_id}", report(self.id, severity, photos, text))
        return report_id

    @property
    def id(self) -> int:
        if not hasattr(self, "_id"):
            self._id = int(self.ask("GET", "/api/me")["id"])
        return self._id


@contextmanager
def towns(kind: str, count: int = 1) -> Iterator[list[Town]]:
    """So many seeded instances on databases of their own, with nothing running yet."""
    folder = Path(tempfile.mkdtemp(prefix="bench"))
    database = DurablePostgres() if kind == "postgresql" else Sqlite()
    if not database.available():
        raise SystemExit("PostgreSQL's server is not installed: NOT MEASURED on it")
    made: list[Town] = []
    try:
        database.start(folder)
        for number in range(count):
            made.append(_town(folder / str(number), database))
        yield made
    finally:
        for town in made:
            town.stop()
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def product(kind: str, **more: Any) -> Iterator[Product]:
    """The whole product with its supervisor and workers, as the browser tests run it."""
    database: Database = Postgres() if kind == "postgresql" else Sqlite()
    if not database.available():
        raise SystemExit("PostgreSQL's server is not installed: NOT MEASURED on it")
    with tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True) as name:
        database.start(Path(name))
        try:
            with Product(Path(name) / "instance", database_url=database.fresh(Path(name)), **more) as running:
                yield running
        finally:
            database.stop()


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    if CHROMIUM is None:
        raise SystemExit("Chromium is not installed: NOT MEASURED")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        yield browser
        browser.close()


class DurablePostgres(Postgres):
    """The tests' cluster forgets on a crash; a measured one must not. Each fresh database stays."""

    def start(self, folder: Path) -> None:
        super().start(folder)
        for setting in ("fsync = on", "full_page_writes = on"):
            self._admin(f"ALTER SYSTEM SET {setting}")
        self._admin("SELECT pg_reload_conf()")

    def fresh(self, folder: Path) -> str:
        name = f"bench{uuid4().hex[:8]}"
        self._admin(f"CREATE DATABASE {name} TEMPLATE template_town STRATEGY file_copy")
        return self._url(name)


def _town(folder: Path, database: Sqlite | Postgres) -> Town:
    folder.mkdir()
    port = free_port()
    settings = Settings(folder / "instance", database.fresh(folder), port=port, base_url=f"http://127.0.0.1:{port}")
    return Town(folder, replace(settings, push_allow_loopback=True))


def in_turn(sides: dict[str, Callable[[float], dict[str, float]]], seconds: float, rounds: int = 3) -> dict[str, Any]:
    """Measure each side in each round; the medians by side."""
    each = seconds / rounds / len(sides)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            found[name].append(measure(each))
    return {name: _medians(results) for name, results in found.items()}


def _medians(results: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(result[key] for result in results) for key in results[0]}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print columns; the first is words, the others numbers."""
    print(f"{head[0]:<44}" + "".join(f"{name:>13}" for name in head[1:]))
    for row in rows:
        print(f"{row[0]:<44}" + "".join(f"{_shown(value):>13}" for value in row[1:]), flush=True)


def verdict(what: str, value: float, goal: float, at_least: bool = True) -> None:
    """Say whether a goal is met; a bench informs and never fails for being slow."""
    met = value >= goal if at_least else value <= goal
    print(
        f"  {'met   ' if met else 'MISSED'} {what}: {value:.3g} (goal {'≥' if at_least else '≤'} {goal:g})", flush=True
    )


def visit(origin: str, page: str, accepts: str) -> dict[str, int]:
    """Everything the page refers to or its modules import, by address, with its size as sent."""
    sizes: dict[str, int] = {}
    waiting = [origin + page]
    while waiting:
        url = waiting.pop()
        if url in sizes or not url.startswith(origin):
            continue
        kind, content, size = _get(url, accepts)
        sizes[url] = size
        waiting += [urljoin(url, name) for name in _refers_to(kind, content)]
    return sizes


def _refers_to(kind: str, content: bytes) -> list[str]:
    if "html" in kind:
        return REFERENCES.findall(content.decode())
    if "javascript" in kind:
        return [name for name in IMPORTS.findall(content.decode()) if name.startswith((".", "/"))]
    if "css" in kind:
        return [name for name in URLS.findall(content.decode()) if not name.startswith("data:")]
    return []  # the manifest's icons are fetched when the app is installed, not on a visit


def _get(url: str, accepts: str) -> tuple[str, bytes, int]:
    """The type and content of a file, and how many bytes came for it."""
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Accept-Encoding": accepts}), timeout=10
    ) as answer:
        kind, size = answer.headers.get_content_type(), len(answer.read())
    with urllib.request.urlopen(url, timeout=10) as plain:
        return kind, plain.read(), size


def is_script(url: str) -> bool:
    """By its name."""
    return urlsplit(url).path.endswith(".js")


def _shown(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False

"""The real product as `make run` starts it: one supervisor and its children on a free port."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fieldapp.config import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(parent: int) -> dict[int, str]:
    """Process ids and command lines of what a process has started."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
            command = (path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == parent and command:
            found[int(path.parent.name)] = command
    return found


def descendants(parent: int) -> dict[int, str]:
    """Children, their children, and so on."""
    found = children_of(parent)
    for pid in list(found):
        found |= descendants(pid)
    return found


HERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
IN_A_HURRY = "import sys; from fieldapp import serve; vars(serve).update({}); sys.exit(serve.main())"


class Product:
    """A running instance. Only processes it started itself are ever signalled, by id.

    `hurry` shortens the supervisor's patience: its constants by name, in seconds.
    """

    def __init__(
        self,
        instance: Path,
        demo: bool = True,
        database_url: str = "",
        hurry: dict[str, float] | None = None,
        **env: str,
    ) -> None:
        self.port = int(env.get("PORT") or free_port())
        host = env.get("HOST", "127.0.0.1")
        self.url = f"http://{HERE.get(host, host)}:{self.port}"
        self.command = [sys.executable, *(["-c", IN_A_HURRY.format(hurry)] if hurry else ["-m", "fieldapp.serve"])]
        self.log = instance.with_name(f"{instance.name}-{self.port}.log")
        more = {"FIELDAPP_DEMO": "1"} if demo else {}
        if database_url:
            more["DATABASE_URL"] = database_url
        self.env = os.environ | {"FIELDAPP_INSTANCE": str(instance), "PORT": str(self.port)} | more | env
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Product":
        self.process = self._start()
        try:
            self.wait_until(lambda: self.ready()[0] == 200)
        except BaseException:
            self._stop(self.process)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process
        self._stop(self.process)

    @contextmanager
    def starting(self) -> Iterator[subprocess.Popen[bytes]]:
        """Only started, not waited for; the supervisor's process."""
        self.process = self._start()
        try:
            yield self.process
        finally:
            self._stop(self.process)

    def _start(self) -> subprocess.Popen[bytes]:
        """As a careless shell does: in a process group of its own, files readable by all."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log, umask=0o022, process_group=0
            )

    @staticmethod
    def _stop(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        finally:
            process.kill()

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Status and body of /readyz; 0 while nothing listens."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=3) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, {}

    def children(self, parent: int | None = None) -> dict[int, str]:
        """Process ids and command lines of what the supervisor started, or one of its children."""
        assert self.process
        return children_of(parent or self.process.pid)

    def child(self, word: str) -> int:
        """The process id of the one child whose command line holds `word`."""
        (pid,) = [pid for pid, command in self.children().items() if word in command]
        return pid

    def server(self) -> list[int]:
        """The process ids of the web server: those that answer, and the one that keeps them, last."""
        keeper = self.child("granian")
        return [*self.children(keeper), keeper]

    def kill_server(self) -> None:
        """End the web server as a power cut does. The supervisor starts another."""
        for pid in self.server():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def said(self) -> str:
        """Everything on its console so far."""
        return self.log.read_text()

    def wait_until(self, true: Any, seconds: float = 30) -> None:
        """Wait for a condition; fails with the product's own output when it never comes."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

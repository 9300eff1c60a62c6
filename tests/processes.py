"""The real product as `make run` starts it: one supervisor and its children on a free port."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from fieldapp.config import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product:
    """A running instance. Only processes it started itself are ever signalled, by id."""

    def __init__(self, instance: Path, demo: bool = True, database_url: str = "", **env: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = instance.with_name(f"{instance.name}-{self.port}.log")
        more = {"FIELDAPP_DEMO": "1"} if demo else {}
        if database_url:
            more["DATABASE_URL"] = database_url
        self.env = os.environ | {"FIELDAPP_INSTANCE": str(instance), "PORT": str(self.port)} | more | env
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Product":
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fieldapp.serve"], cwd=ROOT, env=self.env, stdout=log, stderr=log
            )
        self.wait_until(lambda: self.ready()[0] == 200)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        finally:
            self.process.kill()

    def ready(self) -> tuple[int, dict[str, Any]]:
        """Status and body of /readyz; 0 while nothing listens."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=3) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, {}

    def children(self) -> dict[int, str]:
        """Process ids and command lines of what the supervisor started."""
        assert self.process
        found = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rsplit(")", 1)[1].split()
                command = (path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, IndexError):
                continue
            if int(fields[1]) == self.process.pid and command:
                found[int(path.parent.name)] = command
        return found

    def child(self, word: str) -> int:
        """The process id of the one child whose command line holds `word`."""
        (pid,) = [pid for pid, command in self.children().items() if word in command]
        return pid

    def wait_until(self, true: Any, seconds: float = 30) -> None:
        """Wait for a condition; fails with the product's own output when it never comes."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

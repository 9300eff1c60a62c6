"""Processes that die by SIGKILL at a chosen commit: right before the database is told, or right after it has answered.

`python -m tests.push.dying` forks one for each line of JSON on its standard input, so that nobody waits for imports:
it answers with the process id, and with how the process ended once it has. `Undertaker` is the other end of that.
"""

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from typing import Any, Self

from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from fieldapp import create_app, worker
from fieldapp.config import ROOT, Settings
from fieldapp.db import db
from tests.push.killing import environment

KILLED = -signal.SIGKILL


class Undertaker:
    """Starts what is going to die, one at a time, and says how it ended. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self._environment, self._log = environment(settings), settings.instance / "dying.log"

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.push.dying"], cwd=ROOT, env=self._environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.kill()  # a worker that is left notices
        self._process.wait(10)

    def worker(self, when: str = "never", at: int = 0) -> None:
        """The real alert worker, to die `when` ("before" or "after") its commit number `at`, from 1."""
        self._start({"when": when, "at": at, "what": "worker"})

    def request(self, when: str, at: int, **request: Any) -> bool:
        """One request to the real app, in a process that may die of it; True when it was answered well."""
        self._start({"when": when, "at": at, "what": request})
        return self.ended(20) == 0

    def ended(self, within: float) -> int | None:
        """How the process ended (a signal's number is negative); None when it still lives after so many seconds."""
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], within)
        return int(self._process.stdout.readline()) if ready else None

    def stop(self) -> bool:
        """Ask it to end; False when it died at a commit of that."""
        with contextlib.suppress(ProcessLookupError):  # it may have died of its last commit just now
            os.kill(self.pid, signal.SIGTERM)
        ended = self.ended(15)
        assert ended in (0, KILLED, -signal.SIGTERM), f"{ended}: {self._log.read_text()}"
        return ended != KILLED

    def _start(self, order: dict[str, Any]) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.pid = int(self._process.stdout.readline())


def doom(when: str, at: int) -> None:
    """From now on this process dies at that commit."""
    begun = 0

    def about_to(*_: object) -> None:
        nonlocal begun
        begun += 1
        if when == "before" and begun == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def done(*_: object) -> None:
        if when == "after" and begun == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", about_to)
    event.listen(Session, "after_commit", done)


def live(order: dict[str, Any], app: Flask) -> None:
    """What the process is for."""
    doom(order["when"], order["at"])
    if order["what"] == "worker":
        asyncio.run(worker.main())
        return
    answer = app.test_client(use_cookies=False).open(**order["what"])
    sys.exit(0 if answer.status_code < 300 else 1)


def main() -> None:
    import pywebpush  # noqa: F401  what a worker would load later on

    app = create_app()
    with app.app_context():
        db.engine.dispose()  # connections are not for sharing
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.close(0)
            live(json.loads(line), app)
            return
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()

"""What every worker's loop has: knowing when to stop, doing things once in a while, surviving a failed step."""

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from uuid import uuid4

from fieldapp.db import db

POLL_S = 0.1  # commit → first push is held to 300 ms: so often one asks whether anybody has written
LOOK_S = 1.0  # and so often what the clock alone makes due
HEARTBEAT_S = 5.0

T = TypeVar("T")
log = logging.getLogger(__name__)


class Stop:
    """Becomes true on SIGTERM, SIGINT, or the death of the process that started us."""

    def __init__(self) -> None:
        self._asked = False
        self._parent = os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def __bool__(self) -> bool:
        return self._asked or os.getppid() != self._parent

    def _ask(self, *_: object) -> None:
        self._asked = True


class Every:
    """True once per period, the first time at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def due(self) -> bool:
        """Whether the period has passed since the last time it had."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._seconds
        return True


class BitByBit:
    """Work that is done bit by bit beside a worker's own: soon again while there is more of it, else seldom, and
    seldom too while it fails.
    """

    def __init__(self, step: Callable[[], object], soon: float, seldom: float) -> None:
        self._step, self._soon, self._seldom = step, soon, seldom
        self._next = 0.0

    def run(self) -> None:
        """Do a bit if it is time; the step returns something true while there is more."""
        if time.monotonic() >= self._next:
            more = guarded(self._step)
            self._next = time.monotonic() + (self._soon if more else self._seldom)


def name(kind: str) -> str:
    """A name no other worker has, on any machine."""
    return f"{kind}-{socket.gethostname()[:20]}-{os.getpid()}-{uuid4().hex[:6]}"


def guarded(step: Callable[[], T]) -> T | None:
    """Run one step; a failure is logged and the next steps still get their turn."""
    try:
        return step()
    except Exception:
        log.exception("step failed")
        with suppress(Exception):  # what PostgreSQL has broken off must not be met by the next step
            db.session.rollback()
        time.sleep(0.2)
        return None

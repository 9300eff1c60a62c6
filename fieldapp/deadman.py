"""The dead-man: an address outside, asked once a minute while all is well. When it hears nothing, it raises the alarm.

Whatever stops us stops the asking too, so no fault can keep this watcher quiet.
"""

import logging
import socket
import threading
import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from fieldapp import auditor, notes, vitals
from fieldapp.channels.outward import trust
from fieldapp.config import Settings
from fieldapp.db import db, writing

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=60)
PATIENCE_S = 5.0
ASKED = "deadman_asked"
LONGEST_LINE = 4096


def tell(settings: Settings, now: datetime) -> threading.Thread | None:
    """Ask the address, if it is time, no other worker has, and all is well. Gives the thread that asks."""
    if not settings.deadman_url or not _is_time(now) or not all_is_well(settings, now) or not _ours(now):
        return None
    thread = threading.Thread(target=_ask, args=(settings.deadman_url,), name="deadman", daemon=True)
    thread.start()  # the loop never waits for it, nor does the end of the process
    return thread


def all_is_well(settings: Settings, now: datetime) -> bool:
    """The audit found nothing, nothing due is late, both kinds of workers live, and there is room on the disk."""
    late = vitals.LATE.total_seconds()
    well = (
        not auditor.said(now)
        and vitals.step_age(now) < late
        and vitals.delivery_age(now) < late
        and vitals.lives(now, vitals.ALERTS)
        and vitals.lives(now, vitals.PHOTOS)
        and vitals.disk_is_fine(settings.instance)
    )
    db.session.rollback()
    return well


def _is_time(now: datetime) -> bool:
    last = notes.read(ASKED)
    db.session.rollback()
    return _is_old(last, now)


def _ours(now: datetime) -> bool:
    """One row decides which of several workers asks in this minute."""
    with writing():
        row = notes.hold(ASKED)
        if not _is_old(row.value, now):
            return False
        row.value = f"{now.timestamp():.3f}"
    return True


def _is_old(last: str, now: datetime) -> bool:
    """True when nobody asked in this minute; a time to come is from before the clock was set back."""
    return not last or abs(now.timestamp() - float(last)) >= EVERY.total_seconds()


def _ask(url: str) -> None:
    """One GET, over in PATIENCE_S whatever the other side does; its answer is read no further than the status."""
    try:
        status = _status(url, time.monotonic() + PATIENCE_S)
    except (OSError, ValueError) as error:
        log.warning("dead-man address: %r", error)
        return
    if not 200 <= status < 300:
        log.warning("dead-man address answered %s", status)


def _status(url: str, deadline: float) -> int:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nUser-Agent: fieldapp\r\n"
    with socket.create_connection((host, port), timeout=_left(deadline)) as plain:
        plain.settimeout(_left(deadline))
        connection = trust().wrap_socket(plain, server_hostname=host) if parts.scheme == "https" else plain
        connection.sendall(f"{request}Connection: close\r\n\r\n".encode("ascii"))
        line = b""
        while b"\n" not in line and len(line) < LONGEST_LINE:
            connection.settimeout(_left(deadline))
            if not (more := connection.recv(1024)):
                break
            line += more
    return int(line.split(maxsplit=2)[1]) if line.startswith(b"HTTP/") else 0


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left

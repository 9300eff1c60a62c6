"""Twelve phones upload over a bad line at once: does anybody else wait? Goal: nobody for more than 50 ms (p99)."""

import os
import socket
import threading
import time
from typing import Any
from uuid import uuid4

import proxy
from common import Caller, in_turn, options, table, towns, verdict
from load import getting, load

PHONES = 12
GOAL_MS = 50
DECLARED = 1024 * 1024
EVERY_S, BYTES = 0.05, 16


def main() -> None:
    chosen = options("12 dribbling uploads at once, one other user")
    with towns(chosen.db) as (town,):
        town.serves()
        dora, vik = town.person("dora"), town.person("vik")
        _compare_all("", town.settings.port, dora, vik, chosen.seconds / 2)
        if not proxy.installed():
            print("nginx is not installed: NOT MEASURED behind a buffering proxy")
            return
        with proxy.Proxy(town) as front:
            _compare_all("behind nginx · ", front.port, dora, vik, chosen.seconds / 2)


def _compare_all(where: str, port: int, dora: Caller, vik: Caller, seconds: float) -> None:
    for path in ("/api/me", "/desk/queue"):
        _compare(where + path, port, path, dora, vik, seconds / 2)


def _compare(name: str, port: int, path: str, dora: Caller, vik: Caller, seconds: float) -> None:
    def alone(for_s: float) -> dict[str, float]:
        return load(port, for_s, getting(path, dora.headers), callers=1)

    def beside(for_s: float) -> dict[str, float]:
        with Dribble(port, vik):
            return alone(for_s)

    found = in_turn({"alone": alone, "beside 12 slow uploads": beside}, seconds)
    rows = [(f"{name} · {side}", *(got[key] for key in ("rate", "p50", "p95", "p99"))) for side, got in found.items()]
    table(("", "per s", "p50 ms", "p95 ms", "p99 ms"), rows)
    verdict("p99 ms beside them", found["beside 12 slow uploads"]["p99"], GOAL_MS, at_least=False)


class Dribble:
    """Uploads that never get anywhere, as long as the block lasts."""

    def __init__(self, port: int, vik: Caller) -> None:
        self._port = port
        self._stop = threading.Event()
        self._requests = [_head(vik) for _ in range(PHONES)]
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", self._port)) for _ in range(PHONES)]
        for line, head in zip(self._sockets, self._requests, strict=True):
            line.sendall(head)
        self._thread.start()
        time.sleep(0.3)  # until all twelve are being read

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for line in self._sockets:
            line.close()

    def _drip(self) -> None:
        while not self._stop.wait(EVERY_S):
            for line in self._sockets:
                line.sendall(os.urandom(BYTES))


def _head(vik: Caller) -> bytes:
    """A real upload of a photo that its report announced."""
    item: dict[str, Any] = {"id": str(uuid4()), "sha256": "0" * 64, "bytes": DECLARED}
    report_id = vik.file(photos=[item])
    lines = [f"PUT /api/reports/{report_id}/photos/{item['id']} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (vik.headers | {"Content-Type": "image/jpeg"}).items()]
    return ("\r\n".join([*lines, f"Content-Length: {DECLARED}"]) + "\r\n\r\n").encode()


if __name__ == "__main__":
    main()

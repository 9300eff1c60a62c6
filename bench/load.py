"""The callers: a process of its own that keeps N requests in flight and says how long each took.

`python bench/load.py` reads a plan as JSON on its standard input and answers with one line of JSON.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

CALLERS = 8
WARM_UP_S = 0.5


def load(port: int, seconds: float, requests: dict[str, Any], callers: int = CALLERS) -> dict[str, float]:
    """Run the callers for so long; rate per second, and p50, p95 and p99 in ms. Any refused request ends the bench."""
    plan = {"port": port, "seconds": seconds, "requests": requests, "callers": callers}
    command = [sys.executable, __file__]
    done = subprocess.run(
        command, input=json.dumps(plan), stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + 60
    )
    return dict(json.loads(done.stdout))


def getting(path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The same page again and again."""
    return {"kind": "get", "path": path, "headers": headers or {}}


def filing(path: str, owner: int, severity: str, headers: dict[str, str]) -> dict[str, Any]:
    """A new report each time, under `path` and an id of its own."""
    return {"kind": "file", "path": path, "owner": owner, "severity": severity, "headers": headers}


def uploading(paths: list[str], file: str, headers: dict[str, str]) -> dict[str, Any]:
    """The same bytes once to each of these paths."""
    return {"kind": "upload", "paths": paths, "file": file, "headers": headers}


def report(owner: int, severity: str, photos: Sequence[dict[str, Any]] = (), text: str = "井盖破损") -> dict[str, Any]:
    """The body of a report as a phone sends it."""
    position = {"lat": 22.97, "lon": 115.33, "accuracy_m": 12.5, "age_s": 1, "source": "gps"}
    now = datetime.now(UTC).isoformat()
    return {
        "text": text, "category": "facility", "severity": severity, "position": position, "village_code": None,
        "captured_at": now, "client_now": now, "owner": owner, "photos": list(photos),
    }  # fmt: skip


def _made(requests: dict[str, Any]) -> Iterator[bytes]:
    headers, kind = requests["headers"], requests["kind"]
    if kind == "get":
        while True:
            yield _request("GET", requests["path"], headers, b"")
    elif kind == "file":
        body = json.dumps(report(requests["owner"], requests["severity"]), ensure_ascii=False).encode()
        while True:
            yield _request("PUT", f"{requests['path']}/{uuid4()}", headers, body)
    else:
        with open(requests["file"], "rb") as source:  # noqa: PTH123  one read
            body = source.read()
        for path in requests["paths"]:
            yield _request("PUT", path, headers, body)


def _request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def _caller(port: int, made: Iterator[bytes], until: float, took: list[tuple[float, float]]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)
    for request in made:
        began = time.monotonic()
        if began > until:
            break
        writer.write(request)
        await writer.drain()
        await _answer(reader)
        took.append((began, time.monotonic()))
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    body = await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
    if status >= 400:
        raise SystemExit(f"{status}: {body[:300]!r}")


async def _run(plan: dict[str, Any]) -> dict[str, float]:
    made, took = _made(plan["requests"]), []
    warm = 0 if plan["requests"]["kind"] == "upload" else min(WARM_UP_S, plan["seconds"] / 4)
    began = time.monotonic()
    until = began + plan["seconds"]
    await asyncio.gather(*[_caller(plan["port"], made, until, took) for _ in range(plan["callers"])])
    counted = [(start, end) for start, end in took if start >= began + warm]
    return summary([end - start for start, end in counted], max(e for _, e in counted) - min(s for s, _ in counted))


def summary(durations: list[float], elapsed: float) -> dict[str, float]:
    """Rate and quantiles (ms) of durations (s)."""
    ordered = sorted(durations)
    at = {f"p{q}": 1000 * ordered[min(len(ordered) - 1, len(ordered) * q // 100)] for q in (50, 95, 99)}
    return {"rate": len(ordered) / elapsed, "count": len(ordered)} | at


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_run(json.load(sys.stdin)))))

"""A push service on loopback, and the browsers that subscribed to it.

Written on bare asyncio streams, so that it can misbehave as real services and networks do: refuse, stall, break off
in the middle of an answer, point elsewhere. Each browser has real keys and reads its pushes as RFC 8291 says.
"""

import asyncio
import base64
import json
import ssl
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Self
from uuid import uuid4

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

REASONS = {201: "Created", 302: "Found", 307: "Temporary Redirect", 410: "Gone", 429: "Too Many Requests"}


@dataclass(frozen=True)
class Answer:
    """What the service does with a push: answers, after a while (s) or a byte at a time, stalls until let go, or breaks
    off half-way."""

    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    breaks_off: bool = False
    trickles: bool = False
    after_s: float = 0

    def encoded(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Answer')}", "Content-Length: 0"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True)
class Received:
    """One request as it came; `at`: seconds of the machine's monotonic clock, `answered`: the status it gets."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes
    answered: int = 201


class Browser:
    """A subscription as a browser makes one; only this object can read what is sent to it."""

    def __init__(self, service: "PushService", name: str) -> None:
        self.service = service
        self.path = f"/{name}/{uuid4().hex}"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = uuid4().bytes

    @property
    def endpoint(self) -> str:
        return self.service.origin + self.path

    def subscription(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON()` gives a page."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": self.endpoint, "keys": {"p256dh": base64url(point), "auth": base64url(self._auth)}}

    def answers(self, status: int = 201, **headers: str) -> None:
        """From now on; `Retry_After="40"` sets the header Retry-After."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.service.answers[self.path] = Answer(status, named)

    def stalls(self) -> None:
        """Takes the push and says nothing until the service is told to let go."""
        self.service.answers[self.path] = Answer(hangs=True)

    def breaks_off(self) -> None:
        """Closes the connection in the middle of the status line."""
        self.service.answers[self.path] = Answer(breaks_off=True)

    @property
    def received(self) -> list[Received]:
        return [request for request in self.service.received if request.path == self.path]

    def wait(self, count: int = 1, timeout: float = 10) -> list[Received]:
        """The pushes so far, once there are `count`."""
        self.service.wait(lambda: len(self.received) >= count, timeout)
        return self.received

    def read(self, received: Received) -> dict[str, Any]:
        """The JSON inside a push, decrypted."""
        return dict(
            json.loads(
                http_ece.decrypt(received.body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
            )
        )


class PushService:
    """A context manager: it listens on its own thread, on a port of its own, and ends with the block.

    With `tls` it speaks https.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.received: list[Received] = []
        self.answers: dict[str, Answer] = defaultdict(Answer)
        self._arrived = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.connections = 0
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def browser(self, name: str = "ada") -> Browser:
        return Browser(self, name)

    def answer(self, path: str, topic: str) -> Answer:
        """What a push that comes now gets."""
        return self.answers[path]

    def let_go(self) -> None:
        """Stalled pushes are answered 201, and nothing stalls any more."""
        for path, answer in list(self.answers.items()):
            if answer.hangs:
                self.answers[path] = Answer()
        self._loop.call_soon_threadsafe(self._go.set)

    def wait(self, what: Any, timeout: float = 10) -> None:
        """Until `what()` is true, looked at whenever a push arrives."""
        with self._arrived:
            assert self._arrived.wait_for(what, timeout), f"not within {timeout} s; {len(self.received)} pushes came"

    async def _listen(self) -> int:
        self._go = asyncio.Event()
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512, ssl=self._tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        self.connections += 1
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller went away, or the test is over
        finally:
            self._connections.discard(task)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when the connection is to be closed."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head[0].split(" ")[1]
        answer = self.answer(path, headers.get("topic", ""))
        with self._arrived:
            self.received.append(Received(time.monotonic(), path, headers, body, answer.status))
            self._arrived.notify_all()
        if answer.hangs:
            await self._go.wait()
            answer = Answer()
        if answer.trickles:
            await _trickle(writer)
        if answer.after_s:
            await asyncio.sleep(answer.after_s)
        writer.write(answer.encoded()[:9] if answer.breaks_off else answer.encoded())
        await writer.drain()
        return not answer.breaks_off


async def _trickle(writer: asyncio.StreamWriter) -> None:
    """An answer that is always on its way: whoever only asks whether something came waits for ever."""
    for byte in cycle(b"HTTP/1.1 201 Created and so on, "):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.3)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""Relays on loopback between browser and server: one counts what comes down, the other goes wrong on demand."""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self


class Relay:
    """A context manager; `down` is bytes from server to browser, `requests` the request lines that went up."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.down = 0
        self.requests: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def reset(self) -> None:
        self.down, self.requests = 0, []

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        for _ in range(5):
            await asyncio.sleep(0)  # who was accepted just now becomes a task first
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._relay(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)  # the transport takes leave of the loop
            self._tasks.discard(task)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.gather(self._up(reader, up_writer), self._down(up_reader, writer))
        finally:
            up_writer.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            line = data.split(b"\r\n", 1)[0]
            if line.endswith(b" HTTP/1.1"):
                self.requests.append(line.decode().removesuffix(" HTTP/1.1"))
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.down += len(data)
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@dataclass
class Exchange:
    """One request that is about to go wrong: `pass_on()` lets the server answer, `give()` is what the phone gets.

    `begin(share)` lets the server have only that share of the body before the connection to it breaks.
    """

    pass_on: Callable[[], Awaitable[bytes]]
    give: Callable[[bytes], Awaitable[None]]
    begin: Callable[[float], Awaitable[None]]


Fault = Callable[[Exchange], Awaitable[None]]


@dataclass
class Rule:
    pattern: re.Pattern[str]
    fault: Fault
    left: int


class BadLine(Relay):
    """One request per connection. A fault takes the next requests that match; everything else passes.

    `release`: another name for the server's release, as if a new one were out. `slow`: (bytes per second, seconds
    before each answer) of a line like 2G.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._rules: list[Rule] = []
        self.release: tuple[bytes, bytes] | None = None
        self.slow: tuple[int, float] | None = None

    def fail(self, pattern: str, fault: Fault, times: int = 1_000_000) -> None:
        """Let the next requests go wrong whose "METHOD /path" matches the whole pattern."""
        self._rules.append(Rule(re.compile(pattern), fault, times))

    def heal(self) -> None:
        """No fault any more; what hangs is cut off."""
        self._rules.clear()
        for task in list(self._tasks):
            self._loop.call_soon_threadsafe(task.cancel)

    def seen(self, pattern: str) -> int:
        """How many such requests have come, whatever became of them."""
        return sum(bool(re.fullmatch(pattern, line)) for line in list(self.requests))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line = head.split(" HTTP/1.1", 1)[0]
        self.requests.append(line)
        size = re.search(r"(?im)^content-length: *(\d+)", head)
        body = await self._body(reader, int(size[1])) if size else b""

        async def give(data: bytes) -> None:
            await self._drip(len(data), wait=True)
            writer.write(data)
            await writer.drain()

        exchange = Exchange(lambda: self._ask(head, body), give, lambda share: self._begin(head, body, share))
        fault = self._fault_for(line)
        if fault:
            await fault(exchange)
        else:
            await give(await exchange.pass_on())
            writer.write_eof()
            await reader.read()

    def _fault_for(self, line: str) -> Fault | None:
        rule = next((rule for rule in self._rules if rule.left and rule.pattern.fullmatch(line)), None)
        if rule is None:
            return None
        rule.left -= 1
        return rule.fault

    async def _body(self, reader: asyncio.StreamReader, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = await reader.readexactly(min(4096, size - len(found)))
            await self._drip(len(piece))
            found += piece
        return found

    async def _drip(self, count: int, wait: bool = False) -> None:
        if self.slow:
            rate, pause = self.slow
            await asyncio.sleep(count / rate + pause * wait)

    async def _begin(self, head: str, body: bytes, share: float) -> None:
        _, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        up_writer.write(head.encode("latin-1") + body[: int(len(body) * share)])
        await up_writer.drain()
        await asyncio.sleep(0.1)  # until the server has read it
        up_writer.transport.abort()

    async def _ask(self, head: str, body: bytes) -> bytes:
        """The server's whole answer, plain and on a connection of its own."""
        data = re.sub(r"(?im)^(connection|accept-encoding|if-none-match):.*\r\n", "", head).encode("latin-1")
        data = data.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        if self.release:
            data = data.replace(self.release[1], self.release[0])
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            up_writer.write(data + body)
            answer = await up_reader.read()
        finally:
            up_writer.transport.abort()
        answer = answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        return answer.replace(*self.release) if self.release else answer


def answer(status: int, body: str = "<h1>WiFi</h1>", kind: str = "text/html", **headers: str) -> Fault:
    """Something in between answers in the server's place."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    data = body.encode()
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n{more}\r\n"
    )

    async def fault(exchange: Exchange) -> None:
        await exchange.give(head.encode() + data)
        await asyncio.sleep(0.2)

    return fault


async def hang(exchange: Exchange) -> None:
    """Nothing ever comes back."""
    await asyncio.Event().wait()


async def drop(exchange: Exchange) -> None:
    """The connection breaks before the server has heard of it."""


async def cut_short(exchange: Exchange) -> None:
    """The server took it, but its answer breaks off in the middle."""
    data = await exchange.pass_on()
    await exchange.give(data[:-20])
    await asyncio.sleep(0.2)


def lost(then: Callable[[], object] = lambda: None) -> Fault:
    """The server took it and answered; then something happens, and nobody hears the answer."""

    async def fault(exchange: Exchange) -> None:
        await exchange.pass_on()
        then()

    return fault


def doing(then: Callable[[], object]) -> Fault:
    """Something happens first, then the server gets the request as if nothing were."""

    async def fault(exchange: Exchange) -> None:
        then()
        await exchange.give(await exchange.pass_on())
        await asyncio.sleep(0.2)

    return fault


def held(gate: threading.Event) -> Fault:
    """The server took it and answered; the phone hears of it when the gate opens."""

    async def fault(exchange: Exchange) -> None:
        data = await exchange.pass_on()
        while not gate.is_set():
            await asyncio.sleep(0.02)
        await exchange.give(data)
        await asyncio.sleep(0.2)

    return fault


def repeated(times: int) -> Fault:
    """The same request reaches the server so often at once; the phone gets one of the answers."""

    async def fault(exchange: Exchange) -> None:
        answers = await asyncio.gather(*(exchange.pass_on() for _ in range(times)))
        await exchange.give(answers[-1])
        await asyncio.sleep(0.2)

    return fault


async def broken_off(exchange: Exchange) -> None:
    """The server has half of the body when the line breaks."""
    await exchange.begin(0.5)

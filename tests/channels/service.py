"""A gateway's server on loopback, which misbehaves as real ones do: stalls, drips, breaks off, points elsewhere."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def raw_query(self) -> str:
        return urlsplit(self.target).query

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.raw_query).items()}

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass(frozen=True)
class Reply:
    status: int = 200
    said: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    drips: bool = False
    breaks_off: bool = False


Protocol = Callable[[Request], Reply]


class Service:
    """A context manager: listens on a port of its own and speaks one protocol."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.received: list[Request] = []
        self.next: Reply | None = None  # instead of what the protocol says, from now on
        self.over = threading.Event()
        self.gone = threading.Event()  # somebody whom we kept waiting hung up
        self._server = _Server(("127.0.0.1", 0), type("_Mine", (_Handler,), {"service": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, request: Request) -> Reply:
        self.received.append(request)
        return self.next or self.protocol(request)


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        reply = self.service.answer(Request(self.command, self.path, headers, body))
        if reply.hangs or reply.drips:
            self._keep_waiting(b"H" if reply.drips else b"")
        elif reply.breaks_off:
            self.wfile.write(b"HTTP/1.1 2")
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._say(reply)

    do_POST = do_GET

    def _keep_waiting(self, byte: bytes) -> None:
        self.connection.settimeout(0.05)
        while not self.service.over.is_set():
            try:
                self.wfile.write(byte)
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.service.gone.set()

    def _say(self, reply: Reply) -> None:
        content = reply.said if isinstance(reply.said, bytes) else json.dumps(reply.said).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hung up on us is no error here."""

"""One careful exchange with a gateway: where it may go, until when, and what was answered.

Gateways are named by administrators, and what they answer is nobody's promise. So a journey goes to one server
only, which is the public one of its kind or one that the operator allowed by name (FIELDAPP_GATEWAY_HOSTS); the
address is looked up once, checked, and then connected to, so that a second look-up cannot point elsewhere; a
redirect is an answer like any other and is never followed; an answer is read to 64 KB and no further; and when the
time is up the connection is cut, so that not even a server that sends a byte now and then holds anybody up.
"""

import contextlib
import http.client
import ipaddress
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from fieldapp.channels import Permanent, Temporary, seconds_until

MOST_READ = 64 * 1024
_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|localhost")
T = TypeVar("T")
S = TypeVar("S", bound=socket.socket)


class Unreachable(Exception):
    """No answer came: the name, the connection or the exchange failed."""


@dataclass(frozen=True)
class Answer:
    """What a server said; its headers' names are written Like-This."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object it carries; empty when it carries none."""
        try:
            found = json.loads(self.content)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def retry_after(self) -> float | None:
        """In how many seconds the server wants to hear from us again, when it said so."""
        return seconds_until(self.headers.get("Retry-After", ""))


@dataclass(frozen=True)
class Rules:
    """Which servers may be called: a kind's public ones on its ports, and those the operator named, on any port.

    `allow_loopback` is for tests: it opens this machine, without TLS.
    """

    hosts: tuple[str, ...]
    ports: tuple[int, ...] = (443,)
    more_hosts: tuple[str, ...] = ()
    allow_loopback: bool = False

    def allow(self, host: str, port: int) -> bool:
        """True when this server may be named."""
        if self.local(host) or host in self.more_hosts:
            return True
        return host in self.hosts and port in self.ports

    def reach(self, host: str, address: str) -> bool:
        """True when this name may lead to this address."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if self.local(host) or host in self.more_hosts:
            return True
        return ip.is_global and not ip.is_multicast

    def local(self, host: str) -> bool:
        """True for this machine, in tests."""
        return self.allow_loopback and bool(_LOOPBACK.fullmatch(host))


@dataclass
class Journey:
    """One send to one server (`host` or `host:port`).

    `answers` holds what came back, in order; `failed` says why none did.
    """

    server: str
    rules: Rules
    patience_s: float
    usual_port: int = 443
    answers: list[Answer] = field(default_factory=list)
    failed: str = ""

    def __post_init__(self) -> None:
        host, _, port = self.server.lower().partition(":")
        self.host, self.port = host, int(port or self.usual_port)
        self._until = time.monotonic() + self.patience_s
        self._cuts: list[Callable[[], None]] = []
        self._over = False
        if self.port > 65535 or not self.rules.allow(self.host, self.port):
            raise Permanent(f"not_allowed:{self.server}", ours=True)

    @property
    def left(self) -> float:
        """Seconds until the time is up, never quite none."""
        return max(0.05, self._until - time.monotonic())

    @property
    def plain(self) -> bool:
        """True when no TLS is spoken: only with this machine, in tests."""
        return self.rules.local(self.host)

    def run(self, work: Callable[[], T]) -> T:
        """Do `work` and return what it returns; when the time is up first, cut it off. Raises Temporary then."""
        done: Future[T] = Future()
        threading.Thread(target=_carry_out, args=(work, done), daemon=True).start()
        try:
            return done.result(self.left)
        except TimeoutError:
            self._cut()
            raise Temporary("no_answer") from None

    def connect(self) -> socket.socket:
        """A connection to the server, at an address that was checked. Raises Unreachable."""
        failed = "no_address"
        for address in self._addresses():
            try:
                return self._ours(socket.create_connection((address, self.port), timeout=self.left))
            except OSError as error:
                failed = type(error).__name__
        raise Unreachable(failed)

    def secured(self) -> socket.socket:
        """The same with TLS, its certificate checked for the server's name."""
        # the handshake comes after the socket is ours to cut: a server may never finish it
        bare = self.connect()
        made = self._ours(trust().wrap_socket(bare, server_hostname=self.host, do_handshake_on_connect=False))
        try:
            made.do_handshake()
        except OSError:
            made.close()
            raise
        return made

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request and its answer. Raises Unreachable."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.left)
        try:
            connection.sock = self.connect() if self.plain else self.secured()
            connection.request(method, path, body, {"Host": self.authority, **headers})
            said = connection.getresponse()
            content = said.read(MOST_READ)
        except (Unreachable, OSError, http.client.HTTPException, ValueError) as error:
            why = str(error) if isinstance(error, Unreachable) else type(error).__name__
            self.failed = f"unreachable:{why}"
            raise Unreachable(why) from error
        finally:
            connection.close()
        told = {name.title(): value for name, value in said.headers.items()}
        self.answers.append(Answer(said.status, told, content))
        return self.answers[-1]

    @property
    def authority(self) -> str:
        """The server as it stands in a Host header."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"

    def cut_with(self, how: Callable[[], None]) -> None:
        """Remember how to end a connection from outside; it is ended at once when the time is up already."""
        self._cuts.append(how)
        if self._over:
            self._cut()

    def _ours(self, made: S) -> S:
        self.cut_with(lambda: socket.socket.shutdown(made, socket.SHUT_RDWR))
        return made

    def _cut(self) -> None:
        self._over = True
        for how in self._cuts:
            with contextlib.suppress(OSError):
                how()

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(type(error).__name__) from error
        usable = [str(entry[4][0]) for entry in found if self.rules.reach(self.host, str(entry[4][0]))]
        if not usable:
            raise Permanent(f"private_address:{self.host}", ours=True)
        return usable


@lru_cache
def trust() -> ssl.SSLContext:
    """The certificates this machine trusts; read once, for it takes some milliseconds."""
    return ssl.create_default_context()


def _carry_out(work: Callable[[], T], done: "Future[T]") -> None:
    try:
        done.set_result(work())
    except BaseException as error:  # whoever waits shall have it, whatever it is
        done.set_exception(error)

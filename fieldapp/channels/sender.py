"""Sending a push: pywebpush's encryption and our own, pooled, careful HTTP.

pywebpush's own senders default to TTL 0, follow redirects and write into the claims they are given; none of
that happens here: never at a private address, never through a redirect. aiohttp costs a tenth of a second to import,
so only who sends imports this.
"""

import ipaddress
import json
import socket
from datetime import UTC, datetime
from types import TracebackType

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from py_vapid import Vapid02

from fieldapp.channels import Gone, Permanent, Temporary, seconds_until
from fieldapp.channels.webpush import Push, endpoint_allowed, origin_of

MAX_PAYLOAD = 2000  # bytes before encryption; some services refuse more than 4 KB in all
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
TOKEN_LASTS = 12 * 3600  # Apple refuses more than 24 h


class Sender:
    """Sends pushes over pooled connections with one VAPID token per service. An async context manager."""

    def __init__(
        self,
        vapid: Vapid02,
        contact: str,
        more_hosts: tuple[str, ...] = (),
        allow_loopback: bool = False,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        self._vapid = vapid
        self._contact = contact
        self._more_hosts = more_hosts
        self._allow_loopback = allow_loopback
        self._timeout = timeout
        self._tokens: dict[str, tuple[float, str]] = {}

    async def __aenter__(self) -> "Sender":
        connector = aiohttp.TCPConnector(
            limit=0, limit_per_host=64, ttl_dns_cache=300,
            resolver=ThreadedResolver() if self._allow_loopback else PublicResolver(),
        )  # fmt: skip
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, push: Push) -> None:
        """Hand one push to its service. Returns when the service took it; raises Temporary, Gone or Permanent."""
        if not endpoint_allowed(push.address.endpoint, self._more_hosts, self._allow_loopback):
            raise Permanent("endpoint_not_allowed")
        body = _encrypt(push)
        headers = {
            "TTL": str(push.ttl),
            "Urgency": "high",
            "Topic": push.topic,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": self._authorization(push.address.endpoint),
        }
        try:
            async with self._session.post(
                push.address.endpoint, data=body, headers=headers, allow_redirects=False
            ) as answer:
                _judge(answer.status, answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Temporary(type(error).__name__) from error

    def _authorization(self, endpoint: str) -> str:
        """One token per origin, made anew in the last hour of its life; the claims are fresh each time."""
        origin, now = origin_of(endpoint), datetime.now(UTC).timestamp()
        expires, header = self._tokens.get(origin, (0.0, ""))
        if expires - now < 3600:
            expires = now + TOKEN_LASTS
            claims = {"aud": origin, "exp": int(expires), "sub": self._contact}
            header = self._vapid.sign(claims)["Authorization"]
            self._tokens[origin] = expires, header
        return header


class PublicResolver(AbstractResolver):
    """Resolves names, and refuses any that lead to a private, loopback or link-local address."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Public addresses only; raises OSError when none is left."""
        found = await self._inner.resolve(host, port, family)
        public = [entry for entry in found if ipaddress.ip_address(entry["host"]).is_global]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        """Nothing is held open."""
        await self._inner.close()


def _encrypt(push: Push) -> bytes:
    from pywebpush import WebPusher  # costs a third of a second to import: only where it is used

    text = json.dumps(push.payload, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > MAX_PAYLOAD:
        raise Permanent("payload_too_large", ours=True)
    keys: dict[str, str | bytes] = {"p256dh": push.address.p256dh, "auth": push.address.auth}
    try:
        return bytes(WebPusher({"endpoint": push.address.endpoint, "keys": keys}).encode(text)["body"])
    except Exception as error:  # keys a browser never made
        raise Gone("bad_keys") from error


def _judge(status: int, retry_after: str) -> None:
    if status in (200, 201, 202, 204):
        return
    if status in (404, 410):
        raise Gone(f"service_{status}")
    if status == 429 or status >= 500:
        raise Temporary(f"service_{status}", seconds_until(retry_after))
    if status in (400, 401, 403, 413):
        raise Permanent(f"service_{status}", ours=True)
    raise Permanent(f"service_{status}")  # a redirect among others: never followed

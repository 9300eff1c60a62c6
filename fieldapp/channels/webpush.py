"""Web Push (RFC 8030, 8291, 8292) with pywebpush's encryption and our own, pooled, careful HTTP.

pywebpush's own senders default to TTL 0, follow redirects and write into the claims they are given; none of
that happens here. Endpoints come from users, so only known push services are called, over https, never at a
private address, never through a redirect.
"""

import base64
import ipaddress
import json
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from fieldapp.accounts import write_private
from fieldapp.channels import Gone, Permanent, Temporary

KNOWN_SERVICES = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    ".push.services.mozilla.com",
    ".notify.windows.com",
    ".push.apple.com",
)
MAX_PAYLOAD = 2000  # bytes before encryption; some services refuse more than 4 KB in all
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
TOKEN_LASTS = 12 * 3600  # Apple refuses more than 24 h
_HOST = re.compile(r"[a-z0-9.-]+")  # what else stands in a host, two libraries read in two ways
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,100}={0,2}")
_LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+)")


@dataclass(frozen=True)
class Address:
    """A browser's subscription as it gave it."""

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True)
class Push:
    """One push: where to, the JSON it carries, how long (s) a service may keep it, and what it replaces."""

    address: Address
    payload: dict[str, object]
    ttl: int
    topic: str


def endpoint_allowed(endpoint: str, more_hosts: tuple[str, ...] = (), allow_loopback: bool = False) -> bool:
    """True for an https address at a known push service (or, in tests only, http on loopback)."""
    try:
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if parts.username or parts.password or len(endpoint) > 1000 or not _HOST.fullmatch(host):
        return False
    if allow_loopback and _LOOPBACK.fullmatch(host):
        return parts.scheme in ("http", "https")
    if parts.scheme != "https" or port not in (None, 443):
        return False
    return any(_matches(host, known) for known in (*KNOWN_SERVICES, *more_hosts))


def origin_of(endpoint: str) -> str:
    """The push service an address belongs to."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def keys_valid(p256dh: str, auth: str) -> bool:
    """True when the browser's keys are a point on P-256 and 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _unbase64(p256dh))
        return len(_unbase64(auth)) == 16
    except ValueError:
        return False


def ensure_key(folder: Path) -> Vapid02:
    """The instance's VAPID key, made on first use with mode 600."""
    path = folder / "vapid.pem"
    if not path.exists():
        fresh = Vapid02()
        fresh.generate_keys()
        write_private(path, fresh.private_pem())
    return Vapid02.from_pem(path.read_bytes())


def public_key(folder: Path) -> str:
    """The application server key as a browser wants it: the uncompressed point, base64url."""
    point = ensure_key(folder).public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


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
                _judge(answer.status, answer.headers.get("Retry-After"))
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


def _judge(status: int, retry_after: str | None) -> None:
    if status in (200, 201, 202, 204):
        return
    if status in (404, 410):
        raise Gone(f"service_{status}")
    if status == 429 or status >= 500:
        raise Temporary(f"service_{status}", _seconds(retry_after))
    if status in (400, 401, 403, 413):
        raise Permanent(f"service_{status}", ours=True)
    raise Permanent(f"service_{status}")  # a redirect among others: never followed


def _seconds(retry_after: str | None) -> float | None:
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _matches(host: str, known: str) -> bool:
    return host.endswith(known) if known.startswith(".") else host == known


def _unbase64(text: str) -> bytes:
    if not _BASE64URL.fullmatch(text):  # Python would skip over anything else
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))

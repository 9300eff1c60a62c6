"""What there is to know of Web Push (RFC 8030, 8291, 8292) before one is sent: addresses, keys, and what is pushed.

Endpoints come from users, so only known push services are called, over https. Sending them is sender.py's.
"""

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from fieldapp.accounts import write_private

KNOWN_SERVICES = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    ".push.services.mozilla.com",
    ".notify.windows.com",
    ".push.apple.com",
)
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


def _matches(host: str, known: str) -> bool:
    return host.endswith(known) if known.startswith(".") else host == known


def _unbase64(text: str) -> bytes:
    if not _BASE64URL.fullmatch(text):  # Python would skip over anything else
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))

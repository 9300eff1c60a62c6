"""What leaves for a push service, and what its answers mean: the real sender against a service on loopback."""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from fieldapp.channels import Gone, Permanent, Temporary, sender, webpush
from fieldapp.channels.sender import Sender
from fieldapp.channels.webpush import Address, Push
from tests.push.endpoint import Browser, PushService

pytestmark = pytest.mark.onedb

CONTACT = "mailto:town@example.org"
PAYLOAD: dict[str, object] = {
    "web_push": 8030,
    "notification": {"title": "红 井盖破损,夜间危险", "body": "南门社区 · HC-20261123-001", "navigate": "https://t/x"},
}


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as service:
        yield service


@pytest.fixture
def phone(service: PushService) -> Browser:
    return service.browser()


def push_to(phone: Browser, payload: dict[str, object] = PAYLOAD, ttl: int = 86400, topic: str | None = None) -> Push:
    keys = phone.subscription()["keys"]
    return Push(Address(phone.endpoint, keys["p256dh"], keys["auth"]), payload, ttl, topic or uuid4().hex)


def send(folder: Path, *pushes: Push, timeout: float = 5) -> None:
    """All of them with one sender, one after another."""

    async def sending() -> None:
        limits = aiohttp.ClientTimeout(total=timeout)
        async with Sender(webpush.ensure_key(folder), CONTACT, allow_loopback=True, timeout=limits) as sender:
            for push in pushes:
                await sender.send(push)

    asyncio.run(sending())


def refusal(folder: Path, push: Push, timeout: float = 5) -> Exception:
    with pytest.raises((Temporary, Permanent)) as caught:
        send(folder, push, timeout=timeout)
    return caught.value


def test_the_phone_reads_what_was_written(tmp_path: Path, phone: Browser) -> None:
    send(tmp_path, push_to(phone))
    assert [phone.read(request) for request in phone.received] == [PAYLOAD]


def test_the_headers_say_urgent_for_how_long_and_what_it_replaces(tmp_path: Path, phone: Browser) -> None:
    alert = uuid4()
    send(tmp_path, push_to(phone, ttl=1234, topic=alert.hex))
    headers = phone.received[0].headers
    assert headers["ttl"] == "1234"
    assert headers["urgency"] == "high"
    assert headers["topic"] == alert.hex
    assert len(headers["topic"]) <= 32
    assert headers["content-encoding"] == "aes128gcm"
    assert "井盖" not in str(headers)


def test_the_token_is_signed_by_our_key_for_this_service_for_less_than_a_day(tmp_path: Path, phone: Browser) -> None:
    send(tmp_path, push_to(phone))
    claims = verified_claims(phone.received[0].headers["authorization"], webpush.public_key(tmp_path))
    now = datetime.now(UTC).timestamp()
    assert claims["aud"] == phone.service.origin
    assert now < claims["exp"] <= now + 24 * 3600
    assert claims["sub"] == CONTACT


def test_one_token_per_service_and_never_anothers(tmp_path: Path, phone: Browser) -> None:
    with PushService() as other:
        elsewhere = other.browser("ben")
        send(tmp_path, push_to(phone), push_to(elsewhere), push_to(phone))
        tokens = [request.headers["authorization"] for request in phone.received]
        assert len(tokens) == 2
        assert tokens[0] == tokens[1], "signing anew for each push costs more than all the rest"
        theirs = verified_claims(elsewhere.received[0].headers["authorization"], webpush.public_key(tmp_path))
        assert theirs["aud"] == other.origin


def test_connections_are_reused(tmp_path: Path, phone: Browser) -> None:
    send(tmp_path, *[push_to(phone) for _ in range(5)])
    assert phone.service.connections == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_taken(tmp_path: Path, phone: Browser, status: int) -> None:
    phone.answers(status)
    send(tmp_path, push_to(phone))


@pytest.mark.parametrize("status", [404, 410])
def test_a_dead_address_is_gone(tmp_path: Path, phone: Browser, status: int) -> None:
    phone.answers(status)
    assert isinstance(refusal(tmp_path, push_to(phone)), Gone)


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_a_fault_of_ours_says_so(tmp_path: Path, phone: Browser, status: int) -> None:
    phone.answers(status)
    error = refusal(tmp_path, push_to(phone))
    assert isinstance(error, Permanent)
    assert error.ours
    assert not isinstance(error, Gone), "our fault must not cost anybody the subscription"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_or_broken_service_is_tried_later(tmp_path: Path, phone: Browser, status: int) -> None:
    phone.answers(status)
    error = refusal(tmp_path, push_to(phone))
    assert isinstance(error, Temporary)
    assert error.retry_after is None


def test_later_means_when_the_service_says_in_seconds(tmp_path: Path, phone: Browser) -> None:
    phone.answers(429, Retry_After="40")
    assert refusal(tmp_path, push_to(phone)).retry_after == 40  # type: ignore[attr-defined]


def test_later_means_when_the_service_says_as_a_date(tmp_path: Path, phone: Browser) -> None:
    phone.answers(503, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert 80 < refusal(tmp_path, push_to(phone)).retry_after <= 90  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", ["soon", "-5", "１２", "Mon, 99 Foo 2026 00:00:00 GMT", "Mon, 23 Nov 2026 00:00:00"])
def test_a_time_that_is_none_is_ignored(tmp_path: Path, phone: Browser, words: str) -> None:
    phone.answers(429, Retry_After=words)
    assert refusal(tmp_path, push_to(phone)).retry_after is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(tmp_path: Path, phone: Browser, status: int) -> None:
    with PushService() as elsewhere:
        for target in (elsewhere.origin + "/stolen", phone.service.origin + "/again", "http://10.0.0.1/"):
            phone.answers(status, Location=target)
            assert isinstance(refusal(tmp_path, push_to(phone)), Permanent)
        assert elsewhere.received == []
    assert {request.path for request in phone.service.received} == {phone.path}


def test_a_connection_closed_half_way_is_tried_later(tmp_path: Path, phone: Browser) -> None:
    phone.breaks_off()
    assert isinstance(refusal(tmp_path, push_to(phone)), Temporary)


def test_nobody_listening_is_tried_later(tmp_path: Path) -> None:
    with PushService() as service:
        phone = service.browser()
    assert isinstance(refusal(tmp_path, push_to(phone)), Temporary)


def test_silence_ends_after_the_timeout(tmp_path: Path, phone: Browser) -> None:
    phone.stalls()
    began = time.monotonic()
    assert isinstance(refusal(tmp_path, push_to(phone), timeout=0.5), Temporary)
    assert time.monotonic() - began < 3
    assert sender.TIMEOUT.total is not None
    assert sender.TIMEOUT.total <= 10, "a lease lasts 30 s and must outlast a send"


def test_what_no_service_would_take_is_not_sent(tmp_path: Path, phone: Browser) -> None:
    error = refusal(tmp_path, push_to(phone, {"notification": {"title": "井" * 700}}))
    assert isinstance(error, Permanent)
    assert error.ours
    assert phone.received == []


def test_keys_no_browser_made_end_the_subscription(tmp_path: Path, phone: Browser) -> None:
    push = Push(Address(phone.endpoint, "AAAA", "AAAA"), PAYLOAD, 60, uuid4().hex)
    assert isinstance(refusal(tmp_path, push), Gone)
    assert not webpush.keys_valid("AAAA", "AAAA")
    keys = phone.subscription()["keys"]
    assert webpush.keys_valid(keys["p256dh"], keys["auth"])


def test_the_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    assert webpush.public_key(tmp_path) == webpush.public_key(tmp_path)
    assert (tmp_path / "vapid.pem").stat().st_mode & 0o077 == 0


def verified_claims(authorization: str, key: str) -> dict[str, object]:
    """The claims of `vapid t=…,k=…`, its ES256 signature checked against the published key."""
    scheme, _, rest = authorization.partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid"
    assert fields["k"] == key
    head, body, signature = fields["t"].split(".")
    assert json.loads(unbase64(head))["alg"] == "ES256"
    raw = unbase64(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unbase64(key))
    point.verify(encode_dss_signature(r, s), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
    return dict(json.loads(unbase64(body)))


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

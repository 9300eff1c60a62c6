"""Push endpoints come from users: which addresses are ever called, and where their names may lead."""

import asyncio
import socket
from pathlib import Path

import pytest
from aiohttp.abc import ResolveResult

from fieldapp.channels import Permanent, webpush
from fieldapp.channels.sender import PublicResolver, Sender
from fieldapp.channels.webpush import Address, Push, endpoint_allowed

pytestmark = pytest.mark.onedb

TAKEN = (
    "https://fcm.googleapis.com/fcm/send/abc:APA91",
    "https://FCM.googleapis.com/wp/x",
    "https://fcm.googleapis.com:443/x",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
    "https://eu1.push.services.mozilla.com/wpush/v2/gAAAA",
    "https://wns2-par02p.notify.windows.com/w/?token=BQYAAA",
    "https://web.push.apple.com/QAbcd",
)
REFUSED = (
    "http://fcm.googleapis.com/x",
    "ftp://fcm.googleapis.com/x",
    "//fcm.googleapis.com/x",
    "fcm.googleapis.com/x",
    "",
    "https://",
    "https:///x",
    "https://example.org/x",
    "https://evilfcm.googleapis.com/x",
    "https://fcm.googleapis.com.evil.com/x",
    "https://updates.push.services.mozilla.com.evil.com/x",
    "https://notify.windows.com.evil.com/x",
    "https://evilpush.apple.com/x",
    "https://push.apple.com/x",
    "https://evil.com/.push.apple.com",
    "https://evil.com?.push.apple.com",
    "https://evil.com#.push.apple.com",
    "https://user@fcm.googleapis.com/x",
    "https://user:secret@fcm.googleapis.com/x",
    "https://fcm.googleapis.com@evil.com/x",
    "https://evil.com\\@fcm.googleapis.com/x",
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com:22/x",
    "https://fcm.googleapis.com:port/x",
    "https://fcm.googleapis.com:99999/x",
    "https://[::1]/x",
    "https://[fcm.googleapis.com/x",
    "https://127.0.0.1/x",
    "https://10.0.0.1/x",
    "https://169.254.169.254/latest/meta-data",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://localhost/x",
    "https://fcm.googleapis.com/" + "x" * 1000,
)


@pytest.mark.parametrize("endpoint", TAKEN)
def test_the_services_of_the_browsers_are_called(endpoint: str) -> None:
    assert endpoint_allowed(endpoint)


@pytest.mark.parametrize("endpoint", REFUSED)
def test_nothing_else_is(endpoint: str) -> None:
    assert not endpoint_allowed(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    ["https://evil.com\\.push.apple.com/x", "https://evil.com%2f.push.apple.com/x", "https://a b.push.apple.com/x"],
)
def test_a_host_with_characters_no_host_has_is_refused(endpoint: str) -> None:
    assert not endpoint_allowed(endpoint)


def test_an_operator_may_name_one_more_service() -> None:
    assert endpoint_allowed("https://push.town.example/x", more_hosts=("push.town.example",))
    assert not endpoint_allowed("https://evilpush.town.example/x", more_hosts=("push.town.example",))


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9/x", "https://localhost:9/x", "http://127.8.8.8/x"])
def test_loopback_only_where_tests_open_it(endpoint: str) -> None:
    assert endpoint_allowed(endpoint, allow_loopback=True)
    assert not endpoint_allowed(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1.evil.com/x", "http://u@127.0.0.1/x", "http://10.0.0.1/x", "http://localhost.evil.com/x",
     "http://fcm.googleapis.com/x", "file://localhost/etc/passwd"],
)  # fmt: skip
def test_opening_loopback_opens_nothing_else(endpoint: str) -> None:
    assert not endpoint_allowed(endpoint, allow_loopback=True)


def test_an_address_that_slipped_in_is_refused_again_when_sending(tmp_path: Path) -> None:
    async def sending() -> None:
        async with Sender(webpush.ensure_key(tmp_path), "mailto:town@example.org") as sender:
            await sender.send(Push(Address("http://127.0.0.1:9/x", "", ""), {}, 60, "t"))

    with pytest.raises(Permanent, match="endpoint_not_allowed"):
        asyncio.run(sending())


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::"],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    with pytest.raises(OSError, match="no public address"):
        resolve(address)


def test_a_name_that_leads_inside_and_outside_is_called_outside_only() -> None:
    assert [entry["host"] for entry in resolve("10.0.0.1", "142.250.66.10")] == ["142.250.66.10"]


def test_localhost_by_name_is_refused() -> None:
    async def resolving() -> None:
        await PublicResolver().resolve("localhost", 443)

    with pytest.raises(OSError, match="no public address"):
        asyncio.run(resolving())


def resolve(*addresses: str) -> list[ResolveResult]:
    """What the resolver makes of a name whose entries these are."""

    class Names:
        async def resolve(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
            return [
                ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
                for address in addresses
            ]

    async def resolving() -> list[ResolveResult]:
        resolver = PublicResolver()
        resolver._inner = Names()  # type: ignore[assignment]
        return await resolver.resolve("push.example", 443)

    return asyncio.run(resolving())

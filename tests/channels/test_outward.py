"""Gateways that hang, drip, break off, are busy, or point at a private address; and servers nobody may name."""

import socket
import threading
import time

import pytest

from fieldapp.channels import Permanent, Temporary, gateways
from fieldapp.channels.outward import Rules
from tests.channels import chats, clouds
from tests.channels.conftest import MESSAGE, Serve, refusal, send
from tests.channels.service import Reply, Service

pytestmark = pytest.mark.onedb

ALL = [
    ("wecom", chats.WECOM, "ada"),
    ("wecombot", chats.WECOMBOT, ""),
    ("dingtalk", chats.DINGTALK, ""),
    ("feishu", chats.FEISHU, ""),
    ("bark", {}, chats.BARK_KEY),
    ("ntfy", {}, "haicheng-ada"),
    ("pushplus", {}, chats.PUSHPLUS_TOKEN),
    ("serverchan", {}, chats.SENDKEY),
    ("sms_aliyun", clouds.ALIYUN, "13812341234"),
    ("sms_tencent", clouds.TENCENT, "13812341234"),
]
each = pytest.mark.parametrize(("kind", "settings", "address"), ALL)


@pytest.fixture
def service(serve: Serve) -> Service:
    return serve(lambda request: Reply(500))


@each
@pytest.mark.parametrize("how", [Reply(hangs=True), Reply(drips=True)], ids=["silent", "a byte now and then"])
def test_a_hanging_gateway_is_left_in_time(
    service: Service, kind: str, settings: dict[str, str], address: str, how: Reply
) -> None:
    service.next = how
    began = time.monotonic()
    assert isinstance(refusal(kind, settings, address, service, patience_s=0.4), Temporary)
    assert time.monotonic() - began < 3
    assert service.gone.wait(5), "the connection is cut too, or threads would pile up behind a dead gateway"


@each
def test_busy_means_when_it_says(service: Service, kind: str, settings: dict[str, str], address: str) -> None:
    service.next = Reply(429, {}, {"retry-after": "40"})
    error = refusal(kind, settings, address, service)
    assert isinstance(error, Temporary)
    assert error.retry_after == 40


@each
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_broken_gateway_is_tried_later(
    service: Service, kind: str, settings: dict[str, str], address: str, status: int
) -> None:
    service.next = Reply(status, b"<html>sorry</html>")
    assert isinstance(refusal(kind, settings, address, service), Temporary)


@each
def test_a_closed_socket_half_way_is_tried_later(
    service: Service, kind: str, settings: dict[str, str], address: str
) -> None:
    service.next = Reply(breaks_off=True)
    assert isinstance(refusal(kind, settings, address, service), Temporary)


@each
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(
    serve: Serve, service: Service, kind: str, settings: dict[str, str], address: str, status: int
) -> None:
    elsewhere = serve(lambda request: Reply())
    for target in (f"http://{elsewhere.address}/stolen", f"http://{service.address}/again", "http://10.0.0.1/"):
        service.next = Reply(status, {}, {"Location": target})
        assert isinstance(refusal(kind, settings, address, service), Permanent)
    assert elsewhere.received == []
    assert "/again" not in {request.path for request in service.received}


@each
def test_nobody_listening_is_tried_later(kind: str, settings: dict[str, str], address: str) -> None:
    with Service(lambda request: Reply()) as gone:
        pass
    assert isinstance(refusal(kind, settings, address, gone), Temporary)


@each
def test_an_endless_answer_is_not_read_to_its_end(
    service: Service, kind: str, settings: dict[str, str], address: str
) -> None:
    service.next = Reply(500, b"x" * 5_000_000)
    assert isinstance(refusal(kind, settings, address, service), Temporary)


@pytest.mark.parametrize(
    "server",
    [
        "10.0.0.1",
        "127.0.0.1:6379",
        "169.254.169.254",
        "intranet.example.gov.cn",
        "api.day.app:6379",
        "localhost",
        "api.day.app:99999",
    ],
)
def test_a_server_that_nobody_allowed_is_not_called(server: str) -> None:
    with pytest.raises(Permanent) as caught:
        gateways.send("bark", {"server": server}, chats.BARK_KEY, MESSAGE)
    assert caught.value.ours
    assert not gateways.allowed("bark", server, ())


@pytest.mark.parametrize(
    "leads_to", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:10.0.0.1", "100.64.0.1"]
)
def test_a_public_name_that_leads_to_a_private_address_is_not_called(
    monkeypatch: pytest.MonkeyPatch, leads_to: str
) -> None:
    def found(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads_to, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it was connected to"))
    for kind, settings, address in ALL:
        with pytest.raises(Permanent, match="private_address"):
            gateways.send(kind, settings, address, MESSAGE)


def test_a_townships_own_server_may_be_private_once_the_operator_named_it() -> None:
    rules = Rules(("api.day.app",), more_hosts=("bark.haicheng.local",))
    assert rules.allow("bark.haicheng.local", 8443)
    assert rules.reach("bark.haicheng.local", "10.1.2.3")
    assert not rules.reach("api.day.app", "10.1.2.3")
    assert gateways.allowed("bark", "bark.haicheng.local:8443", ("bark.haicheng.local",))


def test_a_stranger_with_tls_must_prove_its_name(serve: Serve) -> None:
    """A named private server is spoken to in TLS: one that cannot is no server of ours."""
    service = serve(chats.Bark())
    host, _, port = service.address.partition(":")
    named = {"server": f"{host}:{port}"}
    with pytest.raises(Temporary):
        gateways.send("bark", named, chats.BARK_KEY, MESSAGE, patience_s=2, more_hosts=(host,))
    assert service.received == [], "nothing was said in the open"


def test_the_time_is_for_all_of_it_also_for_the_handshake() -> None:
    """A server that takes the connection and then says nothing at all, not even hello."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        named = {"server": f"127.0.0.1:{silent.getsockname()[1]}"}
        with pytest.raises(Temporary):
            gateways.send("bark", named, chats.BARK_KEY, MESSAGE, patience_s=0.3, more_hosts=("127.0.0.1",))
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(5)
            while connection.recv(4096):
                pass  # its hello; the end of it comes when we hung up


def test_two_gateways_at_once_do_not_mix(serve: Serve) -> None:
    """A thread's messages go to that thread's server, whoever else is sending."""
    servers = [chats.Bark() for _ in range(4)]
    services = [serve(server) for server in servers]
    threads = [threading.Thread(target=send, args=("bark", {}, chats.BARK_KEY, service)) for service in services * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [len(server.taken) for server in servers] == [5, 5, 5, 5]

"""Mail to a real mail server on loopback: what arrives, and what its refusals mean."""

import email
import email.policy
import socket
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from fieldapp.channels import Gone, Permanent, Temporary, gateways
from tests.channels.conftest import MESSAGE, Serve
from tests.channels.service import Reply

pytestmark = [pytest.mark.onedb, pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")]

ADA = "ada@example.org"


class MailServer:
    """One that knows the town by its password, and ada; `says` something else to a recipient when told."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.says: dict[str, str] = {}

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.says:
            return self.says[address]
        if address != ADA:
            return "550 5.1.1 Mailbox not found"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.says:
            return self.says["DATA"]
        self.taken.append(envelope)
        return "250 OK"

    def knows(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == b"authorisation-code", handled=False)

    def read(self) -> EmailMessage:
        content = self.taken[-1].content
        assert isinstance(content, bytes)
        return email.message_from_bytes(content, policy=email.policy.default)  # type: ignore[return-value]


@pytest.fixture
def server() -> MailServer:
    return MailServer()


@pytest.fixture
def settings(server: MailServer) -> Iterator[dict[str, str]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        server, hostname="127.0.0.1", port=port, authenticator=server.knows, auth_require_tls=False, auth_required=True
    )
    controller.start()
    yield {
        "server": f"127.0.0.1:{port}", "security": "none", "user": "town@example.org",
        "password": "authorisation-code", "sender": "town@example.org",
    }  # fmt: skip
    controller.stop()


def send(settings: dict[str, str], address: str = ADA, patience_s: float = 8) -> None:
    gateways.send("mail", settings, address, MESSAGE, patience_s=patience_s, allow_loopback=True)


def refusal(settings: dict[str, str], address: str = ADA, patience_s: float = 8) -> Temporary | Permanent:
    with pytest.raises((Temporary, Permanent)) as caught:
        send(settings, address, patience_s)
    return caught.value


def test_ada_gets_a_letter_in_plain_words(server: MailServer, settings: dict[str, str]) -> None:
    send(settings)
    letter = server.read()
    assert letter["subject"] == MESSAGE.title
    assert letter["to"] == ADA
    assert "town@example.org" in letter["from"]
    assert "随手报" in letter["from"]
    assert letter.get_content_type() == "text/plain"
    assert MESSAGE.body in letter.get_content()
    assert MESSAGE.link in letter.get_content()


def test_a_subject_cannot_bring_a_header(server: MailServer, settings: dict[str, str]) -> None:
    sly = gateways.Message("红\r\nBcc: otto@example.org", "b", MESSAGE.link, "红", "南门", "c")
    gateways.send("mail", settings, ADA, sly, allow_loopback=True)
    assert server.read()["bcc"] is None
    assert server.taken[0].rcpt_tos == [ADA]


def test_nobody_lives_there(settings: dict[str, str]) -> None:
    assert isinstance(refusal(settings, "ben@example.org"), Gone)


@pytest.mark.parametrize(
    ("says", "meaning"),
    [
        ("450 4.2.1 Mailbox busy, come back later", Temporary),
        ("452 4.5.3 Too many mails", Temporary),
        ("550 5.7.1 Rejected as spam", Permanent),
        ("550 The recipient may contain a non-existent account", Gone),
        ("550 User not found: ada@example.org", Gone),
    ],
)
def test_what_servers_say(server: MailServer, settings: dict[str, str], says: str, meaning: type[Exception]) -> None:
    server.says[ADA] = says
    error = refusal(settings)
    assert type(error) is meaning
    assert not getattr(error, "ours", False)


def test_a_letter_that_is_refused_whole(server: MailServer, settings: dict[str, str]) -> None:
    server.says["DATA"] = "554 5.7.1 DT:SPM"
    assert type(refusal(settings)) is Permanent
    server.says["DATA"] = "451 4.3.0 try later"
    assert type(refusal(settings)) is Temporary


def test_a_wrong_password_is_our_fault(settings: dict[str, str]) -> None:
    error = refusal({**settings, "password": "yesterdays"})
    assert isinstance(error, Permanent)
    assert error.ours


def test_a_server_without_starttls_gets_no_password(server: MailServer, settings: dict[str, str]) -> None:
    error = refusal({**settings, "security": "starttls"})
    assert isinstance(error, Permanent)
    assert error.ours
    assert server.taken == []


def test_no_password_goes_to_the_internet_in_the_open() -> None:
    open_mail = {"server": "smtp.qq.com:25", "security": "none", "user": "u", "password": "p", "sender": "a@qq.com"}
    with pytest.raises(Permanent) as caught:
        gateways.send("mail", open_mail, ADA, MESSAGE)
    assert caught.value.ours


@pytest.mark.parametrize("how", [Reply(hangs=True), Reply(drips=True)], ids=["silent", "a byte now and then"])
@pytest.mark.parametrize("security", ["none", "starttls"])
def test_a_hanging_server_is_left_in_time(serve: Serve, settings: dict[str, str], how: Reply, security: str) -> None:
    """It speaks no mail at all: whoever waits for its greeting waits for ever."""
    service = serve(lambda request: Reply())
    service.next = how
    began = time.monotonic()
    hanging = {**settings, "server": service.address, "security": security}
    assert isinstance(refusal(hanging, patience_s=0.4), Temporary)
    assert time.monotonic() - began < 3

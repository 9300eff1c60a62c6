"""Mail, with Python's own smtplib.

A server says with a number whether it is busy, whether it does not know us, or whether nobody lives at the address,
and each of these means something else for who is called next. Apprise keeps that answer to itself, and its mail
cannot be ended in time, so it has no part in this.
"""

import re
import smtplib
import socket
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, localtime, make_msgid
from typing import Any

from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.channels.message import Message
from fieldapp.channels.outward import Journey, Unreachable, trust

NOBODY = re.compile(
    r"\b5\.1\.(1|6|10)\b|\b5\.2\.1\b|(user|mailbox|recipient|account|address)\b.{0,30}"
    r"(unknown|not found|not exist|non-?exist|unavailable|disabled)|no such user|unknown user|non-existent account",
    re.IGNORECASE,
)


def send(settings: Mapping[str, str], address: str, message: Message, journey: Journey) -> None:
    """Hand one mail to the server. Returns when it took it; raises Temporary, Permanent or Gone."""
    if settings["security"] == "none" and not (journey.plain or journey.host in journey.rules.more_hosts):
        raise Permanent("setup:no_tls", ours=True)  # a password and a one-time link in the open
    try:
        with _open(settings, journey) as server:
            _greet(server, settings)
            server.sendmail(settings["sender"], [address], _written(settings["sender"], address, message))
    except smtplib.SMTPResponseException as error:
        _judge(type(error), error.smtp_code, _words(error.smtp_error))
    except smtplib.SMTPRecipientsRefused as error:
        _judge(type(error), *_first(error))
    except smtplib.SMTPNotSupportedError as error:
        raise Permanent("setup:not_supported", ours=True) from error
    except (Unreachable, OSError, ValueError) as error:  # smtplib's other errors are OSErrors
        why = str(error) if isinstance(error, Unreachable) else type(error).__name__
        raise Temporary(f"unreachable:{why}") from error


class _Server(smtplib.SMTP):
    """smtplib over a connection that the journey made and checked."""

    def __init__(self, journey: Journey, tls: bool) -> None:
        self._journey, self._tls = journey, tls
        journey.cut_with(self._cut)
        super().__init__(journey.host, journey.port, local_hostname="localhost", timeout=journey.left)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._journey.secured() if self._tls else self._journey.connect()

    def _cut(self) -> None:
        # STARTTLS makes another socket of the one the journey knows
        if isinstance(now := getattr(self, "sock", None), socket.socket):
            socket.socket.shutdown(now, socket.SHUT_RDWR)


def _open(settings: Mapping[str, str], journey: Journey) -> _Server:
    return _Server(journey, tls=settings["security"] == "ssl")


def _greet(server: _Server, settings: Mapping[str, str]) -> None:
    if settings["security"] == "starttls":
        server.starttls(context=trust())
    if settings.get("user") and settings.get("password"):
        server.login(settings["user"], settings["password"])


def _written(sender: str, address: str, message: Message) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = " ".join(message.title.split())
    mail["From"], mail["To"] = formataddr(("随手报", sender)), address
    mail["Date"], mail["Message-ID"] = localtime(), make_msgid(domain=sender.partition("@")[2])
    if message.urgent:
        mail["X-Priority"] = "1"
    mail.set_content(f"{message.body}\n\n{message.link}\n")
    return mail.as_bytes()


def _judge(what: type[Exception], code: int, words: str) -> None:
    if issubclass(what, smtplib.SMTPAuthenticationError) and code >= 500:
        raise Permanent(f"setup:{code}", ours=True)
    if code < 500:
        raise Temporary(f"gateway_down:{code}")
    if issubclass(what, smtplib.SMTPSenderRefused):
        raise Permanent(f"setup:{code}", ours=True)
    if NOBODY.search(words):
        raise Gone(f"unknown_address:{code}")
    raise Permanent(f"refused:{code}")


def _first(error: smtplib.SMTPRecipientsRefused) -> tuple[int, str]:
    code, words = next(iter(error.recipients.values()))
    return code, _words(words)


def _words(raw: Any) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)

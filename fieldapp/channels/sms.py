"""Text messages: what a provider has to be able to do, and the sending that is the same for all.

A message is an approved template with three variables. No variable may carry an address on the mainland, so the
template holds the fixed part of the link and only the code comes with the message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fieldapp.channels import Permanent, Temporary
from fieldapp.channels.message import Message
from fieldapp.channels.outward import Answer, Journey, Unreachable

_CODE = re.compile(r"[A-Za-z0-9_-]{1,35}")  # a variable holds no more
_WORD = re.compile(r"[^\w（）()、\- ]")  # dots and slashes in a place's name could be taken for an address
LONGEST_PLACE = 20


@dataclass(frozen=True)
class Params:
    """The variables of the template, in its order."""

    level: str
    place: str
    code: str


@dataclass(frozen=True)
class Prepared:
    """A signed request, ready to be sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Provider(Protocol):
    """One provider of text messages."""

    def request(
        self, settings: Mapping[str, str], host: str, phone: str, params: Params, now: datetime, nonce: str
    ) -> Prepared:
        """The signed request for one message; the same arguments give the same bytes."""

    def judge(self, answer: Answer) -> None:
        """Return when the provider took it; raise Temporary, Permanent or Gone when not."""


def send(
    provider: Provider, settings: Mapping[str, str], phone: str, message: Message, journey: Journey,
    now: datetime, nonce: str,
) -> None:  # fmt: skip
    """Send one text message. Raises Temporary, Permanent or Gone."""
    prepared = provider.request(settings, journey.authority, phone, variables(message), now, nonce)
    try:
        answer = journey.exchange(prepared.method, prepared.path, prepared.headers, prepared.body)
    except Unreachable as error:
        raise Temporary(journey.failed) from error
    if 300 <= answer.status_code < 400:
        raise Permanent(f"redirected:{answer.status_code}", ours=True)
    provider.judge(answer)


def variables(message: Message) -> Params:
    """What the template's variables say. Raises Permanent for a code that no variable can hold."""
    if not _CODE.fullmatch(message.code):
        raise Permanent("setup:code", ours=True)
    place = _WORD.sub("", message.place)[:LONGEST_PLACE].strip()
    return Params(message.severity_word, place or "—", message.code)

"""Services on loopback, and one message of an alert tonight."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from fieldapp.channels import Permanent, Temporary, gateways
from fieldapp.channels.gateways import Message
from tests.channels.service import Protocol, Service

MESSAGE = Message(
    title="红：井盖破损，夜间危险",
    body="海城镇南门社区 · HC-20261123-001",
    link="https://sb.example.gov.cn/a/Zk3-x_9Q",
    severity_word="红",
    place="南门社区",
    code="Zk3-x_9Q",
)
Serve = Callable[[Protocol], Service]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a service for this test."""
    with ExitStack() as stack:
        yield lambda protocol: stack.enter_context(Service(protocol))


def send(
    kind: str, settings: Mapping[str, str], address: str, service: Service, message: Message = MESSAGE,
    patience_s: float = 8,
) -> None:  # fmt: skip
    """The real sender, its gateway pointed at a service of ours."""
    here = {**settings, "server": service.address}
    gateways.send(kind, here, address, message, patience_s=patience_s, allow_loopback=True)


def refusal(
    kind: str, settings: Mapping[str, str], address: str, service: Service, patience_s: float = 8
) -> Temporary | Permanent:
    """What the sender says when it is not taken."""
    with pytest.raises((Temporary, Permanent)) as caught:
        send(kind, settings, address, service, patience_s=patience_s)
    return caught.value

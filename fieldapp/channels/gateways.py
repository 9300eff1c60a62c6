"""Sends one message through a town's gateway, of whatever kind. Blocking: call it in a thread."""

import secrets
from collections.abc import Mapping
from types import ModuleType

from fieldapp import clock
from fieldapp.channels import Permanent, aliyun, sms, tencent
from fieldapp.channels.kinds import KINDS, Kind
from fieldapp.channels.message import Message
from fieldapp.channels.outward import Journey, Rules

__all__ = ["Message", "send"]
_SMS: dict[str, sms.Provider] = {"sms_aliyun": aliyun, "sms_tencent": tencent}


def send(
    kind: str, settings: Mapping[str, str], address: str, message: Message, patience_s: float = 8,
    more_hosts: tuple[str, ...] = (), allow_loopback: bool = False,
) -> None:  # fmt: skip
    """Hand one message over, to `address` (empty for a group's bot), within `patience_s` seconds.

    Returns when the service took it, which does not mean that anybody saw it. Raises Temporary (try again, after
    `retry_after` when it is set), Permanent (it cannot work; `ours` when the gateway's settings are at fault and
    the desk must know) or Gone (this address is dead). `more_hosts` are servers that the operator allows besides
    the public ones of a kind; `allow_loopback` is for tests.
    """
    way = KINDS.get(kind)
    if way is None or not way.address_ok(address):
        raise Permanent(f"bad_address:{kind}")
    if not all(field.accepts(settings.get(field.name) or field.default) for field in way.fields):
        raise Permanent("setup:settings", ours=True)
    rules = Rules(way.hosts, way.ports, more_hosts, allow_loopback)
    journey = Journey(_server(way, settings), rules, patience_s, usual_port=_port(kind, settings))
    journey.run(lambda: _send(kind, settings, address, message, journey))


def allowed(kind: str, server: str, more_hosts: tuple[str, ...], allow_loopback: bool = False) -> bool:
    """True when a gateway of this kind may name this server (`host` or `host:port`)."""
    try:
        rules = Rules(KINDS[kind].hosts, KINDS[kind].ports, more_hosts, allow_loopback)
        Journey(server, rules, 1, usual_port=KINDS[kind].ports[0])
    except (Permanent, ValueError):
        return False
    return True


def _send(kind: str, settings: Mapping[str, str], address: str, message: Message, journey: Journey) -> None:
    if kind in _SMS:
        sms.send(_SMS[kind], settings, address, message, journey, clock.now(), secrets.token_hex(16))
    elif kind == "mail":
        _mail().send(settings, address, message, journey)
    else:
        _plugins().send(kind, settings, address, message, journey)


def _server(way: Kind, settings: Mapping[str, str]) -> str:
    return settings.get("server") or way.hosts[0]


def _port(kind: str, settings: Mapping[str, str]) -> int:
    if kind != "mail":
        return 443
    return {"ssl": 465, "starttls": 587}.get(settings.get("security", ""), 25)


def _mail() -> ModuleType:
    from fieldapp.channels import mail  # apprise costs a quarter of a second to import: only where it is used

    return mail


def _plugins() -> ModuleType:
    from fieldapp.channels import plugins

    return plugins

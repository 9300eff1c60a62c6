"""Whole addresses as people copy them out of an app, taken apart: the server's name, and the key or topic in it.

Nothing is ever sent to what stands in one: its server must be the one that was set up, or be allowed like one that
was typed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, urlsplit

from fieldapp.channels.kinds import KINDS


@dataclass(frozen=True)
class Pasted:
    """What was meant: the key, topic or token, and the server it came with (empty when it came alone)."""

    value: str
    server: str = ""


def read(kind: str, text: str) -> Pasted:
    """Take the pasted address of a service apart; anything else stays as it is. `text` has no spaces."""
    parts = _split(text) if kind in _VALUE and "/" in text else None
    if parts is None or not (value := _VALUE[kind](parts)):
        return Pasted(text)
    return Pasted(value, _server(parts))


def settings(kind: str, typed: Mapping[str, str]) -> dict[str, str]:
    """A gateway's settings with the addresses pasted among them taken apart; the server in one is the one meant."""
    found, name = dict(typed), _SETTING.get(kind, "")
    if "://" in found.get("server", "") and (parts := _split(found["server"])):
        found["server"] = _server(parts)
    pasted = read(kind, found.get(name, ""))
    if "server" in found:
        return found | {"server": pasted.server or found["server"]} | ({name: pasted.value} if name else {})
    return found | {name: pasted.value} if pasted.server in KINDS[kind].hosts else found


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        usable = parts.scheme in ("https", "http", "ntfy") and parts.hostname and "@" not in parts.netloc
        return parts if usable and parts.port != 0 else None
    except ValueError:
        return None


def _server(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return host if parts.port in (None, 443) else f"{host}:{parts.port}"


def _first(parts: SplitResult) -> str:
    return next((part for part in parts.path.split("/") if part), "")


def _after_hook(parts: SplitResult) -> str:
    return parts.path.partition("/hook/")[2].rstrip("/")


def _asked(name: str) -> Callable[[SplitResult], str]:
    return lambda parts: parse_qs(parts.query).get(name, [""])[0]


_VALUE: Mapping[str, Callable[[SplitResult], str]] = {
    "bark": _first,
    "ntfy": _first,
    "serverchan": lambda parts: _first(parts).removesuffix(".send"),
    "pushplus": _asked("token"),
    "wecombot": _asked("key"),
    "dingtalk": _asked("access_token"),
    "feishu": _after_hook,
}
_SETTING = {"wecombot": "key", "dingtalk": "token", "feishu": "token"}  # where a group's bot has it
TAKEN_APART = frozenset(_VALUE)

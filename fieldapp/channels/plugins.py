"""The chat and push services, spoken by the library apprise; what is sent and what comes back passes through our hands.

Apprise knows how each service wants its messages. But it answers only True or False; three of these services say no
inside a 200, which it takes for a yes; it follows redirects unless told not to, to addresses nobody checked; and its
time limits are for each read, so that a server sending a byte now and then is waited for without end. None of its
classes lets one hand in the HTTP client. So the name `requests` inside the modules of these eight plugins, and
nowhere else, is bound to `_Wire`, which has the few names they use, and which sends each request to the journey's
own server, whatever address the plugin had in mind. tests/channels fails at once if a later apprise asks for more.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import unquote, urlencode, urlsplit

from apprise import AppriseAsset, NotifyFormat
from apprise.exception import AppriseImproperlyConfigured
from apprise.plugins import bark, dingtalk, feishu, ntfy, pushplus, serverchan, wechat, wecombot
from apprise.plugins.base import NotifyBase

from fieldapp.channels import Permanent, Temporary
from fieldapp.channels.answers import STALE_PASS, judge
from fieldapp.channels.message import Message
from fieldapp.channels.outward import Answer, Journey, Unreachable

_journey: ContextVar[Journey] = ContextVar("journey")
MOST_BYTES = 1500  # of a body; with title and link the strictest of these services takes 2,048 in all
_ASSET = AppriseAsset(app_id="fieldapp", http_redirects=False, storage_mode="memory")


class _Wire:
    """What the plugins call in place of `requests`: the request goes out on the journey of this thread."""

    codes = SimpleNamespace(ok=200)
    RequestException = Unreachable

    def get(self, url: str, **more: Any) -> Answer:
        return self._send("GET", url, **more)

    def post(self, url: str, **more: Any) -> Answer:
        return self._send("POST", url, **more)

    def _send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        data: str | bytes | Mapping[str, str] = b"",
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_limits: Any,
    ) -> Answer:
        parts = urlsplit(url)
        query = "&".join(part for part in (parts.query, urlencode(params or {})) if part)
        return _journey.get().exchange(
            method, (parts.path or "/") + (f"?{query}" if query else ""), _headers(headers, data, auth), _body(data)
        )


def _headers(
    headers: Mapping[str, str] | None, data: str | bytes | Mapping[str, str], auth: tuple[str, str] | None
) -> dict[str, str]:
    made = dict(headers or {})
    if isinstance(data, Mapping):
        made["Content-Type"] = "application/x-www-form-urlencoded"
    if auth:
        made["Authorization"] = "Basic " + b64encode(":".join(auth).encode()).decode()
    return made


def _body(data: str | bytes | Mapping[str, str]) -> bytes:
    if isinstance(data, Mapping):
        return urlencode(data).encode()
    return data.encode() if isinstance(data, str) else data


for _module in (bark, dingtalk, feishu, ntfy, pushplus, serverchan, wechat, wecombot):
    vars(_module)["requests"] = _Wire()


class _DingTalk(dingtalk.NotifyDingTalk):
    """Apprise quotes the signature and then hands it over as a parameter, which is quoted again: once is right."""

    def get_signature(self) -> tuple[str, str]:
        timestamp, signature = super().get_signature()
        return timestamp, unquote(signature)


class _WeCom(wechat.NotifyWeChat):
    """Keeps the pass, which lasts two hours and may not be asked for again and again, from one message to the next."""

    _passes: ClassVar[dict[str, tuple[float, str]]] = {}

    def _get_access_token(self) -> str | None:
        until, token = self._passes.get(self._holder, (0.0, ""))
        if until > time.monotonic():
            return token
        fresh: str | None = super()._get_access_token()
        if fresh:
            lasts = _journey.get().answers[-1].json().get("expires_in")
            spare = lasts - 300 if isinstance(lasts, int) else 0
            self._passes[self._holder] = time.monotonic() + max(60, spare), fresh
        return fresh

    def throttle(self, *_: Any, **__: Any) -> None:
        """No pause of 5.5 s between the pass and the message: somebody is waiting for it."""

    def forget(self) -> None:
        """The pass was refused: ask for another next time."""
        self._passes.pop(self._holder, None)

    @property
    def _holder(self) -> str:
        whose = "\n".join((_journey.get().server, self.corpid, self.corpsecret))
        return sha256(whose.encode()).hexdigest()


def send(kind: str, settings: Mapping[str, str], address: str, message: Message, journey: Journey) -> None:
    """Send one message. Returns when the service took it; raises Temporary, Permanent or Gone."""
    _journey.set(journey)  # the journey's thread has a context of its own
    try:
        plugin = _MAKE[kind](settings, address, message)
    except AppriseImproperlyConfigured as error:
        raise Permanent("setup:settings", ours=True) from error
    took = plugin.notify(title=_plain(message.title), body=_text(kind, message), body_format=NotifyFormat.TEXT)
    if journey.failed or not journey.answers:
        raise Temporary(journey.failed or "unreachable")
    answer = journey.answers[-1]
    if isinstance(plugin, _WeCom) and answer.json().get("errcode") in STALE_PASS:
        plugin.forget()
    judge(kind, answer)
    if not took:
        raise Temporary("unclear:not_sent")


def _text(kind: str, message: Message) -> str:
    # a tap on the notification opens the link there; the others show it to be tapped
    body = _cut(_plain(message.body))
    shown = body if kind in ("bark", "ntfy") or not message.link else f"{body}\n\n{message.link}"
    return shown or _plain(message.title)


def _cut(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= MOST_BYTES else raw[:MOST_BYTES].decode(errors="ignore") + "…"


def _plain(text: str) -> str:
    """Words of a report as words only: some chats read tags in angle brackets, and one of those calls everybody."""
    return text.replace("<", "＜").replace(">", "＞")


def _wecom(settings: Mapping[str, str], address: str, message: Message) -> NotifyBase:
    who = {"corpid": settings["corp_id"], "corpsecret": settings["secret"], "agentid": settings["agent_id"]}
    return _WeCom(**who, targets=[address], asset=_ASSET)


def _bark(settings: Mapping[str, str], address: str, message: Message) -> NotifyBase:
    # critical sounds through silence, once its owner has allowed that in the app
    level = "critical" if message.urgent else "timeSensitive"
    return bark.NotifyBark(
        targets=[address], level=level, click=message.link, include_image=False, asset=_ASSET, **_where()
    )


def _ntfy(settings: Mapping[str, str], address: str, message: Message) -> NotifyBase:
    token = settings.get("token") or None
    return ntfy.NotifyNtfy(
        targets=[address], priority="max" if message.urgent else "high", click=message.link, include_image=False,
        mode="private", auth="token" if token else None, token=token, asset=_ASSET, **_where(),
    )  # fmt: skip


def _where() -> dict[str, Any]:
    # these two build their address themselves; _Wire takes no more than the path of it
    return {"host": _journey.get().host, "secure": True}


_MAKE: dict[str, Callable[[Mapping[str, str], str, Message], NotifyBase]] = {
    "wecom": _wecom,
    "bark": _bark,
    "ntfy": _ntfy,
    "pushplus": lambda settings, address, message: pushplus.NotifyPushplus(token=address, format="text", asset=_ASSET),
    "serverchan": lambda settings, address, message: serverchan.NotifyServerChan(token=address, asset=_ASSET),
    "wecombot": lambda settings, address, message: wecombot.NotifyWeComBot(key=settings["key"], asset=_ASSET),
    "dingtalk": lambda settings, address, message: _DingTalk(
        token=settings["token"], secret=settings["secret"], asset=_ASSET
    ),
    "feishu": lambda settings, address, message: feishu.NotifyFeishu(token=settings["token"], asset=_ASSET),
}

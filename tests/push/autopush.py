"""A push service as Firefox speaks to one: browsers over a WebSocket, senders over HTTP.

It does what the public one does and a test needs: it knows a browser again by its id, keeps what comes for one that is
away, repeats what was not acknowledged, and refuses senders that break RFC 8030, 8188, 8291 or 8292.
"""

import asyncio
import base64
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

from aiohttp import WSMsgType, web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

DAY_S = 24 * 3600
SHORTEST = 16 + 4 + 1 + 65 + 17  # RFC 8188's header with a P-256 point as key id, then one padded byte and its tag


@dataclass
class Message:
    """One push, accepted: for which channel, until when it may be kept, and what the browser says of it."""

    channel: str
    body: str
    topic: str
    expires: float
    version: str = field(default_factory=lambda: uuid4().hex)
    code: int | None = None  # 100: shown to the page's worker


@dataclass
class Channel:
    """One subscription of one browser. `key`: only who signs with it may push."""

    id: str
    uaid: str
    token: str
    key: str


class Refused(Exception):
    """The sender broke a rule; the status and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Autopush:
    """A context manager: it listens on its own thread, on a port of its own, and ends with the block."""

    def __init__(self) -> None:
        self.silent = False  # takes `register` and never answers it
        self.asked = 0  # how often a browser wanted an address
        self.refused: list[str] = []
        self.messages: list[Message] = []
        self._channels: dict[str, Channel] = {}  # by token
        self._online: dict[str, web.WebSocketResponse] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def __str__(self) -> str:
        codes = [message.code for message in self.messages]
        return f"{len(self._channels)} addresses, {self.asked} asked for, messages {codes}, refused {self.refused}"

    @property
    def socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def endpoints(self) -> list[str]:
        """Every address that works."""
        return [self._endpoint(channel) for channel in self._channels.values()]

    @property
    def prefs(self) -> dict[str, object]:
        """What a Firefox needs to use this service, and to have its notifications on the screen itself."""
        return {
            "dom.push.serverURL": self.socket, "dom.push.testing.allowInsecureServerURL": True,
            "dom.push.connection.enabled": True, "dom.push.retryBaseInterval": 100,
            "permissions.default.desktop-notification": 1, "alerts.useSystemBackend": False,
        }  # fmt: skip

    def forget(self) -> None:
        """It lost its memory: every browser gets another id when it comes back, every address is dead."""
        asyncio.run_coroutine_threadsafe(self._forget(), self._loop).result(5)

    def wait(self, what: Any, timeout: float = 20) -> None:
        """Until `what()` is true, looked at whenever something happens here."""
        with self._changed:
            assert self._changed.wait_for(what, timeout), f"not within {timeout} s: {self}"

    async def _listen(self) -> int:
        app = web.Application()
        app.add_routes([web.get("/", self._browser), web.post("/wpush/v2/{token}", self._push)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _close(self) -> None:
        await self._hang_up()
        await self._runner.cleanup()

    async def _forget(self) -> None:
        self._channels.clear()
        await self._hang_up()

    async def _hang_up(self) -> None:
        for line in list(self._online.values()):
            await line.close()

    # the browser's side

    async def _browser(self, request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse(protocols=("push-notification",))
        await line.prepare(request)
        uaid = ""
        async for frame in line:
            if frame.type != WSMsgType.TEXT:
                break
            said = json.loads(frame.data)
            kind = said.get("messageType", "ping")
            if kind == "hello":
                uaid = await self._hello(line, said)
            elif kind == "ping":
                await line.send_str("{}")
            elif kind == "register":
                await self._register(line, uaid, said)
            elif kind == "unregister":
                await self._unregister(line, said)
            elif kind == "ack":
                self._acknowledge(said)
        if self._online.get(uaid) is line:
            del self._online[uaid]
        return line

    async def _hello(self, line: web.WebSocketResponse, said: dict[str, Any]) -> str:
        known = {channel.uaid for channel in self._channels.values()}
        uaid = said["uaid"] if said.get("uaid") in known else uuid4().hex
        answer = {"messageType": "hello", "status": 200, "uaid": uaid, "use_webpush": True, "broadcasts": {}}
        await line.send_json(answer)
        self._online[uaid] = line
        for message in self.messages:
            if message.code is None and message.expires > time.time() and self._owner(message) == uaid:
                await self._notify(line, message)
        self._note()
        return uaid

    async def _register(self, line: web.WebSocketResponse, uaid: str, said: dict[str, Any]) -> None:
        self.asked += 1
        self._note()
        if self.silent:
            return
        channel = Channel(said["channelID"], uaid, uuid4().hex, said.get("key", ""))
        self._channels[channel.token] = channel
        about = {"channelID": channel.id, "status": 200, "pushEndpoint": self._endpoint(channel)}
        await line.send_json({"messageType": "register", **about})
        self._note()

    async def _unregister(self, line: web.WebSocketResponse, said: dict[str, Any]) -> None:
        gone = [channel.token for channel in self._channels.values() if channel.id == said["channelID"]]
        for token in gone:
            del self._channels[token]
        await line.send_json({"messageType": "unregister", "status": 200, "channelID": said["channelID"]})
        self._note()

    def _acknowledge(self, said: dict[str, Any]) -> None:
        codes = {update["version"]: update["code"] for update in said["updates"]}
        for message in self.messages:
            message.code = codes.get(message.version, message.code)
        self._note()

    async def _notify(self, line: web.WebSocketResponse, message: Message) -> None:
        about = {"channelID": message.channel, "version": message.version}
        await line.send_json(
            {"messageType": "notification", "data": message.body, "headers": {"encoding": "aes128gcm"}, **about}
        )

    # the sender's side

    async def _push(self, request: web.Request) -> web.Response:
        channel = self._channels.get(request.match_info["token"])
        if channel is None:
            return web.Response(status=410)
        body = await request.read()
        try:
            lasts = judge(request.headers, body, f"http://127.0.0.1:{self.port}", channel.key)
        except Refused as refusal:
            self.refused.append(str(refusal))
            self._note()
            return web.Response(status=refusal.status, text=str(refusal))
        message = Message(channel.id, unpadded(body), request.headers.get("Topic", ""), time.time() + lasts)
        self.messages.append(message)
        if channel.uaid in self._online:
            await self._notify(self._online[channel.uaid], message)
        self._note()
        return web.Response(status=201, headers={"TTL": str(lasts), "Location": f"/m/{message.version}"})

    def _endpoint(self, channel: Channel) -> str:
        return f"http://127.0.0.1:{self.port}/wpush/v2/{channel.token}"

    def _owner(self, message: Message) -> str:
        return next((channel.uaid for channel in self._channels.values() if channel.id == message.channel), "")

    def _note(self) -> None:
        with self._changed:
            self._changed.notify_all()


def judge(headers: Any, body: bytes, origin: str, key: str) -> int:
    """The seconds a push may be kept; raises Refused when the sender did not keep to the standards."""
    if not headers.get("TTL", "").isdigit():
        raise Refused(400, "TTL missing")  # RFC 8030, 5.2
    if headers.get("Content-Encoding") != "aes128gcm" or not SHORTEST <= len(body) <= 4096 or body[20] != 65:
        raise Refused(400, "not aes128gcm")
    if len(headers.get("Topic", "")) > 32:
        raise Refused(400, "topic too long")
    scheme, _, rest = headers.get("Authorization", "").partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme.lower() != "vapid" or not {"t", "k"} <= set(given):
        raise Refused(401, "no VAPID")
    _check_token(given["t"], given["k"], origin, key)
    return int(headers["TTL"])


def _check_token(token: str, by: str, origin: str, key: str) -> None:
    """RFC 8292: signed by the very key the page subscribed with, for this origin, for at most a day, by somebody."""
    if padded(by) != padded(key):
        raise Refused(403, "another application server's key")
    head, claims, signature = token.split(".")
    raw = padded(signature)
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), padded(by))
    both = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        point.verify(both, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Refused(401, "bad signature") from error
    said = json.loads(padded(claims))
    if said.get("aud") != origin or not 0 < said.get("exp", 0) - time.time() <= DAY_S:
        raise Refused(401, f"bad claims: {sorted(said)}")
    if not str(said.get("sub", "")).startswith(("mailto:", "https://")):
        raise Refused(401, "no contact")


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))

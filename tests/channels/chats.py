"""The chat and push services, each as strict as its published description: they refuse what the real one refuses.

Most of them say no inside a 200, as the real ones do.
"""

import base64
import hashlib
import hmac
import time
from typing import Any

from tests.channels.service import Reply, Request

WECOM = {"corp_id": "wwcorp0000town", "secret": "secret-of-the-town-app", "agent_id": "1000002"}
WECOMBOT = {"key": "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"}
DINGTALK = {"token": "0123456789abcdef" * 4, "secret": "SEC" + "c0ffee" * 10}
FEISHU = {"token": "cfa6ee1a-b0ec-4f71-a93f-d21f2eb17e1c"}
PUSHPLUS_TOKEN = "604ff7a3af4f4b0e8d6a4ed1fb1b39a0"
SENDKEY = "SCT1234TabcdEFGH5678"
BARK_KEY = "ynJ5Ft4atkMkWeo2PAvFhF"


class Chat:
    """What was taken, in order; `refuses` with a number instead, from now on."""

    field = "errcode"

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.refuses: int | None = None

    def no(self, code: int) -> Reply:
        return Reply(200, {self.field: code, "errmsg": "no", "msg": "no"})

    def yes(self, message: dict[str, Any], **more: Any) -> Reply:
        if self.refuses is not None:
            return self.no(self.refuses)
        self.taken.append(message)
        return Reply(200, {self.field: 0, "errmsg": "ok"} | more)


class WeCom(Chat):
    """An app of one organisation in which only ada works; its pass is valid until it is withdrawn."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: list[str] = []
        self.withdrawn: set[str] = set()

    def __call__(self, request: Request) -> Reply:
        if request.path == "/cgi-bin/gettoken":
            return self._pass(request.query)
        assert request.path == "/cgi-bin/message/send"
        if request.query["access_token"] not in set(self.passes) - self.withdrawn:
            return self.no(42001)
        if request.json["agentid"] != int(WECOM["agent_id"]):
            return self.no(40056)
        if request.json["touser"] != "ada":  # taken all the same: the answer names who does not exist
            return self.yes(request.json, invaliduser=request.json["touser"])
        return self.yes(request.json)

    def _pass(self, asked: dict[str, str]) -> Reply:
        if asked != {"corpid": WECOM["corp_id"], "corpsecret": WECOM["secret"]}:
            return self.no(40001)
        self.passes.append(f"pass-{len(self.passes)}")
        return Reply(200, {"errcode": 0, "access_token": self.passes[-1], "expires_in": 7200})


class WeComBot(Chat):
    def __call__(self, request: Request) -> Reply:
        if request.path != "/cgi-bin/webhook/send" or request.query != WECOMBOT:
            return self.no(93000)
        return self.yes(request.json)


class DingTalk(Chat):
    """A group's robot that wants a signature: its time within the hour, its value quoted once, as is described."""

    def __call__(self, request: Request) -> Reply:
        if request.path != "/robot/send" or request.query["access_token"] != DINGTALK["token"]:
            return self.no(300001)
        at = request.query["timestamp"]
        secret = DINGTALK["secret"]
        right = base64.b64encode(hmac.new(secret.encode(), f"{at}\n{secret}".encode(), hashlib.sha256).digest())
        if abs(time.time() - int(at) / 1000) > 3600 or request.query["sign"] != right.decode():
            return self.no(310000)
        return self.yes(request.json)


class Feishu(Chat):
    field = "code"

    def __call__(self, request: Request) -> Reply:
        if request.path.rstrip("/") != f"/open-apis/bot/v2/hook/{FEISHU['token']}":
            return self.no(19001)
        return self.yes(request.json)


class PushPlus(Chat):
    field = "code"

    def __call__(self, request: Request) -> Reply:
        assert request.path == "/send"
        if request.json["token"] != PUSHPLUS_TOKEN:
            return self.no(903)
        reply = self.yes(request.json)
        return reply if self.refuses is not None else Reply(200, {"code": 200, "msg": "ok", "data": "x"})


class ServerChan(Chat):
    field = "code"

    def __call__(self, request: Request) -> Reply:
        assert request.path == f"/{SENDKEY}.send"
        return self.yes({"form": request.body.decode()})


class Bark:
    """A bark server with one registered telephone (its answers are from route_push.go)."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Reply:
        assert request.path == "/push"
        if request.json["device_key"] != BARK_KEY:
            why = f"failed to get device token: failed to get [{request.json['device_key']}] device token from database"
            return Reply(400, {"code": 400, "message": why, "timestamp": 1})
        self.taken.append(request.json)
        return Reply(200, {"code": 200, "message": "success", "timestamp": 1})


class Ntfy:
    """An ntfy server that wants a token."""

    def __init__(self) -> None:
        self.taken: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        if request.headers.get("authorization") != "Bearer tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2":
            return Reply(403, {"code": 40301, "http": 403, "error": "forbidden"})
        self.taken.append(request)
        return Reply(200, {"id": "x", "event": "message"})

"""The ways to reach somebody besides push, as one table: what a gateway needs to know, and what an address looks like.

The words people read for these names are in fieldapp/web/channel_words.py.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

TOKEN = r"[A-Za-z0-9_-]{8,120}"  # noqa: S105  a pattern, not a password
HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,98}[A-Za-z0-9])?(:[0-9]{1,5})?"
WORDS = r"[^\s\x00-\x1f][^\x00-\x1f]{0,39}"


@dataclass(frozen=True)
class Field:
    """One setting of a gateway. A secret one is never shown again; `among` lists the only values there are."""

    name: str
    pattern: str = r"\S{1,200}"
    secret: bool = False
    required: bool = True
    default: str = ""
    among: tuple[str, ...] = ()

    def accepts(self, value: str) -> bool:
        """True when this value can be used."""
        if not value:
            return not self.required
        return value in self.among if self.among else bool(re.fullmatch(self.pattern, value))


@dataclass(frozen=True)
class Kind:
    """A way to reach somebody. `hosts` are its public servers, the first the usual one; `pattern` is an address's.

    A group's way has no addresses: its settings say which group. `per_minute` is what the service allows one gateway.
    """

    name: str
    fields: tuple[Field, ...]
    hosts: tuple[str, ...]
    per_minute: int
    personal: bool = True
    pattern: str = ""
    hint: Callable[[str], str] = lambda address: ""
    ports: tuple[int, ...] = (443,)

    def address_ok(self, address: str) -> bool:
        """True when an address of this shape can exist."""
        return bool(re.fullmatch(self.pattern, address)) if self.personal else address == ""

    def faults(self, settings: Mapping[str, str]) -> list[str]:
        """The names of the settings that cannot work, and of unknown ones."""
        known = {field.name for field in self.fields}
        wrong = [field.name for field in self.fields if not field.accepts(settings.get(field.name, ""))]
        return wrong + sorted(set(settings) - known)


def _middle(address: str) -> str:
    return f"{address[:3]}****{address[-4:]}"


def _tail(address: str) -> str:
    return f"****{address[-4:]}"


def _start(address: str) -> str:
    return f"{address[:2]}****"


def _mailbox(address: str) -> str:
    name, _, domain = address.partition("@")
    return f"{name[:2]}****@{domain}"


def _server(default: str) -> Field:
    """Whose machine it is: the public one, or a town's own (which the operator must have allowed by name)."""
    return Field("server", HOST, required=False, default=default)


_WECOM = ("qyapi.weixin.qq.com",)
_SMTP = (
    "smtp.qq.com", "smtp.exmail.qq.com", "smtp.163.com", "smtp.126.com", "smtp.yeah.net", "smtp.qiye.163.com",
    "smtphz.qiye.163.com", "smtp.qiye.aliyun.com", "smtp.mxhichina.com", "smtpdm.aliyun.com", "smtp.aliyun.com",
    "smtp.sina.com", "smtp.139.com", "smtp.189.cn", "smtp.wo.cn", "smtp.office365.com", "smtp.gmail.com",
)  # fmt: skip

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "wecom",
            (
                Field("corp_id", TOKEN),
                Field("secret", TOKEN, secret=True),
                Field("agent_id", r"[0-9]{1,12}"),
                _server(_WECOM[0]),
            ),
            _WECOM,
            per_minute=200,
            # «all» would call everybody in the organisation
            pattern=r"(?!all$)[A-Za-z0-9][A-Za-z0-9_@.-]{0,63}",
            hint=_start,
        ),
        Kind(
            "sms_aliyun",
            (
                Field("access_key_id", TOKEN),
                Field("access_key_secret", TOKEN, secret=True),
                Field("sign_name", WORDS),
                Field("template_code", r"SMS_[0-9]{4,20}"),
            ),
            ("dysmsapi.aliyuncs.com",),
            per_minute=1000,
            pattern=r"1[3-9][0-9]{9}",
            hint=_middle,
        ),
        Kind(
            "sms_tencent",
            (
                Field("secret_id", TOKEN),
                Field("secret_key", TOKEN, secret=True),
                Field("app_id", r"[0-9]{6,14}"),
                Field("sign_name", WORDS),
                Field("template_id", r"[0-9]{3,12}"),
                Field("region", r"[a-z]{2}-[a-z]{3,20}", required=False, default="ap-guangzhou"),
            ),
            ("sms.tencentcloudapi.com",),
            per_minute=1000,
            pattern=r"1[3-9][0-9]{9}",
            hint=_middle,
        ),
        Kind(
            "mail",
            (
                Field("server", HOST),
                Field("security", among=("ssl", "starttls", "none"), default="ssl"),
                Field("user", r"[^\s\x00-\x1f]{1,120}", required=False),
                Field("password", r"[^\x00-\x1f]{1,200}", secret=True, required=False),
                Field("sender", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,100}\.[A-Za-z]{2,20}"),
            ),
            _SMTP,
            per_minute=60,
            pattern=r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,98}\.[A-Za-z]{2,20}",
            hint=_mailbox,
            ports=(465, 587, 25, 994),
        ),
        Kind("bark", (_server("api.day.app"),), ("api.day.app",), 120, pattern=r"[A-Za-z0-9]{16,64}", hint=_tail),
        Kind(
            "ntfy",
            (_server("ntfy.sh"), Field("token", r"tk_[A-Za-z0-9]{20,60}", secret=True, required=False)),
            ("ntfy.sh",),
            per_minute=60,
            pattern=r"[A-Za-z0-9_-]{6,64}",
            hint=_tail,
        ),
        Kind("pushplus", (), ("www.pushplus.plus",), 5, pattern=r"[A-Za-z0-9]{32,64}", hint=_tail),
        Kind("serverchan", (), ("sctapi.ftqq.com",), 5, pattern=r"SCT[A-Za-z0-9]{10,80}", hint=_tail),
        Kind("wecombot", (Field("key", TOKEN, secret=True), _server(_WECOM[0])), _WECOM, 20, personal=False),
        Kind(
            "dingtalk",
            (
                Field("token", r"[A-Za-z0-9]{32,80}", secret=True),
                Field("secret", r"SEC[A-Za-z0-9]{20,80}", secret=True),
            ),
            ("oapi.dingtalk.com",),
            per_minute=20,
            personal=False,
        ),
        Kind(
            "feishu",
            (Field("token", TOKEN, secret=True), _server("open.feishu.cn")),
            ("open.feishu.cn", "open.larksuite.com"),
            per_minute=20,
            personal=False,
        ),
    )
}
PERSONAL = tuple(name for name, kind in KINDS.items() if kind.personal)
GROUPS = tuple(name for name, kind in KINDS.items() if not kind.personal)

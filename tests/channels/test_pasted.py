"""What people paste instead of a key: the whole address that the app shows them."""

import pytest

from fieldapp.channels import pasted
from fieldapp.channels.kinds import KINDS
from fieldapp.channels.pasted import Pasted
from tests.channels.chats import BARK_KEY, DINGTALK, FEISHU, PUSHPLUS_TOKEN, SENDKEY, WECOMBOT

pytestmark = pytest.mark.onedb

KEY, TOKEN, HOOK = WECOMBOT["key"], DINGTALK["token"], FEISHU["token"]


@pytest.mark.parametrize(
    ("kind", "text", "value", "server"),
    [
        ("bark", BARK_KEY, BARK_KEY, ""),
        ("bark", f"https://api.day.app/{BARK_KEY}/", BARK_KEY, "api.day.app"),
        ("bark", f"https://API.day.app:443/{BARK_KEY}/这里改成你自己的推送内容?sound=x", BARK_KEY, "api.day.app"),
        ("bark", f"api.day.app/{BARK_KEY}", BARK_KEY, "api.day.app"),
        ("bark", f"http://bark.town.cn:8080/{BARK_KEY}", BARK_KEY, "bark.town.cn:8080"),
        ("ntfy", "https://ntfy.sh/haicheng-ada", "haicheng-ada", "ntfy.sh"),
        ("ntfy", "ntfy://ntfy.sh/haicheng-ada", "haicheng-ada", "ntfy.sh"),
        ("serverchan", f"https://sctapi.ftqq.com/{SENDKEY}.send", SENDKEY, "sctapi.ftqq.com"),
        ("pushplus", f"https://www.pushplus.plus/send?token={PUSHPLUS_TOKEN}", PUSHPLUS_TOKEN, "www.pushplus.plus"),
        ("wecombot", f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}", KEY, "qyapi.weixin.qq.com"),
        ("dingtalk", f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}", TOKEN, "oapi.dingtalk.com"),
        ("feishu", f"https://open.feishu.cn/open-apis/bot/v2/hook/{HOOK}", HOOK, "open.feishu.cn"),
    ],
)
def test_the_key_and_the_server_are_taken_out(kind: str, text: str, value: str, server: str) -> None:
    assert pasted.read(kind, text) == Pasted(value, server)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("bark", "https://api.day.app/"), ("bark", f"ftp://api.day.app/{BARK_KEY}"), ("bark", "https://[/x"),
        ("bark", f"https://api.day.app@evil.example/{BARK_KEY}"), ("bark", f"https://api.day.app:99999/{BARK_KEY}"),
        ("ntfy", "//"), ("mail", "https://ntfy.sh/ada@example.cn"), ("feishu", f"https://open.feishu.cn/{HOOK}"),
        ("wecombot", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"), ("sms_aliyun", "https://x/13812341234"),
    ],
)  # fmt: skip
def test_what_is_no_such_address_stays_as_it_is_and_so_is_refused(kind: str, text: str) -> None:
    assert pasted.read(kind, text) == Pasted(text)
    assert not KINDS[kind].address_ok(text)

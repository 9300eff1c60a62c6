"""A message through each chat and push service: what arrives there, and what their refusals mean for who is called."""

from urllib.parse import parse_qs

import pytest

from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.channels.gateways import Message
from tests.channels import chats
from tests.channels.conftest import MESSAGE, Serve, refusal, send
from tests.channels.service import Reply

pytestmark = pytest.mark.onedb


def says_it_all(text: str) -> bool:
    return MESSAGE.title in text and MESSAGE.body in text and MESSAGE.link in text


def test_wecom_reaches_one_person(serve: Serve) -> None:
    wecom = chats.WeCom()
    send("wecom", chats.WECOM, "ada", serve(wecom))
    [message] = wecom.taken
    assert message["touser"] == "ada"
    assert says_it_all(message["text"]["content"])


def test_wecom_is_asked_for_a_pass_once_and_again_only_when_it_ran_out(serve: Serve) -> None:
    wecom = chats.WeCom()
    service = serve(wecom)
    send("wecom", chats.WECOM, "ada", service)
    send("wecom", chats.WECOM, "ada", service)
    assert wecom.passes == ["pass-0"], "asking for each message is refused by the real one after a while"
    wecom.withdrawn.add("pass-0")
    assert isinstance(refusal("wecom", chats.WECOM, "ada", service), Temporary)
    send("wecom", chats.WECOM, "ada", service)
    assert wecom.passes == ["pass-0", "pass-1"]


def test_wecom_takes_a_message_for_nobody_but_we_do_not_count_it(serve: Serve) -> None:
    error = refusal("wecom", chats.WECOM, "somebody.who.left", serve(chats.WeCom()))
    assert type(error) is Permanent, "or the app's visible range is wrong: then everybody would lose the address"
    assert not error.ours


@pytest.mark.parametrize("everybody", ["all", "@all", "ada|ben", "ada,ben"])
def test_no_address_calls_a_whole_organisation(serve: Serve, everybody: str) -> None:
    service = serve(chats.WeCom())
    assert isinstance(refusal("wecom", chats.WECOM, everybody, service), Permanent)
    assert service.received == []


def test_a_wrong_secret_is_our_fault(serve: Serve) -> None:
    error = refusal("wecom", {**chats.WECOM, "secret": "another-secret-of-it"}, "ada", serve(chats.WeCom()))
    assert isinstance(error, Permanent)
    assert error.ours
    assert not isinstance(error, Gone), "nobody loses an address by it"


def test_the_bot_of_a_wecom_group(serve: Serve) -> None:
    bot = chats.WeComBot()
    send("wecombot", chats.WECOMBOT, "", serve(bot))
    assert says_it_all(bot.taken[0]["text"]["content"])


def test_dingtalk_gets_the_signature_it_asks_for(serve: Serve) -> None:
    robot = chats.DingTalk()
    service = serve(robot)
    for _ in range(8):  # half of all signatures hold a sign that must be quoted
        send("dingtalk", chats.DINGTALK, "", service)
    assert len(robot.taken) == 8
    assert says_it_all(robot.taken[0]["text"]["content"])


def test_feishu(serve: Serve) -> None:
    bot = chats.Feishu()
    send("feishu", chats.FEISHU, "", serve(bot))
    assert says_it_all(bot.taken[0]["content"]["text"])


def test_no_report_calls_everybody_in_a_chat(serve: Serve) -> None:
    bot = chats.Feishu()
    sly = Message(
        '<at user_id="all">所有人</at>', "<a href='https://evil.example'>签收</a>", MESSAGE.link, "红", "", "c"
    )
    send("feishu", chats.FEISHU, "", serve(bot), sly)
    assert "<" not in bot.taken[0]["content"]["text"]


@pytest.mark.parametrize(
    ("kind", "settings", "chat", "busy", "ours"),
    [
        ("wecombot", chats.WECOMBOT, chats.WeComBot, 45009, 93000),
        ("dingtalk", chats.DINGTALK, chats.DingTalk, 410100, 310000),
        ("feishu", chats.FEISHU, chats.Feishu, 9499, 19024),
    ],
)
def test_a_no_inside_a_200_is_a_no(
    serve: Serve, kind: str, settings: dict[str, str], chat: type[chats.Chat], busy: int, ours: int
) -> None:
    made = chat()
    service = serve(made)  # type: ignore[arg-type]
    made.refuses = busy
    error = refusal(kind, settings, "", service)
    assert isinstance(error, Temporary)
    assert error.retry_after == 60
    made.refuses = ours
    error = refusal(kind, settings, "", service)
    assert isinstance(error, Permanent)
    assert error.ours
    made.refuses = 987654
    assert isinstance(refusal(kind, settings, "", service), Temporary), "what nobody knows is tried again"


def test_many_lines_are_cut_to_what_a_bot_takes_and_the_link_stays(serve: Serve) -> None:
    bot = chats.WeComBot()
    lines = Message("随手报：90 件等待签收", "\n".join(["红 井盖 · 南门社区"] * 90), MESSAGE.link, "", "", "")
    send("wecombot", chats.WECOMBOT, "", serve(bot), lines)
    said = bot.taken[0]["text"]["content"]
    assert len(said.encode()) <= 2048
    assert said.endswith(MESSAGE.link)


def test_settings_that_were_lost_are_our_fault_and_no_crash(serve: Serve) -> None:
    service = serve(chats.WeCom())
    error = refusal("wecom", {"corp_id": chats.WECOM["corp_id"]}, "ada", service)
    assert isinstance(error, Permanent)
    assert error.ours
    assert service.received == []


def test_bark_sounds_through_silence_and_opens_the_page(serve: Serve) -> None:
    server = chats.Bark()
    send("bark", {}, chats.BARK_KEY, serve(server))
    [message] = server.taken
    assert (message["title"], message["body"]) == (MESSAGE.title, MESSAGE.body)
    assert message["url"] == MESSAGE.link
    assert message["level"] == "critical"


def test_a_telephone_that_bark_does_not_know_is_gone(serve: Serve) -> None:
    assert isinstance(refusal("bark", {}, "A" * 22, serve(chats.Bark())), Gone)


def test_ntfy_with_a_token(serve: Serve) -> None:
    server = chats.Ntfy()
    token = {"token": "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"}
    send("ntfy", token, "haicheng-ada", serve(server))
    [request] = server.taken
    assert request.json == {"topic": "haicheng-ada", "title": MESSAGE.title, "message": MESSAGE.body}
    assert request.headers["x-click"] == MESSAGE.link
    assert request.headers["x-priority"] == "max"


def test_ntfy_without_its_token_is_our_fault(serve: Serve) -> None:
    error = refusal("ntfy", {}, "haicheng-ada", serve(chats.Ntfy()))
    assert isinstance(error, Permanent)
    assert error.ours


def test_pushplus(serve: Serve) -> None:
    server = chats.PushPlus()
    service = serve(server)
    send("pushplus", {}, chats.PUSHPLUS_TOKEN, service)
    assert server.taken[0]["template"] == "txt"
    assert says_it_all(server.taken[0]["title"] + server.taken[0]["content"])
    assert isinstance(refusal("pushplus", {}, "f" * 32, service), Gone), "the token is its owner's address"
    server.refuses = 900
    assert isinstance(refusal("pushplus", {}, chats.PUSHPLUS_TOKEN, service), Temporary)
    server.refuses = 905
    error = refusal("pushplus", {}, chats.PUSHPLUS_TOKEN, service)
    assert isinstance(error, Permanent)
    assert not error.ours, "its owner has to prove who they are; nothing of ours is wrong"


def test_serverchan(serve: Serve) -> None:
    server = chats.ServerChan()
    service = serve(server)
    send("serverchan", {}, chats.SENDKEY, service)
    form = {name: values[0] for name, values in parse_qs(server.taken[0]["form"]).items()}
    assert says_it_all(form["title"] + form["desp"])
    service.next = Reply(400, {"code": 40001, "message": "[AUTH]超过当天的发送次数限制"})
    assert isinstance(refusal("serverchan", {}, chats.SENDKEY, service), Temporary)

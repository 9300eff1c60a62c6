"""The admin sets up channels: what is kept secret stays secret, and a test says what really happened."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import select

from fieldapp import clock, gateways
from fieldapp.db import db, writing
from fieldapp.models import Gateway, User
from tests.channels import chats, clouds
from tests.channels.service import Protocol, Reply, Service
from tests.world import Person, World

pytestmark = pytest.mark.onedb  # what pages say is the same on both

Serve = Callable[[Protocol], Service]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda protocol: stack.enter_context(Service(protocol))


def makes(admin: Person, kind: str, name: str = "镇里的", **settings: str) -> int:
    """Through the form, and it is there."""
    form = {f"setting-{field}": value for field, value in settings.items()} | {"kind": kind, "name": name}
    answer = admin.post("/admin/channels", data=form)
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rpartition("-")[2])


def kept(world: World, gateway_id: int) -> Gateway:
    with world.app.app_context():
        return db.session.get_one(Gateway, gateway_id)


def chip(world: World) -> str:
    """How the town's only channel stands."""
    return world.root.get("/admin/channels").text.partition('<span class="chip')[2].partition(">")[2].partition("<")[0]


def an_admin_of(world: World, area: str) -> Person:
    with world.app.app_context(), writing():
        vik = db.session.scalars(select(User).where(User.username == "vik")).one()
        db.session.add(User(username="olga", name="奥佳", role="admin", area_code=area, created_at=clock.now(),
                            password_hash=vik.password_hash))  # fmt: skip
    return world.person("olga")


def test_a_secret_goes_in_and_never_comes_out(world: World) -> None:
    wecom = makes(world.root, "wecom", **chats.WECOM)
    page = world.root.get("/admin/channels").text
    assert chats.WECOM["corp_id"] in page
    assert chats.WECOM["secret"] not in page
    sealed = kept(world, wecom).sealed
    assert chats.WECOM["secret"] not in sealed
    assert chats.WECOM["corp_id"] not in sealed
    key = world.app.config["SETTINGS"].instance / "channels.key"
    assert key.stat().st_mode & 0o077 == 0


def test_an_empty_secret_keeps_the_old_one(world: World, serve: Serve) -> None:
    server = chats.Ntfy()
    service = serve(server)
    token = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"
    ntfy = makes(world.root, "ntfy", server=service.address, token=token)
    edited = {"name": "另一个名字", "setting-server": service.address, "setting-token": ""}
    assert world.root.post(f"/admin/channels/{ntfy}", data=edited).status_code == 303
    assert "✓" in world.root.post(f"/admin/channels/{ntfy}/test", data={"address": "haicheng-ada"}).text
    assert len(server.taken) == 1
    assert kept(world, ntfy).name == "另一个名字"


def test_a_test_says_what_the_service_answered(world: World, serve: Serve) -> None:
    server = chats.Bark()
    service = serve(server)
    bark = makes(world.root, "bark", server=service.address)
    assert chip(world) == "未试过"
    answer = world.root.post(f"/admin/channels/{bark}/test", data={"address": chats.BARK_KEY})
    assert "对方的服务器收下了" in answer.text
    assert server.taken[0]["level"] == "timeSensitive", "a test need not wake anybody"
    assert kept(world, bark).tested_at is not None
    assert chip(world) == "在用"
    for reply, words in (
        (Reply(503), "正忙或出了故障"), (Reply(401), "不认这些设置"), (Reply(429), "发得太多"),
        (Reply(302, {}, {"Location": "http://10.0.0.1/"}), "没有跟去"),
    ):  # fmt: skip
        service.next = reply
        answer = world.root.post(f"/admin/channels/{bark}/test", data={"address": chats.BARK_KEY})
        assert words in answer.text
        assert kept(world, bark).trouble
    service.next = None
    world.root.post(f"/admin/channels/{bark}/test", data={"address": chats.BARK_KEY})
    assert kept(world, bark).trouble is None


def test_a_group_bots_whole_address_is_taken_apart(world: World) -> None:
    url = f"https://open.larksuite.com/open-apis/bot/v2/hook/{chats.FEISHU['token']}"
    feishu = makes(world.root, "feishu", token=url)
    with world.app.app_context():
        found = gateways.opened(db.session.get_one(Gateway, feishu), world.app.config["SETTINGS"])
    assert found == {"token": chats.FEISHU["token"], "server": "open.larksuite.com"}
    far = f"https://evil.example/open-apis/bot/v2/hook/{chats.FEISHU['token']}"
    for kind, settings in (("feishu", {"token": far}), ("dingtalk", chats.DINGTALK | {"token": far})):
        form = {f"setting-{field}": value for field, value in settings.items()} | {"kind": kind, "name": "群"}
        assert world.root.post("/admin/channels", data=form).status_code == 422


def test_somebody_elses_dead_address_is_no_trouble_of_the_gateway(world: World, serve: Serve) -> None:
    bark = makes(world.root, "bark", server=serve(chats.Bark()).address)
    answer = world.root.post(f"/admin/channels/{bark}/test", data={"address": "A" * 22})
    assert "没有这个地址" in answer.text
    assert kept(world, bark).trouble is None


def test_a_server_nobody_allowed_is_refused_before_anything_is_kept(world: World) -> None:
    strange = ("https://evil.example", "https://x@api.day.app", "ftp://api.day.app", "a b")
    for server in ("10.0.0.1", "169.254.169.254", "redis.internal:6379", *strange):
        answer = world.root.post("/admin/channels", data={"kind": "bark", "name": "x", "setting-server": server})
        assert answer.status_code == 422
    with world.app.app_context():
        assert db.session.scalars(select(Gateway)).all() == []


def test_a_setting_that_is_missing_or_wrong_is_named_and_what_was_typed_stays(world: World) -> None:
    typed = {"kind": "sms_aliyun", "name": "短信", "setting-access_key_id": clouds.ALIYUN["access_key_id"],
             "setting-access_key_secret": "", "setting-template_code": "154950909"}  # fmt: skip
    answer = world.root.post("/admin/channels", data=typed)
    assert answer.status_code == 422
    assert "这一项要填" in answer.text
    assert "格式不对" in answer.text
    assert clouds.ALIYUN["access_key_id"] in answer.text
    assert 'value="154950909"' in answer.text


def test_the_template_to_apply_for_holds_this_towns_own_address(world: World) -> None:
    page = world.root.get("/admin/channels?add=sms_aliyun").text
    assert "http://127.0.0.1:8000/r/${code}" in page


def test_another_towns_admin_sees_none_of_it(world: World) -> None:
    olga = an_admin_of(world, "441521119")
    wecom = makes(world.root, "wecom", name="海城的企业微信", **chats.WECOM)
    assert "海城的企业微信" not in olga.get("/admin/channels").text
    for path in ("", "/active", "/test"):
        assert olga.post(f"/admin/channels/{wecom}{path}", data={"name": "x", "address": "ada"}).status_code == 404
    assert kept(world, wecom).active


def test_the_countys_admin_is_told_that_channels_are_a_towns(world: World) -> None:
    cora = an_admin_of(world, "441521")
    answer = cora.post("/admin/channels", data={"kind": "bark", "name": "x"})
    assert answer.status_code == 422
    assert "镇街管理员" in answer.text


def test_a_channel_that_is_put_away_calls_nobody(world: World, serve: Serve) -> None:
    bark = makes(world.root, "bark", server=serve(chats.Bark()).address)
    assert "Bark" in world.ada.get("/reminders").text
    page = world.root.get("/admin/channels").text
    assert page.index("停用以后，不再从这里叫人") < page.index("确定停用"), "it asks first"
    world.root.post(f"/admin/channels/{bark}/active", data={"active": "0"})
    assert not kept(world, bark).active
    assert "Bark" not in world.ada.get("/reminders").text
    world.root.post(f"/admin/channels/{bark}/active", data={"active": "1"})
    assert "Bark" in world.ada.get("/reminders").text


def test_a_key_that_was_lost_breaks_no_page(world: World) -> None:
    """A database restored without the instance's folder: what is sealed cannot be read, and can be typed anew."""
    wecom = makes(world.root, "wecom", **chats.WECOM)
    with world.app.app_context(), writing():
        db.session.get_one(Gateway, wecom).sealed = "gAAAAABnot-ours"
    assert world.root.get("/admin/channels").status_code == 200
    form = {f"setting-{name}": value for name, value in chats.WECOM.items()} | {"name": "又有了"}
    assert world.root.post(f"/admin/channels/{wecom}", data=form).status_code == 303

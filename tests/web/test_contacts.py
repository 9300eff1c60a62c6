"""怎样叫我: a responder adds a way to be called, tries it, proves it, and says in which order and when not."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from fieldapp import addresses, clock, contacts
from fieldapp.config import Settings
from fieldapp.db import db, writing
from fieldapp.models import Contact, Gateway, Preference, User
from tests.channels import chats
from tests.channels.service import Protocol, Service
from tests.web.test_gateways import makes
from tests.world import Person, World

pytestmark = pytest.mark.onedb  # what pages say is the same on both

Serve = Callable[[Protocol], Service]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda protocol: stack.enter_context(Service(protocol))


@pytest.fixture
def server() -> chats.Bark:
    return chats.Bark()


@pytest.fixture
def bark(world: World, serve: Serve, server: chats.Bark) -> int:
    """The town's Bark server."""
    return makes(world.root, "bark", server=serve(server).address)


def adds(person: Person, gateway_id: int, address: str = chats.BARK_KEY) -> int:
    answer = person.post("/reminders/contacts", data={"gateway_id": gateway_id, "address": address})
    assert answer.status_code == 303, answer.text
    return int(answer.headers["Location"].rpartition("-")[2])


def kept(world: World, contact_id: int) -> Contact:
    with world.app.app_context():
        return db.session.get_one(Contact, contact_id)


def in_order(world: World, username: str) -> list[str]:
    """The kinds in the order in which an alert goes through them."""
    with world.app.app_context():
        person = db.session.scalars(select(User).where(User.username == username)).one()
        return [kind for kind, _ in addresses.ways([person], clock.now())[person.id].in_order()]


def on_the_page(person: Person) -> list[str]:
    return re.findall(r'id="way-(\w+)"', person.get("/reminders").text)


def test_ada_adds_a_way_and_proves_it_by_opening_what_was_sent(world: World, server: chats.Bark, bark: int) -> None:
    contact = adds(world.ada, bark)
    assert "还没验证" in world.ada.get("/reminders").text
    assert "收下了" in world.ada.post(f"/reminders/contacts/{contact}/test").text
    assert kept(world, contact).proved_at is None, "that a server took it proves nothing"
    path = server.taken[0]["url"].removeprefix("http://127.0.0.1:8000")
    stranger = world.app.test_client()  # the phone that shows it need not be logged in
    assert "收到了" in stranger.get(path).text
    assert kept(world, contact).proved_at is None, "programs that look at links open them too"
    assert "叫得到您" in stranger.post(path).text
    assert kept(world, contact).proved_at is not None
    assert "✓ 收得到" in world.ada.get("/reminders").text


def test_a_text_messages_short_link_leads_to_the_same_page(world: World, server: chats.Bark, bark: int) -> None:
    contact = adds(world.ada, bark)
    world.ada.post(f"/reminders/contacts/{contact}/test")
    path = server.taken[0]["url"].removeprefix("http://127.0.0.1:8000")
    token = path.rpartition("/")[2]
    assert len(token) <= 35, "a variable of a text message holds no more"
    assert world.app.test_client().get(f"/r/{token}").headers["Location"] == path


@pytest.mark.parametrize("change", ["another", "old", "removed", "nonsense"])
def test_a_link_proves_only_the_address_it_was_sent_to_and_not_for_ever(world: World, bark: int, change: str) -> None:
    contact, other = adds(world.ada, bark), adds(world.ben, bark)
    with world.app.app_context():
        sent = clock.now() - timedelta(days=3 if change == "old" else 0)
        token = contacts.proof(world.app.config["SECRET_KEY"], db.session.get_one(Contact, contact), sent)
    if change == "another":
        token = f"{other}-" + token.partition("-")[2]
    if change == "removed":
        world.ada.post(f"/reminders/contacts/{contact}/removal")
    if change == "nonsense":
        token = "１-２-" + "0" * 16
    for answer in (
        world.app.test_client().get(f"/reminders/prove/{token}"),
        world.ada.post(f"/reminders/prove/{token}"),
    ):
        assert answer.status_code == 410
    assert kept(world, contact).proved_at is None
    assert kept(world, other).proved_at is None


def test_the_address_itself_is_never_shown_again(world: World, bark: int) -> None:
    contact = adds(world.ada, bark)
    page = world.ada.get("/reminders").text
    assert chats.BARK_KEY not in page
    assert f"****{chats.BARK_KEY[-4:]}" in page
    assert chats.BARK_KEY not in kept(world, contact).sealed
    world.ada.post(f"/reminders/contacts/{contact}/removal")
    assert kept(world, contact).sealed == "", "removed means that it is gone, not that it is hidden"
    assert "****" not in world.ada.get("/reminders").text


@pytest.mark.parametrize("address", ["", "short", "http://evil.example/", "a" * 300, "all"])
def test_an_address_that_cannot_be_is_refused_and_stays_typed(world: World, bark: int, address: str) -> None:
    answer = world.ada.post("/reminders/contacts", data={"gateway_id": bark, "address": address})
    assert answer.status_code == 422
    assert "看看有没有输错" in answer.text


def test_the_same_address_twice_calls_once(world: World, bark: int) -> None:
    adds(world.ada, bark)
    answer = world.ada.post("/reminders/contacts", data={"gateway_id": bark, "address": f" {chats.BARK_KEY} "})
    assert answer.status_code == 422
    assert "已经有了" in answer.text


def test_a_dead_address_is_used_no_more_and_says_so(world: World, bark: int) -> None:
    contact = adds(world.ada, bark, "A" * 22)
    answer = world.ada.post(f"/reminders/contacts/{contact}/test")
    assert "不会再用" in answer.text
    assert kept(world, contact).disabled_at is not None
    assert "bark" not in in_order(world, "ada")


def test_a_gateway_whose_settings_are_wrong_reddens_the_admins_page_and_costs_nobody_the_address(
    world: World, serve: Serve
) -> None:
    ntfy = makes(world.root, "ntfy", server=serve(chats.Ntfy()).address)
    contact = adds(world.ada, ntfy, "haicheng-ada")
    assert "请管理员检查" in world.ada.post(f"/reminders/contacts/{contact}/test").text
    assert kept(world, contact).disabled_at is None
    assert "不认这些设置" in world.root.get("/admin/channels").text


def test_the_order_is_the_order_in_which_she_is_called(world: World, serve: Serve, bark: int) -> None:
    wecom = makes(world.root, "wecom", **chats.WECOM, server=serve(chats.WeCom()).address)
    adds(world.ada, bark)
    adds(world.ada, wecom, "ada")
    world.ada.carries_phone()
    assert in_order(world, "ada") == ["webpush"], "what was never proved may be a stranger's"
    with world.app.app_context(), writing():
        db.session.execute(update(Contact).values(proved_at=clock.now()))
    assert in_order(world, "ada") == on_the_page(world.ada) == ["webpush", "wecom", "bark"]
    for _ in range(3):  # once more than there is room for
        world.ada.post("/reminders/order", data={"kind": "bark", "steps": "-1"})
    assert in_order(world, "ada") == on_the_page(world.ada) == ["bark", "webpush", "wecom"]
    world.ada.post("/reminders/order", data={"kind": "bark", "steps": "1"})
    assert in_order(world, "ada") == on_the_page(world.ada) == ["webpush", "bark", "wecom"]
    assert world.ada.post("/reminders/order", data={"kind": "mail", "steps": "1"}).status_code == 404


def test_quiet_hours_are_kept_and_the_page_says_that_red_does_not_care(world: World) -> None:
    assert world.ada.post("/reminders/quiet", data={"begins": "22:30", "ends": "06:00"}).status_code == 303
    page = world.ada.get("/reminders").text
    assert "红色的事任何时候都会叫您" in page
    assert 'value="22:30"' in page
    with world.app.app_context():
        chosen = db.session.get_one(Preference, world.ada.id)
        assert (chosen.quiet_from, chosen.quiet_to) == (22 * 60 + 30, 6 * 60)
    assert world.ada.post("/reminders/quiet", data={}).status_code == 303
    with world.app.app_context():
        assert db.session.get_one(Preference, world.ada.id).quiet_from is None


@pytest.mark.parametrize(("begins", "ends"), [("22:00", ""), ("", "06:00"), ("22:00", "22:00"), ("25:00", "06:00")])
def test_quiet_hours_that_are_none_are_refused(world: World, begins: str, ends: str) -> None:
    answer = world.ada.post("/reminders/quiet", data={"begins": begins, "ends": ends})
    assert answer.status_code == 422
    assert "两个时间" in answer.text


def test_the_page_says_by_what_she_is_reached_and_the_last_way_goes_only_when_that_is_meant(
    world: World, bark: int
) -> None:
    contact = adds(world.ada, bark)
    last = "现在只有这一个办法叫得到您"
    assert "现在叫不到您" in world.ada.get("/reminders").text, "nothing was proved"
    with world.app.app_context(), writing():
        db.session.execute(update(Contact).values(proved_at=clock.now()))
    page = world.ada.get("/reminders").text
    assert re.search(r"现在叫得到您：<b>Bark", page) and f"****{chats.BARK_KEY[-4:]}</span>。" in page
    asks = re.search(r"<details[^>]*>.{0,200}删除.*?</details>", page, re.S)
    assert asks and f"/contacts/{contact}/removal" in asks[0] and last in asks[0], "folded away until it was asked for"
    world.ada.carries_phone()
    page = world.ada.get("/reminders").text
    assert "1 台</span>、<b>Bark" in page and last not in page, "there is another way"
    assert "现在只靠它叫得到您" not in world.ada.get("/devices").text
    world.ada.post(f"/reminders/contacts/{contact}/removal")
    assert "现在只靠它叫得到您" in world.ada.get("/devices").text, "her phone, before she logs it out"


def test_a_whole_address_is_taken_apart_and_another_server_is_refused(world: World, bark: int) -> None:
    own = re.search(r"127\.0\.0\.1:[0-9]+", world.root.get("/admin/channels").text)
    assert own
    for far in ("https://evil.example", "https://api.day.app", f"https://{own[0]}@evil.example"):
        pasted = {"gateway_id": bark, "address": f"{far}/{chats.BARK_KEY}/"}
        answer = world.ada.post("/reminders/contacts", data=pasted)
        assert answer.status_code == 422 and chats.BARK_KEY in answer.text, "what was typed stays"
    contact = adds(world.ada, bark, f"http://{own[0]}/{chats.BARK_KEY}/推送内容")
    assert f"****{chats.BARK_KEY[-4:]}" == kept(world, contact).hint
    assert "收下了" in world.ada.post(f"/reminders/contacts/{contact}/test").text


def test_a_days_tries_are_counted_also_over_a_restart_and_tomorrow_anew(
    world: World, settings: Settings, start_again: Callable[[Settings], Flask], server: chats.Bark, bark: int
) -> None:
    contact = adds(world.ada, bark)
    with world.app.app_context(), writing():
        ada = db.session.scalars(select(User).where(User.username == "ada")).one()
        assert all(contacts.may_try(ada, clock.now()) for _ in range(contacts.TRIES_A_DAY - 1))
    assert world.ada.post(f"/reminders/contacts/{contact}/test").status_code == 200
    again = World(start_again(settings)).ada.post(f"/reminders/contacts/{contact}/test")
    assert again.status_code == 429 and "请明天再试" in again.text
    with world.app.app_context(), writing():
        ada = db.session.scalars(select(User).where(User.username == "ada")).one()
        assert contacts.may_try(ada, clock.now() + timedelta(days=1))


def test_nobody_touches_anothers_ways(world: World, bark: int) -> None:
    contact = adds(world.ada, bark)
    assert world.ben.post(f"/reminders/contacts/{contact}/test").status_code == 404
    assert world.ben.post(f"/reminders/contacts/{contact}/removal").status_code == 404
    assert kept(world, contact).disabled_at is None


def test_a_neighbouring_towns_gateway_is_not_offered(world: World, bark: int) -> None:
    with world.app.app_context(), writing():
        db.session.get_one(Gateway, bark).town_code = "441521119"
    assert "Bark" not in world.ada.get("/reminders").text
    refused = world.ada.post("/reminders/contacts", data={"gateway_id": bark, "address": chats.BARK_KEY})
    assert refused.status_code == 404

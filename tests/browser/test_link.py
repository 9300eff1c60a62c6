"""A message in another app, its link, and one press: the whole way without a login, through a real gateway."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import APIRequestContext, Browser, Page, expect

from tests.browser.axe import TAGS, found
from tests.browser.evening import Evening, picture
from tests.browser.pages import Screen
from tests.browser.people import PHONE
from tests.browser.sizes import looked_at
from tests.channels import chats
from tests.channels.service import Service
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]


@pytest.fixture
def product(fresh_town: Product) -> Product:
    return fresh_town


@pytest.fixture
def bark() -> Iterator[tuple[str, chats.Bark]]:
    server = chats.Bark()
    with Service(server) as service:
        yield service.address, server


def eventually(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def link_in(message: dict[str, Any], product: Product) -> str:
    return str(message["url"]).removeprefix(product.url)


@pytest.fixture
def message(chromium: Browser, product: Product, bark: tuple[str, chats.Bark]) -> dict[str, Any]:
    """The town has a Bark server; ada's telephone there is proved; vik files a red report."""
    address, server = bark
    evening = Evening(chromium, product)
    root, ada = evening.who("root"), evening.who("ada")
    made = root.post("/admin/channels", form={"kind": "bark", "name": "Bark", "setting-server": address})
    gateway = re.search(r'id="channel-(\d+)"', made.text())
    assert gateway, made.text()
    page = ada.post("/reminders/contacts", form={"gateway_id": gateway[1], "address": chats.BARK_KEY}).text()
    contact = re.search(r'id="contact-(\d+)"', page)
    assert contact, page
    ada.post(f"/reminders/contacts/{contact[1]}/test")
    assert ada.post(link_in(server.taken.pop(), product)).status == 200
    evening.files("井盖破损，夜间危险", "red")
    evening.close()
    eventually(lambda: server.taken)
    return server.taken[0]


def fits(page: Page) -> None:
    """Large and clear enough at every size, and axe has no objection."""
    assert looked_at(Screen("link", ""), page) == []
    assert found(page, "body", TAGS) == []


def test_a_message_opens_one_page_and_one_press_signs(
    chromium: Browser, product: Product, message: dict[str, Any]
) -> None:
    assert "井盖破损" in message["title"]
    desk = Evening(chromium, product).who("dora")
    number = desk.get("/api/cases").json()["items"][0]["number"]
    stranger = chromium.new_context(base_url=product.url, **PHONE)
    page = stranger.new_page()
    page.goto(link_in(message, product))
    expect(page.get_by_role("heading", name="井盖破损")).to_be_visible()
    fits(page)
    eventually(lambda: "opened" in states(desk, number))
    page.get_by_role("button", name="签收").tap()
    expect(page.get_by_role("button", name="出发")).to_be_visible()
    assert desk.get(f"/api/cases/{number}").json()["status"] == "acknowledged"
    assert "acknowledged" in states(desk, number)
    page.get_by_role("button", name="出发").tap()
    page.get_by_role("button", name="到场").tap()
    page.get_by_label("看到什么，做了什么").fill("已放警示桩")
    fits(page)
    page.get_by_role("button", name="处置反馈").tap()
    expect(page.get_by_text("现在不用您做什么")).to_be_visible()
    assert desk.get(f"/api/cases/{number}").json()["status"] == "answered"
    page.goto("/tasks")
    expect(page).to_have_url(re.compile("/login"))
    stranger.close()


def test_a_department_without_an_account_answers_with_a_photo_where_no_script_runs(
    chromium: Browser, product: Product, bark: tuple[str, chats.Bark]
) -> None:
    address, server = bark
    evening = Evening(chromium, product)
    root, desk = evening.who("root"), evening.who("dora")
    made = root.post("/admin/channels", form={"kind": "bark", "name": "值班", "setting-server": address}).text()
    gateway = max(re.findall(r'id="channel-(\d+)"', made), key=int)
    at = "/admin/departments/1/contacts"
    page_of = root.post(at, form={"gateway_id": gateway, "address": chats.BARK_KEY}).text()
    contact = re.search(r'id="contact-(\d+)"', page_of)
    assert contact, page_of
    root.post(f"{at}/{contact[1]}/test")
    stranger = chromium.new_context(base_url=product.url, java_script_enabled=False, **PHONE)
    page = stranger.new_page()
    page.goto(link_in(server.taken.pop(), product))
    page.get_by_role("button", name="收到了").tap()
    expect(page.get_by_text("这个办法叫得到您")).to_be_visible()
    number = evening.files("水管爆了，水漫到店里")[1]
    evening.does("dora", "dispatch", number, to=["市政管理所", "ben"], note="先关阀门")
    eventually(lambda: server.taken)
    page.goto(link_in(server.taken[0], product))
    for name in ("签收", "出发", "到场"):
        page.get_by_role("button", name=name, exact=True).tap()
    page.get_by_label("看到什么，做了什么").fill("阀门关了")
    page.get_by_label("处置后的照片").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    page.get_by_role("button", name="处置反馈").tap()
    expect(page.get_by_text("反馈收到了")).to_be_visible()
    case = desk.get(f"/api/cases/{number}").json()
    assert (case["status"], len(case["photos"])) == ("answered", 1)
    eventually(lambda: page.goto(link_in(server.taken[0], product)) and page.locator("main img").count())
    stranger.close()
    looker = chromium.new_context(base_url=product.url, **PHONE)
    page = looker.new_page()
    page.goto(link_in(server.taken[0], product))
    page.get_by_text("再补充一句或照片").tap()
    fits(page)
    looker.close()
    evening.close()


def states(desk: APIRequestContext, number: str) -> set[str]:
    alerts = desk.get(f"/api/cases/{number}").json()["alerts"]
    return {delivery["state"] for alert in alerts for delivery in alert["deliveries"]}

"""A neighbour opens the link where it came: inside WeChat, which has no service worker and forgets what pages store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.patrol import photo
from tests.browser.people import PHONE, Sitter
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

WECHAT = (
    "Mozilla/5.0 (Linux; Android 13; V2203A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 "
    "XWEB/1260059 MMWEBSDK/20240501 Mobile Safari/537.36 MicroMessenger/8.0.50.2701 WeChat/arm64 Weixin Language/zh_CN"
)
NO_WORKER = "delete Navigator.prototype.serviceWorker; delete globalThis.SyncManager;"
NO_PROMISE = "delete StorageManager.prototype.persist;"
HINTED = ["/?stay=1", "/report?new=1"]


@pytest.fixture
def phones(chromium: Browser, town: Product, screens: Path) -> Iterator[Callable[..., Sitter]]:
    made: list[Sitter] = []

    def make(*scripts: str, user: str = "vik", **device: Any) -> Sitter:
        made.append(Sitter(chromium, town, screens, **PHONE | device))
        for script in scripts:
            made[-1].context.add_init_script(script)
        if user:
            made[-1].log_in(user)
        return made[-1]

    yield make
    for phone in made:
        phone.close()


@pytest.fixture
def invitation(chromium: Browser, town: Product, screens: Path) -> str:
    """The link that dora sends."""
    desk = Sitter(chromium, town, screens)
    desk.log_in("dora")
    desk.page.goto("/desk/invitations")
    desk.page.locator("#name").fill("郑伯")
    desk.page.locator("#area_code").select_option("441521115004")
    desk.page.locator("form button.btn-primary").first.click()
    link = desk.page.locator("#link").input_value()
    desk.close()
    return link


def test_the_invitation_is_not_used_up_inside_wechat(phones: Any, invitation: str) -> None:
    wechat = phones(NO_WORKER, user="", user_agent=WECHAT, permissions=["clipboard-read", "clipboard-write"])
    wechat.page.goto(invitation)
    hint, start = wechat.page.locator("#inapp"), wechat.page.get_by_role("button", name="开始使用")
    expect(hint).to_contain_text("先别按“开始使用”")
    expect(hint).to_contain_text("点右上角 ⋯，选“在浏览器打开”")
    assert hint.bounding_box()["y"] < start.bounding_box()["y"], "above the button"
    hint.get_by_role("button").tap()
    expect(hint.get_by_role("button")).to_have_text("已复制")
    copied = wechat.page.evaluate("() => navigator.clipboard.readText()")
    wechat.picture("inapp-invitation", full=True)
    browser = phones(user="")
    browser.page.goto(copied)
    browser.page.get_by_role("button", name="开始使用").tap()
    browser.sees("拍一张就能报")


def test_a_report_from_inside_wechat_reaches_the_desk_while_there_is_a_network(phones: Any) -> None:
    wechat = phones(NO_WORKER, user_agent=WECHAT)
    for path in HINTED:
        wechat.page.goto(path)
        hint = wechat.page.locator("#inapp")
        for words in ("在这里能报，但要连着网", "草稿可能会丢", "在浏览器打开", "没有密码的，请值班员"):
            expect(hint).to_contain_text(words)
        expect(hint.get_by_text("手机自带的浏览器")).to_be_hidden()
        expect(hint.get_by_text("先别按")).to_have_count(0)
    named = {"name": "image.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    wechat.page.locator("#gallery").set_input_files([named])
    expect(wechat.page.locator("#photos img")).to_have_count(1)
    wechat.page.locator("#text").fill("微信里报的井盖")
    wechat.picture("inapp-report")
    wechat.page.locator("#send").tap()
    wechat.sees("中心已全部收到", seconds=20)
    desk = phones(user="dora")
    assert "微信里报的井盖" in [case["title"] for case in desk.api("/api/cases")["items"]]


def test_another_apps_window_is_told_by_what_it_lacks_not_by_its_name(phones: Any) -> None:
    other = phones(NO_WORKER)
    other.page.goto("/?stay=1")
    expect(other.page.locator("#inapp")).to_contain_text("到手机自带的浏览器里打开")
    expect(other.page.locator("#inapp").get_by_text("右上角")).to_be_hidden()


def test_a_browser_that_promises_nothing_says_so_of_drafts_only(phones: Any) -> None:
    old = phones(NO_PROMISE)
    old.page.goto("/?stay=1")
    hint = old.page.locator("#inapp")
    expect(hint.get_by_text("草稿可能会丢")).to_be_visible()
    expect(hint.get_by_text("但要连着网")).to_be_hidden()


def test_a_browser_is_told_nothing(phones: Any, invitation: str) -> None:
    phone = phones()
    loaded: list[str] = []
    phone.page.on("request", lambda request: loaded.append(request.url))
    for path in HINTED:
        phone.page.goto(path)
        phone.sees("已连接|有没有网都能报")
        expect(phone.page.locator("#inapp")).to_be_hidden()
    phone.page.goto(invitation)
    phone.page.wait_for_load_state("networkidle")
    expect(phone.page.locator("#inapp")).to_be_hidden()
    modules = [url for url in loaded if url.endswith(("inapp.js", "space.js"))]
    assert len(modules) == 1, f"only the invitation page looks: {modules}"

"""这台手机: vik, ada and their helper find out what a phone can do, each thing by a real try in real Chromium."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import CHROMIUM, FLAGS, OFF
from tests.browser.patrol import photo
from tests.browser.people import PHONE, PushedPhone
from tests.processes import Product
from tests.push.endpoint import Browser as PushedBrowser
from tests.push.endpoint import PushService

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
# as Firefox, Safari and older Chromes do
TELLS_ROOM = (f"--disable-features={','.join([*OFF, 'StaticStorageQuota'])}",)
HOUR_MS = 3_600_000
# The browser's own subscription, which only a real push service could give: the keys are real, and kept by the test.
SUBSCRIBED = """(() => {
    const all = %s.map((json) => ({ endpoint: json.endpoint, toJSON: () => json }));
    const gone = () => Number(localStorage.getItem("gone") ?? 0);
    for (const one of all) one.unsubscribe = async () => { localStorage.setItem("gone", gone() + 1); return true; };
    PushManager.prototype.getSubscription = async () => all[gone()] ?? null;
    PushManager.prototype.subscribe = async () => all[gone()];
})()"""
TRIALS = """async () => {
    const { read } = await import(document.querySelector("link[href$='store.js']").href.replace("store.js", "db.js"));
    const keys = ["trial-0", "trial-1", "trial-2", "trial-3"];
    return (await read("kv", (kv) => Promise.all(keys.map((key) => kv.getKey(key))))).filter(Boolean);
}"""
CHROME_OFFERS = """() => {
    const offer = new Event("beforeinstallprompt", { cancelable: true });
    offer.prompt = async () => { document.documentElement.dataset.asked = "yes"; };
    offer.userChoice = Promise.resolve({ outcome: "accepted" });
    dispatchEvent(offer);
}"""


@pytest.fixture(scope="module")
def chromiums(whole_chromium: Browser) -> Iterator[Callable[..., Browser]]:
    """Browsers with other flags besides, each started once."""
    started: dict[tuple[str, ...], Browser] = {(): whole_chromium}

    def start(*more: str) -> Browser:
        if more not in started:
            started[more] = whole_chromium.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *more])
        return started[more]

    yield start
    for browser in started.values():
        browser.close()


@pytest.fixture
def phones(
    chromiums: Callable[..., Browser], fresh_town: Product, screens: Path
) -> Iterator[Callable[..., PushedPhone]]:
    """Phones that have opened the page about themselves."""
    made: list[PushedPhone] = []

    def make(
        *scripts: str, user: str = "vik", flags: tuple[str, ...] = (), room: int = 0, **device: Any
    ) -> PushedPhone:
        made.append(PushedPhone(chromiums(*flags), fresh_town, screens, **PHONE | device))
        for script in scripts:
            made[-1].context.add_init_script(script)
        made[-1].log_in(user)
        if room:
            quota(made[-1], room)
        made[-1].page.goto("/phone")
        expect(card(made[-1], "network")).to_have_attribute("data-state", "fine", timeout=15_000)
        return made[-1]

    yield make
    for phone in made:
        phone.close()


def card(phone: PushedPhone, name: str) -> Locator:
    return phone.page.locator(f"#check-{name}")


def tries(phone: PushedPhone, name: str, state: str, *words: str, seconds: float = 20) -> None:
    """Press 测试 on a card; it comes to this verdict and says these words."""
    card(phone, name).locator(".test").tap()
    shows(phone, name, state, *words, seconds=seconds)


def shows(phone: PushedPhone, name: str, state: str, *words: str, seconds: float = 20) -> None:
    found = card(phone, name)
    expect(found).to_have_attribute("data-state", state, timeout=seconds * 1000)
    verdict = {"fine": "没问题", "look": "看这里", "unknown": "还不知道"}[state]
    expect(found.locator(".verdict")).to_have_text(verdict)
    for one in words:
        expect(found).to_contain_text(one)


def quota(phone: PushedPhone, most: int) -> None:
    """Other apps have filled the phone: so many bytes are all that the page may have, with what it has already."""
    override = {"origin": phone.product.url, "quotaSize": most}
    phone.context.new_cdp_session(phone.page).send("Storage.overrideQuotaForOrigin", override)


def leave(phone: PushedPhone, free: int) -> None:
    """The same, with so many bytes left."""
    quota(phone, phone.page.evaluate("async () => (await navigator.storage.estimate()).usage") + free)


def subscribed(*browsers: PushedBrowser) -> str:
    return SUBSCRIBED % json.dumps([browser.subscription() for browser in browsers])


def test_one_press_tests_all_that_needs_no_question(phones: Any) -> None:
    phone = phones(permissions=["geolocation", "notifications", "microphone"])
    phone.page.locator("#test-all").tap()
    shows(
        phone,
        "storage",
        "look",
        "写进、读回、删掉 20 MB",
        "至少还放得下 57 张照片",
        "没有等着发送的上报",
        "请浏览器留住它",
    )
    shows(phone, "network", "fine", "毫秒就有回答")
    shows(phone, "clock", "fine", "和中心的时间一样")
    shows(phone, "place", "fine", "约 15 米内")
    shows(phone, "microphone", "fine", "听到声音了", "什么也没录")
    shows(phone, "camera", "unknown", "还没测")
    assert phone.page.evaluate("async () => (await indexedDB.databases()).map(({ name }) => name)") == ["fieldapp"]
    phone.picture("phone-page", full=True)


def test_it_is_the_same_page_for_everybody_and_opens_without_network(phones: Any) -> None:
    phone = phones()
    mine = phone.context.request.get("/phone").text()
    phone.log_in("ada")
    assert phone.context.request.get("/phone").text() == mine
    phone.controlled()
    phone.context.set_offline(True)
    phone.page.reload()
    shows(phone, "network", "look", "没有网络", "照常上报", "没有网也打得开")
    shows(phone, "clock", "unknown", "还没连上过中心")
    tries(phone, "storage", "look", "写进、读回、删掉 20 MB")
    tries(phone, "push", "look", "提醒没有打开成")


def test_a_phone_whose_clock_is_an_hour_slow_is_told_so(phones: Any) -> None:
    slow = f"(() => {{ const now = Date.now.bind(Date); Date.now = () => now() - {HOUR_MS}; }})()"
    phone = phones(slow)
    tries(phone, "clock", "look", "比中心慢 60 分钟", "自动")


def test_a_full_phone_is_found_out_by_writing(phones: Any) -> None:
    phone = phones(room=5_000_000)
    tries(phone, "storage", "look", "手机存满了", "请删掉一些照片或视频")
    expect(card(phone, "storage").locator("#keep-go")).to_be_hidden()
    assert phone.page.evaluate(TRIALS) == [], "nothing of the try stays"


def test_a_browser_that_tells_how_much_room_is_left_is_believed(phones: Any) -> None:
    phone = phones(flags=TELLS_ROOM)
    phone.controlled()
    leave(phone, 40_000_000)
    tries(phone, "storage", "look", "还能存大约 11", "请删掉一些照片或视频", "删掉 20 MB")


def test_a_report_that_waits_here_is_counted(phones: Any) -> None:
    phone = phones()
    phone.controlled()
    phone.context.set_offline(True)
    phone.page.goto("/report?new=1")
    phone.page.locator("#text").fill("井盖破损")
    phone.page.locator("#send").tap()
    phone.page.locator("#done").wait_for()
    phone.page.goto("/phone")
    shows(phone, "storage", "look", "有 1 条上报在这里等着发送")


def test_no_place_and_a_rough_place_each_say_what_to_do(phones: Any) -> None:
    forbidden = phones(permissions=[])
    tries(forbidden, "place", "look", "没有允许定位", "小图标")
    rough = phones(geolocation={"latitude": 22.97, "longitude": 115.33, "accuracy": 1500})
    tries(rough, "place", "look", "约 1500 米内", "选村（社区）", seconds=30)


def test_a_picture_is_looked_at_and_nothing_of_it_is_kept(phones: Any) -> None:
    phone = phones()
    taken = {"name": "image.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    phone.page.locator("#camera-try").set_input_files([taken])
    shows(phone, "camera", "fine", "× 480", "没有存下，也没有发出去")
    phone.page.locator("#camera-try").set_input_files([taken | {"buffer": b"no picture"}])
    shows(phone, "camera", "look", "读不出来", "请再拍一张")
    phone.page.goto("/?stay=1")
    phone.sees("还没有上报")
    expect(phone.page.locator("#draft")).to_be_hidden()


def test_a_microphone_that_is_not_allowed(phones: Any) -> None:
    phone = phones()
    tries(phone, "microphone", "look", "没有允许用麦克风", "允许")


def test_the_browsers_offer_to_install_becomes_a_button(phones: Any) -> None:
    phone = phones()
    shows(phone, "install", "look", "现在是在浏览器里打开的")
    expect(phone.page.locator("#install-go")).to_be_hidden()
    phone.page.evaluate(CHROME_OFFERS)
    phone.page.locator("#install-go").tap()
    shows(phone, "install", "fine", "装好了")
    assert phone.page.evaluate("document.documentElement.dataset.asked") == "yes"


def test_a_real_push_comes_to_this_very_phone(phones: Any, push_service: PushService) -> None:
    browser = push_service.browser("ada")
    phone = phones(subscribed(browser), user="ada")
    phone.controlled()
    card(phone, "push").locator(".test").tap()
    (received,) = arrived(phone, browser)
    message = phone.deliver(browser, received)
    assert message["notification"]["title"] == "测试提醒"
    shows(phone, "push", "fine", "秒就收到了")
    assert [notice["title"] for notice in phone.shown()] == ["测试提醒"]


def test_an_address_that_died_is_exchanged_and_tried_again(phones: Any, push_service: PushService) -> None:
    old, new = push_service.browser("ada"), push_service.browser("ada")
    phone = phones(subscribed(old, new), user="ada")
    phone.controlled()
    old.answers(410)
    card(phone, "push").locator(".test").tap()
    (received,) = arrived(phone, new)
    phone.deliver(new, received)
    shows(phone, "push", "fine", "秒就收到了")
    assert len(old.received) == 1


def test_a_push_that_never_comes_is_not_waited_for_longer_than_half_a_minute(
    phones: Any, push_service: PushService
) -> None:
    browser = push_service.browser("ada")
    phone = phones(subscribed(browser), user="ada", user_agent=ANDROID)
    phone.controlled()
    phone.page.clock.install()
    card(phone, "push").locator(".test").tap()
    arrived(phone, browser)
    phone.sees("中心已发出，等手机收到")
    phone.page.clock.fast_forward(31_000)
    shows(phone, "push", "look", "30 秒里没有收到", "打开随手报也看得到")


def test_a_helper_gets_one_line_that_says_it_all(phones: Any) -> None:
    phone = phones(user_agent=ANDROID, permissions=["clipboard-read", "clipboard-write"])
    line = phone.page.locator("#about")
    expect(line).to_contain_text("vik · Chrome 131 · Android 14 · ")
    phone.page.locator("#copy-about").tap()
    phone.sees("已复制")
    assert phone.page.evaluate("() => navigator.clipboard.readText()") == line.inner_text()
    phone.page.locator("#update-go").tap()
    phone.sees("已经是最新的", within="#check-network")


@pytest.mark.parametrize("path", ["/?stay=1", "/report?new=1"])
def test_room_that_runs_short_is_said_before_it_hurts(phones: Any, path: str) -> None:
    phone = phones(flags=TELLS_ROOM)
    phone.controlled()
    phone.page.goto(path)
    phone.sees("已连接|有没有网都能报")
    expect(phone.page.locator("#space")).to_be_hidden()
    leave(phone, 20_000_000)
    phone.page.reload()
    expect(phone.page.locator("#space")).to_contain_text("还能存大约 57 张照片")
    leave(phone, 2_000_000)
    phone.page.reload()
    expect(phone.page.locator("#space")).to_contain_text("只能再存大约 5 张照片！")
    phone.page.goto("/report?new=1")
    phone.page.locator("#text").fill(f"存满了也能报 {path}")
    phone.page.locator("#send").tap()
    expect(phone.page.locator("#done")).to_be_visible()


def arrived(phone: PushedPhone, browser: PushedBrowser) -> list[Any]:
    """The pushes that came for a browser; the page goes on meanwhile."""
    for _ in range(150):
        if browser.received:
            break
        phone.page.wait_for_timeout(100)
    return browser.received

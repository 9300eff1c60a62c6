"""A phone whose storage, service worker or release goes wrong still opens, keeps what it has, and says what is true."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.patrol import ANYTHING, TEXT, Phone, photo
from tests.browser.relay import BadLine, answer, drop
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

CONNECTION_LOST = """
    let dead = false;
    const transaction = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (...wanted) {
        if (dead && !this.fresh) throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
        return transaction.apply(this, wanted);
    };
    const open = IDBFactory.prototype.open;
    IDBFactory.prototype.open = function (...wanted) {
        const request = open.apply(this, wanted);
        request.addEventListener("success", () => { request.result.fresh = dead; });
        return request;
    };
    window.loseDatabase = () => { dead = true; };
"""
NEWER_DATABASE = """() => new Promise((done) => {
    const request = indexedDB.open("fieldapp", 2);
    request.onsuccess = () => { request.result.close(); done(); };
})"""
DEAD_ADDRESS = """async (script) => {
    const made = [];
    const subscription = (endpoint) => ({ toJSON: () => ({ endpoint }), unsubscribe: async () => made.push("gone") });
    PushManager.prototype.getSubscription = async () => subscription("dead");
    PushManager.prototype.subscribe = async () => { made.push("new"); return subscription("fresh"); };
    const posted = [];
    const real = window.fetch;
    window.fetch = async (path, options) => {
        if (path === "/api/push/key") return Response.json({ key: "AAAA" });
        if (path !== "/api/push/subscriptions") return real(path, options);
        posted.push(JSON.parse(options.body).endpoint);
        const problem = { status: 409, code: "endpoint_dead", detail: "x" };
        return posted.length > 1 ? Response.json({}, { status: 201 }) : Response.json(problem, { status: 409 });
    };
    const push = await import(script);
    await push.sendAgain();
    return [posted, made];
}"""
TAP = """async () => {
    await self.registration.showNotification("t", { data: { navigate: "/story?case=x" } });
    const [notification] = await self.registration.getNotifications();
    self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
}"""


def asset(page: Page, name: str) -> str:
    """The address of a script in the release that this page belongs to."""
    script = page.locator("script[type=module]").get_attribute("src") or ""
    return script.rsplit("/js/", 1)[0] + f"/js/{name}"


SETTLED = """async () => {
    const part = (name) => import(document.querySelector(`link[href$='/${name}.js']`).href);
    const [account, store] = await Promise.all([part("account"), part("store")]);
    const me = await store.get("kv", "me");
    return (await account.metWithin(600_000)) && Boolean(await store.get("kv", `nearby-${me.id}`));
}"""


def form(phone: Phone, path: str = "/report?new=1") -> Page:
    phone.page.goto(path)
    expect(phone.page.locator("#tiles .tile").first).to_be_visible()
    return phone.page


def test_a_database_that_ios_has_lost_is_opened_again(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line) as phone:
        phone.context.add_init_script(CONNECTION_LOST)
        page = form(phone)
        page.locator("#text").fill("数据库断开")
        page.evaluate("() => loseDatabase()")
        page.locator("#send").tap()
        page.locator("#done").wait_for()
        phone.arrives("数据库断开")


def test_an_old_page_goes_on_over_a_newer_database(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line) as phone:
        page = form(phone)
        page.locator("#text").fill("旧页面")
        page.wait_for_timeout(600)
        page.evaluate(NEWER_DATABASE)
        page.locator("#send").tap()
        page.locator("#done").wait_for()
        phone.arrives("旧页面")


def test_what_the_phone_has_lost_is_not_called_received(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line) as phone:
        line.fail(TEXT, drop)
        phone.file("会被清掉的")
        wipe = {"origin": line.url, "storageTypes": "indexeddb"}
        phone.context.new_cdp_session(phone.page).send("Storage.clearDataForOrigin", wipe)
        phone.wake()
        phone.says("找不到这一条")
        expect(phone.page.locator("#storage")).to_contain_text("手机清掉了")


def test_a_line_that_nobody_has_tried_is_not_called_connected(
    whole_chromium: Browser, town: Product, line: BadLine
) -> None:
    with Phone(whole_chromium, town, line, worker=True) as phone:
        form(phone)
        phone.controlled()
        phone.until(SETTLED)  # who this is and what is near: the next page then asks for neither
        line.fail(".*", drop)
        form(phone)  # the server was met a moment ago, so this page asks for nothing
        expect(phone.page.locator("#line")).to_have_text("有没有网都能报")
        phone.page.goto("/reports")
        expect(phone.page.locator("#line")).to_contain_text("连不上中心")
        line.heal()
        line.fail(ANYTHING, answer(502))
        phone.page.reload()
        expect(phone.page.locator("#line")).to_contain_text("连不上中心")


def test_a_list_that_says_the_same_stays_the_same(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line, user="ben") as phone:
        phone.file("焦点不能丢")
        phone.arrives("焦点不能丢")
        phone.open_list()
        phone.page.wait_for_timeout(1500)  # until the desk's own words stand there
        phone.page.locator("#list li a").first.focus()
        phone.page.evaluate("() => { window.before = document.activeElement; }")
        for _ in range(3):
            phone.wake()
            phone.page.wait_for_timeout(300)
        assert phone.page.evaluate("() => document.activeElement === before && before.isConnected")


def test_a_declined_report_carries_no_green_check(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line) as phone:
        phone.page.goto("/reports")
        shown = phone.page.evaluate(
            """async ([states, stateline, steps]) => {
                const sent = { id: "x", status: "declined", status_words: "未受理", complete: true, open: false };
                const state = (await import(states)).describeSent(sent);
                const icon = (await import(stateline)).stateLine(state).querySelector("use").getAttribute("href");
                const last = (await import(steps)).stepsOf(null, sent).at(-1);
                return [state.state, icon.split("#")[1], last.key, last.icon];
            }""",
            [asset(phone.page, name) for name in ("states.js", "stateline.js", "steps.js")],
        )
        assert shown == ["declined", "close", "declined_now", "close"]


def test_another_towns_user_inherits_nothing(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line) as phone:
        page = form(phone)
        own = page.locator("#village option").all_inner_texts()
        page.locator("#village").select_option(index=3)
        page.locator("#text").fill("海城的事")
        page.locator("#send").tap()
        page.locator("#done").wait_for()
        phone.arrives("海城的事")
        phone.log_in("otto")
        page = form(phone)
        expect(page.locator("#village option").nth(1)).not_to_have_text(own[1])
        assert not set(page.locator("#village option").all_inner_texts()[1:]) & set(own[1:])


def test_a_tap_on_a_push_leaves_the_form_alone(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line, worker=True) as phone:
        page = form(phone)
        phone.controlled()
        page.locator("#text").fill("写到一半")
        (worker,) = phone.context.service_workers
        worker.evaluate(TAP)
        page.wait_for_timeout(1000)
        assert "/report" in page.url and page.locator("#text").input_value() == "写到一半"


def test_an_update_waits_until_nobody_is_in_the_middle_of_something(
    whole_chromium: Browser, town: Product, line: BadLine
) -> None:
    with Phone(whole_chromium, town, line, worker=True) as phone:
        page = form(phone)
        phone.controlled()
        old = asset(page, "help.js")
        line.release = (old.split("/")[2].encode(), b"ba9876543210")
        page.evaluate("() => navigator.serviceWorker.getRegistration().then((one) => one.update())")
        expect(page.locator("#update")).to_be_visible(timeout=15_000)
        page.locator("#text").fill("正在写")
        expect(page.locator("#update")).to_be_hidden(timeout=5_000)
        other = phone.context.new_page()
        other.goto("/reports")
        other.locator("#update button").tap(timeout=15_000)
        expect(other.locator("script[type=module]")).to_have_attribute("src", "/static/ba9876543210/js/reports.js")
        line.fail(".*", drop)
        assert page.locator("#text").input_value() == "正在写"  # nobody reloaded it
        kinds = page.evaluate("async (old) => Object.keys(await import(old))", old)
        assert "fillHelp" in kinds  # the rarer parts of an old page are still its own, also without a network


def test_a_failed_installation_is_tried_again_on_the_same_page(
    whole_chromium: Browser, town: Product, line: BadLine
) -> None:
    with Phone(whole_chromium, town, line, worker=True) as phone:
        line.fail("GET /offline", drop, times=1)
        phone.page.goto("/reports")
        phone.page.wait_for_timeout(1500)
        state = "() => navigator.serviceWorker.getRegistration().then((one) => Boolean(one?.active))"
        assert phone.page.evaluate(state) is False
        phone.wake()
        phone.until(state)


def test_a_push_address_that_is_dead_is_exchanged_once(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line, worker=True) as phone:
        phone.page.goto("/reports")
        phone.controlled()
        found: list[Any] = phone.page.evaluate(DEAD_ADDRESS, asset(phone.page, "push.js"))
        assert found == [["dead", "fresh"], ["gone", "new"]]


def test_a_full_queue_leaves_in_good_order(whole_chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(whole_chromium, town, line) as phone:
        line.fail(ANYTHING.replace("api", "api/reports"), drop)
        phone.file("先写的", photo())
        phone.file("后写的")
        phone.file("最急的", red=True)
        phone.page.wait_for_timeout(1000)  # until this page has found the line dead
        line.reset()
        line.heal()
        phone.wake()
        for text in ("先写的", "后写的", "最急的"):
            phone.arrives(text)
        sent = ["photo" if "/photos/" in request else "text" for request in line.requests if request.startswith("PUT")]
        assert sent == ["text", "text", "text", "photo"]

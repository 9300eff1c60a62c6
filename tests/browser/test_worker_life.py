"""The service worker comes, is renewed by content, and goes when an operator says so; queued reports outlive it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.patrol import ANYTHING, Phone, photo
from tests.browser.relay import BadLine, answer, drop
from tests.databases import Database
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
REGISTERED = "() => navigator.serviceWorker.getRegistration().then((one) => Boolean(one?.active))"
NOTHING_LEFT = """async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return !registration && (await caches.keys()).length === 0;
}"""
BYPASSED = "() => navigator.serviceWorker.controller === null"
# the database as the first release made it, with a report of user `owner` in its queue
FIRST_RELEASE = """async ({ report }) => {
    await new Promise((done) => { indexedDB.deleteDatabase("fieldapp").onsuccess = done; });
    const database = await new Promise((done) => {
        const request = indexedDB.open("fieldapp", 1);
        request.onupgradeneeded = () => {
            for (const name of ["drafts", "reports", "sent"]) request.result.createObjectStore(name, { keyPath: "id" });
            request.result.createObjectStore("files", { keyPath: "id" }).createIndex("report_id", "report_id");
            request.result.createObjectStore("kv");
        };
        request.onsuccess = () => done(request.result);
    });
    const transaction = database.transaction("reports", "readwrite");
    transaction.objectStore("reports").put(report);
    await new Promise((done) => { transaction.oncomplete = done; });
    database.close();
}"""


def knows_the_form(phone: Phone) -> None:
    """What the form offers has been fetched once; from then on it stands without a network."""
    phone.page.goto("/report")
    expect(phone.page.locator("#tiles .tile").first).to_be_visible()


def release_of(phone: Phone) -> str:
    return (phone.page.locator("script[type=module]").get_attribute("src") or "").split("/")[2]


def test_a_new_release_loads_only_what_is_new_in_it(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line, worker=True) as phone:
        knows_the_form(phone)
        phone.page.goto("/reports")
        phone.controlled()
        line.release = (release_of(phone).encode(), b"aaaabbbbcccc")
        line.reset()
        phone.page.evaluate("() => navigator.serviceWorker.getRegistration().then((one) => one.update())")
        expect(phone.page.locator("#update")).to_be_visible(timeout=20_000)
        assert line.seen("GET /report") == 1  # the pages name their release, so they come anew
        assert line.seen(r"GET /static/aaaabbbbcccc/(css|icons)/.*") == 0
        assert line.seen(r"GET /static/aaaabbbbcccc/js/(report|home|photos|place)\.js") == 0
        phone.page.locator("#update button").tap()
        expect(phone.page.locator("script[type=module]")).to_have_attribute("src", "/static/aaaabbbbcccc/js/reports.js")
        line.fail(".*", drop)
        phone.file("新版本里没有网络", photo())  # all of it is there, under its new name
        line.heal()
        phone.wake()
        phone.arrives("新版本里没有网络")


def test_a_file_that_is_not_what_it_should_be_is_not_kept(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line, worker=True) as phone:
        line.fail(r"GET /static/[^/]+/icons/icon-192\.png", answer(200, "<h1>WiFi</h1>", "image/png"), times=2)
        phone.page.goto("/reports")
        phone.page.wait_for_timeout(1500)
        assert phone.page.evaluate(REGISTERED) is False
        line.heal()
        phone.wake()
        phone.until(REGISTERED)


def test_a_page_of_the_new_release_over_the_cache_of_the_old_one(
    chromium: Browser, town: Product, line: BadLine
) -> None:
    with Phone(chromium, town, line, worker=True) as phone:
        phone.page.goto("/reports")
        phone.controlled()
        old = release_of(phone)
        line.release = (old.encode(), b"ddddeeeeffff")
        protocol = phone.context.new_cdp_session(phone.page)
        protocol.send("Network.enable")
        protocol.send("Network.setBypassServiceWorker", {"bypass": True})  # a forced reload
        phone.page.goto("/report?new=1")
        assert release_of(phone) == "ddddeeeeffff" and phone.page.evaluate(BYPASSED)
        expect(phone.page.locator("#tiles .tile").first).to_be_visible()  # the phone knows the form
        line.fail(ANYTHING, drop)
        phone.file("新页面旧缓存", photo())
        phone.says("已存到手机")
        protocol.send("Network.setBypassServiceWorker", {"bypass": False})
        line.fail(".*", drop)
        phone.page.goto("/reports")  # no network: the old release, whole, and the report is there
        assert release_of(phone) == old
        phone.says("已存到手机")
        line.heal()
        phone.wake()
        phone.arrives("新页面旧缓存")


def test_a_queue_that_the_first_release_left_behind_is_sent(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        knows_the_form(phone)
        line.fail(ANYTHING, drop)
        phone.file("上一版留下的")
        (report,) = phone.queue()
        phone.page.goto("about:blank")
        phone.page.goto("/healthz")  # our origin, none of our scripts
        phone.page.evaluate(FIRST_RELEASE, {"report": report})
        line.heal()
        phone.page.goto("/reports")
        phone.arrives("上一版留下的")


def test_the_worker_goes_when_it_is_switched_off_and_the_queue_does_not(
    chromium: Browser, database: Database, tmp_path: Path
) -> None:
    url = database.fresh(tmp_path)
    with (
        Product(tmp_path / "instance", database_url=url) as first,
        BadLine(first.port) as line,
        Phone(chromium, first, line, worker=True) as phone,
    ):
        knows_the_form(phone)
        phone.controlled()
        line.fail(ANYTHING, drop)
        phone.file("关掉之前写的", photo())
        phone.says("已存到手机")
        _switch_off(first, url, tmp_path, line, phone)


def _switch_off(first: Product, url: str, folder: Path, line: BadLine, phone: Phone) -> None:
    assert first.process
    first._stop(first.process)
    port = str(first.port)
    with Product(folder / "instance", database_url=url, PORT=port, FIELDAPP_SERVICE_WORKER="off"):
        line.heal()
        phone.page.goto("/reports")
        phone.until(NOTHING_LEFT, seconds=20)
        phone.page.reload()  # from the server now
        assert phone.page.evaluate(BYPASSED)
        phone.arrives("关掉之前写的")
        phone.file("关掉以后写的")
        phone.arrives("关掉以后写的")
    with Product(folder / "instance", database_url=url, PORT=port):
        phone.page.goto("/reports")
        phone.controlled()

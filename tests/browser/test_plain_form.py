"""Browsers that run no script of ours, or that can keep nothing: a report still gets out, and nothing is claimed."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.patrol import ANYTHING, photo
from tests.browser.people import PHONE, Sitter
from tests.browser.relay import BadLine, drop
from tests.pictures import encoded
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

BROKEN = {
    "it fails": "indexedDB.open = () => { throw new DOMException('private', 'SecurityError'); };",
    "it says no": """indexedDB.open = () => {
        const request = new EventTarget();
        setTimeout(() => { request.error = new DOMException('no', 'InvalidStateError'); request.onerror?.(); });
        return request;
    };""",
    "it never answers": "indexedDB.open = () => new EventTarget();",
    "there is none": "Object.defineProperty(globalThis, 'indexedDB', { get: () => undefined });",
}


@pytest.fixture
def phones(chromium: Browser, town: Product, screens: Path) -> Iterator[Any]:
    made: list[Sitter] = []

    def make(script: str = "", user: str = "vik", **more: Any) -> Sitter:
        made.append(Sitter(chromium, town, screens, **PHONE, **more))
        if script:
            made[-1].context.add_init_script(script)
        if user:
            made[-1].log_in(user)
        return made[-1]

    yield make
    for sitter in made:
        sitter.close()


def on_disk(town: Product) -> set[str]:
    originals = Path(town.env["FIELDAPP_INSTANCE"], "photos", "originals")
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in originals.rglob("*") if path.is_file()}


def choose(page: Page, *photos: bytes, kind: str = "image/jpeg", name: str = "image.jpg") -> None:
    page.locator("#gallery").set_input_files([{"name": name, "mimeType": kind, "buffer": one} for one in photos])


def received(sitter: Sitter, town: Product, text: str, *photos: bytes) -> None:
    """The page says that the desk has it, by its number; and the desk has it, byte for byte."""
    page = sitter.page
    expect(page.get_by_role("heading", name="中心已收到")).to_be_visible(timeout=20_000)
    number = page.locator("#number").inner_text()
    expect(page.locator("main")).to_contain_text(f"照片 {len(photos)}/{len(photos)}")
    (report,) = [one for one in sitter.api("/api/reports")["items"] if one["title"] == text]
    assert (report["case_number"], report["complete"]) == (number, True)
    assert {hashlib.sha256(one).hexdigest() for one in photos} <= on_disk(town)


def test_without_scripts_the_form_sends_itself(phones: Any, town: Product) -> None:
    sitter = phones(java_script_enabled=False)
    page, shots = sitter.page, (photo(), photo())
    page.goto("/report")
    page.locator("#text").fill("没有脚本也要报")
    choose(page, *shots)
    page.get_by_text("紧急").tap()
    expect(page.locator("#send")).to_be_hidden()
    page.get_by_role("button", name="直接上报").tap()
    received(sitter, town, "没有脚本也要报", *shots)


def test_without_scripts_nobody_is_told_that_they_are_needed(phones: Any) -> None:
    sitter = phones(java_script_enabled=False)
    sitter.page.goto("/report")
    shown = sitter.page.locator("main").inner_text()
    assert "需要打开 JavaScript" not in shown and "没发到就没有存下" in shown
    for useless in ("#line", "#voice", "#category", "#discard", "#place-words"):
        expect(sitter.page.locator(useless)).to_be_hidden()


def test_without_scripts_and_without_a_login_the_words_are_kept(phones: Any, town: Product) -> None:
    sitter = phones(user="", java_script_enabled=False)
    page, shot = sitter.page, photo()
    page.goto("/report")
    page.locator("#text").fill("先写后登录")
    choose(page, shot)
    page.get_by_role("button", name="直接上报").tap()
    expect(page.locator("main")).to_contain_text("重新选照片")
    with sitter.context.expect_page() as other:
        page.get_by_role("link", name="登录").tap()
    other.value.locator("#username").fill("vik")
    other.value.locator("#password").fill("demo")
    other.value.get_by_role("button", name="登录").first.tap()
    other.value.wait_for_url(lambda address: "/login" not in address)
    expect(page.locator("#text")).to_have_value("先写后登录")
    choose(page, shot)
    page.get_by_role("button", name="上报").tap()
    received(sitter, town, "先写后登录", shot)


def test_a_browser_too_old_for_our_scripts_gets_the_plain_form(phones: Any, town: Product) -> None:
    sitter = phones(service_workers="block")
    page, shot = sitter.page, encoded("HEIF")
    page.route("**/report", as_an_old_browser_reads_it)
    page.goto("/report")
    expect(page.locator("#send")).to_be_hidden()
    page.locator("#text").fill("很旧的浏览器")
    choose(page, shot, kind="image/heic", name="IMG_1.HEIC")
    page.get_by_role("button", name="直接上报").tap()
    received(sitter, town, "很旧的浏览器", shot)


def test_where_the_scripts_never_come_there_is_a_way_after_a_while(phones: Any, town: Product) -> None:
    sitter = phones(service_workers="block")
    page, shot = sitter.page, photo()
    page.route("**/js/*.js", lambda route: route.abort())
    page.goto("/report")
    page.locator("#text").fill("脚本没有下载到")
    choose(page, shot)
    expect(page.locator("#slow")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="直接上报").tap()
    received(sitter, town, "脚本没有下载到", shot)


def as_an_old_browser_reads_it(route: Any) -> None:
    """It knows no modules, and runs what is marked for those that know none."""
    if route.request.method != "GET":
        route.continue_()
        return
    page = route.fetch()
    old = re.sub(r'<script type="module"[^>]*></script>|<link rel="modulepreload"[^>]*>', "", page.text())
    route.fulfill(response=page, body=old.replace("<script nomodule", "<script defer"))


@pytest.mark.parametrize("how", BROKEN)
def test_where_nothing_can_be_kept_it_is_sent_at_once(phones: Any, town: Product, how: str) -> None:
    sitter = phones(BROKEN[how])
    page, shots, text = sitter.page, (photo(), photo()), f"存不住：{how}"
    page.goto("/report")
    sitter.sees("手机这里存不住，要连着网直接发")
    page.locator("#text").fill(text)
    choose(page, *shots)
    page.get_by_text("紧急").tap()
    expect(page.locator("#danger")).to_be_visible()
    expect(page.locator("#place-words")).to_contain_text("约 15 米")
    page.locator("#send").tap()
    received(sitter, town, text, *shots)
    (case,) = [one for one in sitter.api("/api/cases")["items"] if one["title"] == text]
    assert case["position"]["lat"] == 22.9701 and case["severity"] == "red"


def test_without_a_network_and_without_a_store_nothing_is_claimed_and_nothing_typed_is_lost(
    chromium: Browser, town: Product, line: BadLine, screens: Path
) -> None:
    sitter = Sitter(chromium, town, screens, url=line.url, service_workers="block", **PHONE)
    sitter.context.add_init_script(BROKEN["it fails"])
    sitter.log_in("vik")
    page, shot = sitter.page, photo()
    page.goto("/report")
    sitter.sees("手机这里存不住")
    page.locator("#text").fill("断网又存不住")
    choose(page, shot)
    line.fail(ANYTHING, drop)
    for _ in range(2):
        page.locator("#send").tap()
        expect(page.locator("#complaint")).to_contain_text("没有发出去，也没有存下")
        expect(page.locator("#send")).not_to_have_attribute("aria-busy", "true")
    assert "已存到手机" not in page.locator("main").inner_text()
    line.heal()
    page.locator("#send").tap()
    received(sitter, town, "断网又存不住", shot)
    sitter.close()


def test_where_nothing_can_be_kept_and_nobody_is_logged_in_the_page_stays(phones: Any, town: Product) -> None:
    sitter = phones(BROKEN["it fails"], user="")
    page = sitter.page
    page.goto("/report")
    sitter.sees("手机这里存不住")
    page.locator("#send").tap()
    sitter.sees("有一样就能报")
    page.locator("#text").fill("没登录又存不住")
    page.locator("#send").tap()
    sitter.sees("要先登录才能上报")
    expect(page.locator("#to_login")).to_have_attribute("target", "_blank")
    sitter.log_in("vik")
    page.locator("#send").tap()
    expect(page.get_by_role("heading", name="中心已收到")).to_be_visible()


def test_with_a_sound_phone_the_form_never_leaves_by_itself(phones: Any) -> None:
    sitter = phones()
    page = sitter.page
    page.goto("/report?new=1")
    expect(page.locator("#tiles .tile").first).to_be_visible()
    page.locator("#text").fill("回车也不走表单")
    page.evaluate("() => document.getElementById('form').requestSubmit()")  # some browsers do, at the Enter key
    page.locator("#done").wait_for()
    sitter.sees("已存到手机|中心已收到|全部收到")
    assert "draft=" in page.url

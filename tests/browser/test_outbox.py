"""Whatever dies between phone and desk: each report arrives once, byte for byte, and the phone says what is true."""

import json
import os
import signal
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.patrol import ANYTHING, PHOTO, TEXT, Phone, photo
from tests.browser.people import HEADERS
from tests.browser.relay import BadLine, answer, cut_short, drop, hang, lost
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]


def test_a_red_text_does_not_wait_for_a_photo_that_hangs(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(PHOTO, hang, times=1)
        phone.file("楼道堆物", photo())
        phone.has_tried(PHOTO, 1)
        second = phone.context.new_page()
        phone.file("有人落水", red=True, page=second)
        phone.arrives("有人落水", seconds=5)
        phone.arrives("楼道堆物")  # and the photo goes on by itself, without a wait for having made way
        assert line.seen(PHOTO) == 2
        phone.page.bring_to_front()
        phone.says("中心已收到|已全部收到")


def test_a_sleeping_tab_does_not_hold_up_the_others(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        phone.page.goto("/reports")
        phone.page.wait_for_timeout(500)
        phone.page.evaluate(
            "() => void navigator.locks.request('fieldapp-outbox', () => new Promise(() => {})).catch(() => {})"
        )
        first, phone.page = phone.page, phone.context.new_page()
        phone.page.goto("/reports")
        phone.rows("kv", change="lease")
        phone.file("锁住也要发", photo())
        phone.page.wait_for_timeout(3000)
        phone.wake()
        phone.arrives("锁住也要发", seconds=5)
        first.close()


def test_a_captive_portal_is_no_answer(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        portals = [
            answer(200), answer(302, Location="/login"), answer(307, Location="/offline"), answer(401), answer(403),
            answer(404), answer(511), answer(200, '{"ok": true}', "application/json"),
        ]  # fmt: skip
        for place in (TEXT, PHOTO):
            for portal in portals:
                line.fail(place, portal, times=1)
        report_id = phone.file("门户后面", photo())
        while line.seen(PHOTO) <= len(portals):
            for report in phone.queue():
                assert report["state"] in ("saved", "text-received", "sending") and report["refused"] == {}
                assert report["next_at"] <= phone.page.evaluate("() => Date.now()") + 300_000
            phone.insist()
            phone.says("已存到手机|正在发送|中心已收到", of=report_id)
        phone.arrives("门户后面")


def test_a_proxy_that_lets_no_large_photo_pass(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(PHOTO, answer(413, "<h1>413 Request Entity Too Large</h1>"), times=1)
        phone.file("两张里有一张太大", photo(), photo())
        phone.says("不让过")
        (report,) = phone.queue()
        assert report["state"] == "needs-help" and len(report["refused"]) == 1
        phone.open_list()
        expect(phone.page.locator("#line")).to_have_text("已连接")  # nothing waits that could go
        phone.page.get_by_role("button", name="不要这张，其余照发").tap()
        phone.says("照片没有收全", of=report["id"])
        phone.leaves("两张里有一张太大")
        assert [item["complete"] for item in phone.reported("两张里有一张太大")] == [False]
        assert len(phone.files & phone.on_disk()) == 1


def test_a_lost_session_keeps_everything_and_goes_on_after_the_login(
    chromium: Browser, town: Product, line: BadLine
) -> None:
    with Phone(chromium, town, line) as phone:
        phone.page.goto("/report?new=1")
        expect(phone.page.locator("#tiles .tile").first).to_be_visible()
        phone.context.clear_cookies(name="fieldapp_device")
        phone.file("会话没了", photo())
        phone.says("登录后接着发送")
        phone.open_list()
        phone.says("1 条存在这部手机里，登录后发出去")
        with phone.page.expect_download() as download:
            phone.page.get_by_role("button", name="存成文件").tap()
        (kept,) = json.loads(download.value.path().read_text())["reports"]
        assert kept["body"]["text"] == "会话没了" and len(kept["files"]) == 1
        phone.says("请发给值班员")
        phone.log_in("vik")
        phone.page.reload()
        phone.arrives("会话没了")


def test_a_server_that_asks_for_patience_gets_it(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        busy = json.dumps({"status": 429, "code": "http_429", "detail": "x", "title": "x"})
        line.fail(TEXT, answer(429, busy, "application/problem+json", Retry_After="120"), times=1)
        phone.file("请等两分钟")
        phone.says("已存到手机")
        for _ in range(3):
            phone.wake()
            phone.page.wait_for_timeout(200)
        assert line.seen(TEXT) == 1
        phone.insist()
        phone.arrives("请等两分钟")


@pytest.mark.parametrize(
    ("text", "fault", "times"),
    [
        ("网关坏了", answer(502, "<h1>Bad Gateway</h1>"), 2),
        ("连接断了", drop, 2),
        ("回话断在半路", cut_short, 1),
        ("回话没有到", lost(), 1),
    ],
)
def test_a_gateway_that_fails_and_answers_that_get_lost(
    chromium: Browser, town: Product, line: BadLine, text: str, fault: Any, times: int
) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(TEXT, fault, times)
        line.fail(PHOTO, fault, times)
        report_id = phone.file(text, photo(), photo())
        while phone.queue():
            phone.says("已存到手机|正在发送|中心已收到")
            phone.insist()
        phone.arrives(text)
        phone.says("中心已收到", of=report_id)


def test_a_server_that_dies_after_its_commit(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        first = town.child("granian")
        line.fail(TEXT, lost(lambda: os.kill(first, signal.SIGKILL)), times=1)
        phone.file("服务器刚收下就死了", photo())
        phone.says("已存到手机")
        town.wait_until(lambda: any("granian" in words and pid != first for pid, words in town.children().items()))
        town.wait_until(lambda: town.ready()[0] == 200)
        phone.insist()
        phone.arrives("服务器刚收下就死了")


def test_the_language_switch_never_mixes_two_releases(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line, worker=True) as phone:
        phone.page.goto("/report")
        phone.controlled()
        script = phone.page.locator("script[type=module]").get_attribute("src") or ""
        old = script.split("/")[2]
        line.release = (old.encode(), b"0123456789ab")  # a new release is out
        phone.page.goto("/?stay=1")
        phone.page.get_by_role("button", name="English").tap()
        phone.page.wait_for_url("**/?stay=1")
        expect(phone.page.locator("#update")).to_be_visible(timeout=15_000)
        kept = phone.page.evaluate(
            """async (old) => {
                const cache = await caches.open(`fieldapp-${old}`);
                const pages = await Promise.all(["/", "/report", "/reports", "/story", "/offline"].map(
                    async (path) => (await cache.match(path)).text()));
                return pages.every((text) => text.includes(old) && !text.includes("0123456789ab"));
            }""",
            old,
        )
        assert kept
        line.fail(".*", drop)
        phone.file("两个版本之间")
        phone.says("已存到手机")
        line.heal()
        phone.page.goto("/reports")
        phone.arrives("两个版本之间")
        expect(phone.page.locator("#update")).to_be_visible(timeout=15_000)
        phone.page.locator("#update button").tap()
        expect(phone.page.locator("html")).to_have_attribute("lang", "en", timeout=15_000)
        assert "0123456789ab" in (phone.page.locator("script[type=module]").get_attribute("src") or "")


def test_after_a_logout_the_phone_is_nobodys(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        phone.file("志愿者报过的")
        phone.arrives("志愿者报过的")
        line.fail(TEXT, drop, times=1)
        phone.file("志愿者还没发的")
        assert phone.context.request.delete("/api/session", headers=HEADERS).status == 204
        phone.page.goto("/reports")
        phone.says("别人的 1 条")
        assert phone.page.locator("#list li").count() == 0
        phone.page.goto("/report?new=1")
        phone.page.locator("#text").fill("捡到手机的人写的")
        phone.page.wait_for_timeout(600)
        phone.page.locator("#send").tap()
        phone.says("登录")
        assert [report["body"]["text"] for report in phone.queue()] == ["志愿者还没发的"]
        phone.log_in("ben")
        phone.page.goto("/report")
        expect(phone.page.locator("#text")).to_have_value("捡到手机的人写的")
        phone.page.locator("#send").tap()
        phone.page.locator("#done").wait_for()
        phone.arrives("捡到手机的人写的")
        phone.page.goto("/reports")
        phone.says("别人的 1 条")
        with phone.page.expect_download():
            phone.page.locator("#foreign").get_by_role("button").tap()
        phone.log_in("vik")
        phone.page.goto("/reports")
        phone.arrives("志愿者还没发的")
        assert not phone.reported("捡到手机的人写的")


def test_bytes_that_were_damaged_on_the_phone_are_not_sent_for_ever(
    chromium: Browser, town: Product, line: BadLine
) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(TEXT, drop)
        report_id = phone.file("手机里坏了一张", photo())
        phone.rows("files", change="damage")
        line.heal()
        phone.wake()
        phone.says("坏了")
        assert line.seen(PHOTO) == 0
        phone.open_list()
        phone.page.get_by_role("button", name="不要这张，其余照发").tap()
        phone.says("照片没有收全", of=report_id)
        phone.leaves("手机里坏了一张")
        assert [item["complete"] for item in phone.reported("手机里坏了一张")] == [False]


def test_an_id_that_stands_for_something_else_gets_a_new_one(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(TEXT, drop, times=1)
        report_id = phone.file("同号不同文", photo())
        (report,) = phone.queue()
        other = report["body"] | {"text": "先到的那份", "photos": [], "client_now": report["saved_at"]}
        phone.context.request.put(f"/api/reports/{report_id}", data=other, headers=HEADERS)
        phone.insist()
        phone.says("已经收到过不同的内容")
        phone.page.get_by_role("button", name="改一改再报").tap()
        phone.page.wait_for_url("**/report?draft=*")
        expect(phone.page.locator("#text")).to_have_value("同号不同文")
        expect(phone.page.locator("#photos img")).to_have_count(1)
        phone.page.locator("#send").tap()
        phone.page.locator("#done").wait_for()
        phone.arrives("同号不同文")
        assert len(phone.reported("先到的那份")) == 1


def test_a_report_in_a_pocket_goes_when_the_network_is_back(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line, worker=True) as phone:
        phone.page.goto("/report")
        phone.controlled()
        protocol = phone.context.new_cdp_session(phone.page)
        found: list[str] = []
        protocol.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: found.extend(one["registrationId"] for one in event["registrations"]),
        )
        protocol.send("ServiceWorker.enable")
        line.fail(ANYTHING, drop)
        phone.file("口袋里的上报", photo())
        phone.says("已存到手机")
        elsewhere = phone.context.new_page()
        elsewhere.goto("about:blank")
        protocol = phone.context.new_cdp_session(elsewhere)
        phone.page.close()
        line.heal()
        protocol.send("ServiceWorker.enable")
        event = {"origin": line.url, "registrationId": found[-1], "tag": "drain", "lastChance": False}
        protocol.send("ServiceWorker.dispatchSyncEvent", event)
        for _ in range(100):
            if [item["complete"] for item in phone.reported("口袋里的上报")] == [True]:
                break
            elsewhere.wait_for_timeout(100)
        phone.page = phone.context.new_page()
        phone.page.goto("/reports")
        phone.arrives("口袋里的上报", seconds=0.1)

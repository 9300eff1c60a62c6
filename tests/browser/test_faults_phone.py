"""The phone dies, fills up, forgets the time, sees nothing: each report still arrives once, byte for byte."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.faulty import (
    BEFORE_THE_COMMIT,
    BEFORE_THE_SCREEN,
    CLOCK,
    LATE_SAVER,
    LATE_SMALLER,
    NO_PLACE_YET,
    OPEN_ELSEWHERE,
    pixels,
)  # fmt: skip
from tests.browser.kept_phone import KeptPhone
from tests.browser.patrol import PHOTO, TEXT, Phone, photo
from tests.browser.relay import BadLine, drop, hang
from tests.pictures import encoded, jpeg_with_everything
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]


def form(phone: Phone) -> Page:
    phone.page.goto("/report?new=1")
    expect(phone.page.locator("#tiles .tile").first).to_be_visible(timeout=15_000)
    return phone.page


def picks(page: Page, *photos: bytes) -> None:
    """Photos from the gallery, which all have the same name; those no browser can show stand there too."""
    named = [{"name": "image.jpg", "mimeType": "image/jpeg", "buffer": one} for one in photos]
    page.locator("#gallery").set_input_files(named)
    expect(page.locator("#photos .drop")).to_have_count(len(photos))


def files(phone: Phone) -> None:
    """上报, and the screen says that it is safe; the phone's own hashes are what must arrive."""
    before = {report["id"] for report in phone.queue()}
    phone.page.locator("#send").tap()
    phone.page.locator("#done").wait_for(timeout=20_000)
    for report in phone.queue():
        if report["id"] not in before:
            phone.files |= {one["sha256"] for one in report["body"]["photos"]}


def presses_until_safe(phone: Phone) -> None:
    """A phone that has just refused a photo refuses all for a moment: the page tries once more by itself, and if that
    was too soon it says so, and the person presses again."""
    phone.files |= {one["sha256"] for one in phone.rows("files")}
    for _ in range(10):
        phone.page.locator("#send").tap()
        expect(phone.page.locator("#send")).not_to_have_attribute("aria-busy", "true", timeout=10_000)
        if phone.page.locator("#done").is_visible():
            return
        phone.says("手机存满了")
    raise AssertionError(phone.page.locator("main").inner_text())


@pytest.fixture
def kept(chromium: Browser, town: Product, line: BadLine, tmp_path: Path) -> Iterator[Any]:
    """Phones whose storage outlives them."""
    made: list[KeptPhone] = []

    def make(*scripts: str, **more: Any) -> KeptPhone:
        made.append(KeptPhone(chromium, town, line, tmp_path / f"profile{len(made)}", *scripts, **more))
        return made[-1]

    yield make
    for phone in made:
        phone.close()


# It dies.


def test_killed_before_the_local_commit_it_claimed_nothing_and_the_draft_is_there(kept: Any) -> None:
    phone = kept(BEFORE_THE_COMMIT)
    page = phone.form()
    picks(page, photo())
    page.locator("#text").fill("差一点没存下")
    phone.until("async () => (await window.onDisk('drafts')).some(({ text }) => text)")
    page.locator("#send").tap()
    phone.until("() => window.atTheInstant === true")
    assert "已存到手机" not in page.locator("main").inner_text()  # nothing is safe yet, and nothing says so
    expect(page.locator("#send .working")).to_be_visible()
    phone.killed()
    assert phone.form("/report").locator("#text").input_value() == "差一点没存下"
    assert phone.queue() == []
    expect(phone.page.locator("#photos img")).to_have_count(1)
    phone.line.fail(TEXT, drop, times=1)
    files(phone)
    phone.insist()
    phone.arrives("差一点没存下")


def test_killed_after_the_local_commit_before_the_screen_could_say_so(kept: Any) -> None:
    phone = kept(BEFORE_THE_SCREEN)
    page = phone.form()
    picks(page, photo(), photo())
    page.locator("#text").fill("存下了没看见")
    page.locator("#send").tap()
    phone.until("() => window.atTheInstant === true")
    expect(page.locator("#done")).to_be_hidden()
    address = page.url
    page = phone.killed()
    phone.line.fail(TEXT, hang, times=1)
    (report,) = phone_queue_on(phone, "/reports")
    phone.files = {one["sha256"] for one in report["body"]["photos"]}
    phone.says("已存到手机|正在发送", of=report["id"])
    phone.line.heal()
    page.goto(address)  # the person goes back to what was open
    expect(page.locator("#done")).to_be_visible()
    expect(page.locator("#form")).to_be_hidden()
    phone.insist()
    phone.arrives("存下了没看见")


def phone_queue_on(phone: KeptPhone, path: str) -> list[dict[str, Any]]:
    phone.page.goto(path)
    return phone.queue()


def test_killed_while_the_camera_is_open(kept: Any) -> None:
    phone = kept(LATE_SAVER)  # what is typed would be written down much later: the camera must not wait for that
    page = phone.form()
    page.locator("#text").fill("拍照前写的")
    with page.expect_file_chooser():
        page.locator("#camera").click()
    phone.until("async () => (await window.onDisk('drafts')).some(({ text }) => text === '拍照前写的')")
    page = phone.killed()
    phone.form("/report")
    assert page.locator("#text").input_value() == "拍照前写的"
    picks(page, photo())
    files(phone)
    phone.arrives("拍照前写的")


def test_killed_while_a_photo_is_made_smaller(kept: Any) -> None:
    phone = kept(LATE_SMALLER)
    page = phone.form()
    picks(page, pixels(3000, 2000))
    page.locator("#text").fill("缩小时没电")
    phone.until("() => window.atTheInstant === true")
    phone.until("async () => (await window.onDisk('drafts')).some(({ text }) => text)")
    phone.killed()
    page = phone.form("/report")
    expect(page.locator("#photos img")).to_have_count(1)
    files(phone)
    phone.arrives("缩小时没电")


@pytest.mark.parametrize("how", ["page_killed", "killed"])
def test_killed_in_the_middle_of_an_upload(kept: Any, how: str) -> None:
    phone = kept()
    text = f"传到一半{how}"
    phone.line.fail(PHOTO, hang, times=1)
    phone.file(text, photo(), photo())
    phone.has_tried(PHOTO, 1)
    getattr(phone, how)()
    phone.page.goto("/reports")
    phone.says("中心已收到")
    phone.arrives(text, seconds=45)  # the dead page's lease has to run out where only the page died


# Its hands and eyes.


def test_a_double_tap_files_once(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        form(phone)
        picks(phone.page, photo())
        phone.page.locator("#text").fill("手抖按了两下")
        line.fail(TEXT, drop, times=1)
        phone.page.evaluate("() => { const b = document.getElementById('send'); b.click(); b.click(); b.click(); }")
        phone.page.locator("#done").wait_for()
        assert [report["body"]["text"] for report in phone.queue()] == ["手抖按了两下"]
        phone.files = {one["sha256"] for report in phone.queue() for one in report["body"]["photos"]}
        phone.insist()
        phone.arrives("手抖按了两下")


def test_the_same_photo_twice_and_another_of_the_same_name(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        twice = photo()
        line.fail(TEXT, drop, times=1)
        report_id = phone.file("三张都叫 image.jpg", twice, twice, photo())
        (report,) = phone.queue()
        assert len({one["id"] for one in report["body"]["photos"]}) == 3
        assert len({one["sha256"] for one in report["body"]["photos"]}) == 2
        phone.insist()
        phone.arrives("三张都叫 image.jpg")
        assert len(phone.api(f"/api/reports/{report_id}")["photos"]["received"]) == 3


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("HEIC", lambda: encoded("HEIF")),
        ("横着拍的", lambda: jpeg_with_everything(orientation=6, width=2600, height=1700)),
        ("四千八百万像素", lambda: pixels(8000, 6000)),
    ],
)
def test_what_phones_take_arrives_as_stored(
    chromium: Browser, town: Product, line: BadLine, name: str, content: Any
) -> None:
    with Phone(chromium, town, line) as phone:
        form(phone)
        picks(phone.page, content())
        phone.page.locator("#text").fill(f"照片：{name}")
        line.fail(TEXT, drop, times=1)
        files(phone)
        phone.insist()
        phone.arrives(f"照片：{name}", seconds=30)


def test_a_photo_cut_off_half_way_holds_up_nothing_and_is_named(
    chromium: Browser, town: Product, line: BadLine
) -> None:
    with Phone(chromium, town, line) as phone:
        whole = photo()
        form(phone)
        picks(phone.page, whole[:300], whole)
        phone.page.locator("#text").fill("有一张不完整")
        line.fail(TEXT, drop, times=1)
        files(phone)
        (report_id,) = [report["id"] for report in phone.queue()]
        phone.insist()
        phone.says("中心已收到文字，还有照片或录音没收下")
        phone.open_list()
        phone.page.get_by_role("button", name="不要这张，其余照发").tap()
        phone.says("照片没有收全", of=report_id)
        phone.leaves("有一张不完整")
        assert len(phone.api(f"/api/reports/{report_id}")["photos"]["received"]) == 1


# Its storage.


def test_the_storage_is_full_at_the_third_photo(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        protocol = phone.context.new_cdp_session(phone.page)
        protocol.send("Storage.overrideQuotaForOrigin", {"origin": line.url, "quotaSize": 200_000})
        form(phone)
        picks(phone.page, photo(), photo())
        phone.page.locator("#gallery").set_input_files(
            {"name": "image.jpg", "mimeType": "image/jpeg", "buffer": pixels(1600, 1200)}
        )
        phone.says("手机存满了")
        expect(phone.page.locator("#photos .drop")).to_have_count(2)
        protocol.send("Storage.overrideQuotaForOrigin", {"origin": line.url, "quotaSize": 5_000_000})  # as it was told
        phone.page.locator("#text").fill("第三张存不下")
        line.fail(TEXT, drop, times=1)
        presses_until_safe(phone)
        phone.insist()
        phone.arrives("第三张存不下")


def test_the_database_is_lost_in_the_middle_of_the_queue(kept: Any) -> None:
    phone = kept(OPEN_ELSEWHERE)
    phone.line.fail(PHOTO, hang, times=1)
    phone.file("发着发着数据库断了", photo())
    phone.has_tried(PHOTO, 1)
    phone.page.evaluate("() => window.closeAll()")
    phone.line.heal()
    phone.wake()
    phone.arrives("发着发着数据库断了", seconds=20)


def test_an_upgrade_that_an_old_window_blocks(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        form(phone)
        old = phone.context.new_page()
        old.goto("/healthz")
        old.evaluate(
            """async () => {
                const request = indexedDB.open("fieldapp");
                window.held = await new Promise((done) => { request.onsuccess = () => done(request.result); });
                window.upgrade = indexedDB.open("fieldapp", window.held.version + 1);
            }"""
        )
        phone.page.reload()
        phone.says("关掉别的窗口|要连着网直接发")
        old.close()
        phone.page.goto("/report?new=1")
        expect(phone.page.locator("#tiles .tile").first).to_be_visible(timeout=15_000)
        phone.page.locator("#text").fill("窗口关了就好")
        files(phone)
        phone.arrives("窗口关了就好")


# Its clock and its place.


@pytest.mark.parametrize(
    ("name", "shift"),
    [
        ("快一天", "24 * 3600e3"),
        ("慢一天", "-24 * 3600e3"),
        ("1970 年", "-now()"),
        ("2086 年", "60 * 365 * 24 * 3600e3"),
    ],
)
def test_a_clock_that_is_anywhere(chromium: Browser, town: Product, line: BadLine, name: str, shift: str) -> None:
    with Phone(chromium, town, line) as phone:
        phone.context.add_init_script(CLOCK.format(shift=shift))
        line.fail(TEXT, drop, times=2)
        phone.file(f"手机的钟：{name}", photo())
        phone.insist()
        phone.arrives(f"手机的钟：{name}")
        phone.page.goto("/reports")
        phone.says("手机的时间差了十分钟以上")


def test_a_clock_that_jumps_parks_no_report(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        phone.context.add_init_script(CLOCK.format(shift="24 * 3600e3"))
        line.fail(TEXT, drop)
        phone.file("钟先快一天再回来", photo())
        phone.wake()
        phone.page.wait_for_timeout(500)
        assert phone.queue()[0]["tries"] >= 1
        phone.page.evaluate("() => window.setClock(0)")
        line.heal()
        phone.wake("visibilitychange")
        phone.wake()
        phone.arrives("钟先快一天再回来")


def test_no_place_a_late_one_and_a_stale_one(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        phone.context.clear_permissions()
        phone.file("没有允许定位")
        phone.page.goto("/report?new=1")
        phone.says("没有允许定位")
        phone.arrives("没有允许定位")
        phone.context.grant_permissions(["geolocation"])
        phone.context.add_init_script(NO_PLACE_YET + CLOCK.format(shift="0"))
        phone.page.goto("/report?new=1")
        phone.until("() => window.looking === true")
        phone.says("正在找位置")
        phone.page.evaluate("() => window.arrives(22.97, 115.33, 12)")
        phone.says("位置很准")
        phone.page.evaluate("() => window.setClock(25 * 60e3)")
        phone.page.locator("#text").fill("站了半小时才报")
        line.fail(TEXT, drop, times=1)
        files(phone)
        (report,) = phone.queue()
        assert 24 * 60 <= report["body"]["position"]["age_s"] <= 27 * 60
        phone.insist()
        phone.arrives("站了半小时才报")


def test_a_place_two_kilometres_wrong_is_called_rough(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        phone.context.set_geolocation({"latitude": 22.99, "longitude": 115.35, "accuracy": 2000})
        phone.page.goto("/report?new=1")
        phone.says("位置不太准（约 2000 米内），请在下面选村")
        phone.page.locator("#village").select_option(index=2)
        phone.page.locator("#text").fill("定位错了两公里")
        line.fail(TEXT, drop, times=1)
        files(phone)
        (report,) = phone.queue()
        assert report["body"]["village_code"] and report["body"]["position"]["accuracy_m"] == 2000
        phone.insist()
        phone.arrives("定位错了两公里")

"""A long case in an officer's hands: ready sentences by key, pictures large, its text copied, one sheet of paper."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.evening import Evening, picture
from tests.browser.people import DESK, PHONE, Sitter
from tests.processes import Product
from tests.world import manifest

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
LONG = "路口的井盖碎成几块，旁边有小孩在玩，晚上看不清，很容易掉下去，请快一点派人来看看。" * 20
JPEG = {"Content-Type": "image/jpeg"}
FITS = "() => [...document.querySelectorAll('.sheet')].every((one) => one.scrollHeight <= one.clientHeight)"


def test_a_long_case_is_answered_looked_at_copied_and_printed_on_one_page(
    chromium: Browser, town: Product, tmp_path: Path
) -> None:
    evening = Evening(chromium, town)
    number = long_case(evening)
    desk = Sitter(chromium, town, tmp_path, service_workers="block", **DESK)
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.log_in("dora")
    desk.page.goto(f"/desk/cases/{number}")
    sentences(desk.page)
    desk.page.goto(f"/desk/cases/{number}")
    copied(desk.page, number)
    looked_at(desk.page)
    printed(desk.page, number)
    desk.close()
    phone = Sitter(chromium, town, tmp_path, service_workers="block", **PHONE)
    phone.log_in("dora")
    phone.page.goto(f"/desk/cases/{number}")
    by_finger(phone.page)
    phone.close()
    evening.close()


def long_case(evening: Evening) -> str:
    """As long as cases get: texts, pictures before and after, departments, and a history of thirty lines."""
    photos = [picture() for _ in range(4)]
    report, number = with_photos(evening, "vik", "/api/reports/{id}", {"text": LONG}, photos), ""
    number = evening.who("vik").get(f"/api/reports/{report}").json()["case_number"]
    evening.does("dora", "accept", number)
    evening.does("dora", "dispatch", number, to=["ada", "ben", "市政管理所"], note=LONG[:400])
    evening.does("ada", "acknowledge", number)
    for _ in range(12):
        evening.does("dora", "nudge", number, note=LONG[:400])
    step = {"action": "report_outcome", "note": LONG, "taken_at": now()}
    with_photos(evening, "ada", f"/api/cases/{number}/steps/{{id}}", step, photos)
    return number


def with_photos(evening: Evening, who: str, path: str, body: dict[str, Any], photos: list[bytes]) -> str:
    person, made, named = evening.who(who), str(uuid4()), [manifest(photo) for photo in photos]
    whole: dict[str, Any] = {"client_now": now(), "photos": named, "owner": person.get("/api/me").json()["id"]} | body
    if "text" in body:
        place = {"lat": 22.97, "lon": 115.33, "accuracy_m": 12.5, "age_s": 1, "source": "gps"}
        whole |= {"category": None, "severity": "yellow", "village_code": None, "position": place, "captured_at": now()}
    answer = person.put(path.format(id=made), data=whole)
    assert answer.status == 201, answer.text()
    for item, photo in zip(named, photos, strict=True):
        answer = person.put(f"{path.format(id=made)}/photos/{item['id']}", data=photo, headers=JPEG)
        assert answer.status == 201, answer.text()
    return made


def now() -> str:
    return datetime.now(UTC).isoformat()


def sentences(page: Page) -> None:
    """By key and by hand, at the cursor, and what was typed stays."""
    field = page.locator("#note-close")
    page.locator("#action-close summary").click()
    expect(page.locator("#action-close .phrase-pick").first).to_be_visible()
    field.fill("井盖换了。谢谢。")
    for _ in range(3):
        field.press("ArrowLeft")
    field.press("Alt+1")
    expect(field).to_have_value("井盖换了。您好，这件事已经办好。谢谢您的上报。谢谢。")
    field.press("Control+z")
    expect(field).to_have_value("井盖换了。谢谢。")
    page.locator("#action-close .phrase-pick").nth(1).click()
    expect(field).to_have_value(re.compile("^井盖换了。您好，已经修好.*谢谢。$"))


def copied(page: Page, number: str) -> None:
    page.locator("#copy-block").click()
    expect(page.locator("#copied")).to_have_text("已复制，可以粘贴到省平台了。")
    assert f"事件编号：{number}" in page.evaluate("() => navigator.clipboard.readText()")
    page.evaluate(  # a browser that refuses
        "() => { navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false; }"
    )
    page.locator("#copy-block").click()
    expect(page.locator("#copied")).to_contain_text("请按 Ctrl+C")
    assert "办结时间：未办结" in page.evaluate("() => getSelection().toString()")


def looked_at(page: Page) -> None:
    """With keys alone; the desk behind does not hear them."""
    opener = page.locator(".photos a[data-side=before]").nth(1)
    expect(page.locator(".photos a[data-side=after]")).to_have_count(4, timeout=20_000)
    viewer, stage = page.locator("dialog.viewer"), page.locator(".viewer-stage")
    opener.focus()
    page.keyboard.press("Enter")
    expect(viewer).to_contain_text("第 2 张，共 8 张")
    expect(viewer).to_contain_text(re.compile(r"上报的照片，\d\d-\d\d \d\d:\d\d 拍"))
    assert "22.97" not in viewer.inner_text()
    page.keyboard.press("+")
    expect(stage).to_have_attribute("data-scale", "1.50")
    before = stage.locator("img").get_attribute("style")
    page.keyboard.press("ArrowLeft")  # moves it, for it is large
    assert stage.locator("img").get_attribute("style") != before
    expect(viewer).to_contain_text("第 2 张")
    page.keyboard.press("-")
    page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("第 3 张")
    page.keyboard.press("c")
    expect(stage.locator("img")).to_have_count(2)
    page.keyboard.press("a")  # 受理 or any other letter of the desk
    expect(viewer).to_be_visible()
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    expect(page.locator(".photos a[data-side=before]").nth(2)).to_be_focused()


def printed(page: Page, number: str) -> None:
    page.goto(f"/desk/cases/{number}/print")
    page.locator(".sheet-photos img").last.wait_for()
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    page.emulate_media(media="print")
    assert page.evaluate(FITS), "something is cut off at the foot of the sheet"
    expect(page.locator(".sheet-foot")).to_contain_text("全文见系统")
    page.emulate_media(media="screen")


def by_finger(page: Page) -> None:
    page.locator(".photos a[data-side=before]").first.tap()
    stage = page.locator(".viewer-stage")
    box = stage.bounding_box()
    assert box is not None and box["width"] == 390
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(2):
        page.touchscreen.tap(*middle)
    expect(stage).to_have_attribute("data-scale", "2.50")
    page.locator("[data-act=close]").tap()
    expect(page.locator("dialog.viewer")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

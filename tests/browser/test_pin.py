"""在图上指: the place set by hand on a drawing that needs no map. What a person has pointed at is final."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.drafting import drag, form, killed_and_reopened, rows
from tests.browser.people import PHONE, Sitter
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
PIN_IS_STORED = """() => new Promise((done) => {
    const request = indexedDB.open("fieldapp");
    request.onsuccess = () => {
        const asked = request.result.transaction("drafts").objectStore("drafts").getAll();
        asked.onsuccess = () => {
            request.result.close();
            done(asked.result.some(({ fix }) => fix?.source === "pin"));
        };
    };
})"""

HERE = PHONE["geolocation"]
DEGREE_M = 111_195
NOWHERE: dict[str, Any] = {**PHONE, "permissions": ["notifications"]}  # who asks is refused
WORDS = re.compile(r"往(东|西|南|北) (\d+) 米")


@pytest.fixture
def phones(chromium: Browser, town: Product, tmp_path: Path) -> Iterator[Any]:
    """Phones of patrols, closed at the end."""
    made: list[Sitter] = []

    def make(user: str = "vik", **device: Any) -> Sitter:
        made.append(Sitter(chromium, town, tmp_path, service_workers="block", **(device or PHONE)))
        made[-1].log_in(user)
        return made[-1]

    yield make
    for sitter in made:
        sitter.close()


def opened(sitter: Sitter) -> Page:
    sitter.page.get_by_role("button", name="在图上指").tap()
    expect(sitter.page.locator("dialog.pin")).to_be_visible()
    if sitter.page.locator("dialog.pin svg[role=application]").count():
        expect(sitter.page.locator("dialog.pin .marker")).to_be_visible()
    return sitter.page


def with_a_fix(sitter: Sitter) -> Page:
    page = form(sitter)
    sitter.sees("位置很准", within="#place-words")
    return page


def place_of(page: Page, part: str) -> tuple[float, float]:
    """The middle of a part of the drawing; of the marker its tip."""
    found = page.locator(f"dialog.pin {part}").first
    box = None
    for _ in range(50):  # a fix that has just come draws it anew
        box = box or found.bounding_box()
        if not box:
            page.wait_for_timeout(100)
    assert box
    return box["x"] + box["width"] / 2, box["y"] + (box["height"] - 1 if part == ".marker" else box["height"] / 2)


def shown(page: Page) -> dict[str, int]:
    """What the words say: metres by direction."""
    words = page.locator("dialog.pin [role=status]").inner_text()
    return {way: int(metres) for way, metres in WORDS.findall(words)}


def used(page: Page) -> None:
    page.get_by_role("button", name="用这里").tap()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#place-words")).to_contain_text("按您在图上指的地方报")


def away(position: dict[str, float], from_lat: float = 22.9701, from_lon: float = 115.3302) -> tuple[float, float]:
    """Metres east and north."""
    east = (position["lon"] - from_lon) * DEGREE_M * math.cos(math.radians(from_lat))
    return east, (position["lat"] - from_lat) * DEGREE_M


def filed(sitter: Sitter, text: str) -> dict[str, Any]:
    """Send it without a network, so that it can be looked at; then what would go out."""
    sitter.context.set_offline(True)
    sitter.page.locator("#text").fill(text)
    sitter.page.locator("#send").tap()
    expect(sitter.page.locator("#done")).to_be_visible(timeout=15_000)
    (report,) = [row for row in rows(sitter.page, "reports") if row["body"]["text"] == text]
    return dict(report["body"]["position"])


def test_the_pin_follows_a_finger_and_reaches_the_desk(phones: Any) -> None:
    vik = phones()
    page = with_a_fix(vik)
    opened(vik)
    expect(page.locator("dialog.pin [role=status]")).to_have_text("就在十字上")
    x, y = place_of(page, ".marker")
    drag(page, (x, y - 12), (x + 80, y - 72))
    said = shown(page)
    assert 40 < said["东"] < 90
    assert 25 < said["北"] < 75
    used(page)
    position = filed(vik, "图钉拖过来的")
    assert position["source"] == "pin"
    assert 15 <= position["accuracy_m"] <= 60
    east, north = away(position)
    assert abs(east - said["东"]) <= 1
    assert abs(north - said["北"]) <= 1
    vik.context.set_offline(False)
    vik.sees("中心已全部收到", 20)
    (sent,) = [row for row in rows(page, "sent") if row["title"] == "图钉拖过来的"]
    assert sent["position"]["source"] == "pin"


def test_a_tap_puts_it_and_the_ground_moves_under_it(phones: Any) -> None:
    vik = phones()
    page = with_a_fix(vik)
    opened(vik)
    x, y = place_of(page, ".here")
    page.touchscreen.tap(x - 60, y + 90)
    said = shown(page)
    assert said["西"] > 0
    assert said["南"] > said["西"]
    tip = place_of(page, ".marker")
    assert abs(tip[0] - (x - 60)) < 3
    assert abs(tip[1] - (y + 90)) < 4
    drag(page, (x + 100, y - 100), (x + 150, y - 150))
    assert shown(page) == said, "the ground was moved, not the pin on it"
    moved = place_of(page, ".marker")
    assert moved[0] - tip[0] > 30
    used(page)
    east, north = away(filed(vik, "点出来的"))
    assert (round(-east), round(-north)) == (said["西"], said["南"])


def test_the_keyboard_moves_it(phones: Any) -> None:
    vik = phones()
    page = with_a_fix(vik)
    opened(vik)
    page.locator("dialog.pin svg[role=application]").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    said = shown(page)
    assert said["东"] == 2 * said["北"] > 0
    page.keyboard.press("+")
    assert shown(page) == said
    page.keyboard.press("ArrowRight")
    closer = shown(page)["东"] - said["东"]
    assert 0 < closer < said["北"], "closer up the steps are smaller"
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#place-words")).to_contain_text("位置很准")


def test_buttons_zoom_and_the_rings_say_how_far(phones: Any) -> None:
    vik = phones()
    page = with_a_fix(vik)
    opened(vik)
    for words in ("50 米", "100 米", "北"):
        expect(page.locator("dialog.pin text", has_text=re.compile(f"^{words}$")).first).to_be_visible()
    expect(page.locator("dialog.pin .sure-of")).to_be_visible()
    across = page.locator("dialog.pin .sure-of").bounding_box()
    assert across
    page.get_by_role("button", name="放大").tap()
    closer = page.locator("dialog.pin .sure-of").bounding_box()
    assert closer
    assert closer["width"] == pytest.approx(2 * across["width"], rel=0.1)
    page.get_by_role("button", name="缩小").tap()
    page.get_by_role("button", name="缩小").tap()
    expect(page.locator("dialog.pin text", has_text=re.compile("^200 米$")).first).to_be_visible()
    for button in page.locator("dialog.pin button").all():
        box = button.bounding_box()
        assert box
        assert box["height"] >= 60
    page.evaluate("history.back()")  # the phone's own way back
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#send")).to_be_visible()


def test_a_phone_that_knows_no_place_at_all_says_so(phones: Any) -> None:
    vik = phones(**NOWHERE)
    page = form(vik)
    vik.sees("没有允许定位", within="#place-words")
    opened(vik)
    vik.sees("手机还不知道自己在哪里", within="dialog")
    expect(page.get_by_role("button", name="用这里")).to_have_count(0)
    page.get_by_role("button", name="不改了").tap()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#village")).to_be_visible()
    page.locator("#text").fill("没有位置也能报")
    page.locator("#send").tap()
    expect(page.locator("#done")).to_be_visible()


def test_without_a_fix_it_begins_where_this_person_last_was(phones: Any) -> None:
    vik = phones()
    page = with_a_fix(vik)
    assert filed(vik, "上次在这里")["source"] == "gps"
    vik.context.set_offline(False)
    vik.sees("中心已全部收到", 20)
    vik.context.clear_permissions()
    form(vik)
    vik.sees("没有允许定位|没找到位置", 20, within="#place-words")
    opened(vik)
    vik.sees("上次上报的地方", within="dialog")
    x, y = place_of(page, ".here")
    page.touchscreen.tap(x + 70, y)
    said = shown(page)
    used(page)
    position = filed(vik, "离上次不远")
    assert position["source"] == "pin"
    assert abs(away(position)[0] - said["东"]) <= 1


def test_own_reports_are_dots_and_those_of_others_are_not(phones: Any) -> None:
    vik = phones()
    page = with_a_fix(vik)
    filed(vik, "井盖破了要换")
    vik.context.set_offline(False)
    vik.sees("中心已全部收到", 20)
    with_a_fix(vik)
    opened(vik)
    expect(page.locator("dialog.pin .dot")).to_have_count(1)
    expect(page.locator("dialog.pin text", has_text="井盖破了要换")).to_be_visible()
    page.keyboard.press("Escape")
    vik.log_in("ben")
    with_a_fix(vik)
    opened(vik)
    expect(page.locator("dialog.pin .dot")).to_have_count(0)


def test_what_was_pointed_at_is_there_after_a_kill(phones: Any) -> None:
    vik = phones()
    page = with_a_fix(vik)
    page.locator("#text").fill("指好了才断的")
    opened(vik)
    x, y = place_of(page, ".here")
    page.touchscreen.tap(x + 90, y - 40)
    used(page)
    vik.until(PIN_IS_STORED)
    vik.context.set_geolocation({"latitude": 22.99, "longitude": 115.35, "accuracy": 3})
    page = killed_and_reopened(vik)
    expect(page.locator("#place-words")).to_contain_text("按您在图上指的地方报")
    opened(vik)
    said = shown(page)
    assert said["东"] > 0, "measured from where the phone was found, as before"
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    position = filed(vik, "指好了才断的")
    assert position["source"] == "pin"
    assert abs(away(position)[0] - said["东"]) <= 1


def test_a_better_fix_that_comes_later_does_not_move_it(phones: Any) -> None:
    vik = phones(**{**PHONE, "geolocation": {**HERE, "accuracy": 60}})
    page = form(vik)
    vik.sees("位置大致对", within="#place-words")  # and it goes on looking
    opened(vik)
    x, y = place_of(page, ".here")
    page.touchscreen.tap(x + 90, y)
    said = shown(page)
    used(page)
    vik.context.set_geolocation({"latitude": 22.99, "longitude": 115.35, "accuracy": 3})
    page.wait_for_timeout(1200)
    position = filed(vik, "说了算")
    assert position["source"] == "pin"
    assert abs(away(position)[0] - said["东"]) <= 1


def test_finding_oneself_again_is_a_choice_too(phones: Any) -> None:
    vik = phones()
    page = with_a_fix(vik)
    opened(vik)
    x, y = place_of(page, ".here")
    page.touchscreen.tap(x + 90, y)
    used(page)
    page.get_by_role("button", name="重新定位").tap()
    vik.sees("位置很准", within="#place-words")
    assert filed(vik, "还是手机准")["source"] == "gps"

"""A shift at the desk: two officers at one case, hundreds of changes under a still hand, keys only, many undone."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Route, expect

from tests.browser.people import DESK, Sitter
from tests.callers import Caller
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
PHONE_SIZED: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SIZES = pytest.mark.parametrize("device", [DESK, PHONE_SIZED], ids=["1280", "390"])
CHANGES, AT_ONCE = 500, 10
# what a page may grow by between two looks: caches of the browser, not one node or listener for each change
NODES, LISTENERS, HEAP = 400, 40, 3_000_000


@pytest.fixture
def vik(town: Product) -> Iterator[Caller]:
    with Caller(town.port, "vik") as calling:
        yield calling


@pytest.fixture
def lea(town: Product) -> Iterator[Caller]:
    with Caller(town.port, "lea") as calling:
        yield calling


def at_the_desk(chromium: Browser, town: Product, tmp_path: Path, device: dict[str, Any], path: str) -> Sitter:
    desk = Sitter(chromium, town, tmp_path, **device)
    desk.log_in("dora")
    desk.page.goto(path)
    return desk


def takes(officer: Caller, number: str, action: str, **more: object) -> None:
    version = officer.ask("GET", f"/api/cases/{number}")["version"]
    officer.ask("POST", f"/api/cases/{number}/transitions", {"action": action, "version": version} | more)


@SIZES
def test_the_second_of_two_officers_is_told_politely_and_sees_how_it_stands(
    chromium: Browser, town: Product, tmp_path: Path, device: dict[str, Any], vik: Caller, lea: Caller
) -> None:
    number = vik.files("两个人一起看的", "blue")
    desk = at_the_desk(chromium, town, tmp_path, device, f"/desk/cases/{number}")
    desk.page.locator("#action-decline summary").click()  # a form in use is not taken away by what others do
    desk.page.locator("#note-decline").fill("不归我们管")
    takes(lea, number, "accept")
    desk.page.locator("#action-decline .btn-primary").click()
    expect(desk.page.locator("#case [role=alert]")).to_contain_text("刚刚有人动过这件事")
    expect(desk.page.locator("#case .chip").first).to_have_text("已受理")
    expect(desk.page.locator("#note-decline")).to_have_value("不归我们管")
    desk.close()


@SIZES
def test_nothing_moves_leaks_or_reloads_through_five_hundred_changes(
    chromium: Browser, town: Product, tmp_path: Path, device: dict[str, Any], vik: Caller
) -> None:
    numbers = [vik.files(f"一直在变 {n}", "blue") for n in range(4)]
    desk = at_the_desk(chromium, town, tmp_path, device, "/desk?lane=triage&severity=blue")
    desk.page.evaluate("() => { window.sameShift = true; }")
    row = desk.page.locator(f"#row-{numbers[-1]} .queue-row")
    row.scroll_into_view_if_needed()
    row.hover() if device is DESK else row.focus()
    before, still = measured(desk), row.bounding_box()
    vik.files("新来的一件", "blue")
    for done in range(0, CHANGES, AT_ONCE):
        happens(town, numbers[:3], done)
        with desk.page.expect_response(re.compile("/desk/queue"), timeout=10_000):
            desk.page.evaluate("() => document.body.dispatchEvent(new CustomEvent('desk:changed'))")
        assert stays(row, still)
    expect(desk.page.locator("#held")).to_contain_text(re.compile("件新的"))
    assert stays(row, still)
    after = measured(desk)
    for name, most in (("Nodes", NODES), ("JSEventListeners", LISTENERS), ("JSHeapUsedSize", HEAP)):
        assert after[name] - before[name] < most, (name, before[name], after[name])
    assert desk.page.evaluate("() => window.sameShift") is True
    desk.page.locator("#held").click()
    expect(desk.page.get_by_text("新来的一件").first).to_be_visible()
    desk.close()


def happens(town: Product, numbers: list[str], done: int) -> None:
    """Changes as other desks make them, past the verbs: five hundred of those would take a minute."""
    sign = f"{'!' * (done % 3)} 变了 {done}"
    with sqlite3.connect(town.env["DATABASE_URL"].removeprefix("sqlite:///"), timeout=20) as connection:
        for n in range(AT_ONCE):
            change = "UPDATE cases SET version = version + 1, signals = ?, title = ? WHERE number = ?"
            connection.execute(change, (1 + (done + n) % 7, sign, numbers[n % len(numbers)]))
    connection.close()


def stays(row: Locator, still: FloatRect | None) -> bool:
    """To less than a pixel: a scroll offset is a whole number of them."""
    now = row.bounding_box()
    return bool(now and still and abs(now["y"] - still["y"]) < 1)


def measured(desk: Sitter) -> dict[str, float]:
    """What the page holds once everything that can be thrown away was."""
    protocol = desk.context.new_cdp_session(desk.page)
    protocol.send("Performance.enable")
    protocol.send("HeapProfiler.collectGarbage")
    found = {metric["name"]: metric["value"] for metric in protocol.send("Performance.getMetrics")["metrics"]}
    protocol.detach()
    return found


@SIZES
def test_from_new_to_closed_without_touching_anything_but_keys(
    chromium: Browser, town: Product, tmp_path: Path, device: dict[str, Any], vik: Caller
) -> None:
    number = vik.files("只用键盘办的", "blue")
    desk = at_the_desk(chromium, town, tmp_path, device, "/desk?lane=triage")
    keys, status = desk.page.keyboard, desk.page.locator("#case .chip").first
    title = desk.page.locator("#case .case-title")
    row = desk.page.locator(f"#row-{number} .queue-row")
    for _ in range(200):
        keys.press("j")
        if row.evaluate("row => row === document.activeElement"):
            break
    keys.press("Enter")
    expect(desk.page.locator("#case .case-title")).to_have_text("只用键盘办的")
    keys.press("a")
    keys.press("Enter")
    expect(status).to_have_text("已受理")
    expect(title).to_be_focused()
    keys.press("d")
    keys.press("Space")
    keys.press("Control+Enter")
    expect(status).to_have_text("待签收")
    expect(title).to_be_focused()  # as soon as an answer stands there; a key before that would be taken from its form
    note = desk.page.locator("#note-report_outcome")
    for _ in range(20):
        keys.press("f")
        desk.page.wait_for_timeout(300)  # a refresh that is being put in just now folds the form up again
        if note.evaluate("note => note === document.activeElement"):
            break
    keys.type("电话里说修好了")
    keys.press("Control+Enter")
    expect(status).to_have_text("待核查")
    expect(title).to_be_focused()
    keys.press("v")
    keys.press("Enter")
    expect(status).to_have_text("已核查")
    expect(title).to_be_focused()
    keys.press("w")
    keys.press("Control+Enter")
    expect(status).to_have_text("已办结")
    desk.close()


@SIZES
def test_several_are_accepted_at_once_and_that_is_taken_back(
    chromium: Browser, town: Product, tmp_path: Path, device: dict[str, Any], vik: Caller, lea: Caller
) -> None:
    numbers = [vik.files(f"一起受理的 {n}", "blue") for n in range(3)]
    desk = at_the_desk(chromium, town, tmp_path, device, "/desk?lane=triage")
    for number in numbers:
        desk.page.locator(f"#row-{number} .pick input").check()
    expect(desk.page.locator("#picked")).to_have_text("已选 3 件")
    with desk.page.expect_response("**/desk/bulk/to?*"):  # who is out of reach now, on a page that has long been open
        desk.page.locator("#bulk summary").first.click()
    takes(lea, numbers[2], "decline", note="重复")
    desk.page.locator("#bulk button[value=accept]").click()
    expect(desk.page.locator("#bulk-done")).to_contain_text("2 件已受理")
    expect(desk.page.locator("#bulk-done")).to_contain_text("1 件没有变")
    expect(desk.page.locator("#bulk")).to_be_hidden()
    desk.page.locator("#undo").click()
    expect(desk.page.locator("#bulk-done")).to_contain_text("2 件已撤销")
    states = [lea.ask("GET", f"/api/cases/{number}")["status"] for number in numbers]
    assert states == ["new", "new", "declined"]
    desk.close()


@SIZES
def test_the_keys_say_what_they_do_and_sound_is_at_hand(
    chromium: Browser, town: Product, tmp_path: Path, device: dict[str, Any], vik: Caller
) -> None:
    for n in range(12):
        vik.files(f"列表要长一点 {n}", "blue")
    desk = at_the_desk(chromium, town, tmp_path, device, "/desk?lane=triage")
    sound, help_ = desk.page.locator("#sound"), desk.page.locator("#help")
    desk.page.set_viewport_size(device["viewport"] | {"height": 800})
    expect(sound).to_be_in_viewport()
    desk.page.keyboard.press("?")
    expect(help_).to_contain_text("再按 Enter 才办")
    box = help_.bounding_box()
    assert box and box["y"] >= 0 and box["y"] + box["height"] <= 800
    expect(help_.locator("h2")).to_be_in_viewport()
    help_.get_by_text("知道了").scroll_into_view_if_needed()
    expect(help_.get_by_text("知道了")).to_be_in_viewport()
    desk.close()


@SIZES
def test_the_key_that_sends_somebody_sends_one_more_and_calls_nobody_again(
    chromium: Browser, town: Product, tmp_path: Path, device: dict[str, Any], vik: Caller, lea: Caller
) -> None:
    number = vik.files("再派一个人来", "blue")
    with Caller(town.port, "ada") as ada:
        takes(lea, number, "accept")
        takes(lea, number, "dispatch", to=[str(ada.id)])
    desk = at_the_desk(chromium, town, tmp_path, device, f"/desk/cases/{number}")
    expect(desk.page.locator("#case .sent form")).to_be_visible()
    desk.page.keyboard.press("d")
    assert desk.page.evaluate("() => document.activeElement.closest('details').id") == "action-reinforce"
    desk.close()


def test_what_was_unanswered_before_flashes_when_nobody_is_there_and_covers_nothing(
    chromium: Browser, town: Product, tmp_path: Path, vik: Caller
) -> None:
    number = vik.files("没有人答应的", "red")
    gave_up = "UPDATE alerts SET state = 'exhausted', next_step_at = NULL FROM cases"
    with sqlite3.connect(town.env["DATABASE_URL"].removeprefix("sqlite:///"), timeout=20) as connection:
        connection.execute(f"{gave_up} WHERE case_id = cases.id AND number = ?", (number,))
    connection.close()
    desk = at_the_desk(chromium, town, tmp_path, DESK, "/desk/phrases")
    first: list[Any] = []

    def nothing_new(route: Route) -> None:
        """The town is shared, and a call of another test's may go unanswered just now: that would be news."""
        first.extend([] if first else [route.fetch().json()])
        route.fulfill(json=first[0])

    desk.page.route(re.compile("/desk/pulse"), nothing_new)
    desk.page.goto("/desk?lane=unreached")
    alarmed = "() => document.body.matches('.flash, .flash-urgent')"
    expect(desk.page.locator(f"#row-{number}")).to_be_visible()
    for _ in range(2):
        with desk.page.expect_response(re.compile("/desk/pulse")):
            pass
    assert not desk.page.evaluate(alarmed)
    desk.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(minutes=3))
    desk.until(alarmed)
    frame = "([...getComputedStyle(document.querySelector('main')).boxShadow.matchAll(/([\\d.]+)px/g)].at(-1)[1])"
    room = "parseFloat(getComputedStyle(document.querySelector('main')).paddingLeft)"
    assert desk.page.evaluate(f"() => 0 < {frame} && {frame} <= {room}")
    desk.page.mouse.move(200, 200)
    desk.page.mouse.down()
    assert not desk.page.evaluate(alarmed)
    desk.close()

"""The roster in a real browser: a shift dragged onto another, a swap by two phones, and the handover on paper."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from tests.browser.people import PHONE, Sitter
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
NEXT_WEEK = "#week nav a:last-child"


Sits = Callable[..., Page]


@pytest.fixture
def sits(chromium: Browser, fresh_town: Product, tmp_path: Path) -> Iterator[Sits]:
    """Somebody at a browser of his or her own: the page."""
    sitters: list[Sitter] = []

    def sit(who: str, **device: Any) -> Page:
        sitters.append(Sitter(chromium, fresh_town, tmp_path, service_workers="block", **device))
        sitters[-1].log_in(who)
        return sitters[-1].page

    yield sit
    for sitter in sitters:
        sitter.close()


def shifts_of(page: Page, name: str) -> Locator:
    return page.locator(f"[data-rung=on_call] [data-shift][data-name='{name}']")


def holder(page: Page, shift: str) -> Locator:
    return page.locator(f"[data-shift='{shift}'] b")


def dragged(page: Page, one: Locator, other: Locator, answer: bool) -> list[str]:
    """What the page asked; it is answered with yes or no."""
    asked: list[str] = []

    def reply(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if answer else dialog.dismiss()

    page.once("dialog", reply)
    one.drag_to(other)
    return asked


def test_the_desk_drags_a_shift_onto_another_and_the_two_change_places(sits: Sits) -> None:
    page = sits("dora", viewport={"width": 1280, "height": 900})
    page.goto("/desk/roster")
    page.locator(NEXT_WEEK).click()
    expect(shifts_of(page, "陈安").first).to_be_visible()
    one, other = (shifts_of(page, name).first.get_attribute("data-shift") for name in ("陈安", "黄本"))
    asked = dragged(page, page.locator(f"[data-shift='{one}']"), page.locator(f"[data-shift='{other}']"), answer=False)
    assert "陈安" in asked[0] and "黄本" in asked[0]
    expect(holder(page, str(one))).to_have_text("陈安")
    dragged(page, page.locator(f"[data-shift='{one}']"), page.locator(f"[data-shift='{other}']"), answer=True)
    expect(holder(page, str(one))).to_have_text("黄本")
    expect(holder(page, str(other))).to_have_text("陈安")
    leader = page.locator("[data-rung=leader] [data-shift]").first
    page.locator(f"[data-shift='{one}']").drag_to(leader)  # another rung: nothing is even asked
    expect(holder(page, str(one))).to_have_text("黄本")


def test_ada_asks_on_her_phone_and_ben_agrees_on_his(sits: Sits) -> None:
    ada, ben = (sits(name, **PHONE) for name in ("ada", "ben"))
    ada.goto("/roster")
    last = ada.locator("a[href*='swaps/new']").last
    shift = str(last.get_attribute("href")).partition("shift=")[2]
    last.tap()
    ada.locator("#with").select_option(label="请 黄本 代班")
    ada.locator("#note").fill("家里有事")
    ada.locator("form button.btn-primary").tap()
    expect(ada.get_by_role("status")).to_contain_text("等对方回答")
    ben.goto("/roster")
    expect(ben.locator(".swap").first).to_contain_text("家里有事")
    ben.locator(".swap form[action$='/agreement'] button").first.tap()
    expect(ben.get_by_role("status")).to_contain_text("这一班现在是您的")
    expect(ben.locator(f"a[href$='shift={shift}']")).to_be_visible()
    ada.goto("/roster")
    expect(ada.locator(f"a[href$='shift={shift}']")).to_have_count(0)


def test_the_handover_fits_a_sheet_and_prints_dark_on_white(sits: Sits) -> None:
    dora = sits("dora", viewport={"width": 794, "height": 1123}, color_scheme="dark")
    lea = sits("lea", **PHONE)
    dora.goto("/desk/handover")
    dora.locator("#note").fill("井盖的事等市政")
    dora.locator("main form button.btn-primary").click()
    expect(dora.locator("main")).to_contain_text("等接班人签字")
    lea.goto("/desk/handover")
    lea.locator("form[action$='/taking'] button").tap()
    expect(lea.locator("dl.signed")).to_contain_text("李雷")
    dora.goto(lea.url)
    paper = dora.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", paper)) == 1
    dora.emulate_media(media="print")
    for part in ("main h1", "main .card", "main .muted"):
        ink, sheet = dora.locator(part).first.evaluate(
            """part => [getComputedStyle(part).color,
                getComputedStyle(part.closest(".card") ?? document.body).backgroundColor]"""
        )
        assert max(int(n) for n in re.findall(r"\d+", ink)[:3]) < 90, (part, ink)
        assert min(int(n) for n in re.findall(r"\d+", sheet)[:3]) == 255, (part, sheet)

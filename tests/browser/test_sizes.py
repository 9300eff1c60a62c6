"""Hands and eyes (offline.md): every page a patrol or a responder sees, measured in real Chromium.

Old people at night, on cheap phones: both themes, two widths, the text as it comes and at 200 %.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from fieldapp.config import ROOT
from tests.browser.evening import Evening, spend
from tests.browser.pages import AUTH, PATROL, RESPONDER, Screen, Walk
from tests.browser.people import PHONE, Sitter
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

MEASURE = (ROOT / "tests/browser/measure.js").read_text()
WIDTHS, SCALES, THEMES = (320, 390), (1, 2), ("light", "dark")
PHONES = {
    "zh": list(itertools.product(SCALES, WIDTHS, THEMES)),
    "en": [(1, 320, "light"), (2, 320, "light")],  # other words are wider or narrower, never of another colour
}
BROWSERS_OWN = 16  # px; what a reader changes in the browser's settings
# what keeps a drag to itself -> what one finger or a keyboard does instead
DRAGGED = {
    "mask.css": "a tap puts a patch, the arrow keys move it",
    "pin.css": "a tap sets the pin, the arrow keys move it, buttons come closer and go farther",
}
RESIZED = """async ({ width, height, size }) => { // the page learns of all this a little later than the browser
    const root = document.documentElement, letters = () => getComputedStyle(root).fontSize;
    const isThere = () => root.clientWidth === width && screen.height === height && letters() === `${size}px`;
    for (let frames = 0; frames < 300 && !isThere(); frames += 1) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
}"""
GREW = "document.body.offsetHeight > innerHeight"  # while it was looked at: a recording says how long it is by now


@pytest.fixture(scope="module")
def tonight(chromium: Browser, fresh_town: Product) -> Iterator[dict[str, str]]:
    evening = Evening(chromium, fresh_town)
    yield spend(evening)
    evening.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("screens", [PATROL, RESPONDER, AUTH], ids=["patrol", "responder", "auth"])
def test_every_page_is_large_and_clear_enough(
    chromium: Browser, fresh_town: Product, tonight: dict[str, str], screens: tuple[Screen, ...], lang: str
) -> None:
    wrong: list[str] = []
    for screen, page in Walk(chromium, fresh_town, tonight, lang).through(screens):
        wrong += looked_at(screen, page, lang)
    assert not wrong, f"{len(wrong)} findings:\n" + "\n".join(wrong)


def looked_at(screen: Screen, page: Page, lang: str = "zh") -> list[str]:
    """What is wrong with a page on any of these phones, one line each."""
    settings = page.context.new_cdp_session(page)
    wrong: dict[str, dict[str, None]] = {}  # what -> where, in order
    before: tuple[int, int] | None = None
    for scale, width, theme in PHONES[lang]:
        if (scale, width) != before or page.evaluate(GREW):
            text_of(settings, scale)
            whole_page(page, width, BROWSERS_OWN * scale)
            before = scale, width
        page.emulate_media(color_scheme=theme)
        for one in measured(page, {"width": width, "scale": scale, "within": screen.within}):
            what = "{rule}: {at}: {measured}, wanted {wanted}".format(**one)
            wrong.setdefault(what, {})[f"{theme} {width} px {scale * 100} %"] = None
    text_of(settings, 1)
    settings.detach()
    return [f"{screen.name} ({', '.join(where)}) {what}" for what, where in wrong.items()]


def text_of(settings: CDPSession, scale: int) -> None:
    """The reader's own setting in the browser: rem and the em of media queries grow, what is fixed does not."""
    size = BROWSERS_OWN * scale
    settings.send("Page.setFontSizes", {"fontSizes": {"standard": size, "fixed": size}})


def whole_page(page: Page, width: int, size: int) -> None:
    """A screen as high as the page, and what may still come: only what is in sight can be asked what lies over it."""
    height = 640
    for _ in range(2):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(RESIZED, {"width": width, "height": height, "size": size})
        height = page.evaluate("document.body.offsetHeight") + 640


def measured(page: Page, asked: dict[str, Any]) -> list[dict[str, str]]:
    answer = page.evaluate(MEASURE, asked)
    assert answer["texts"], f"nothing to read on {page.url}"
    return list(answer["found"])


PUT = """({ tag, words, css, data, above, ...rest }) => {
    document.getElementById("bad")?.remove();
    const bad = document.createElement(tag);
    bad.id = "bad";
    bad.className = rest.class ?? "";
    bad.textContent = words;
    Object.assign(bad.style, css);
    Object.assign(bad.dataset, data);
    document.querySelector("h1").after(bad);
    if (above) bad.style.marginTop = "-3rem";
}"""
P, BUTTON = {"tag": "p", "words": "看不清的字"}, {"tag": "button", "words": "按", "class": "btn"}
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "12 px": ("text size", P | {"css": {"fontSize": "12px"}}),
    "px that do not grow": ("text size", P | {"css": {"fontSize": "20px"}}),
    "lines without air": ("line height", P | {"css": {"lineHeight": "1.1"}}),
    "grey": ("contrast", P | {"css": {"color": "#999"}}),
    "half transparent": ("contrast", P | {"css": {"opacity": "0.5"}}),
    "on a half transparent layer": ("contrast", P | {"css": {"color": "#555", "background": "rgb(0 0 0 / 40%)"}}),
    "good only by day": ("contrast", P | {"css": {"color": "#14201b"}}),
    "20 px button": ("target", BUTTON | {"css": {"width": "20px", "height": "20px", "minHeight": "0", "padding": "0"}}),
    "buttons under one finger": ("overlap", BUTTON | {"css": {"position": "fixed", "inset": "0", "fontSize": "2rem"}}),
    "too wide": ("sideways", P | {"css": {"width": "25rem"}}),
    "off the edge": ("off the screen", P | {"css": {"position": "relative", "right": "9rem"}}),
    "over the edge": ("over the edge", BUTTON | {"css": {"width": "30rem"}}),
    "cut off": ("cut off", P | {"css": {"width": "3em", "overflow": "hidden", "whiteSpace": "nowrap"}}),
    "a number in two": ("broken word", P | {"words": "110", "css": {"width": "1em", "overflowWrap": "anywhere"}}),
    "over the heading": ("covered", P | {"above": True, "css": {"position": "relative", "background": "white"}}),
    "red without a word": ("colour alone", P | {"words": "", "css": {"height": "2em"}, "data": {"severity": "red"}}),
    "red without a shape": ("colour alone", P | {"data": {"severity": "red"}}),
}


@pytest.fixture(scope="module")
def calm(chromium: Browser, fresh_town: Product) -> Iterator[Page]:
    """A page without a fault."""
    sitter = Sitter(chromium, fresh_town, Path(), service_workers="block", **PHONE)
    sitter.page.goto("/offline")
    assert looked_at(Screen("offline", ""), sitter.page) == []
    yield sitter.page
    sitter.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_measure_names_what_is_wrong(calm: Page, fault: str) -> None:
    rule, bad = FAULTS[fault]
    calm.evaluate(PUT, {"css": {}, "data": {}, "above": False} | bad)
    found = [line for line in looked_at(Screen("offline", ""), calm) if f" {rule}: " in line]
    named = {"covered": "lies under #bad", "sideways": "html: "}.get(rule, "#bad")
    assert [line for line in found if named in line and "320 px 200 %" in line], found


def test_nobody_keeps_a_reader_from_making_a_page_larger() -> None:
    for path in [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static/css").glob("*.css")]:
        assert not re.search(r"user-scalable|maximum-scale|text-size-adjust:\s*none", path.read_text()), path


def test_nothing_asks_for_two_fingers() -> None:
    """One finger does everything; a drag that the page keeps to itself has another way beside it."""
    for path in [*(ROOT / "static/js").glob("*.js"), *(ROOT / "static/css").glob("*.css")]:
        text = path.read_text()
        assert not re.search(r"\.touches\b|TouchEvent|gesture(start|change|end)|isPrimary === false", text), path
        taken = set(re.findall(r"touch-?action\W+([\w-]+)", text, re.IGNORECASE)) - {"manipulation", "auto"}
        assert not taken or path.name in DRAGGED, f"{path.name} keeps {taken}: which way is there without a drag?"

"""Those who look at every page find what is wrong, and what no page may ask of a hand."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from fieldapp.config import ROOT
from tests.browser.axe import TAGS, VENDOR, found
from tests.browser.pages import Screen
from tests.browser.people import PHONE, Sitter
from tests.browser.sizes import looked_at
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

# what keeps a drag to itself -> what one finger or a keyboard does instead
DRAGGED = {
    "mask.css": "a tap puts a patch, the arrow keys move it",
    "hands.css": "buttons and keys come closer and go farther, the arrow keys move the picture",
    "pin.css": "a tap sets the pin, the arrow keys move it, buttons come closer and go farther",
}
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
def calm(chromium: Browser, town: Product) -> Iterator[Page]:
    """A page without a fault."""
    sitter = Sitter(chromium, town, Path(), service_workers="block", **PHONE)
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
    seen = "dark 320 px 100 %" if fault == "good only by day" else "light 320 px 200 %"
    assert [line for line in found if named in line and seen in line], found


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


def test_axe_names_what_is_wrong(chromium: Browser, town: Product) -> None:
    sitter = Sitter(chromium, town, Path(), service_workers="block", **PHONE)
    sitter.page.goto("/login")
    sitter.page.evaluate("() => document.querySelector('label[for=password]').remove()")
    assert [line for line in found(sitter.page, "body", TAGS) if line.startswith("label: #password")]
    sitter.close()


def test_axe_itself_is_the_one_that_was_checked() -> None:
    for path in VENDOR.glob("*.js"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in (VENDOR / "VENDOR.md").read_text()

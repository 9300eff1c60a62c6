"""axe-core over every page: what a machine can find about WCAG 2.2 AA and good practice, it finds nothing of."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from fieldapp.config import ROOT
from tests.browser.evening import Evening, spend
from tests.browser.pages import AUTH, OFFICERS, PATROL, RESPONDER, Screen, Walk
from tests.browser.people import DESK
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

VENDOR = ROOT / "tests" / "vendor"
AXE = (VENDOR / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLOUR = ["color-contrast", "link-in-text-block"]  # the only rules to which a dark page is another page
RUN = """async ({ within, options }) => {
    const { violations } = await axe.run(within, options);
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any, all, none }) => {
        const why = [...any, ...all, ...none].map(({ message }) => message).join("; ");
        return `${id}: ${target.join(" ")}: ${help} (${why})`;
    }));
}"""


@pytest.fixture(scope="module")
def walk(chromium: Browser, fresh_town: Product) -> Iterator[Walk]:
    evening = Evening(chromium, fresh_town)
    yield Walk(chromium, fresh_town, spend(evening))
    evening.close()


@pytest.mark.parametrize("screens", [PATROL, RESPONDER, AUTH], ids=["patrol", "responder", "auth"])
def test_axe_finds_nothing_on_a_phone(walk: Walk, screens: tuple[Screen, ...]) -> None:
    nothing_found(walk, screens)


def test_axe_finds_nothing_on_the_officers_screens(chromium: Browser, walk: Walk) -> None:
    nothing_found(Walk(chromium, walk.product, walk.names, **DESK), OFFICERS)


def test_axe_names_what_is_wrong(walk: Walk) -> None:
    for _, page in walk.through((Screen("log in", "", "/login"),)):
        page.evaluate("() => document.querySelector('label[for=password]').remove()")
        assert [line for line in found(page, "body", TAGS) if line.startswith("label: #password")]


def test_axe_itself_is_the_one_that_was_checked() -> None:
    for path in VENDOR.glob("*.js"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in (VENDOR / "VENDOR.md").read_text()


def nothing_found(walk: Walk, screens: tuple[Screen, ...]) -> None:
    wrong: list[str] = []
    for screen, page in walk.through(screens):
        page.emulate_media(color_scheme="light")
        wrong += [f"{screen.name}, light: {line}" for line in found(page, screen.within, TAGS)]
        page.emulate_media(color_scheme="dark")
        wrong += [f"{screen.name}, dark: {line}" for line in found(page, screen.within, OF_COLOUR, "rule")]
    assert not wrong, f"{len(wrong)} findings:\n" + "\n".join(wrong)


def found(page: Page, within: str, wanted: list[str], kind: str = "tag") -> list[str]:
    """One line for each element axe objects to. The script comes from outside: the page's own policy lets none in."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    options: dict[str, Any] = {"runOnly": {"type": kind, "values": wanted}, "resultTypes": ["violations"]}
    return list(page.evaluate(RUN, {"within": within, "options": options}))

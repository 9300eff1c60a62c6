"""axe-core over a page: what a machine can find about WCAG 2.2 AA and good practice."""

from typing import Any

from playwright.sync_api import Page

from fieldapp.config import ROOT
from tests.browser.pages import Screen

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


def objections(screen: Screen, page: Page) -> list[str]:
    """What axe says against a page by day and by night."""
    page.emulate_media(color_scheme="light")
    wrong = [f"{screen.name}, light: {line}" for line in found(page, screen.within, TAGS)]
    page.emulate_media(color_scheme="dark")
    return wrong + [f"{screen.name}, dark: {line}" for line in found(page, screen.within, OF_COLOUR, "rule")]


def found(page: Page, within: str, wanted: list[str], kind: str = "tag") -> list[str]:
    """One line for each element axe objects to. The script comes from outside: the page's own policy lets none in."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    options: dict[str, Any] = {"runOnly": {"type": kind, "values": wanted}, "resultTypes": ["violations"]}
    return list(page.evaluate(RUN, {"within": within, "options": options}))

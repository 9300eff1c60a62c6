"""Every page in every state, gone through once: axe finds nothing of WCAG 2.2 AA, and on a phone hands and eyes have
what they need.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import objections
from tests.browser.evening import Evening, spend
from tests.browser.pages import AUTH, OFFICERS, PATROL, RESPONDER, Screen, Walk
from tests.browser.people import DESK, PHONE
from tests.browser.sizes import looked_at
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

PHONES = pytest.mark.parametrize("screens", [PATROL, RESPONDER, AUTH], ids=["patrol", "responder", "auth"])


@pytest.fixture(scope="module")
def tonight(chromium: Browser, fresh_town: Product) -> Iterator[dict[str, str]]:
    evening = Evening(chromium, fresh_town)
    yield spend(evening)
    evening.close()


@PHONES
def test_a_phones_page_is_large_and_clear_enough_and_axe_finds_nothing(
    chromium: Browser, fresh_town: Product, tonight: dict[str, str], screens: tuple[Screen, ...]
) -> None:
    wrong: list[str] = []
    for screen, page in Walk(chromium, fresh_town, tonight).through(screens):
        wrong += objections(screen, page)
        wrong += looked_at(screen, page)
        page.set_viewport_size(PHONE["viewport"])
    nothing(wrong)


@PHONES
def test_a_phones_page_in_english_is_large_and_clear_enough(
    chromium: Browser, fresh_town: Product, tonight: dict[str, str], screens: tuple[Screen, ...]
) -> None:
    wrong: list[str] = []
    for screen, page in Walk(chromium, fresh_town, tonight, "en").through(screens):
        wrong += looked_at(screen, page, "en")
    nothing(wrong)


def test_axe_finds_nothing_on_the_officers_screens(
    chromium: Browser, fresh_town: Product, tonight: dict[str, str]
) -> None:
    wrong: list[str] = []
    for screen, page in Walk(chromium, fresh_town, tonight, **DESK).through(OFFICERS):
        wrong += objections(screen, page)
    nothing(wrong)


def nothing(wrong: list[str]) -> None:
    assert not wrong, f"{len(wrong)} findings:\n" + "\n".join(wrong)

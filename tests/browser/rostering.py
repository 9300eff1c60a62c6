"""The ways through the roster's pages: to a shift, through a handover, and to a colleague who is asked."""

from playwright.sync_api import Page


def next_week(page: Page) -> None:
    page.locator("#week nav a").last.click()
    page.locator("a.shift[draggable]").first.wait_for()


def first_shift(page: Page) -> None:
    page.locator("a.shift").first.click()
    page.locator("main form").first.wait_for()


def saved_empty(page: Page) -> None:
    """The form as the server sends it back: without members, and the browser did not stop it."""
    page.locator("main form").first.locator("button.btn-primary").click()
    page.locator("main .notice-bad").wait_for()


def given(page: Page) -> None:
    page.locator("#note").fill("井盖的事等市政")
    page.locator("main form button.btn-primary").click()
    page.locator("main dl.signed").wait_for()


def taken(page: Page) -> None:
    page.locator("main form button.btn-primary").click()
    page.wait_for_url("**/desk/handover/*")


def asking(page: Page) -> None:
    page.locator("a[href*='swaps/new']").first.tap()
    page.locator("#with").wait_for()


def asked(page: Page) -> None:
    page.locator("#with").select_option(index=2)
    with page.expect_navigation():
        page.locator("main form button.btn-primary").tap()
    page.goto("/roster")  # also where it was asked already
    page.locator("main .swap").first.wait_for()


def subscribed(page: Page) -> None:
    page.locator("form[action='/roster/feeds'] button").tap()
    page.locator("#link").wait_for()

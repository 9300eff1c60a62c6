"""Two tabs, two people, one phone: no report is overwritten, none goes out under another's name."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.people import PHONE, Sitter
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]


def test_two_tabs_never_file_one_draft_twice(chromium: Browser, town: Product, screens: Path) -> None:
    patrol = Sitter(chromium, town, screens, **PHONE)
    patrol.log_in("vik")
    patrol.page.goto("/report")
    patrol.sees("公共设施")
    patrol.page.locator("#text").fill("楼道堆物两次")
    patrol.page.wait_for_timeout(800)
    first, second = patrol.page, patrol.context.new_page()
    second.goto(first.url)
    second.locator("#text").fill("煤气泄漏两次")
    second.locator("#send").tap()
    second.locator("#done").wait_for()
    first.bring_to_front()
    first.locator("#send").tap()
    first.locator("#done").wait_for()
    first.wait_for_timeout(1500)
    filed = [item["title"] for item in patrol.api("/api/reports")["items"]]
    assert [filed.count(title) for title in ("楼道堆物两次", "煤气泄漏两次")] == [1, 1]
    patrol.close()


def test_who_logged_in_last_is_who_files(chromium: Browser, town: Product, screens: Path) -> None:
    phone = Sitter(chromium, town, screens, **PHONE)
    phone.log_in("vik")
    phone.page.goto("/report")
    phone.sees("公共设施")
    phone.log_in("ada")
    phone.page.goto("/report?new=1")
    phone.sees("公共设施")
    phone.page.locator("#text").fill("电线垂在路上")
    phone.page.locator("#send").tap()
    phone.page.locator("#done").wait_for()
    phone.page.wait_for_timeout(1500)
    for who, times in (("ada", 1), ("vik", 0)):
        phone.log_in(who)
        filed = [item["title"] for item in phone.api("/api/reports")["items"]]
        assert filed.count("电线垂在路上") == times, who
    phone.close()

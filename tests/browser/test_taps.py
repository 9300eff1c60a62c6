"""Photo, voice or text: at most four taps from the opened app to 已存到手机. Seconds are bench_taps' business."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.people import Sitter
from tests.browser.taps import SPEAKING, SPEAKS, a_picture, files
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """With a microphone that hums."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: browser tests must run in CI")
        pytest.skip("no Chromium on this machine: THE BROWSER TESTS WERE NOT RUN")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, SPEAKS])
        yield browser
        browser.close()


@pytest.mark.parametrize("way", ["photo", "voice", "text"])
def test_a_report_takes_four_taps_at_most(chromium: Browser, town: Product, tmp_path: Path, way: str) -> None:
    phone = Sitter(chromium, town, tmp_path, **SPEAKING)
    phone.log_in("vik")
    phone.page.goto("/")
    phone.controlled()
    taps = files(phone.page, way, a_picture(tmp_path))
    phone.close()
    assert taps <= 4

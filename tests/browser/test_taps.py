"""Photo, voice or text: at most four taps from the opened app to 已存到手机. Seconds are bench_taps' business."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.people import Sitter
from tests.browser.taps import SPEAKING, a_picture, files
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]


@pytest.mark.parametrize("way", ["photo", "voice", "text"])
def test_a_report_takes_four_taps_at_most(whole_chromium: Browser, town: Product, tmp_path: Path, way: str) -> None:
    phone = Sitter(whole_chromium, town, tmp_path, **SPEAKING)
    phone.log_in("vik")
    phone.page.goto("/")
    phone.controlled()
    taps = files(phone.page, way, a_picture(tmp_path))
    phone.close()
    assert taps <= 4

"""A report that a phone cannot send is carried to the centre as a file, and is at the desk as if it had been sent."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.patrol import TEXT, Phone, photo
from tests.browser.people import DESK, Sitter
from tests.browser.relay import BadLine, answer
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

REFUSED = answer(
    422, json.dumps({"status": 422, "code": "invalid", "detail": "这条线路不让过。"}), "application/problem+json"
)


@pytest.fixture
def dora(chromium: Browser, town: Product, screens: Path) -> Iterator[Sitter]:
    sitter = Sitter(chromium, town, screens, **DESK)
    sitter.log_in("dora")
    yield sitter
    sitter.close()


def test_a_report_its_phone_cannot_send_reaches_the_desk_in_a_file(
    chromium: Browser, town: Product, line: BadLine, dora: Sitter
) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(TEXT, REFUSED, times=99)
        filed = phone.file("桥栏杆断了一截", photo())
        phone.open_list()
        with phone.page.expect_download() as download:
            phone.page.locator(f"li[data-id='{filed}']").get_by_role("button", name="存成文件").tap()
        file = download.value.path()

        dora.page.goto("/desk")
        dora.page.locator(".menu summary").click()
        dora.page.get_by_role("link", name="导入手机里的上报").click()
        for words in ("已收下", "早就有了"):  # and once more, for nobody remembers whether it was done
            dora.page.get_by_label("手机存的文件").set_input_files(file)
            dora.page.get_by_role("button", name="导入").click()
            dora.sees(words, within="#imported")
            dora.sees("照片 1/1", within="#imported")
        dora.picture("import")

        (carried,) = json.loads(file.read_text())["reports"][0]["files"]
        assert phone.files == {hashlib.sha256(base64.b64decode(carried["base64"])).hexdigest()}
        assert phone.files <= phone.on_disk()
        dora.page.locator("#imported a").click()
        dora.sees("桥栏杆断了一截", within="#case")
        dora.sees("从手机存的文件导入", within="#case")
        copy = dora.page.locator("#case .photos img")  # likely earlier reports beside it have pictures too
        for _ in range(100):  # until it stands
            if copy.count():
                break
            dora.page.wait_for_timeout(100)
            dora.page.reload()
        expect(copy).to_have_js_property("complete", True)
        assert re.fullmatch(r"/desk/cases/HC-\d{8}-\d{3}", dora.page.evaluate("location.pathname"))

        line.heal()
        phone.open_list()
        phone.page.locator(f"li[data-id='{filed}']").get_by_role("button", name="再试一次").tap()
        phone.leaves("桥栏杆断了一截")  # the phone learns that it is there, and lets go
        assert len(phone.reported("桥栏杆断了一截")) == 1

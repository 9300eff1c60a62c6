"""The three ways to a report as a thumb does them, from the opened app to 已存到手机, every tap counted."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.patrol import photo
from tests.browser.people import PHONE

SPEAKING = {**PHONE, "permissions": ["geolocation", "microphone"]}
IN_THE_CAMERA = 2  # the phone's own camera: release, and "use this photo"
SPEAKS_MS = 1000
SAFE = re.compile("已存到手机|正在发送|中心已收到|中心已全部收到")  # a good line is faster than the eye


class Thumb:
    """Touches the screen and counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps = page, 0

    def tap(self, css: str) -> None:
        self.taps += 1
        self.page.locator(css).tap()

    def takes_a_photo(self, picture: Path) -> None:
        """Home's big button opens the camera; what happens in there is the phone's business but not free."""
        with self.page.expect_file_chooser() as camera:
            self.tap("#shutter-box")
        self.taps += IN_THE_CAMERA
        camera.value.set_files(picture)
        expect(self.page.locator("#photos img")).to_have_count(1)

    def says_something(self, picture: Path) -> None:
        self.tap("a[href='/report#voice']")
        self.tap("#record")
        self.page.wait_for_timeout(SPEAKS_MS)
        self.tap("#record")
        expect(self.page.locator("#playback")).to_be_visible()

    def writes_something(self, picture: Path) -> None:
        self.tap("a[href='/report#text']")
        self.tap("#text")  # an iPhone shows no keyboard before a finger asks for it
        self.page.keyboard.type("井盖坏了")

    def sends(self) -> None:
        self.tap("#send")
        expect(self.page.locator("#done")).to_be_visible(timeout=30_000)
        expect(self.page.locator("#done-title")).to_contain_text(SAFE)


WAYS: dict[str, Callable[[Thumb, Path], None]] = {
    "photo": Thumb.takes_a_photo, "voice": Thumb.says_something, "text": Thumb.writes_something,
}  # fmt: skip


def files(page: Page, way: str, picture: Path) -> int:
    """Report in one way, from the first page on; how many taps it took."""
    thumb = Thumb(page)
    page.goto("/")
    WAYS[way](thumb, picture)
    thumb.sends()
    return thumb.taps


def a_picture(folder: Path) -> Path:
    target = folder / "image.jpg"
    target.write_bytes(photo())
    return target

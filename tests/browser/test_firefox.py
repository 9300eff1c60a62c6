"""Firefox ESR where it differs: no Background Sync, a private mode of its own kind, and another database underneath."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.firefox import Firefox, needed
from tests.browser.patrol import PHOTO, photo
from tests.browser.relay import BadLine, drop, hang
from tests.processes import Product
from tests.torture import at_the_desk

pytestmark = [pytest.mark.browser, pytest.mark.onedb]


@pytest.fixture
def phone(line: BadLine, tmp_path: Path) -> Iterator[Firefox]:
    needed()
    with Firefox(tmp_path / "profile", line.url) as running:
        running.go("/login")
        running.log_in("vik")
        yield running


def file(phone: Firefox, text: str, folder: Path) -> str:
    """Write a report with a photo and press the button; the photo's hash once it is safe on the phone."""
    phone.go("/report?new=1")
    phone.wait(lambda: phone.count("#tiles .tile") > 0, "the form")
    one = folder / "image.jpg"
    one.write_bytes(photo())
    phone.find("#gallery").send_keys(str(one))
    phone.wait(lambda: phone.count("#photos img") == 1, "the photo")
    phone.find("#text").send_keys(text)
    phone.find("#send").click()
    phone.wait(lambda: phone.find("#done").is_displayed(), "the promise")
    return next(
        photo["sha256"]
        for report in phone.rows("reports")
        if report["body"]["text"] == text
        for photo in report["body"]["photos"]
    )


def arrives(phone: Firefox, town: Product, text: str, sha256: str) -> None:
    """Once, whole, byte for byte, and gone from the phone."""
    phone.wait(lambda: at_the_desk(town, text) == [[sha256]], f"{text} at the desk", 40)
    phone.wait(lambda: phone.rows("reports") == [], "an empty queue")


def test_offline_and_back(phone: Firefox, town: Product, line: BadLine, tmp_path: Path) -> None:
    phone.go("/reports")
    line.fail("PUT .*", drop)
    sha256 = file(phone, "火狐没网", tmp_path)
    phone.says("已存到手机", "#done-title")
    later = phone.find("#done-later").get_property("textContent")
    assert "下次打开这里时自动发出去" in later  # nothing wakes this browser up: the promise is a smaller one
    line.heal()
    phone.go("/reports")  # opened again
    arrives(phone, town, "火狐没网", sha256)
    phone.says("中心已收到|中心已全部收到", "#list")


def test_killed_over_a_queue_and_started_again(phone: Firefox, town: Product, line: BadLine, tmp_path: Path) -> None:
    line.fail(PHOTO, hang)
    sha256 = file(phone, "火狐被杀", tmp_path)
    phone.wait(lambda: line.seen(PHOTO) > 0, "an upload under way")
    phone.kill()
    line.heal()
    phone.start()
    phone.go("/reports")
    phone.log_in("vik")  # its cookie may not have been written down
    phone.go("/reports")
    phone.says("火狐被杀", "#list")
    arrives(phone, town, "火狐被杀", sha256)


def test_opened_without_a_network(phone: Firefox, line: BadLine) -> None:
    phone.go("/report")
    ready = "const [done] = arguments; navigator.serviceWorker.ready.then(() => done(true));"
    assert phone.marionette.execute_async_script(ready, sandbox=None)
    line.fail(".*", drop)
    phone.go("/reports")
    phone.says("连不上中心|没有网络", "#line")


def test_a_private_window_sends_while_it_is_open_and_claims_nothing_afterwards(
    town: Product, line: BadLine, tmp_path: Path
) -> None:
    """No page can tell that it is in a private window; there the promise lasts as long as the window does."""
    needed()
    with Firefox(tmp_path / "private", line.url, private=True) as phone:
        phone.go("/login")
        phone.log_in("vik")
        line.fail("PUT .*", drop)
        sha256 = file(phone, "无痕窗口开着", tmp_path)
        phone.says("已存到手机", "#done-title")
        line.heal()
        phone.go("/reports")
        arrives(phone, town, "无痕窗口开着", sha256)
        line.fail("PUT .*", drop)
        file(phone, "无痕窗口关了", tmp_path)
        phone.kill()
        line.heal()
        phone.start()
        phone.go("/reports")
        phone.says("请先登录")  # it knows nobody and nothing, and says neither that something waits nor that it went
        assert phone.count("#list li") == 0
        phone.log_in("vik")
        phone.go("/reports")
        phone.says("无痕窗口开着", "#list")  # the desk's own word
        assert "无痕窗口关了" not in phone.text("main")
        assert phone.rows("reports") == [] and at_the_desk(town, "无痕窗口关了") == []

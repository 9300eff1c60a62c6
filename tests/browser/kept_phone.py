"""A phone whose profile outlives its browser: what is in it after the system has killed everything without a word."""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, expect

from tests.browser.conftest import FLAGS, HEADLESS
from tests.browser.patrol import Phone
from tests.browser.people import PHONE
from tests.browser.relay import BadLine
from tests.processes import Product, descendants

READY = "#tiles .tile"


class KeptPhone(Phone):
    """A patrol's phone on a bad line. `scripts` run in every page before the app's own, as a fault of the browser."""

    def __init__(
        self, browser: Browser, town: Product, line: BadLine, profile: Path, *scripts: str, user: str = "vik",
        worker: bool = False, **more: Any,
    ) -> None:  # fmt: skip
        self.product, self.line, self.screens, self.profile = town, line, Path(), profile
        self.files, self.faults = set(), []
        self._starts = browser.browser_type
        workers = {"service_workers": "allow" if worker else "block"}
        self._device = {**PHONE, "locale": "zh-CN", "timezone_id": "Asia/Shanghai", **workers, **more}
        self.start(*scripts)
        self.log_in(user)
        self._cookies = self.context.cookies()

    def start(self, *scripts: str) -> None:
        """Switch it on."""
        self.context = self._starts.launch_persistent_context(
            self.profile, executable_path=HEADLESS, args=FLAGS, base_url=self.line.url, **self._device
        )
        for script in scripts:
            self.context.add_init_script(script)
        self.page = self._watched(self.context.pages[0])

    def _watched(self, page: Page) -> Page:
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._console)
        return page

    def killed(self, *scripts: str) -> Page:
        """The battery is out, in the middle of everything; then the person switches it on and opens the app again.

        The session's cookie is put back: Chromium writes cookies down only every half minute.
        """
        self._kill()
        self.start(*scripts)
        self.context.add_cookies(self._cookies)
        return self.page

    def page_killed(self) -> Page:
        """Only the page's own process dies, as Android does it; the person opens the app again."""
        with self.page.expect_event("crash"), contextlib.suppress(Error):
            self.page.goto("chrome://crash", timeout=5_000)
        self.page = self._watched(self._new_page())
        return self.page

    def _new_page(self) -> Page:
        """The browser kept a spare process ready, which is dead too: the first page may land in it."""
        for _ in range(5):
            with contextlib.suppress(Error):
                return self.context.new_page()
        return self.context.new_page()

    def form(self, path: str = "/report?new=1") -> Page:
        self.page.goto(path)
        expect(self.page.locator(READY).first).to_be_visible()
        return self.page

    def _browser(self) -> int:
        """The browser's own process: the one of our profile that does no single job for it."""
        (pid,) = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if _is_browser(path, f"--user-data-dir={self.profile}")
        ]
        return pid

    def _kill(self) -> None:
        browser = self._browser()
        others = descendants(browser)
        for pid in (browser, *others):
            _end(pid)
        deadline = time.monotonic() + 10
        while any(_alive(pid) for pid in (browser, *others)) and time.monotonic() < deadline:
            time.sleep(0.02)
        with contextlib.suppress(Error):
            self.context.close()


def _is_browser(path: Path, profile: str) -> bool:
    try:
        words = path.read_bytes().decode().split("\0")
    except OSError:
        return False
    starter = words[0].endswith("/sh")
    return profile in words and not starter and not any(word.startswith("--type=") for word in words)


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False

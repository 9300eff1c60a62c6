"""Debian's Firefox ESR, driven by Mozilla's own Marionette client: the same phone where there is no Background Sync."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from tests.browser.patrol import STORE
from tests.processes import descendants, free_port

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries it brings along, not of ours
    from marionette_driver import By, errors
    from marionette_driver.marionette import Marionette

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
QUIET = {
    "app.normandy.enabled": False, "app.update.disabledForTesting": True, "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False, "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False, "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False, "browser.shell.checkDefaultBrowser": False, "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False, "dom.push.connection.enabled": False,
    "extensions.getAddons.cache.enabled": False, "extensions.update.enabled": False, "geo.provider.testing": True,
    "media.gmp-manager.updateEnabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "permissions.default.geo": 2,
    "privacy.trackingprotection.enabled": False, "remote.prefs.recommended": True, "intl.accept_languages": "zh-CN",
    "services.settings.server": "data:,#nothing", "toolkit.telemetry.enabled": False,
    "browser.sessionstore.resume_from_crash": False, "toolkit.startup.max_resumed_crashes": -1,
}  # fmt: skip


def needed() -> None:
    """Without a Firefox these tests fail in CI and are skipped loudly elsewhere."""
    if FIREFOX:
        return
    if os.environ.get("CI") == "true":
        pytest.fail("no Firefox: its tests must run in CI")
    pytest.skip("no Firefox on this machine: THE FIREFOX TESTS WERE NOT RUN")


class Firefox:
    """One browser on a profile of its own. `private`: every window forgets. `more`: preferences of its own."""

    def __init__(self, profile: Path, url: str, private: bool = False, more: Mapping[str, object] = {}) -> None:
        self.url, self.profile = url, profile
        profile.mkdir(exist_ok=True)
        self.port = free_port()
        prefs = QUIET | {"marionette.port": self.port, "browser.privatebrowsing.autostart": private, **more}
        lines = [f'user_pref("{name}", {_js(value)});' for name, value in prefs.items()]
        (profile / "user.js").write_text("\n".join(lines))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> Self:
        """Start it and wait until it can be driven."""
        assert FIREFOX
        options = ["--headless", "--marionette", "--no-remote", "--remote-allow-system-access"]
        with self.profile.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                [FIREFOX, *options, "--profile", str(self.profile)], stdout=log, stderr=log, process_group=0
            )
        self.marionette = Marionette(host="127.0.0.1", port=self.port, startup_timeout=60, socket_timeout=60)
        self._wait_for_its_port()
        self.marionette.raise_for_port = lambda *_, **__: None  # it would ask again, and leave its sockets open
        self.marionette.start_session()
        self.marionette.timeout.page_load = 30
        return self

    def _wait_for_its_port(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
            time.sleep(0.1)

    def kill(self) -> None:
        """As the system ends it: kill -9, for it and all it started."""
        for pid in (self.process.pid, *descendants(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        self.marionette.session = None  # or it would try to end it decently one day
        context = self.marionette.client._socket_context
        with contextlib.suppress(OSError):
            self.marionette.client.close()
        if context:
            context._sock.close()

    def go(self, path: str) -> None:
        self.marionette.navigate(self.url + path)

    def log_in(self, user: str) -> None:
        script = """const [user, done] = arguments;
            fetch("/api/session", {
                method: "POST", body: JSON.stringify({ username: user, password: "demo" }),
                headers: { "Content-Type": "application/json", "X-Requested-With": "fieldapp" },
            }).then(({ status }) => done(status), String);"""
        assert self.marionette.execute_async_script(script, [user], sandbox=None) == 204

    def find(self, css: str) -> Any:
        return self.marionette.find_element(By.CSS_SELECTOR, css)

    def count(self, css: str) -> int:
        return len(self.marionette.find_elements(By.CSS_SELECTOR, css))

    def text(self, css: str) -> str:
        """What stands there for a reader; nothing while it is hidden."""
        with contextlib.suppress(errors.NoSuchElementException, errors.StaleElementException):
            return str(self.find(css).text)
        return ""

    def says(self, words: str, css: str = "main", seconds: float = 20) -> None:
        self.wait(lambda: any(one in self.text(css) for one in words.split("|")), f"{words!r} in {css}", seconds)

    def wait(self, true: Any, what: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {what}; on the screen:\n{self.text('body')}")
            time.sleep(0.1)

    def notices(self) -> list[tuple[str, str]]:
        """Title and text of the notifications on the screen."""
        script = """const part = ({ document }, name) => document.getElementById(name);
            return [...Services.wm.getEnumerator("alert:alert")].map((notice) => [
                part(notice, "alertTitleLabel").value, part(notice, "alertTextLabel").textContent]);"""
        with self.marionette.using_context("chrome"):
            return [(title, text) for title, text in self.marionette.execute_script(script)]

    def tap_notice(self) -> None:
        """A click on the notification's own window, from where the browser itself takes it to the service worker."""
        script = """const [{ document, MouseEvent }] = [...Services.wm.getEnumerator("alert:alert")];
            document.getElementById("alertTitleLabel").dispatchEvent(new MouseEvent("click", { bubbles: true }));"""
        with self.marionette.using_context("chrome"):
            self.marionette.execute_script(script)

    def rows(self, store: str) -> list[dict[str, Any]]:
        """What the phone's database holds."""
        script = f"const [wanted, done] = arguments; ({STORE})(wanted).then((rows) => done(JSON.stringify(rows)));"
        found = self.marionette.execute_async_script(script, [{"store": store, "change": ""}], sandbox=None)
        return list(json.loads(found))


def _js(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)

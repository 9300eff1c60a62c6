"""People with real browsers: a patrol's phone, a responder's phone, the desk."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.processes import Product
from tests.push.endpoint import Browser as PushedBrowser
from tests.push.endpoint import Received

SHARP = 2 if "--screenshots" in sys.argv else 1  # four times the dots are for pictures that are kept
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": SHARP,
    "geolocation": {"latitude": 22.9701, "longitude": 115.3302, "accuracy": 15},
    "permissions": ["geolocation", "notifications"],
}  # fmt: skip
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}, "permissions": ["notifications"]}
HEADERS = {"X-Requested-With": "fieldapp"}


class Sitter:
    """One person with one browser context; nothing that goes wrong in its scripts is passed over."""

    def __init__(self, browser: Browser, product: Product, screens: Path, url: str = "", **device: Any) -> None:
        self.context: BrowserContext = browser.new_context(
            base_url=url or product.url, locale="zh-CN", timezone_id="Asia/Shanghai", **device
        )
        self.product, self.screens = product, screens
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.faults.append(message.text)

    def log_in(self, username: str) -> None:
        answer = self.context.request.post("/api/session", data={"username": username, "password": "demo"})
        assert answer.status == 204, answer.text()

    def api(self, path: str) -> Any:
        return self.context.request.get(path).json()

    def picture(self, name: str, full: bool = False) -> None:
        self.page.screenshot(path=self.screens / f"{name}.png", full_page=full)

    def controlled(self) -> None:
        """Wait until the service worker has kept the app and holds the page."""
        self.until("() => navigator.serviceWorker.controller !== null")

    def until(self, script: str, seconds: float = 15) -> None:
        """Wait until a function in the page returns true; Playwright's own wait needs an eval that our CSP forbids."""
        for _ in range(int(seconds * 10)):
            if self.page.evaluate(script):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"never true: {script}")

    def sees(self, words: str, seconds: float = 10, within: str = "body") -> None:
        found = self.page.locator(within).get_by_text(re.compile(words)).locator("visible=true").first
        expect(found).to_be_visible(timeout=seconds * 1000)

    def close(self) -> None:
        self.context.close()
        assert not self.faults, self.faults


class PushedPhone(Sitter):
    """A phone whose pushes come from the real worker, encrypted; Chromium's own service worker shows them."""

    def subscribe(self, pushed: PushedBrowser) -> None:
        answer = self.context.request.post("/api/push/subscriptions", data=pushed.subscription(), headers=HEADERS)
        assert answer.status == 201, answer.text()

    def deliver(self, pushed: PushedBrowser, received: Received) -> dict[str, Any]:
        """What a push service would do: hand the decrypted message to the browser's service worker."""
        message = pushed.read(received)
        self.deliver_text(json.dumps(message, ensure_ascii=False))
        return message

    def deliver_text(self, data: str) -> None:
        """The same with any text."""
        protocol = self.context.new_cdp_session(self.page)
        ours: dict[str, str] = {}
        running: list[str] = []
        protocol.on("ServiceWorker.workerRegistrationUpdated", lambda event: ours.update(_live(event)))
        protocol.on("ServiceWorker.workerVersionUpdated", lambda event: running.extend(_active(event)))
        protocol.send("ServiceWorker.enable")
        scope = f"{self.product.url}/"
        for _ in range(100):
            if ours.get(scope) in running:
                break
            self.page.wait_for_timeout(50)
        address = {"origin": self.product.url, "registrationId": ours[scope]}
        protocol.send("ServiceWorker.deliverPushMessage", address | {"data": data})

    def shown(self) -> list[dict[str, Any]]:
        """The notifications the service worker has put on the screen.

        Ask only once they stand: Chromium forgets one that is asked for while it is being shown.
        """
        return list(
            self.page.evaluate(
                """async () => {
                    const registration = await navigator.serviceWorker.ready;
                    const shown = await registration.getNotifications();
                    return shown.map(({ title, body, tag }) => ({ title, body, tag }));
                }"""
            )
        )

    def tap_notification(self) -> None:
        """The tap itself is the browser's business; the listener behind it is ours and runs for real."""
        (worker,) = self.context.service_workers
        worker.evaluate(
            """async () => {
                const [notification] = await self.registration.getNotifications();
                self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
            }"""
        )


def _live(event: dict[str, Any]) -> dict[str, str]:
    found = event["registrations"]
    return {entry["scopeURL"]: entry["registrationId"] for entry in found if not entry.get("isDeleted")}


def _active(event: dict[str, Any]) -> list[str]:
    return [version["registrationId"] for version in event["versions"] if version["status"] == "activated"]

"""The duty desk as a person sees it: one page in Chromium, and when each red stood in its list."""

import time

from playwright.sync_api import Browser

LOOK = """() => {
  window.firstSeen = {};
  const look = () => {
    for (const [words] of document.querySelector("#rows").textContent.matchAll(/电线垂落\\d{7}第\\d{4}处/g)) {
      window.firstSeen[words] ??= Date.now() / 1000;
    }
  };
  setInterval(look, 50);
}"""


class Window:
    """Opened before the reds come."""

    def __init__(self, browser: Browser, origin: str, cookie: str, lane: str) -> None:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": origin}])
        self._page = context.new_page()
        self._page.goto(f"{origin}/desk?lane={lane}")
        self._page.wait_for_selector("#rows", state="attached")
        self._page.evaluate(LOOK)

    def shown(self, filed: dict[str, float]) -> list[float]:
        """Seconds from accepted to seen, of those that were seen."""
        behind = time.time() - time.monotonic()
        seen = self._page.evaluate("window.firstSeen")
        return [max(0.0, seen[words] - at - behind) for words, at in filed.items() if words in seen]

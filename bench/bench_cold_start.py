"""Cold start of the installed app without a network: the browser has just been started and the server is stopped.

Measured inside the page, from the start of its navigation until the form can be used: the kinds of events are drawn,
which is the last thing the page does before it is open (the text box and the send button listen before that), and the
page's thread has come to rest once after it. Each run then proves it: a text is typed and sent, and the phone says
已存到手机. The page's own thread is four times slower than this machine's; the service worker's is not.
"""

import statistics
import tempfile
from pathlib import Path
from types import SimpleNamespace

from common import chromium, options, product, verdict
from playwright.sync_api import expect

from tests.browser.kept_phone import KeptPhone

GOAL_S = 1.5
USABLE = """
const look = new MutationObserver(() => {
    if (!document.querySelector("#tiles .tile")) return;
    look.disconnect();
    setTimeout(() => { window.usableAt = performance.now(); });
});
look.observe(document, { childList: true, subtree: true });
"""


def main() -> None:
    chosen = options("Cold start offline", runs=7, slow=4)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, chromium() as browser:
        with product(chosen.db) as town:
            line = SimpleNamespace(url=town.url)
            phone = KeptPhone(browser, town, line, Path(name) / "profile", worker=True)  # type: ignore[arg-type]
            phone.form()
            phone.controlled()
        seconds = [cold_start(phone, chosen.slow) for _ in range(chosen.runs)]
        phone.context.close()
    print("  runs, s: " + ", ".join(f"{one:.2f}" for one in seconds))
    verdict("median, s", statistics.median(seconds), GOAL_S, at_least=False)
    verdict("worst, s", max(seconds), GOAL_S, at_least=False)


def cold_start(phone: KeptPhone, slow: int) -> float:
    """Start the browser, open the form, say after how many seconds it could be used, and use it."""
    phone.context.close()
    phone.start(USABLE)
    page = phone.page
    phone.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slow})
    page.goto("/report?new=1")
    phone.until("() => window.usableAt > 0")
    usable = float(page.evaluate("window.usableAt")) / 1000
    page.locator("#text").fill("刚打开就写")
    page.locator("#send").tap()
    expect(page.locator("#done")).to_be_visible()
    return usable


if __name__ == "__main__":
    main()

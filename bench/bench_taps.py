"""Taps and seconds from opening the installed app to 已存到手机, by photo, voice and text, on a fast and a slow phone.

The touches are real, the camera and the person are not: the picture is there at once, one second is spoken and four
characters are written. Taps in the phone's own camera are counted (two), its seconds are not. "Slow" slows the page's
own thread down four times, as Chromium's developer tools do; the service worker beside it stays fast.
"""

import statistics
import tempfile
import time
from pathlib import Path

from common import chromium, options, product, table, verdict
from playwright.sync_api import Browser

from tests.browser.people import Sitter
from tests.browser.taps import SPEAKING, WAYS, a_picture, files
from tests.processes import Product

GOAL_S, GOAL_TAPS = 15, 4


def main() -> None:
    chosen = options("From the icon to 已存到手机", rounds=5)
    with product(chosen.db) as town, chromium() as browser, tempfile.TemporaryDirectory() as name:
        picture = a_picture(Path(name))
        rows = []
        for way in WAYS:
            taps, seconds = zip(
                *(measure(browser, town, way, rate, picture, chosen.rounds) for rate in (1, 4)), strict=True
            )
            rows.append((way, max(taps), *seconds))
    table(("way (median of the rounds)", "taps", "seconds 1x", "seconds 4x"), rows)
    verdict("most taps", max(row[1] for row in rows), GOAL_TAPS, at_least=False)
    verdict("slowest, s", max(row[3] for row in rows), GOAL_S, at_least=False)


def measure(browser: Browser, town: Product, way: str, rate: int, picture: Path, rounds: int) -> tuple[int, float]:
    """Taps and median seconds of one way at one pace, on one installed phone."""
    phone = Sitter(browser, town, Path(), **SPEAKING)
    phone.log_in("vik")
    phone.page.goto("/")
    phone.controlled()
    phone.context.new_cdp_session(phone.page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
    found = []
    for _ in range(rounds):
        began = time.monotonic()
        taps = files(phone.page, way, picture)
        found.append((taps, time.monotonic() - began))
    phone.close()
    return max(taps for taps, _ in found), statistics.median(seconds for _, seconds in found)


if __name__ == "__main__":
    main()

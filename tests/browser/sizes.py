"""Hands and eyes (offline.md): a page that a patrol or a responder sees, measured in real Chromium.

Old people at night, on cheap phones: both themes, two widths, the text as it comes and at 200 %.
"""

from typing import Any

from playwright.sync_api import CDPSession, Page

from fieldapp.config import ROOT
from tests.browser.pages import Screen

MEASURE = (ROOT / "tests/browser/measure.js").read_text()
PHONES = {  # how much larger the text is, how wide the screen; by night nothing is larger or wider
    "zh": [(1, 320, "light"), (1, 320, "dark"), (1, 390, "light"), (2, 320, "light"), (2, 390, "light")],
    "en": [(1, 320, "light"), (2, 320, "light")],  # other words are wider or narrower, never of another colour
}
BROWSERS_OWN = 16  # px; what a reader changes in the browser's settings
RESIZED = """async ({ width, height, size }) => { // the page learns of all this a little later than the browser
    const root = document.documentElement, letters = () => getComputedStyle(root).fontSize;
    const isThere = () => root.clientWidth === width && screen.height === height && letters() === `${size}px`;
    for (let frames = 0; frames < 300 && !isThere(); frames += 1) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
}"""
GREW = "document.body.offsetHeight > innerHeight"  # while it was looked at: a recording says how long it is by now


def looked_at(screen: Screen, page: Page, lang: str = "zh") -> list[str]:
    """What is wrong with a page on any of these phones, one line each."""
    settings = page.context.new_cdp_session(page)
    wrong: dict[str, dict[str, None]] = {}  # what -> where, in order
    before: tuple[int, int] | None = None
    for scale, width, theme in PHONES[lang]:
        if (scale, width) != before or page.evaluate(GREW):
            text_of(settings, scale)
            whole_page(page, width, BROWSERS_OWN * scale)
            before = scale, width
        page.emulate_media(color_scheme=theme)
        for one in measured(page, {"width": width, "scale": scale, "within": screen.within}):
            what = "{rule}: {at}: {measured}, wanted {wanted}".format(**one)
            wrong.setdefault(what, {})[f"{theme} {width} px {scale * 100} %"] = None
    text_of(settings, 1)
    settings.detach()
    return [f"{screen.name} ({', '.join(where)}) {what}" for what, where in wrong.items()]


def text_of(settings: CDPSession, scale: int) -> None:
    """The reader's own setting in the browser: rem and the em of media queries grow, what is fixed does not."""
    size = BROWSERS_OWN * scale
    settings.send("Page.setFontSizes", {"fontSizes": {"standard": size, "fixed": size}})


def whole_page(page: Page, width: int, size: int) -> None:
    """A screen as high as the page, and what may still come: only what is in sight can be asked what lies over it."""
    height = 640
    for _ in range(2):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(RESIZED, {"width": width, "height": height, "size": size})
        height = page.evaluate("document.body.offsetHeight") + 640


def measured(page: Page, asked: dict[str, Any]) -> list[dict[str, str]]:
    answer = page.evaluate(MEASURE, asked)
    assert answer["texts"], f"nothing to read on {page.url}"
    return list(answer["found"])

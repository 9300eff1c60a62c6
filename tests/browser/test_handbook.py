"""The duty officer's guide on the screen, and its pictures: taken again with `--screenshots`, from the real pages."""

import io
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from fieldapp.config import ROOT
from tests.browser.evening import Evening
from tests.browser.people import DESK, Sitter
from tests.callers import Caller
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
LARGEST = 60_000  # bytes of one picture
SIZE = (960, 600)
RED = "台风吹倒广告牌，压住一辆车，里面有人喊"
CASES = (
    ("东门井盖碎了一半，没有围挡", "yellow", 22.9712, 115.3331),
    ("路灯三天不亮，放学的路很黑", "blue", 22.9655, 115.3405),
    ("海堤边有人翻过护栏钓鱼", "yellow", 22.9598, 115.3262), ("巷口纸箱挡住消防通道", "yellow", 22.9779, 115.3290),
    ("东门的井盖破了，晚上看不见", "yellow", 22.9713, 115.3333), (RED, "red", 22.9741, 115.3375),
)  # fmt: skip


@pytest.fixture
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the pictures go."""
    return ROOT / "static" / "guide" if request.config.getoption("--screenshots") else tmp_path


def files(vik: Caller, text: str, severity: str, lat: float, lon: float) -> str:
    """A report from a place; the number of its case."""
    id_, place = uuid4(), {"lat": lat, "lon": lon, "accuracy_m": 8, "age_s": 1, "source": "gps"}
    vik.ask("PUT", f"/api/reports/{id_}", vik.report(text, severity) | {"position": place, "category": "facility"})
    return str(vik.ask("GET", f"/api/reports/{id_}")["case_number"])


def take(sitter: Sitter, path: str, kept: Path, name: str, waits: str) -> None:
    """One page as a picture that a slow line can bear."""
    sitter.page.goto(path)
    expect(sitter.page.locator(waits).first).to_be_visible()
    if "called" in waits:
        sitter.page.locator(waits).first.scroll_into_view_if_needed()
    shot = Image.open(io.BytesIO(sitter.page.screenshot())).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    shot.save(kept / f"{name}.webp", quality=60, method=6)
    assert (kept / f"{name}.webp").stat().st_size <= LARGEST


def test_the_guide_is_read_at_the_desk_with_pictures_of_the_real_pages(
    chromium: Browser, fresh_town: Product, vik: Caller, kept: Path
) -> None:
    evening = Evening(chromium, fresh_town)
    numbers = [files(vik, *one) for one in CASES]
    evening.does("dora", "accept", numbers[0])
    evening.does("dora", "dispatch", numbers[0], to=["ada"])
    desk = Sitter(chromium, fresh_town, kept, **(DESK | {"viewport": {"width": 1280, "height": 800}}))
    desk.log_in("dora")
    take(desk, "/desk", kept, "desk", ".queue-row")
    take(desk, f"/desk/cases/{numbers[4]}", kept, "case", "#case .case")
    take(desk, f"/desk/cases/{numbers[5]}", kept, "unreached", "#case .called")
    take(desk, "/desk/map", kept, "map", "main")
    take(desk, "/desk/handover", kept, "handover", "main h1")
    desk.page.goto("/desk")
    desk.page.keyboard.press("?")
    desk.page.locator("#help a").click()
    pictures = desk.page.locator(".handbook img")
    expect(pictures).to_have_count(5)
    for place in range(5):
        pictures.nth(place).scroll_into_view_if_needed()
        expect(pictures.nth(place)).to_have_js_property("complete", True)
        assert pictures.nth(place).evaluate("image => image.naturalWidth") == SIZE[0]
    desk.close()

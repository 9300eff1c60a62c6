"""A photo gets small enough for a bad line beside the page, upright and whole; what goes wrong there harms nothing."""

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, expect

from tests.browser.drafting import choose, form, lightened, rows
from tests.browser.people import PHONE, Sitter
from tests.pictures import encoded, jpeg_with_everything
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

LARGEST = 320_000
WORKER_LEAVES_AFTER_S = 12
NOT_ON_THE_PAGE = "HTMLCanvasElement.prototype.toBlob = () => { throw new Error('the page itself is to rest'); };"
LONG_TASKS = """
    window.longTasks = [];
    new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: "longtask" });
"""
DRAWS = """
onmessage = async ({ data: { size } }) => {
    const canvas = new OffscreenCanvas(SIZE);
    const context = canvas.getContext("2d");
    context.fillStyle = "COLOUR";
    context.fillRect(0, 0, canvas.width, canvas.height);
    postMessage(await canvas.convertToBlob({ type: "image/jpeg" }));
};
"""
BAD_WORKERS = {
    "it cannot be had": None,
    "it does not start": "throw new Error('no module worker')",
    "it dies of a photo": "onmessage = () => { throw new Error('out of memory'); };",
    "it gives up": "onmessage = () => postMessage(null);",
    "it answers with garbage": "onmessage = () => postMessage(new Blob([new Uint8Array(9000)]));",
    "its picture is black": DRAWS.replace("SIZE", "size.width, size.height").replace("COLOUR", "black"),
    "its picture lies on its side": DRAWS.replace("SIZE", "size.height, size.width").replace("COLOUR", "teal"),
    "its picture is tiny": DRAWS.replace("SIZE", "size.width / 8, size.height / 8").replace("COLOUR", "teal"),
    "it hangs": "onmessage = () => {};",
}


@pytest.fixture
def vik(chromium: Browser, town: Product, tmp_path: Path) -> Iterator[Sitter]:
    """A patrol whose page asks the network for every script, so that a test may give it another one."""
    sitter = Sitter(chromium, town, tmp_path, service_workers="block", **PHONE)
    sitter.log_in("vik")
    yield sitter
    sitter.close()


def street(width: int, height: int, orientation: int = 1) -> bytes:
    """A photo full of fine detail, red in the corner that is its upper left before it is turned."""
    chance = random.Random(width)
    image = Image.effect_noise((width // 2, height // 2), 40).resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for _ in range(4000):
        x, y = chance.randrange(width), chance.randrange(height)
        draw.line((x, y, x + chance.randrange(-20, 20), y + 24), fill=(30, chance.randrange(60, 200), 40), width=3)
    draw.rectangle((0, 0, width // 4, height // 4), fill="#d00")
    exif = Image.Exif()
    exif[0x0112] = orientation
    target = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.6)).save(target, "JPEG", quality=88, exif=exif)
    return target.getvalue()


def is_red(image: Image.Image, across: float, down: float) -> bool:
    red, green, blue = image.convert("RGB").getpixel((int(image.width * across), int(image.height * down)))
    return bool(red > 150 and green < 90 and blue < 90)


def test_a_worker_makes_it_small_while_the_page_rests(vik: Sitter) -> None:
    vik.context.add_init_script(NOT_ON_THE_PAGE + LONG_TASKS)
    page = form(vik)
    workers: list[str] = []
    page.on("worker", lambda worker: workers.append(worker.url))
    original = street(4000, 3000)
    choose(page, original)
    page.evaluate("() => { window.longTasks.length = 0; }")
    image = lightened(vik)
    (file,) = rows(page, "files")
    print(f"12 MP: {len(original)} -> {len(file['data'])} bytes, longest tasks {page.evaluate('window.longTasks')} ms")
    assert [url.rsplit("/", 1)[1] for url in workers] == ["shrink.js"]
    assert len(file["data"]) <= LARGEST
    assert max(image.size) >= 1024
    assert abs(image.width / image.height - 4 / 3) < 0.01
    expect(page.locator("#photos img")).to_have_js_property("naturalWidth", image.width)


@pytest.mark.parametrize("fault", BAD_WORKERS)
def test_a_worker_that_fails_is_made_up_for_by_the_page(vik: Sitter, fault: str) -> None:
    asked: list[str] = []
    script = BAD_WORKERS[fault]

    def answer(route: Any) -> None:
        asked.append(fault)
        if script is None:
            route.abort()
        else:
            route.fulfill(body=script, content_type="text/javascript")

    vik.context.route("**/js/shrink.js", answer)
    page = form(vik)
    choose(page, street(3000, 2000))
    image = lightened(vik, WORKER_LEAVES_AFTER_S + 20)
    assert asked == [fault]
    assert is_red(image, 0.1, 0.1)
    assert not is_red(image, 0.9, 0.9)
    assert len(rows(page, "files")[0]["data"]) <= LARGEST


def test_a_turned_photo_stands_upright_and_says_nothing_of_its_place(vik: Sitter) -> None:
    vik.context.add_init_script(NOT_ON_THE_PAGE)
    page = form(vik)
    choose(page, street(4000, 3000, orientation=6))
    image = lightened(vik)
    assert image.height > image.width
    assert is_red(image, 0.9, 0.1)
    assert not is_red(image, 0.1, 0.9)
    assert not image.getexif()


def test_forty_eight_megapixels_go_through(vik: Sitter) -> None:
    vik.context.add_init_script(NOT_ON_THE_PAGE)
    page = form(vik)
    choose(page, street(8000, 6000, orientation=6))
    image = lightened(vik, 40)
    assert 1024 <= image.height <= 2048
    assert is_red(image, 0.9, 0.1)
    assert len(rows(page, "files")[0]["data"]) <= LARGEST


def test_what_this_phone_cannot_draw_stays_as_it_was_taken(vik: Sitter) -> None:
    page = form(vik)
    original = encoded("HEIF")
    choose(page, original, "image/heic")
    vik.sees("第 1 张照片", within="#photos")
    page.locator("#text").fill("苹果手机拍的")
    page.locator("#send").tap()
    expect(page.locator("#done")).to_be_visible(timeout=15_000)
    (file,) = [row for row in rows(page, "files") if row["kind"] == "photo"] or [{"data": original}]
    assert file["data"] == original
    vik.sees("中心已全部收到")
    originals = Path(vik.product.env["FIELDAPP_INSTANCE"], "photos", "originals")
    assert original in [path.read_bytes() for path in originals.rglob("*") if path.is_file()]


def test_a_dark_night_keeps_its_original(vik: Sitter) -> None:
    page = form(vik)
    target = io.BytesIO()
    Image.effect_noise((1600, 1200), 3).point(lambda value: max(0, value - 126)).save(target, "JPEG", quality=100)
    choose(page, target.getvalue())
    page.locator("#text").fill("夜里")
    page.locator("#send").tap()
    expect(page.locator("#done")).to_be_visible(timeout=15_000)
    vik.sees("中心已全部收到")
    originals = Path(vik.product.env["FIELDAPP_INSTANCE"], "photos", "originals")
    assert target.getvalue() in [path.read_bytes() for path in originals.rglob("*") if path.is_file()]


def test_a_small_photo_is_not_blown_up(vik: Sitter) -> None:
    page = form(vik)
    choose(page, jpeg_with_everything(width=900, height=600))
    assert lightened(vik).size == (900, 600)
    assert page.locator("#photos img").count() == 1

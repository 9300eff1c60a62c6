"""打码: what was covered is covered for good. The unmasked bytes are neither on the phone nor ever on the wire."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.drafting import choose, drag, form, killed_and_reopened, lightened, picture, rows
from tests.browser.people import PHONE, Sitter
from tests.pictures import encoded
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

FACE = (220, 30, 30)
STILL_THERE = """(src) => new Promise((done) => {
    Object.assign(new Image(), { onload: () => done(true), onerror: () => done(false), src });
})"""
NEVER_SMALLER = "Worker = class { constructor() { throw new Error('no worker'); } };"
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });"
SLOW_TO_SHRINK = """
    window.quickly = HTMLCanvasElement.prototype.toBlob;
    HTMLCanvasElement.prototype.toBlob = function (done, ...how) {
        window.quickly.call(this, (blob) => { window.shrunk = () => done(blob); }, ...how);
    };
"""
DIES_WHILE_STORING = """
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (value, ...key) {
        if (window.dying && this.name === "files") throw new DOMException("killed", "AbortError");
        return put.call(this, value, ...key);
    };
"""


@pytest.fixture
def vik(chromium: Browser, town: Product, tmp_path: Path) -> Iterator[Sitter]:
    sitter = Sitter(chromium, town, tmp_path, service_workers="block", **PHONE)
    sitter.log_in("vik")
    yield sitter
    sitter.close()


def crowd(orientation: int = 1, width: int = 1600, height: int = 1200) -> bytes:
    """A grey street with a red face in the middle of its upper right quarter, as it is looked at."""
    upright = (height, width) if orientation == 6 else (width, height)
    image = Image.effect_noise((upright[0] // 4, upright[1] // 4), 30).resize(upright).convert("RGB")
    across, down, half = int(upright[0] * 0.75), int(upright[1] * 0.25), upright[0] // 16
    image.paste(FACE, (across - half, down - half, across + half, down + half))
    if orientation == 6:
        image = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = orientation
    target = io.BytesIO()
    image.save(target, "JPEG", quality=95, exif=exif)
    return target.getvalue()


def has_face(image: Image.Image) -> bool:
    """Any red is left, anywhere."""
    colours = image.convert("RGB").resize((64, 64)).tobytes()
    return any(red > 150 and green < 100 for red, green in zip(colours[::3], colours[1::3], strict=True))


def is_covered(image: Image.Image, across: float, down: float) -> bool:
    red, green, blue = image.convert("RGB").getpixel((int(image.width * across), int(image.height * down)))
    return bool(max(red, green, blue) < 80 and max(red, green, blue) - min(red, green, blue) < 12)


def opened(sitter: Sitter) -> Page:
    sitter.page.get_by_role("button", name="打码").tap()
    expect(sitter.page.locator("dialog.mask canvas")).to_be_visible(timeout=15_000)
    sitter.until("() => document.querySelector('dialog.mask canvas').getBoundingClientRect().width > 100")
    return sitter.page


def place_of(page: Page, across: float, down: float) -> tuple[float, float]:
    box = page.locator("dialog.mask canvas").bounding_box()
    assert box
    return box["x"] + box["width"] * across, box["y"] + box["height"] * down


def cover_the_face(page: Page) -> None:
    drag(page, place_of(page, 0.66, 0.14), place_of(page, 0.84, 0.36))
    expect(page.locator("dialog.mask [role=status]")).to_have_text("盖住了 1 处")


def done(page: Page) -> None:
    page.get_by_role("button", name="好了").tap()
    expect(page.locator("dialog")).to_have_count(0)


def photos_on(page: Page) -> list[bytes]:
    return [row["data"] for row in rows(page, "files") if row["kind"] == "photo"]


def arrived(sitter: Sitter) -> Image.Image:
    """The one photo of the report that vik has just sent, from the server's own store."""
    sent = rows(sitter.page, "sent")[-1]
    (photo_id,) = sent["receipt"]["photos"]["received"]
    folder = Path(sitter.product.env["FIELDAPP_INSTANCE"], "photos", "originals")
    (path,) = [path for path in folder.rglob("*") if photo_id in path.name or photo_id.replace("-", "") in path.name]
    return picture(path.read_bytes())


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_covered_face_reaches_the_desk_covered(vik: Sitter, orientation: int) -> None:
    page = form(vik)
    choose(page, crowd(orientation))
    before = lightened(vik).size
    page = opened(vik)
    cover_the_face(page)
    done(page)
    (masked,) = photos_on(page)
    image = picture(masked)
    assert (image.width < image.height) == (orientation == 6)
    assert image.size == before, "as large as it was stored"
    assert not has_face(image)
    assert is_covered(image, 0.75, 0.25)
    assert not is_covered(image, 0.25, 0.75)
    expect(page.locator("#photos img")).to_have_js_property("naturalWidth", image.width)
    page.locator("#text").fill(f"有人脸 {orientation}")
    page.locator("#send").tap()
    vik.sees("中心已全部收到", 20)
    there = arrived(vik)
    assert not has_face(there)
    assert is_covered(there, 0.75, 0.25)
    assert there.size == image.size


def test_a_tap_is_enough_and_can_be_taken_back(vik: Sitter) -> None:
    page = form(vik)
    choose(page, crowd())
    before = lightened(vik)
    page = opened(vik)
    page.touchscreen.tap(*place_of(page, 0.2, 0.8))
    page.touchscreen.tap(*place_of(page, 0.75, 0.25))
    expect(page.locator("dialog.mask [role=status]")).to_have_text("盖住了 2 处")
    page.get_by_role("button", name="撤销").tap()
    expect(page.locator("dialog.mask [role=status]")).to_have_text("盖住了 1 处")
    done(page)
    image = picture(photos_on(page)[0])
    assert is_covered(image, 0.2, 0.8)
    assert has_face(image)
    assert image.size == before.size


def test_the_keyboard_moves_and_sizes_the_last_box(vik: Sitter) -> None:
    page = form(vik)
    choose(page, crowd())
    page = opened(vik)
    page.locator("dialog.mask canvas").focus()
    page.keyboard.press("Enter")
    for key, times in (("ArrowRight", 12), ("ArrowUp", 12), ("+", 3), ("-", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    done(page)
    image = picture(photos_on(page)[0])
    assert is_covered(image, 0.74, 0.26)
    assert not is_covered(image, 0.5, 0.5)


@pytest.mark.parametrize("way", ["escape", "back", "button"])
def test_who_leaves_has_changed_nothing(vik: Sitter, way: str) -> None:
    page = form(vik)
    choose(page, crowd())
    lightened(vik)
    (before,), address = photos_on(page), page.url
    page = opened(vik)
    cover_the_face(page)
    if way == "escape":
        page.keyboard.press("Escape")
    elif way == "back":
        page.evaluate("history.back()")
    else:
        page.get_by_role("button", name="不改了").tap()
    expect(page.locator("dialog")).to_have_count(0)
    assert photos_on(page) == [before]
    assert page.url == address
    expect(page.locator("#send")).to_be_visible()


def test_the_unmasked_bytes_are_nowhere_on_the_phone(vik: Sitter) -> None:
    page = form(vik)
    original = crowd()
    choose(page, original)
    lightened(vik)
    (small,) = photos_on(page)
    seen_at = page.locator("#photos img").get_attribute("src")
    page = opened(vik)
    cover_the_face(page)
    done(page)
    held = [row for store in ("drafts", "reports", "files", "sent", "kv") for row in rows(page, store)]
    kept = [row["data"] for row in held if isinstance(row, dict) and "data" in row]
    assert len(kept) == 1
    assert original not in kept
    assert small not in kept
    gone = page.evaluate(STILL_THERE, seen_at) is False
    assert gone, "what the strip showed is let go of as well"


def test_a_smaller_copy_that_comes_late_does_not_bring_the_face_back(vik: Sitter) -> None:
    """The phone is so slow that the mask is finished first."""
    vik.context.add_init_script(NEVER_SMALLER + SLOW_TO_SHRINK)
    page = form(vik)
    choose(page, crowd())
    vik.until("() => Boolean(window.shrunk)")
    page.evaluate("() => { window.late = window.shrunk; HTMLCanvasElement.prototype.toBlob = window.quickly; }")
    page = opened(vik)  # after it has waited its time
    cover_the_face(page)
    done(page)
    (masked,) = photos_on(page)
    page.evaluate("() => window.late()")
    page.wait_for_timeout(1500)
    assert photos_on(page) == [masked]
    assert not has_face(picture(masked))
    page = killed_and_reopened(vik)
    page.wait_for_timeout(1500)
    assert photos_on(page) == [masked], "no later visit makes anything of it either"


def test_a_second_tab_does_not_bring_the_face_back_either(vik: Sitter) -> None:
    """A browser without Web Locks lets two tabs write one draft; the other one is still shrinking."""
    vik.context.add_init_script(NEVER_SMALLER + SLOW_TO_SHRINK + NO_LOCKS)
    page = form(vik)
    choose(page, crowd())
    vik.until("() => Boolean(window.shrunk)")
    other = vik.context.new_page()
    other.goto(page.url)
    expect(other.locator("#photos img")).to_have_count(1)
    for _ in range(100):
        if other.evaluate("() => Boolean(window.shrunk)"):
            break
        other.wait_for_timeout(100)
    page.bring_to_front()
    page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = window.quickly; }")
    page = opened(vik)
    cover_the_face(page)
    done(page)
    (masked,) = photos_on(page)
    other.evaluate("() => { HTMLCanvasElement.prototype.toBlob = window.quickly; window.shrunk(); }")
    other.wait_for_timeout(1500)
    assert photos_on(page) == [masked]


def test_a_page_killed_while_storing_leaves_the_old_or_the_new(vik: Sitter) -> None:
    vik.context.add_init_script(DIES_WHILE_STORING)
    page = form(vik)
    choose(page, crowd())
    lightened(vik)
    (before,) = photos_on(page)
    page = opened(vik)
    cover_the_face(page)
    page.evaluate("() => { window.dying = true; }")
    page.get_by_role("button", name="好了").tap()
    vik.sees("没有存下", within="dialog")
    assert photos_on(page) == [before]
    page = killed_and_reopened(vik)
    expect(page.locator("#photos img")).to_have_count(1)
    assert photos_on(page) == [before]
    page = opened(vik)
    cover_the_face(page)
    page.get_by_role("button", name="好了").tap(no_wait_after=True)
    page = killed_and_reopened(vik)
    (found,) = photos_on(page)
    assert found == before or not has_face(picture(found))
    (entry,) = rows(page, "drafts")[0]["files"]
    assert entry["bytes"] == len(found)


def test_a_photo_that_cannot_be_drawn_is_not_pretended_to(vik: Sitter) -> None:
    page = form(vik)
    original: bytes = encoded("HEIF")
    choose(page, original, "image/heic")
    vik.sees("第 1 张照片", within="#photos")
    page.get_by_role("button", name="打码").tap()
    vik.sees("打不开这张照片", within="#complaint")
    assert photos_on(page) == [original]


@pytest.mark.parametrize("device", [{"width": 320, "height": 568}, {"width": 390, "height": 844}])
def test_the_buttons_are_for_thumbs(vik: Sitter, device: Any) -> None:
    vik.page.set_viewport_size(device)
    page = form(vik)
    choose(page, crowd())
    page = opened(vik)
    for button in page.locator("dialog.mask button").all():
        box = button.bounding_box()
        assert box
        assert box["height"] >= 60
        assert box["y"] + box["height"] <= device["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= device["width"]

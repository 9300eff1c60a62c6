"""What a phone holds of a report that is being written, read out of its own database with every byte."""

import base64
import io
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.people import Sitter

ROWS = """async (store) => {
    const db = await new Promise((done) => {
        const request = indexedDB.open("fieldapp");
        request.onsuccess = () => done(request.result);
    });
    const rows = await new Promise((done) => {
        const request = db.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => done(request.result);
    });
    db.close();
    const text = (data) => new Promise((done) => {
        const reader = new FileReader();
        reader.onload = () => done(reader.result.split(",")[1] ?? "");
        reader.readAsDataURL(new Blob([data]));
    });
    return Promise.all(rows.map(async (row) => (row?.data ? { ...row, data: await text(row.data) } : row)));
}"""


def rows(page: Page, store: str) -> list[dict[str, Any]]:
    """All rows of a store on this phone; bytes come as bytes."""
    return [_with_bytes(row) for row in page.evaluate(ROWS, store)]


def _with_bytes(row: Any) -> Any:
    return row | {"data": base64.b64decode(row["data"])} if isinstance(row, dict) and "data" in row else row


def form(sitter: Sitter, path: str = "/report?new=1") -> Page:
    """An open form, ready for a thumb."""
    sitter.page.goto(path)
    expect(sitter.page.locator("#tiles .tile").first).to_be_visible()
    return sitter.page


def killed_and_reopened(sitter: Sitter) -> Page:
    """Android takes the page away without a word; the person opens it again."""
    address = sitter.page.url
    sitter.page.close(run_before_unload=False)
    sitter.page = sitter.context.new_page()
    return form(sitter, address)


def choose(page: Page, content: bytes, kind: str = "image/jpeg") -> None:
    """Pick one more photo from the gallery; it is on disk and in the strip afterwards."""
    before = page.locator("#photos .drop").count()
    page.locator("#gallery").set_input_files({"name": "photo.jpg", "mimeType": kind, "buffer": content})
    expect(page.locator("#photos .drop")).to_have_count(before + 1)


def lightened(sitter: Sitter, seconds: float = 20) -> Image.Image:
    """The only photo of the draft once a smaller copy has taken its place."""
    sitter.until(f"async () => (await ({ROWS})('drafts'))[0].files[0]?.tries === 0", seconds)
    return picture(rows(sitter.page, "files")[0]["data"])


def picture(content: bytes) -> Image.Image:
    """Decoded to the last pixel."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def drag(page: Page, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """One finger over the screen, at rest before it is lifted."""
    finger = page.context.new_cdp_session(page)
    steps = [(begin[0] + (end[0] - begin[0]) * n / 8, begin[1] + (end[1] - begin[1]) * n / 8) for n in range(9)]
    for kind, (x, y) in [("touchStart", steps[0]), *(("touchMove", at) for at in steps[1:])]:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    page.wait_for_timeout(300)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(100)
    finger.detach()

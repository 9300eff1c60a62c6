"""A patrol's phone on a bad line: what is stored on it, what it says, and what has become of it at the desk."""

import hashlib
import itertools
import re
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, Page, expect

from tests.browser.people import PHONE, Sitter
from tests.browser.relay import BadLine
from tests.pictures import jpeg_with_everything
from tests.processes import Product

TEXT = r"PUT /api/reports/[0-9a-f-]+"
PHOTO = TEXT + r"/photos/[0-9a-f-]+"
ANYTHING = r"\w+ /api/.*"
CODES = re.compile(r"http_\d|file_\w+|undefined|null|state_|why_")
STORE = """async ({ store, change }) => {
    const database = await new Promise((done, fail) => {
        const request = indexedDB.open("fieldapp");
        request.onsuccess = () => done(request.result);
        request.onerror = () => fail(request.error);
    });
    const transaction = database.transaction(store, change ? "readwrite" : "readonly");
    const ended = new Promise((done) => { transaction.oncomplete = done; });
    const rows = await new Promise((done) => {
        const request = transaction.objectStore(store).getAll();
        request.onsuccess = () => done(request.result);
    });
    if (change === "damage") {
        for (const row of rows) {
            new Uint8Array(row.data)[500] ^= 255;
            transaction.objectStore(store).put(row);
        }
    }
    if (change === "lease") {
        transaction.objectStore(store).put({ holder: "asleep", until: Date.now() + 3000 }, "fieldapp-outbox");
    }
    await ended;
    database.close();
    return rows.map((row) => ({ ...row, data: undefined }));
}"""


class Phone(Sitter):
    """A patrol's phone on a bad line."""

    def __init__(self, browser: Browser, town: Product, line: BadLine, worker: bool = False, user: str = "vik") -> None:
        workers = "allow" if worker else "block"
        super().__init__(browser, town, Path(), url=line.url, service_workers=workers, **PHONE)
        self.line = line
        self.files: set[str] = set()  # hashes of what was filed
        if user:
            self.log_in(user)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.context.close() if kind else self.close()

    def file(self, text: str, *photos: bytes, red: bool = False, page: Page | None = None) -> str:
        """Write a report and press the button; the id under which it is safe on the phone."""
        page = page or self.page
        page.goto("/report?new=1")
        expect(page.locator("#tiles .tile").first).to_be_visible(timeout=15_000)
        if photos:
            named = [{"name": "image.jpg", "mimeType": "image/jpeg", "buffer": photo} for photo in photos]
            page.locator("#gallery").set_input_files(named)
            expect(page.locator("#photos img")).to_have_count(len(photos))
        page.locator("#text").fill(text)
        if red:
            page.get_by_text("紧急").tap()
        page.locator("#send").tap()
        page.locator("#done").wait_for()
        found = [report for report in self.rows("reports", page) if report["body"]["text"] == text]
        for report in found:
            self.files |= {photo["sha256"] for photo in report["body"]["photos"]}
        return str(found[0]["id"]) if found else ""

    def rows(self, store: str, page: Page | None = None, change: str = "") -> list[dict[str, Any]]:
        return list((page or self.page).evaluate(STORE, {"store": store, "change": change}))

    def queue(self) -> list[dict[str, Any]]:
        return self.rows("reports")

    def wake(self, event: str = "online") -> None:
        self.page.evaluate(f"() => dispatchEvent(new Event('{event}'))")

    def insist(self) -> None:
        """Look into the list, and press 立即发送 if something still waits then."""
        self.open_list()
        self.page.wait_for_timeout(400)
        self.page.evaluate("() => { const way = document.getElementById('send-now'); if (!way.hidden) way.click(); }")

    def open_list(self) -> None:
        self.page.goto("/reports")
        expect(self.page.locator("#list li").first).to_be_visible()

    def says(self, words: str, of: str = "", seconds: float = 15) -> None:
        """The sentence is on the screen (`of` a report in the list), and nothing on it is a program's word."""
        self.sees(words, seconds, f"#list li[data-id='{of}']" if of else "main")
        shown = self.page.locator("main").inner_text()
        assert not CODES.search(shown), shown

    def has_tried(self, pattern: str, times: int) -> None:
        """Such a request has gone out so often, and no more often."""
        for _ in range(150):
            if self.line.seen(pattern) >= times:
                break
            self.page.wait_for_timeout(100)
        assert self.line.seen(pattern) == times, self.line.requests

    def reported(self, text: str) -> list[dict[str, Any]]:
        return [item for item in self.api("/api/reports")["items"] if item["title"] == text]

    def arrives(self, text: str, seconds: float = 15) -> None:
        """It is at the desk, once and whole, and nothing of it is left on the phone; when nothing else waits there,
        every byte of every file is on the server's disk.
        """
        for _ in range(int(seconds * 10)):
            if [item["complete"] for item in self.reported(text)] == [True]:
                break
            self.page.wait_for_timeout(100)
        assert [item["complete"] for item in self.reported(text)] == [True], (self.reported(text), self.queue())
        self.leaves(text)
        assert self.queue() or self.files <= self.on_disk()

    def leaves(self, text: str) -> None:
        """The phone has let go of it."""
        for _ in range(50):
            if not [report for report in self.queue() if report["body"]["text"] == text]:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(self.queue())

    def on_disk(self) -> set[str]:
        """Hashes of every original the server has."""
        originals = Path(self.product.env["FIELDAPP_INSTANCE"], "photos", "originals")
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in originals.rglob("*") if path.is_file()}


WIDTHS = itertools.count(480)


def photo() -> bytes:
    """No two are alike: what is on the server's disk has come just now."""
    return jpeg_with_everything(width=next(WIDTHS), height=480)

"""The desk's map in a real browser: good without tiles, and with a service of one's own asked for the right ones."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from fieldapp.rules import gcj
from tests.browser.evening import picture
from tests.browser.people import HEADERS, PHONE, Sitter
from tests.callers import Caller
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}


@contextmanager
def tile_service() -> Iterator[tuple[str, list[str]]]:
    """A tile service of this machine: its address, and what it was asked for."""
    asked: list[str] = []

    class Tiles(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            with suppress(ConnectionError):  # the page moved on
                self.wfile.write(picture())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def tile_of(lat: float, lon: float, zoom: int) -> str:
    """z/x/y of the tile that a place lies on, as every such service counts them."""
    across = 2**zoom
    up = math.asinh(math.tan(math.radians(lat))) / math.pi
    return f"{zoom}/{int((lon + 180) / 360 * across)}/{int((1 - up) / 2 * across)}"


def test_the_map_is_good_without_tiles_and_asks_for_the_right_ones_with(
    chromium: Browser, town: Product, tmp_path: Path
) -> None:
    """In otto's town, where no other test does anything."""
    with Caller(town.port, "otto") as otto:
        red = filed(otto, "燃气味很大", "red", (22.971, 115.331))
        filed(otto, "路灯不亮", "blue", (22.98, 115.34))
        filed(otto, "没有定位的一件", "blue", None)
        without_tiles(chromium, town, tmp_path, red)
        with_tiles(chromium, town, tmp_path, red, otto)


def without_tiles(chromium: Browser, town: Product, tmp_path: Path, red: str) -> None:
    for device in (PHONE, WIDE):
        sitter = Sitter(chromium, town, tmp_path, service_workers="block", **device)
        sitter.log_in("otto")
        page = sitter.page
        page.goto("/desk/map")
        expect(page.locator("#map-count")).to_have_text("这一片的 2 件")
        expect(page.locator(".pin .pin-shape[data-severity=red]")).to_have_count(1)
        expect(page.locator(".leaflet-control-scale-line")).to_be_visible()
        page.locator("[name=severity]").select_option("blue")
        expect(page.locator("#map-rows .queue-row")).to_have_count(1)
        assert "severity=blue" in page.url
        page.locator("[name=severity]").select_option("")
        expect(page.locator("#map-rows .queue-row")).to_have_count(2)
        first = page.locator("#map-rows .queue-row").first
        first.focus()
        expect(page.locator(".pin-ring")).to_be_visible()  # who uses keys sees where the row lies
        page.locator(".pin:has([data-severity=red])").click()
        expect(page.locator(".map-card")).to_contain_text(red)
        expect(page.locator(".leaflet-pan-anim")).to_have_count(0)  # the map makes room for the card, and moves it
        page.locator(".map-card a").click()
        page.wait_for_url(f"**/desk/cases/{red}*")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sitter.close()


SIDE = 0.02  # degrees
ROUND_TOWN = [  # nine villages in a square with a boundary each, and one that is only guessed
    {
        "code": f"v{n}",
        "name": f"第{n}社区",
        "level": "village",
        "lat": 22.95 + n // 3 * SIDE,
        "lon": 115.3 + n % 3 * SIDE,
    }
    for n in range(10)
]


def bounded(place: dict[str, Any]) -> dict[str, Any]:
    west, south, half = place["lon"] - SIDE / 2, place["lat"] - SIDE / 2, SIDE
    ring = [[west, south], [west + half, south], [west + half, south + half], [west, south + half], [west, south]]
    known = place["code"] != "v9"
    return place | {"boundary": {"type": "Polygon", "coordinates": [ring]} if known else None}


def drawn_boxes(page: Page, what: str) -> list[tuple[float, float, float, float]]:
    found = (one.bounding_box() for one in page.locator(what).all())
    return [(box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for box in found if box]


def meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_names_stand_clear_of_each_other_and_of_cases_at_every_zoom_and_the_legend_shows_what_is_drawn(
    chromium: Browser, town: Product, tmp_path: Path
) -> None:
    """Places and cases are made up on the way to the page, so that no other test's town has them."""
    spot = {"severity": "yellow", "lat": 22.97, "lon": 115.32}
    many = spot | {"count": 7, "box": [115.3, 22.95, 115.34, 22.99]}
    one = spot | {"number": "HC-1", "title": "路灯", "status": "待受理", "place": "", "due_at": None, "lat": 22.95}
    sitter = Sitter(chromium, town, tmp_path, service_workers="block", **WIDE)
    page = sitter.page
    page.route("**/desk/map/places", lambda it: it.fulfill(json={"places": [bounded(one) for one in ROUND_TOWN]}))
    page.route("**/desk/map/box?*", lambda it: it.fulfill(json={"total": 8, "points": [one], "clusters": [many]}))
    sitter.log_in("otto")
    shown = []
    for zoom in range(8, 15):
        page.goto(f"/desk/map#{zoom}/22.97/115.32")
        page.reload()
        expect(page.locator(".pin")).to_have_count(2)
        expect(page.locator("#map-list[data-filled]")).to_be_visible()
        expect(page.locator("path.town")).to_have_count(9)
        names = page.locator(".area-name:not(.area-unnamed)").all_inner_texts()
        boxes = drawn_boxes(page, "#map .area-name:not(.area-unnamed)")
        taken = boxes + drawn_boxes(page, "#map .pin > span")
        clash = [(a, b) for n, a in enumerate(taken) for b in taken[n + 1 :] if meet(a, b) and a in boxes]
        assert not clash, (zoom, names)
        shown.append(set(names))
    assert all("附城镇" in names for names in shown[:4]) and "附城镇" not in shown[-1]
    assert shown[5] == {place["name"] for place in ROUND_TOWN}
    for mark in (".pin-many", "> span:not(.pin-many) > .pin-shape", ".pin-many > .pin-shape"):
        assert page.evaluate(LOOKS_ALIKE, mark), mark
    sitter.close()


LOOKS_ALIKE = """(mark) => {
    const looks = (where) => {
        const style = getComputedStyle(document.querySelector(`${where} ${mark}[data-severity=yellow]`));
        const said = ["backgroundColor", "borderTop", "clipPath", "width", "height", "fontStyle"];
        return said.map((name) => style[name]).join();
    };
    return looks("#map .pin") === looks(".map-legend .pin-sample");
}"""


def with_tiles(chromium: Browser, town: Product, tmp_path: Path, red: str, otto: Caller) -> None:
    with tile_service() as (address, asked):
        sitter = Sitter(chromium, town, tmp_path, service_workers="block", **WIDE)
        sitter.log_in("root")
        settings = {
            "url": address + "/{z}/{x}/{y}", "labels": "", "parts": "", "attribution": "测试图", "shift": "gcj02",
            "approval": "GS（2026）1 号", "low": "1", "high": "18",
        }  # fmt: skip
        saved = sitter.context.request.post("/admin/map", form=settings, headers=HEADERS)
        assert saved.status == 200, saved.text()
        sitter.log_in("otto")
        sitter.page.goto(f"/desk/map?case={red}")
        expect(sitter.page.locator("#map-credits")).to_have_text("测试图 · 审图号：GS（2026）1 号")
        expect(sitter.page.locator(".map-card")).to_contain_text(red)
        drawn = tile_of(*gcj.to_gcj(22.971, 115.331), zoom=17)
        expect(sitter.page.locator(f".leaflet-tile-loaded[src='{address}/{drawn}']")).to_be_visible()
        assert f"/{drawn}" in asked and all(path.startswith("/17/") for path in asked), "only those of what is shown"
        filed(otto, "刚刚又来一件", "yellow", (22.9712, 115.3314))
        expect(sitter.page.locator("#map-rows [data-fresh]")).to_have_text("刚刚又来一件")  # by itself, marked as new
        sitter.log_in("root")  # the town is shared: no other test's page waits for this service
        sitter.context.request.post("/admin/map", form=settings | {"url": ""}, headers=HEADERS)
        sitter.close()


def filed(by: Caller, text: str, severity: str, place: tuple[float, float] | None) -> str:
    """A report with or without a place; the number of its case."""
    position = None if place is None else {"lat": place[0], "lon": place[1], "source": "gps"}
    report_id = uuid4()
    by.ask("PUT", f"/api/reports/{report_id}", by.report(text, severity) | {"position": position})
    return str(by.ask("GET", f"/api/reports/{report_id}")["case_number"])

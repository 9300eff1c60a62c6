"""The maps: tiles from one host alone, boundaries from a file with every fault named, cells and their keepers."""

import html
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from fieldapp import clock
from fieldapp.config import ROOT
from fieldapp.db import db, writing
from fieldapp.models import Area, CellKeeper, User
from fieldapp.rules import gcj
from fieldapp.web.pwa import kept_files
from tests.domain.test_map import CELL, NEXT_VILLAGE, SOUTH_GATE, at, square
from tests.world import World

pytestmark = pytest.mark.onedb

TIANDITU = {
    "url": "https://t{s}.tianditu.gov.cn/vec_w/wmts?L=vec&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=abc",
    "labels": "https://t{s}.tianditu.gov.cn/cva_w/wmts?L=cva&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=abc",
    "parts": "01", "attribution": "天地图 <b>国家地理信息</b>", "approval": "GS（2024）0650 号",
    "low": "3", "high": "18", "shift": "wgs84",
}  # fmt: skip


def feature(boundary: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": boundary}


def upload(world: World, *features: dict[str, Any], **fields: str) -> str:
    content = json.dumps({"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False).encode()
    data = {"file": (io.BytesIO(content), "villages.geojson"), **fields}
    answer = world.root.post("/admin/boundaries/preview", data=data, content_type="multipart/form-data")
    assert answer.status_code == 200, answer.text
    return answer.text


def confirm(world: World, preview: str) -> None:
    kept = html.unescape(re.search(r'name="kept" value="([^"]*)"', preview).group(1))  # type: ignore[union-attr]
    assert world.root.post("/admin/boundaries/import", data={"kept": kept}).status_code == 303


def boundary(world: World, code: str) -> dict[str, Any] | None:
    with world.app.app_context():
        return db.session.scalar(select(Area.boundary).where(Area.code == code))


def pictures_from(world: World, person: str, path: str) -> str:
    policy = world.person(person).get(path).headers["Content-Security-Policy"]
    return next(part for part in policy.split("; ") if part.startswith("img-src"))


def test_only_the_maps_may_load_tiles_and_only_from_the_host_that_is_set(world: World) -> None:
    own = "img-src 'self' blob: data:"
    assert pictures_from(world, "dora", "/desk/map") == own
    assert world.root.post("/admin/map", data=TIANDITU).status_code == 303
    both = "https://t0.tianditu.gov.cn https://t1.tianditu.gov.cn"
    assert pictures_from(world, "dora", "/desk/map") == f"img-src 'self' {both} blob: data:"
    assert pictures_from(world, "root", f"/admin/boundaries/{SOUTH_GATE}") == f"img-src 'self' {both} blob: data:"
    assert pictures_from(world, "dora", "/desk") == own == pictures_from(world, "root", "/admin/map")
    page = world.dora.get("/desk/map").text
    assert (
        "GS（2024）0650 号" in json.loads(page.split('id="map-config">')[1].split("</script>")[0])["tiles"]["approval"]
    )
    assert "<b>国家" not in page, "what an admin types is text, never a part of the page"
    assert world.root.post("/admin/map", data=TIANDITU | {"url": "", "labels": ""}).status_code == 303
    assert pictures_from(world, "dora", "/desk/map") == own


WRONG_TILES = [
    ("url", "https://tiles.example/{z}/{x}.png"), ("url", "ftp://tiles.example/{z}/{x}/{y}"),
    ("url", "https://tiles.example;script-src *//{z}/{x}/{y}"), ("url", "https://a@tiles.example/{z}/{x}/{y}"),
    ("url", "https://*/{z}/{x}/{y}"), ("url", "https://[x/{z}/{x}/{y}"), ("url", "https://tiles.example/{z}/{x}/{y}?{key}"),
    ("labels", "https://t{s}.x/{z}/{x}/{y} '"), ("parts", ""), ("parts", "0 *"), ("attribution", ""), ("high", "2"),
    ("low", "x"), ("shift", "bd09"), ("approval", "号" * 401),
]  # fmt: skip


def test_tile_settings_that_cannot_work_are_refused_and_the_old_ones_stay(world: World) -> None:
    for field, value in WRONG_TILES:
        answer = world.root.post("/admin/map", data=TIANDITU | {field: value})
        assert answer.status_code == 422, (field, value)
    assert "tianditu" not in pictures_from(world, "dora", "/desk/map")


def test_no_phone_keeps_the_maps_and_no_tile_lies_in_the_repository(world: World) -> None:
    assert not [name for name in kept_files() if "leaflet" in name or "gcoord" in name or "map" in name]
    assert "leaflet" not in world.dora.get("/desk").text
    served = {path.suffix for path in (ROOT / "static" / "vendor").iterdir()}
    assert served == {".js", ".css", ".md"}, "Leaflet's own pictures are not needed"
    assert "Cache" not in (Path(ROOT) / "static/js/desk-map.js").read_text()


def test_an_admin_looks_at_a_file_before_it_changes_anything(world: World) -> None:
    """Half of the features of a surveyor's file are wrong, each in another way."""
    tie = [[115.3, 22.9], [115.34, 22.94], [115.34, 22.9], [115.3, 22.95]]
    shown = upload(
        world,
        feature(square(115.30, 22.90, 0.02), code=SOUTH_GATE, name="另一个名字"),
        feature({"type": "MultiPolygon", "coordinates": [[tie]]}, code="", name="新安社区"),
        feature(square(115.301, 22.901, 0.005), code=CELL),
        feature(square(115.1, 22.9, 0.01), name="附城镇某村"),
        feature(square(115.30, 22.90, 0.01), code=SOUTH_GATE),
        feature(square(116.30, 22.90, 0.01), code="441521115006"),
        feature({"type": "LineString", "coordinates": [[115.3, 22.9], [115.4, 22.9]]}, code="441521115007"),
        feature(square(115.30, 22.90, 0.01), code="441521119001"),
        {"type": "Feature", "properties": None, "geometry": None}, feature(None), "x", 7,  # type: ignore[arg-type]
    )  # fmt: skip
    assert "3 个可以导入，9 个不行" in shown and shown.count("✗") == 9
    for said in ("新建网格", "线自己交叉", "编码和名称都对不上", "两个图形是同一个地方", "有的角在本县之外", "不是面"):
        assert said in shown
    assert boundary(world, SOUTH_GATE) is None, "looking writes nothing"
    confirm(world, shown)
    assert boundary(world, SOUTH_GATE)["coordinates"][0][2] == [115.32, 22.92]  # type: ignore[index]
    assert boundary(world, NEXT_VILLAGE) is not None and boundary(world, "441521119001") is None
    number = world.vik.files("在新网格里", **at(22.903, 115.303)).number
    assert world.dora.case(number)["area_code"] == CELL
    assert "南门社区第1网格" in world.dora.get(f"/desk/cases/{number}").text
    assert "换掉原来的边界" in upload(world, feature(square(115.30, 22.90, 0.03), 编号=SOUTH_GATE), code="编号")


def test_a_file_drawn_on_a_shifted_map_is_put_back_where_it_is(world: World) -> None:
    true = square(115.30, 22.90, 0.02)
    drawn = [list(reversed(gcj.to_gcj(lat, lon))) for lon, lat in true["coordinates"][0]]
    confirm(world, upload(world, feature(drawn_on(drawn), code=SOUTH_GATE), shift="gcj02"))
    stored = boundary(world, SOUTH_GATE)
    assert stored is not None
    for got, want in zip(stored["coordinates"][0], true["coordinates"][0], strict=True):
        assert max(abs(a - b) for a, b in zip(got, want, strict=True)) < 1e-6


def drawn_on(ring: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring]}


def test_a_file_that_is_none_says_so(world: World) -> None:
    for content in (b"", b"{", b"[]", b'{"features": {}}', b"\xff\xfe", b"[" * 100_000, b"null"):
        data = {"file": (io.BytesIO(content), "x.json")}
        answer = world.root.post("/admin/boundaries/preview", data=data, content_type="multipart/form-data")
        assert answer.status_code == 422 and "不是 GeoJSON" in answer.text, content[:20]


def test_what_comes_back_from_a_preview_is_checked_again_and_written_whole_or_not_at_all(world: World) -> None:
    good = {"code": SOUTH_GATE, "name": "", "boundary": square(115.30, 22.90, 0.02)}
    for wrong in ({"code": 1}, {"code": "441521119001", "boundary": good["boundary"]}, good | {"boundary": None}):
        wanted = json.dumps([good, wrong])
        assert world.root.post("/admin/boundaries/import", data={"kept": wanted}).status_code == 422
    for text in ("", "[]", "{}", "7"):
        assert world.root.post("/admin/boundaries/import", data={"kept": text}).status_code == 422
    assert boundary(world, SOUTH_GATE) is None


def test_a_boundary_is_written_by_hand_mended_and_taken_away(world: World) -> None:
    path = f"/admin/boundaries/{SOUTH_GATE}"
    corners = "22.90, 115.30\n22.92，115.30\r\n22.92, 115.32\n"
    assert world.root.post(path, data={"corners": corners}).status_code == 303
    assert boundary(world, SOUTH_GATE)["coordinates"][0][1] == [115.30, 22.92]  # type: ignore[index]
    assert "22.920000, 115.320000" in world.root.get(path).text
    for wrong in ("22.9, 115.3\n22.9", "a, b", "22.9, 115.3\n22.92, 115.3", "115.3, 22.9\n115.4, 22.9\n115.4, 22.95"):
        answer = world.root.post(path, data={"corners": wrong})
        assert answer.status_code == 422 and wrong.split("\n")[0] in answer.text, "what was typed is still there"
    assert world.root.post(path, data={"corners": ""}).status_code == 303
    assert boundary(world, SOUTH_GATE) is None


def test_a_worker_keeps_several_cells_and_the_case_says_who(world: World) -> None:
    with world.app.app_context(), writing():
        for name in ("gia", "hua"):
            person = User(username=name, name=name, role="grid", area_code=SOUTH_GATE, created_at=clock.now())
            db.session.add(person)
    for digits in ("001", "002"):
        made = world.root.post(f"/admin/boundaries/{SOUTH_GATE}/cells", data={"digits": digits})
        assert made.headers["Location"].startswith(f"/admin/boundaries/{SOUTH_GATE}{digits}")
    assert "已经有这个编号" in world.root.post(f"/admin/boundaries/{SOUTH_GATE}/cells", data={"digits": "001"}).text
    assert world.root.post(f"/admin/boundaries/{SOUTH_GATE}/cells", data={"digits": "1"}).status_code == 422
    with world.app.app_context():
        gia, hua = db.session.scalars(select(User.id).where(User.role == "grid").order_by(User.id))
    for code, ids in ((CELL, [gia, hua]), (SOUTH_GATE + "002", [gia])):
        assert world.root.post(f"/admin/boundaries/{code}/keepers", data={"keepers": ids}).status_code == 303
    assert world.root.post(f"/admin/boundaries/{CELL}/keepers", data={"keepers": [world.ada.id]}).status_code == 422
    with world.app.app_context():
        assert len(db.session.scalars(select(CellKeeper)).all()) == 3
    corners = "22.90, 115.30\n22.92, 115.30\n22.92, 115.32\n22.90, 115.32"
    world.root.post(f"/admin/boundaries/{CELL}", data={"corners": corners})
    number = world.vik.files("在网格里", **at(22.91, 115.31)).number
    assert "网格员：gia、hua" in world.dora.get(f"/desk/cases/{number}").text


def test_a_box_that_is_none_is_refused_and_an_outsider_sees_an_empty_one(world: World) -> None:
    number = world.vik.files("井盖", **at(22.97, 115.33)).number
    for wrong in ("", "1,2,3", "nan,1,2,3", "5,1,4,3", "1e999,1,2,3", "a,b,c,d"):
        assert world.dora.get(f"/desk/map/box?bbox={wrong}&zoom=12").status_code == 422
    whole = "bbox=-900,-900,900,900&zoom=0"
    assert [one["number"] for one in world.dora.get(f"/desk/map/box?{whole}").json["points"]] == [number]
    assert world.otto.get(f"/desk/map/box?{whole}").json["total"] == 0
    assert json.loads(config_of(world.otto.get(f"/desk/map?case={number}").text))["case"] is None
    assert json.loads(config_of(world.dora.get(f"/desk/map?case={number}").text))["case"]["lat"] == 22.97


def config_of(page: str) -> str:
    return page.split('id="map-config">')[1].split("</script>")[0]


def test_the_villages_are_drawn_guessed_or_named(world: World) -> None:
    world.vik.files("井盖", village_code=NEXT_VILLAGE, **at(22.97, 115.33))
    world.root.post(f"/admin/boundaries/{SOUTH_GATE}", data={"corners": "22.90, 115.30\n22.92, 115.30\n22.92, 115.32"})
    found = {one["code"]: one for one in world.dora.get("/desk/map/places").json["places"]}
    assert found[SOUTH_GATE]["boundary"] and found[SOUTH_GATE]["lat"] == pytest.approx(22.9133, abs=1e-3)
    assert not found[NEXT_VILLAGE]["boundary"] and found[NEXT_VILLAGE]["lat"] == pytest.approx(22.97)
    assert found["441521115001"]["lat"] is None
    assert not [code for code in found if not code.startswith("441521115")]


def test_the_legend_explains_what_is_drawn_and_nothing_else(world: World) -> None:
    def explained() -> list[str]:
        page = world.dora.get("/desk/map").text
        legend = page.split('class="map-legend"')[1].split("</p>")[0]
        return [said for said in ("本镇的边", "村（社区）", "网格", "没有边界的村") if said in legend]

    assert explained() == []
    world.vik.files("井盖", village_code=NEXT_VILLAGE, **at(22.97, 115.33))
    assert explained() == ["没有边界的村"]
    world.root.post(f"/admin/boundaries/{SOUTH_GATE}", data={"corners": "22.90, 115.30\n22.92, 115.30\n22.92, 115.32"})
    assert explained() == ["本镇的边", "村（社区）", "没有边界的村"]
    world.root.post("/admin/map", data=TIANDITU)
    assert explained() == ["村（社区）", "没有边界的村"], "the tiles have the town's edge"

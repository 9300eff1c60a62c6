"""The map: a box with few cases shows each, one with many counts them; a place decides the village, and it is said."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text

from fieldapp import clock, locating, mapping
from fieldapp.db import db, writing
from fieldapp.models import Area, Case, User
from fieldapp.queue import Filter
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import Status
from tests.world import World

TOWN, SOUTH_GATE, NEXT_VILLAGE = "441521115", "441521115004", "441521115005"
CELL = SOUTH_GATE + "001"
BOX = (115.2, 22.8, 115.5, 23.1)


def square(west: float, south: float, side: float) -> dict[str, Any]:
    corners = [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}


def draw(world: World, **boundaries: dict[str, Any]) -> None:
    """Boundaries by code, as an admin would have imported them."""
    with world.app.app_context(), writing():
        for code, boundary in boundaries.items():
            code = code.removeprefix("a")
            if db.session.get(Area, code) is None:
                db.session.add(Area(code=code, name="南门社区第1网格", parent_code=code[:12], level="cell"))
            db.session.get_one(Area, code).boundary = boundary
        locating.changed()


def at(lat: float, lon: float) -> dict[str, Any]:
    return {"position": {"lat": lat, "lon": lon, "accuracy_m": 10, "age_s": 1, "source": "gps"}}


def many(world: World, count: int, over: bool = False, town: str = TOWN, lat: float = 22.95) -> None:
    """Cases in a row from west to east, one in a hundred red."""
    with world.app.app_context(), writing():
        now = clock.now()
        db.session.add_all(
            Case(
                number=f"X{town[-2:]}{int(over)}-{lat}-{n}", town_code=town, area_code=town + "004", title="路灯不亮",
                severity=Severity.RED if n % 100 == 7 else Severity.BLUE, lat=lat, lon=115.3 + n * 1e-4,
                status=Status.CLOSED if over else Status.NEW, opened_at=now, changed_at=now,
                closed_at=now - timedelta(days=n % 60) if over else None,
            )
            for n in range(count)
        )  # fmt: skip


def boxed(world: World, wanted: Filter, zoom: int = 12, name: str = "dora") -> mapping.Found:
    with world.app.app_context():
        who = db.session.scalars(select(User).where(User.username == name)).one()
        return mapping.box(who, wanted, zoom, clock.now())


def test_few_are_shown_each_and_many_are_counted_with_the_worst_among_them(world: World) -> None:
    vik = world.vik
    red = vik.files("燃气味", severity="red", **at(22.97, 115.33)).number
    far = vik.files("路灯", **at(23.05, 115.40)).number
    vik.files("没有定位", position=None)
    found = boxed(world, Filter(bbox=BOX))
    assert {(one.number, one.severity.word) for one in found.points} == {(red, "red"), (far, "blue")}
    assert found.total == 2 and not found.clusters

    many(world, 900)
    found = boxed(world, Filter(bbox=BOX), zoom=13)
    assert found.total == 902 == sum(one.count for one in found.clusters) + len(found.points)
    assert far in {one.number for one in found.points}, "who is alone stays one with a name"
    assert len(found.clusters) + len(found.points) <= 500
    assert max(one.severity for one in found.clusters) == Severity.RED
    west, south, east, north = max(found.clusters, key=lambda one: one.count).box
    closer = boxed(world, Filter(bbox=(west, south - 1e-9, east, north + 1e-9)), zoom=18)
    assert closer.total == max(one.count for one in found.clusters), "a tap on a cluster shows just what it counted"


def test_the_map_shows_what_the_queue_shows(world: World) -> None:
    """The same filter; and never another town's."""
    many(world, 40)
    many(world, 40, town="441521119")
    reds = boxed(world, Filter(severity=Severity.RED, bbox=BOX))
    assert [one.number for one in reds.points] == ["X150-22.95-7"]
    assert boxed(world, Filter(area=NEXT_VILLAGE, bbox=BOX)).total == 0
    assert boxed(world, Filter(bbox=BOX), name="otto").total == 40
    shown = world.dora.get("/desk/map/box?bbox=115.2,22.8,115.5,23.1&zoom=12&severity=red").json
    assert [(one["number"], one["severity"]) for one in shown["points"]] == [("X150-22.95-7", "red")]
    assert "X150-22.95-7" in world.dora.get("/desk/map/list?bbox=115.2,22.8,115.5,23.1&severity=red&total=1").text


def test_what_is_over_is_shown_for_the_last_weeks(world: World) -> None:
    many(world, 120, over=True)
    found = boxed(world, Filter(lane="done", bbox=BOX))
    assert found.total == sum(n % 60 < 28 for n in range(120)) and found.since is not None
    assert boxed(world, Filter(bbox=BOX)).total == 0


def test_every_question_of_the_map_is_answered_from_an_index(world: World) -> None:
    """A statement that reads all of `cases` is slow at a million of them, whatever it takes today."""
    many(world, 400)
    many(world, 400, over=True)
    asked: list[tuple[str, Any]] = []
    with world.app.app_context():
        dora = db.session.scalars(select(User).where(User.username == "dora")).one()
        engine, now = db.engine, clock.now()

        def hear(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            asked.append((statement, parameters))

        event.listen(engine, "before_cursor_execute", hear)
        for wanted in (Filter(bbox=BOX), Filter(lane="done", bbox=BOX), Filter(lane="overdue", bbox=BOX)):
            mapping.box(dora, wanted, 12, now)
            mapping.rows(dora, wanted, now)
            mapping.unplaced(dora, wanted, now)
        mapping.extent(dora, mapping.places(dora))
        event.remove(engine, "before_cursor_execute", hear)
        sqlite = engine.dialect.name == "sqlite"
        if not sqlite:
            db.session.execute(text("SET enable_seqscan = off"))  # a table this small is read whole by choice
        for statement, parameters in asked:
            if "FROM cases" in statement:
                plan = ("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + statement
                told = "\n".join(str(row) for row in db.session.connection().exec_driver_sql(plan, parameters))
                assert "SCAN cases" not in told.replace("SCAN cases USING", "") and "Seq Scan on cases" not in told, (
                    told
                )


def test_a_place_decides_the_village_and_the_case_says_how(world: World) -> None:
    before = world.vik.files("边界还没有", **at(22.97, 115.33)).number
    assert world.dora.case(before)["area_code"] == SOUTH_GATE
    assert 'id="verdict"' not in world.dora.get(f"/desk/cases/{before}").text

    draw(world, a441521115004=square(115.30, 22.90, 0.02), a441521115005=square(115.32, 22.96, 0.02))
    inside = world.vik.files("在新安", **at(22.97, 115.33)).number
    assert world.dora.case(inside)["area_code"] == NEXT_VILLAGE
    assert "按边界，位置在新安社区内。" in world.dora.get(f"/desk/cases/{inside}").text
    assert "和登记的不一样" in world.dora.get(f"/desk/cases/{before}").text, "what was known before is not rewritten"

    outside = world.vik.files("在外面", village_code=SOUTH_GATE, **at(22.93, 115.36)).number
    assert world.dora.case(outside)["area_code"] == SOUTH_GATE, "the one its reporter chose"
    assert "位置不在任何边界内，按上报人选的" in world.dora.get(f"/desk/cases/{outside}").text
    officers = world.dora.files("值班员在外面看到", **at(22.93, 115.36)).number
    assert world.dora.case(officers)["area_code"] == NEXT_VILLAGE, "no village chosen: the nearest"
    assert "按最近的归到新安社区" in world.dora.get(f"/desk/cases/{officers}").text

    draw(world, a441521119001=square(115.40, 22.90, 0.02))
    across = world.vik.files("在邻镇", **at(22.91, 115.41)).number
    assert world.dora.case(across)["area_code"] == SOUTH_GATE, "which desk answers does not hang on a line on a map"
    far = world.vik.files("定位错了", **at(1.0, 2.0))
    assert far.number, "a place is never a reason to refuse"
    nowhere = world.vik.files("没有定位", position=None, village_code=NEXT_VILLAGE).number
    assert world.dora.case(nowhere)["area_code"] == NEXT_VILLAGE


def test_a_cell_is_found_before_its_village_and_names_who_keeps_it(world: World) -> None:
    draw(world, a441521115004=square(115.30, 22.90, 0.04), a441521115004001=square(115.31, 22.91, 0.01))
    number = world.vik.files("在网格里", **at(22.915, 115.315)).number
    assert world.dora.case(number)["area_code"] == CELL
    assert world.dora.case(world.vik.files("在村里", **at(22.905, 115.305)).number)["area_code"] == SOUTH_GATE
    assert number in world.dora.get(f"/api/cases?area={SOUTH_GATE}").text, "a cell is part of its village"


@pytest.mark.onedb
def test_a_report_asks_nothing_more_where_there_are_no_boundaries(world: World) -> None:
    world.vik.files("先报一件")  # the process has looked once
    asked: list[str] = []
    with world.app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *heard: asked.append(heard[2]))
    world.vik.files("再报一件")
    assert asked and not [one for one in asked if one.startswith("SELECT facts.value") or "boundary" in one]

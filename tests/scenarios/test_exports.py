"""The desk's own ledgers go out as the desk sees them, and nothing in them becomes a formula."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, select

from fieldapp.clock import now
from fieldapp.db import db, writing
from fieldapp.models import Export, User
from tests.world import World


@pytest.mark.onedb
@pytest.mark.parametrize("kind", ["csv", "xlsx", "geojson"])
def test_the_desks_list_goes_out_as_the_filter_shows_it(world: World, kind: str) -> None:
    world.vik.files("=HYPERLINK(1) 电话13800138000", "red")
    world.vik.files("路灯不亮", "blue")
    assert world.otto.get("/desk").status_code == 200
    answer = world.dora.post(f"/desk/export/{kind}?severity=red&lane=triage")
    assert answer.status_code == 200 and f"ledger.{kind}" in answer.headers["Content-Disposition"]
    (row,) = read(kind, answer.data)
    assert row["标题"].lstrip("'") == "=HYPERLINK(1) 电话…"
    if kind == "csv":
        assert row["标题"].startswith("'=")
    assert [str(row[name]) for name in ("级别", "状态", "来源", "上报条数")] == ["红", "待受理", "随手报", "1"]
    assert "刘" not in str(row) and "vik" not in str(row)
    assert read(kind, world.otto.post(f"/desk/export/{kind}").data) == []
    assert read(kind, world.dora.post(f"/desk/export/{kind}?q=路灯&from=2030-01-01").data) == []
    assert len(read(kind, world.dora.post(f"/desk/export/{kind}?q=路灯").data)) == 1
    assert world.dora.get("/desk/export/progress").json | {"id": 0} == {
        "id": 0, "state": "done", "rows": 1, "total": None,
    }  # fmt: skip


@pytest.mark.onedb
def test_what_a_case_waits_for_is_said_as_on_its_page(world: World) -> None:
    number = world.vik.files("路灯不亮").number

    def waits() -> str:
        (row,) = read("csv", world.dora.post("/desk/export/csv").data)
        said = str(row["在等"])
        page = world.dora.get(f"/desk/cases/{number}").text
        assert f"<span>{said} " in page or f">{said}<" in page
        return said

    assert waits() == "受理"
    world.dora.must("accept", number)
    assert waits() == "派单 / 吹哨"
    world.dora.must("dispatch", number, to=[world.ada.id])
    assert waits() == "签收"
    world.dora.must("report_outcome", number, note="换了灯泡")
    assert waits() == "核查"
    world.dora.must("verify", number)
    assert waits() == "办结"
    world.dora.must("park", number, note="等配件")
    assert waits().startswith("挂账到")
    world.dora.must("resume", number)
    world.dora.must("close", number, note="已修好")
    (row,) = read("csv", world.dora.post("/desk/export/csv?lane=done").data)
    assert row["在等"] == ""


@pytest.mark.onedb
def test_who_leads_and_who_assists_stand_in_the_sheet_and_cost_one_query_a_page(world: World) -> None:
    with world.app.app_context(), writing():
        db.session.scalars(select(User).where(User.username == "ben")).one().name = "=王贝"
    for place in ("东门", "西门", "南门"):
        number = world.vik.files(f"{place}路灯不亮").number
        world.dora.must("dispatch", number, to=[world.ada.id, world.ben.id])
    world.ada.must("return", number, note="去不了")
    with statements(world) as asked:
        answer = world.dora.post("/desk/export/csv")
    rows = [(row["主办"], row["协办"]) for row in read("csv", answer.data)]
    assert sorted(rows) == [("'=王贝", ""), ("陈安", "'=王贝"), ("陈安", "'=王贝")]
    assert len([one for one in asked if "FROM assignments" in one]) == 1


def test_a_long_past_is_not_counted_through_before_it_goes_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldapp.exports.COUNTED", 1)
    for n in range(2):
        world.dora.must("decline", world.vik.files(f"路灯 {n} 号").number, note="不归本镇管")
    assert "超过 1 件" in world.dora.get("/desk/export?lane=done").text
    assert len(read("csv", world.dora.post("/desk/export/csv?lane=done").data)) == 2
    assert world.dora.get("/desk/export/progress").json | {"id": 0} == {
        "id": 0, "state": "done", "rows": 2, "total": None,
    }  # fmt: skip


def test_one_officer_exports_one_ledger_at_a_time_and_a_filter_nobody_understands_is_not_widened(world: World) -> None:
    world.vik.files("路灯不亮")
    with world.app.app_context(), writing():
        dora = db.session.scalars(select(User).where(User.username == "dora")).one()
        going = {"town_code": dora.town_code, "user_id": dora.id, "kind": "csv", "query": ""}
        db.session.add(Export(started_at=now(), beat_at=now(), **going))
    refused = world.dora.post("/desk/export/csv")
    assert refused.status_code == 409 and "您还有一份正在导出" in refused.text
    assert world.lea.post("/desk/export/csv").status_code == 200
    assert world.lea.post("/desk/export/csv?severity=pink").status_code == 422
    assert world.lea.post("/desk/export/exe").status_code == 404
    assert "一共 1 件" in world.lea.get("/desk/export").text


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(" ".join(statement.split()))

    with world.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def read(kind: str, data: bytes) -> list[dict[str, object]]:
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    if kind == "geojson":
        return [one["properties"] for one in json.loads(data)["features"]]
    head, *rows = load_workbook(io.BytesIO(data)).worksheets[0].values
    return [dict(zip(head, row, strict=True)) for row in rows]

"""Who saw and did what: taken down beside the work, changed by nobody, and read by whoever answers for the town."""

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolIsEmpty

from fieldapp import clock
from fieldapp.audit import Wanted, page
from fieldapp.db import db, writing
from fieldapp.models import AuditEvent, User
from fieldapp.web.watched import CHANGES, LEFT_OUT, SEARCHES, SEEN
from tests.pictures import jpeg_with_everything
from tests.world import Person, World


def audit(person: Person, query: str = "") -> str:
    answer = person.get(f"/desk/audit?{query}")
    assert answer.status_code == 200, answer.text
    lines = answer.text.partition("audit-lines")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", lines).split())


def count(world: World, action: str) -> int:
    with world.app.app_context():
        return db.session.scalar(select(func.count()).where(AuditEvent.action == action)) or 0


def leader_of_another_town(world: World) -> None:
    """uma leads the next town."""
    with world.app.app_context(), writing():
        lea = db.session.scalars(select(User).where(User.username == "lea")).one()
        db.session.add(
            User(username="uma", name="马乌", role="leader", area_code="441521119", created_at=clock.now(),
                 password_hash=lea.password_hash)
        )  # fmt: skip


def test_lea_reads_who_opened_a_case_and_the_next_town_reads_nothing(world: World) -> None:
    photo = jpeg_with_everything()
    filed = world.vik.files("井盖破损", photos=(photo,))
    world.develop()
    number = filed.number
    for _ in range(3):  # open, and open again: one line an hour
        assert world.dora.get(f"/desk/cases/{number}").status_code == 200
    id_ = filed.body["photos"][0]["id"]
    assert world.dora.get(f"/photos/{id_}/thumb").status_code == 200
    assert count(world, "photo_seen") == 0
    assert world.dora.get(f"/photos/{id_}/full").status_code == 200
    world.vik.get(f"/api/cases/{number}")
    world.dora.must("dispatch", number, to=["ada"])
    assert count(world, "case_seen") == 1 and count(world, "photo_seen") == 1
    shown = audit(world.lea, f"number={number.lower()}")
    assert shown.count(f"打开事件 {number}") == 1 and f"看照片大图 {number}" in shown and "派单 / 吹哨：陈安" in shown
    assert "井盖" not in shown
    leader_of_another_town(world)
    assert number not in audit(world.person("uma")) and not audit(world.person("uma"), "what=seen&number=" + number)
    assert world.dora.get("/desk/audit").status_code == 403


def test_an_audit_is_added_to_and_nothing_else(world: World) -> None:
    world.dora.get(f"/desk/cases/{world.vik.files().number}")
    tries = ["UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events"]
    with world.app.app_context():
        row = db.session.scalars(select(AuditEvent).where(AuditEvent.once.is_not(None))).first()
        kept = (row.id, row.once)
        if db.engine.dialect.name == "sqlite":
            columns = "id, at, via, town_code, action, kind, object, data, request, once"
            insert = f"INSERT OR REPLACE INTO audit_events ({columns})"
            tries.append(f"{insert} VALUES ({row.id}, '2026-01-01', 'system', '', 'x', '', '', '{{}}', '', NULL)")
            same = f"{insert} VALUES (999999, '2026-01-01', 'system', '', 'x', '', '', '{{}}', '', '{row.once}')"
            db.session.execute(text(same))  # passed over
            db.session.commit()
        else:
            tries.append("TRUNCATE audit_events")
        for statement in tries:
            with pytest.raises(DBAPIError, match="append-only"):
                db.session.execute(text(statement))
            db.session.rollback()
        again = db.session.scalars(select(AuditEvent).where(AuditEvent.once == kept[1])).one()
        assert (again.id, again.action) == (kept[0], "case_seen")


@pytest.mark.onedb
def test_who_searches_is_known_and_what_for_is_not(world: World) -> None:
    for word in ("积水", "积水", "井盖"):
        assert world.dora.get(f"/desk/queue?q={word}&moved=1").status_code == 200
    with world.app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "searched")).all()
        assert [row.data for row in rows] == [{"found": 0}] * 2
        assert "积水" not in " ".join(str(vars(row)) for row in rows)
    assert audit(world.lea, "what=searched").count("找到 0 件") == 2


@pytest.mark.onedb
def test_the_map_that_searches_who_was_called_and_the_faulty_rows_leave_a_line_too(world: World) -> None:
    number = world.vik.files("积水").number
    world.dora.must("dispatch", number, to=["ada"])
    assert world.dora.get("/desk/map/box?bbox=115,22,116,23&zoom=12&q=积水").status_code == 200
    assert world.ada.get(f"/tasks/{number}/called").status_code == 200
    text = "受理时间,诉求类别,村居,诉求内容\r\n2026-11-20 08:30,井盖,南门社区,\r\n"
    sent = {"file": (BytesIO(text.encode()), "热线.csv"), "source": "hotline"}
    page = world.dora.post("/desk/ledgers", data=sent, content_type="multipart/form-data")
    assert world.dora.get(f"{page.location}/faulty.csv").status_code == 200
    ledger = page.location.rpartition("/")[2]
    shown = audit(world.lea)
    for line in ("搜索", f"打开事件 {number}", f"导出 台账 {ledger}"):
        assert shown.count(line) == 1, line


@pytest.mark.onedb
def test_a_session_and_a_setting_leave_a_line_and_a_refused_one_leaves_none(world: World) -> None:
    stranger = world.app.test_client()
    for name, password in (("dora", "wrong"), ("my password", "wrong")):
        assert stranger.post("/login", data={"username": name, "password": password}).status_code == 401
    assert world.root.post(f"/admin/accounts/{world.ada.id}", data={"role": "leader", "name": "陈安", "active": "1"})
    assert world.root.post("/admin/limits", data={"red-triage": "nonsense"}).status_code == 422
    shown = audit(world.lea, "what=settings")
    assert "改账号 账号 陈安" in shown and "role leader" in shown and "改时限" not in shown
    sessions = audit(world.lea, "what=sessions")
    assert "登录" in sessions and sessions.count("密码输错") == 1
    assert "打开" not in audit(world.root) and "改账号" in audit(world.root), "an admin reads what was set, no cases"


@pytest.mark.onedb
def test_it_is_read_page_by_page_and_taken_as_a_file_that_no_spreadsheet_reckons_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [world.vik.files("树倒了").number for _ in range(3)]
    for number in numbers:
        world.dora.must("dispatch", number, to=["ada"])
        world.dora.get(f"/desk/cases/{number}")
    monkeypatch.setattr("fieldapp.audit.PAGE", 4)
    monkeypatch.setattr(page, "__defaults__", ("", 4))
    whole, path = [], "/desk/audit"
    while path:
        answer = world.lea.get(path).text
        whole += re.findall(r"<time[^>]*datetime=\"([^\"]+)\"", answer)
        more = re.search(r'href="(/desk/audit\?[^"]*cursor=[^"]+)"', answer)
        path = more[1].replace("&amp;", "&") if more else ""
    assert whole == sorted(whole, reverse=True) and len(whole) > 12
    ada = world.ada.id
    with world.app.app_context(), writing():
        db.session.get_one(User, ada).name = "=1+1"
    answer = world.lea.get("/desk/audit.csv?what=done")
    rows = answer.text.lstrip("\ufeff").splitlines()
    assert len(rows) > 6 and all(any(number in row for number in numbers) for row in rows[1:])
    world.ada.must("acknowledge", numbers[0])
    assert "'=1+1" in world.lea.get(f"/desk/audit.csv?who={world.ada.id}").text
    assert count(world, "audit_exported") == 2
    assert world.dora.get("/desk/audit.csv").status_code == 403


@pytest.mark.onedb
@pytest.mark.parametrize("fault", [DBAPIError("INSERT", {}, Exception("disk is full")), PoolIsEmpty(), OSError("full")])
def test_the_page_of_a_case_is_shown_although_the_audit_cannot_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    number = world.vik.files().number
    world.dora.get("/desk")

    def full(*_args: object, **_more: object) -> None:
        raise fault

    monkeypatch.setattr("fieldapp.audit.write", full)
    assert world.dora.get(f"/desk/cases/{number}").status_code == 200
    assert "not in the audit" in caplog.text and number in caplog.text


@pytest.mark.onedb
def test_every_address_that_changes_something_is_taken_down_or_left_out_for_a_reason(world: World) -> None:
    rules = list(world.app.url_map.iter_rules())
    changing = {rule.endpoint for rule in rules if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}}
    assert changing == set(CHANGES) | LEFT_OUT and not set(CHANGES) & LEFT_OUT
    assert set(SEEN) | SEARCHES <= {rule.endpoint for rule in rules}


@pytest.mark.parametrize("asked", [{"what": "links"}, {"what": "settings"}, {"what": "searched", "who": "3"}])
def test_what_is_seldom_is_not_looked_for_among_all_that_was_looked_at(world: World, asked: dict[str, str]) -> None:
    at = clock.now()
    seen = {
        "via": "session",
        "town_code": "441521115",
        "action": "case_seen",
        "kind": "case",
        "data": {},
        "request": "",
    }
    statements: list[tuple[str, Any]] = []
    with world.app.app_context():
        lea = db.session.scalars(select(User).where(User.username == "lea")).one()
        rows = [seen | {"at": at - timedelta(minutes=n), "actor_id": 3, "object": f"HC-{n}"} for n in range(3000)]
        db.session.execute(AuditEvent.__table__.insert(), rows)
        sqlite = db.engine.dialect.name == "sqlite"
        if not sqlite:
            db.session.execute(text("ANALYZE audit_events"))
        event.listen(
            db.engine, "before_cursor_execute", lambda _c, _cu, sql, values, *_: statements.append((sql, values))
        )
        page(lea, Wanted(at - timedelta(days=31), at + timedelta(days=1), **asked))
        read = [one for one in statements if "FROM audit_events" in one[0]]
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        plans = [str(db.session.connection().exec_driver_sql(explain + sql, values).all()) for sql, values in read]
    assert len(plans) == 2 and all("ix_audit_events_seldom" in plan for plan in plans), plans

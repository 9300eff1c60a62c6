"""Other offices' ledgers come in once, whole, and without anybody's name."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from fieldapp import ledgers
from fieldapp.db import db, writing
from fieldapp.errors import Conflict
from fieldapp.models import Alert, Case, CaseEvent, Ledger, Report, User
from fieldapp.rules import ledger as tables
from tests.world import Person, World

HEAD = "工单编号,受理时间,诉求类别,紧急程度,来电人,联系电话,村居,诉求内容\r\n"
GOOD = (
    "GD-1,2026-11-20 08:30,井盖,一般,张三,13800138000,南门社区,东门口井盖没了 请回电13800138000\r\n"
    'GD-2,2026-11-20 09:00,奇怪的类别,特急,李四,13900139000,南门社区居委会,"小孩掉进水里,\r\n快来"\r\n'
)
BAD = (
    "GD-3,2026-11-20 09:10,井盖,一般,王五,13700137000,南门社区,\r\n"
    "GD-4,前天下午,井盖,一般,王五,13700137000,南门社区,路灯坏了\r\n"
    "GD-5,2026-11-20 09:10,井盖,一般,王五,13700137000,红星村,路灯坏了\r\n"
    "GD-1,2026-11-20 09:10,井盖,一般,王五,13700137000,南门社区,又是一号\r\n"
)


def brings(officer: Person, text: str, source: str = "hotline", encoding: str = "gb18030") -> TestResponse:
    file = (io.BytesIO(text.encode(encoding)), "热线.csv")
    sent = {"file": file, "source": source}
    return officer.post("/desk/ledgers", data=sent, content_type="multipart/form-data", follow_redirects=True)


def confirms(officer: Person, page: TestResponse, **more: str) -> TestResponse:
    mark = re.search(r'name="mark" value="(\w+)"', page.text)[1]  # type: ignore[index]
    path = page.request.path
    form = {"mark": mark} | ({"calling": "1"} if 'name="calling"' in page.text else {}) | more
    return officer.post(f"{path}/confirmation", data=form, follow_redirects=True)


def works(world: World, at: datetime | None = None) -> None:
    with world.app.app_context():
        for _ in range(50):
            if not ledgers.carry_on(at or world.now):
                return


def cases(world: World) -> list[Case]:
    with world.app.app_context():
        return list(db.session.scalars(select(Case).order_by(Case.id)))


def test_the_hotlines_ledger_is_looked_at_confirmed_and_on_the_desk(world: World) -> None:
    page = brings(world.dora, HEAD + GOOD + BAD)
    assert "2 行可以导入，4 行不行" in page.text and "来电人、联系电话" in page.text
    for said in ["没有内容", "时间看不懂", "本镇没有这个村", "出现了两次", "归到“其他”", "件红色会按呼叫规则"]:
        assert said in page.text, said
    assert cases(world) == []
    assert confirms(world.dora, page).status_code == 422  # 我知道会叫人 is not ticked
    assert "正在导入" in confirms(world.dora, page, sure="1").text
    works(world)
    blue, red = cases(world)
    assert [(one.source, one.category_code, one.severity.word) for one in (blue, red)] == [
        ("hotline", "facility-1", "blue"), ("hotline", "other", "red"),
    ]  # fmt: skip
    assert blue.area_code == "441521115004" and blue.due_at is not None
    whole = world.dora.case(blue.number)
    assert [entry["words"] for entry in whole["history"]][:2] == ["收到上报", "外来台账：热线 GD-1"]
    (report,) = whole["reports"]
    assert (report["text"], report["reporter"]) == ("东门口井盖没了 请回电【电话已隐去】", "热线")
    assert blue.number in world.dora.get("/desk?q=东门口").text
    assert blue.number in world.dora.get("/desk?source=hotline").text
    assert blue.number not in world.dora.get("/desk?source=police").text
    with world.app.app_context():
        assert db.session.scalars(select(Alert.case_id)).all() == [red.id]
        kept = db.session.scalars(select(Ledger)).one()
        columns = (CaseEvent.data, CaseEvent.note, Report.text, Report.owner_id, User.name, User.username)
        everything = str([db.session.scalars(select(column)).all() for column in columns] + [ledgers.faulty(kept)])
    assert not [name for name in ("张三", "李四", "王五", "13800138000") if name in everything]


@pytest.mark.onedb
def test_the_page_says_each_rows_kind_and_why_rows_were_left_out_and_what_to_do_next(world: World) -> None:
    page = brings(world.dora, HEAD + GOOD + BAD)
    assert "蓝 · 井盖 · 南门社区" in page.text and "红 · 其他 · 南门社区" in page.text
    confirms(world.dora, page, sure="1")
    works(world)
    done = world.dora.get(page.request.path).text
    assert "4 行没有导入" in done and f"{page.request.path}/faulty.csv" in done
    for said in ["没有内容", "把内容补上。", "时间看不懂，或者是将来的", "写成 2026-11-20 08:30 这样"]:
        assert said in done, said
    assert "不用再导入。" in brings(world.dora, HEAD + GOOD).text


def test_what_was_not_taken_comes_back_to_be_put_right_and_nothing_comes_twice(world: World) -> None:
    page = brings(world.dora, HEAD + GOOD + BAD)
    confirms(world.dora, page, sure="1")
    works(world)
    csv_file = world.dora.get(f"{page.request.path}/faulty.csv").data.decode("utf-8-sig")
    said = [row[-1] for row in csv.reader(io.StringIO(csv_file))]
    assert said[:3] == ["问题", "没有内容", "时间看不懂，或者是将来的"]
    again = brings(world.dora, csv_file.replace("前天下午", "2026-11-20 15:00"), encoding="utf-8")
    assert "1 行可以导入，3 行不行" in again.text  # GD-1 is here since the first time
    confirms(world.dora, again)
    works(world)
    twice = brings(world.dora, HEAD + GOOD)
    assert "0 行可以导入，2 行不行" in twice.text and "以前已经导入过" in twice.text
    assert len(cases(world)) == 3


def test_a_worker_killed_in_the_middle_is_followed_by_one_that_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"P-{n},2026-11-20 08:30,井盖,一般,,,南门社区,路灯 {n} 号坏了\r\n" for n in range(25))
    confirms(world.dora, brings(world.dora, HEAD + rows, "police"))
    take, taken = ledgers._take, []

    def dies(*given: object) -> bool:
        taken.append(1)
        if len(taken) == 15:
            raise KeyboardInterrupt
        return take(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(ledgers, "_take", dies)
    with pytest.raises(KeyboardInterrupt):
        works(world)
    assert len(cases(world)) == 10  # the rows of the first transaction, and none of the one that was broken off
    works(world)
    assert len(cases(world)) == 25 and {one.source for one in cases(world)} == {"police"}
    with world.app.app_context():
        done = db.session.scalars(select(Ledger)).one()
        assert (done.state, done.opened, done.done, done.known, done.content) == ("done", 25, 25, 0, b"")


@pytest.mark.onedb
def test_what_somebody_else_brought_meanwhile_is_looked_at_again(world: World) -> None:
    first, second = brings(world.dora, HEAD + GOOD), brings(world.lea, HEAD + GOOD)
    confirms(world.dora, first, sure="1")
    works(world)
    late = confirms(world.lea, second, sure="1")
    assert late.status_code == 409 and "和刚才看到的不一样了" in late.text
    assert world.otto.get(first.request.path).status_code == 404
    assert len(cases(world)) == 2


@pytest.mark.onedb
def test_columns_can_be_named_by_hand_and_a_map_of_ours_put_right(world: World) -> None:
    page = brings(world.dora, "甲,乙,丙,丁\r\n1,树倒了,22.97,115.33\r\n", "visit")
    assert "0 行可以导入，1 行不行" in page.text
    form = {"external": "0", "text": "1", "lat": "2", "lon": "3", "shift": "gcj02"}
    page = world.dora.post(f"{page.request.path}/columns", data=form, follow_redirects=True)
    assert "1 行可以导入，0 行不行" in page.text
    confirms(world.dora, page)
    works(world)
    (case,) = cases(world)
    assert (case.lat, case.lon) != (22.97, 115.33) and abs((case.lat or 0) - 22.97) < 0.01


@pytest.mark.onedb
def test_orders_whose_numbers_look_like_cards_or_phones_all_come_in_and_once(world: World) -> None:
    looks = ["441521202611250012", "441521202611250013", "13800138000", "13900139000", "GD-1", "GD-2", "GD-3"]
    rows = "".join(f"{number},2026-11-20 08:30,井盖,一般,,,南门社区,路灯不亮\r\n" for number in looks)
    page = brings(world.dora, HEAD + rows)
    assert "7 行可以导入，0 行不行" in page.text and "4415212026" not in page.text
    confirms(world.dora, page)
    works(world)
    assert len(cases(world)) == 7
    more = HEAD + rows + rows.split("\r\n")[0].replace("0012", "0014") + "\r\n"
    assert "1 行可以导入，7 行不行" in brings(world.dora, more).text
    assert "隐去" not in str([world.dora.case(case.number)["history"] for case in cases(world)])


@pytest.mark.onedb
def test_rows_without_numbers_are_the_same_only_where_all_is_the_same(world: World) -> None:
    head = "受理时间,诉求类别,村居,事发地点,纬度,经度,诉求内容\r\n"
    rows = [
        "2026-11-20,井盖,南门社区,一号楼,22.97,115.33,路灯坏了",
        "2026-11-20,井盖,南门社区,二号楼,22.97,115.33,路灯坏了，在一号楼或二号楼",
        "2026-11-20,井盖,南门社区,一号楼,22.97,115.33,路灯坏了，在一号楼或二号楼",
        "2026-11-20,积水,南门社区,一号楼,22.97,115.33,路灯坏了",
        "2026-11-20,井盖,,一号楼,22.97,115.33,路灯坏了",
        "2026-11-20,井盖,南门社区,一号楼,22.98,115.33,路灯坏了",
        "2026-11-20,井盖,南门社区,一号楼,22.97,115.34,路灯坏了",
    ]
    assert "7 行可以导入，1 行不行" in brings(world.dora, head + "\r\n".join([*rows, rows[0]])).text


@pytest.mark.onedb
def test_rows_without_number_and_time_rather_come_twice_than_not_but_never_from_the_same_file(world: World) -> None:
    november = "村居,诉求内容\r\n南门社区,路灯坏了\r\n"
    confirms(world.dora, brings(world.dora, november))
    works(world)
    assert "0 行可以导入，1 行不行" in brings(world.dora, november).text
    assert "2 行可以导入，0 行不行" in brings(world.dora, november + "南门社区,井盖没了\r\n").text


def test_a_row_that_nobody_foresaw_is_refused_in_words_and_the_others_come_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirms(world.dora, brings(world.dora, HEAD + GOOD), sure="1")
    take = ledgers._take

    def stumbles(*given: Any) -> bool:
        if given[2]["external"] == "GD-1":
            take(*given)
            raise ZeroDivisionError
        return take(*given)

    monkeypatch.setattr(ledgers, "_take", stumbles)
    works(world)
    assert [case.category_code for case in cases(world)] == ["other"]
    with world.app.app_context():
        done = db.session.scalars(select(Ledger)).one()
        assert (done.state, done.opened, done.failed) == ("done", 1, 1)
        ((*cells, why),) = ledgers.faulty(done)[1]
    assert (cells[0], why) == ("GD-1", "ledger_refused")


def test_a_ledger_that_fails_as_a_whole_lets_the_others_go_on_and_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirms(world.dora, brings(world.dora, HEAD + GOOD), sure="1")
    confirms(world.lea, brings(world.lea, HEAD + GOOD, "police"), sure="1")
    take, tried = ledgers._take, []

    def locked(*given: Any) -> bool:
        if given[0].source == "hotline":
            tried.append(1)
            raise OperationalError("", {}, Exception("database is locked"))
        return take(*given)

    monkeypatch.setattr(ledgers, "_take", locked)
    at = world.now
    works(world, at)
    assert {case.source for case in cases(world)} == {"police"} and len(tried) == 1
    monkeypatch.setattr(ledgers, "_take", take)
    works(world, at)
    assert len(cases(world)) == 2  # not yet
    works(world, at + ledgers.FAILED_FOR)
    assert [case.source for case in cases(world)] == ["police", "police", "hotline", "hotline"]


def test_a_file_is_read_and_checked_while_others_may_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[bool] = []
    seen: list[bool] = []

    @contextmanager
    def watched() -> Iterator[None]:
        with writing():
            inside.append(True)
            yield
        inside.clear()

    def noted(work: Callable[..., Any]) -> Callable[..., Any]:
        def works_and_is_seen(*given: Any) -> Any:
            seen.append(bool(inside))
            return work(*given)

        return works_and_is_seen

    monkeypatch.setattr("fieldapp.web.ledgers.writing", watched)
    monkeypatch.setattr("fieldapp.rules.ledger.read", noted(tables.read))
    for name in ("check", "_pack"):
        monkeypatch.setattr(ledgers, name, noted(getattr(ledgers, name)))
    assert "正在导入" in confirms(world.dora, brings(world.dora, HEAD + GOOD), sure="1").text
    assert len(seen) > 5 and not any(seen)


@pytest.mark.onedb
def test_columns_that_were_named_anew_meanwhile_are_looked_at_again(world: World) -> None:
    brings(world.dora, HEAD + GOOD)
    with world.app.app_context():
        dora = db.session.scalars(select(User).where(User.username == "dora")).one()
        kept = db.session.scalars(select(Ledger)).one()
        ready = ledgers.ready(dora, kept.id, world.now)
        with writing():
            ledgers.name_columns(dora, kept.id, kept.settings["columns"], gcj=True)
        with pytest.raises(Conflict, match="ledger_changed"), writing():
            ledgers.confirm(dora, ready, ready.mark, world.now)


def test_the_reporter_of_a_ledgers_case_is_nobody_to_tell(world: World) -> None:
    confirms(world.dora, brings(world.dora, HEAD + GOOD.split("\r\n")[0] + "\r\n"))
    works(world)
    (case,) = cases(world)
    world.dora.must("accept", case.number)
    world.dora.must("close", case.number, note="已修好")
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Alert)) == 0
        office = db.session.scalars(select(User).where(User.username.startswith("source-"))).one()
        assert office.seat and not office.active and office.password_hash is None

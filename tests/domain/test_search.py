"""找得到, on both databases: the desk finds a case by whatever it remembers of it, and nothing of another town's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from fieldapp import clock, search
from fieldapp.db import db, writing
from fieldapp.errors import Invalid
from fieldapp.models import Alert, Case, Fact, User
from fieldapp.rules.severity import Severity
from fieldapp.search import Filtered, Found
from tests.world import Filed, World


def seek(
    world: World, words: str, username: str = "dora", cursor: str = "", limit: int = 50, only: Filtered = ()
) -> Found:
    with world.app.app_context():
        user = db.session.scalars(select(User).where(User.username == username)).one()
        found = search.find(user, words, cursor, limit, clock.now(), only)
        db.session.expunge_all()
        return found


def titles(world: World, words: str, username: str = "dora") -> list[str]:
    return [hit.case.title for hit in seek(world, words, username).hits]


def numbers(world: World, words: str) -> list[str]:
    return [hit.case.number for hit in seek(world, words).hits]


def change(world: World, filed: Filed, what: Callable[[Case], Any]) -> None:
    with world.app.app_context(), writing():
        what(db.session.scalars(select(Case).where(Case.number == filed.number)).one())


def words_kept(world: World) -> list[tuple[Any, ...]]:
    with world.app.app_context():
        id_, table = ("rowid", "words") if db.engine.dialect.name == "sqlite" else ("case_id", "words::text")
        return [tuple(row) for row in db.session.execute(text(f"SELECT {id_}, {table} FROM case_words ORDER BY 1"))]


def ends(world: World, filed: Filed, note: str) -> None:
    world.dora.must("accept", filed.number)
    world.dora.must("close", filed.number, note=note)


def test_a_case_is_found_by_whatever_one_remembers(world: World) -> None:
    filed = world.vik.files(
        "井盖破损，夜间危险，离学校大门不到二十米，昨天有人摔倒了，旁边是 K101 号灯杆",
        category="facility-1", village_code="441521115004",
    )  # fmt: skip
    world.vik.files("路灯不亮", village_code="441521119003", category="facility-2")
    village = filed_in(world, filed)
    piece = filed.number[-7:]  # 123-007
    for words in ("井盖", "危险", "摔倒", "盖", "jgps", "ＪＧ", "k101", village, f"{village} 井盖", "海城 井盖",
                  filed.number.lower(), piece, filed.number.replace("-", "")):  # fmt: skip
        assert numbers(world, words) == [filed.number], words
    assert numbers(world, "井盖 路灯") == numbers(world, "盖井") == numbers(world, "。") == []


def filed_in(world: World, filed: Filed) -> str:
    with world.app.app_context():
        case = db.session.scalars(select(Case).where(Case.number == filed.number)).one()
        return case.area.short_name[:2]


def test_what_is_found_comes_best_first_and_open_before_what_is_over(world: World) -> None:
    over = world.vik.files("井盖没了")
    ends(world, over, "换好了")
    told = world.vik.files("有东西坏了，说不清楚是什么，请派人来看看，就在学校门口，像是井盖")
    titled = world.vik.files("井盖破损")
    assert numbers(world, "井盖") == [titled.number, told.number, over.number]
    assert numbers(world, over.number)[0] == over.number
    worse = world.vik.files("井盖塌了", severity="red")
    assert numbers(world, "井盖")[:2] == [worse.number, titled.number]  # of two as good, the worse
    shown = seek(world, "井盖").hits[2]
    assert ("井盖", True) in shown.excerpt and not any(found for _, found in shown.title)
    assert not seek(world, "井盖").hits[0].excerpt  # its title says it


def test_a_town_finds_nothing_of_another(world: World) -> None:
    filed = world.vik.files("井盖破损")
    assert titles(world, "井盖", "otto") == titles(world, filed.number, "otto") == titles(world, "jgps", "otto") == []


def test_after_a_merge_the_words_of_both_find_the_one_that_stays(world: World) -> None:
    gone, stays = world.vik.files("下水道口没有铁板"), world.vik.files("井盖破损")
    old_number = gone.number
    world.dora.must("merge", old_number, to=stays.number)
    assert numbers(world, "铁板") == [stays.number, old_number]  # the old one says where it went


def test_a_changed_title_is_found_by_its_new_words_only(world: World) -> None:
    filed = world.vik.files("有东西坏了", category="facility-1")
    change(world, filed, lambda case: setattr(case, "title", "电线垂落"))
    assert numbers(world, "电线") == numbers(world, "dxcl") == [filed.number]
    change(world, filed, lambda case: setattr(case, "title", "树木倒伏"))
    assert numbers(world, "树木") == [filed.number] and numbers(world, "电线") == numbers(world, "dxcl") == []
    world.dora.must("classify", filed.number, category="fire-1")
    assert numbers(world, "通道") == [filed.number] and numbers(world, "井盖") == []


def test_what_was_done_in_the_end_is_found_too(world: World) -> None:
    filed = world.vik.files("井盖破损")
    ends(world, filed, "已换成铸铁的")
    assert numbers(world, "铸铁") == [filed.number]
    world.dora.must("reopen", filed.number, note="又坏了")
    assert numbers(world, "又坏") == [filed.number]


def test_a_refused_change_leaves_the_words_as_they_were(world: World) -> None:
    filed, before = world.vik.files("井盖破损"), words_kept(world)
    with pytest.raises(RuntimeError), world.app.app_context(), writing():
        db.session.execute(update(Case).values(title="不要"))
        search.note(db.session.scalars(select(Case).where(Case.number == filed.number)).one())
        raise RuntimeError
    assert words_kept(world) == before


def test_made_anew_the_index_is_what_it_was(world: World) -> None:
    first = world.vik.files("井盖破损，夜间危险", category="facility-1", village_code="441521115004")
    second = world.vik.files("路灯不亮")
    world.dora.must("merge", second.number, to=first.number)
    ends(world, first, "换好了")
    before = words_kept(world)
    assert len(before) == 2
    with world.app.app_context(), writing():
        db.session.execute(text("DELETE FROM case_words"))
    told: list[tuple[int, int]] = []
    with world.app.app_context():
        search.reindex(lambda done, total: told.append((done, total)), again=True)
    assert words_kept(world) == before
    assert told[-1][0] == told[-1][1]


def test_an_old_database_is_indexed_by_and_by_the_newest_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    filed = [world.vik.files(f"井盖{name}") for name in ("甲", "乙", "丙")]
    with world.app.app_context(), writing():
        newest = db.session.scalars(select(Case.id).order_by(Case.id.desc())).first()
        db.session.execute(text("DELETE FROM case_words"))
        db.session.execute(update(Fact).where(Fact.name == search.LEFT).values(value=str(newest)))
    monkeypatch.setattr(search, "BATCH", 1)
    with world.app.app_context():
        search.catch_up()
    found = seek(world, "井盖")
    assert ([hit.case.number for hit in found.hits], found.whole) == ([filed[2].number], False)
    with world.app.app_context():
        while search.catch_up():
            pass
    assert seek(world, "井盖").whole and len(seek(world, "井盖").hits) == 3


def test_page_by_page_each_comes_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "CHUNK", 3)
    filed = [world.vik.files("井盖破损") for _ in range(8)]
    for one in filed[:4]:
        ends(world, one, "好了")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        found = seek(world, "井盖", cursor=cursor, limit=2)
        seen += [hit.case.number for hit in found.hits]
        cursor = found.cursor
    assert sorted(seen[:4]) == sorted(one.number for one in filed[4:])
    assert sorted(seen) == sorted(one.number for one in filed)


def test_a_filter_leaves_the_best_first_and_no_page_looks_without_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CHUNK", 2)
    monkeypatch.setattr(search, "FARTHEST", 4)
    over = world.vik.files("井盖没了", severity="yellow")
    ends(world, over, "换好了")
    told = world.vik.files("有东西坏了，说不清楚是什么，请派人来看看，就在学校门口，像是井盖", severity="yellow")
    titled = world.vik.files("井盖破损", severity="yellow")
    for _ in range(9):
        world.vik.files("井盖破损", severity="blue")
    yellow, seen, pages = [Case.severity == Severity.YELLOW], [], 0
    cursor: str | None = ""
    while cursor is not None:
        found = seek(world, "井盖", cursor=cursor, only=yellow)
        seen += [hit.case.number for hit in found.hits]
        cursor, pages = found.cursor, pages + 1
    assert seen == [titled.number, told.number, over.number] and pages == 3
    assert not seek(world, titled.number, only=[Case.severity == Severity.BLUE]).hits


def test_one_that_was_open_for_long_is_still_before_a_new_one_that_is_over(world: World) -> None:
    old, over = world.vik.files("井盖破损"), world.vik.files("井盖破损")
    ends(world, over, "好了")
    change(world, old, lambda case: setattr(case, "opened_at", clock.now() - timedelta(days=400)))
    assert numbers(world, "井盖") == [old.number, over.number]


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsIDIsIDk5OTk5XQ", "bnVsbA"])
def test_a_cursor_of_somebody_else_s_making_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(Invalid):
        seek(world, "井盖", cursor=cursor)


def test_a_broken_index_refuses_no_report_and_is_caught_up_with(world: World) -> None:
    breaks(world, "case_words", "case_words_away")
    filed = world.vik.files("电线掉进水里", severity="red")
    with world.app.app_context():
        case = db.session.scalars(select(Case).where(Case.number == filed.number)).one()
        assert db.session.scalars(select(Alert).where(Alert.case_id == case.id)).one().state == "open"
    world.dora.must("accept", filed.number)
    world.dora.must("close", filed.number, note="已断电")
    breaks(world, "case_words_away", "case_words")
    with world.app.app_context():
        search.reindex(lambda done, total: None)
    assert numbers(world, "电线") == [filed.number]


def breaks(world: World, name: str, away: str) -> None:
    with world.app.app_context(), writing():
        db.session.execute(text(f"ALTER TABLE {name} RENAME TO {away}"))

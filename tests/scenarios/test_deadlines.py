"""Deadlines as the town lives them: put aside, made longer, hurried and watched, by hand and by themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from fieldapp import clock, nudges, timing
from fieldapp.db import db, writing
from fieldapp.models import Alert, Case, CaseEvent, Limit
from fieldapp.rules.deadlines import Step
from fieldapp.rules.severity import Severity
from tests.world import World

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def phones(world: World) -> None:
    for name in ("ada", "lea", "dora"):
        world.person(name).carries_phone()


@contextmanager
def held(world: World, number: str) -> Iterator[Case]:
    with world.app.app_context():
        yield db.session.scalars(select(Case).where(Case.number == number)).one()


def due(world: World, number: str) -> datetime:
    with held(world, number) as case:
        assert case.due_at
        return case.due_at


def signed(world: World, severity: str = "yellow") -> str:
    """A case that ada has signed, and everybody has read what came so far."""
    number = world.vik.files("路灯不亮", severity=severity).number
    world.dora.must("dispatch", number, to="ada")
    world.work()
    world.ada.must("acknowledge", number)
    world.work()
    world.hush()
    return number


def chased(world: World, passed: timedelta = timedelta()) -> None:
    """Time passes at one stroke; the worker looks at what has come due, and sends."""
    world.skipped += passed
    with world.app.app_context():
        nudges.chase(world.now)
    world.work()


def history(world: World, number: str) -> list[str]:
    with world.app.app_context():
        query = select(CaseEvent.action).join(Case).where(Case.number == number).order_by(CaseEvent.id)
        return list(db.session.scalars(query))


def notices(world: World) -> list[str]:
    with world.app.app_context():
        return sorted(db.session.scalars(select(Alert.title).where(Alert.purpose == "notice")))


def test_the_words_of_a_deadline_come_by_themselves_each_once(world: World) -> None:
    number = signed(world)  # yellow: four hours until somebody is there
    chased(world, 2.9 * HOUR)
    world.phones["ada"].stays_silent()
    chased(world, 0.2 * HOUR)
    world.phones["ada"].expects("即将超期")
    chased(world, 1 * HOUR)
    world.phones["ada"].expects("已超期")
    chased(world)
    world.phones["lea"].stays_silent()
    chased(world, 2 * HOUR)
    world.phones["ada"].expects("催办")
    chased(world, 2 * HOUR)
    world.phones["ada"].expects("督办")
    world.phones["lea"].expects("督办")
    chased(world, 100 * HOUR)
    world.phones["ada"].stays_silent()
    assert history(world, number)[-4:] == ["due_soon", "overdue", "nudge", "supervise"]
    assert "督办" in world.dora.get("/desk/queue").text


@pytest.mark.onedb
def test_after_a_worker_was_down_only_the_latest_word_is_said(world: World) -> None:
    number = signed(world)
    chased(world, 9 * HOUR)
    world.phones["ada"].expects("督办")
    world.phones["ada"].stays_silent()
    assert history(world, number)[-1] == "supervise"


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_dies_at_the_commit_and_no_word_is_lost_or_said_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    number = signed(world)
    world.skipped += 3.5 * HOUR
    commit = db.session.commit

    def dying() -> None:
        if after:
            commit()
        raise SystemExit("killed")

    with world.app.app_context(), monkeypatch.context() as patched:
        patched.setattr(db.session, "commit", dying)
        with pytest.raises(SystemExit):
            nudges.chase(world.now)
    assert ("due_soon" in history(world, number)) == after
    for _ in range(2):
        chased(world)
    world.phones["ada"].expects("即将超期")
    world.phones["ada"].stays_silent()
    assert history(world, number).count("due_soon") == 1


def test_two_workers_at_once_say_it_once(world: World) -> None:
    signed(world)
    world.skipped += 3.5 * HOUR
    with world.app.app_context():
        (case_id,) = db.session.scalars(select(Case.id).where(Case.next_nudge_at <= world.now))
        db.session.rollback()
        for _ in range(2):  # both had read that it is due
            nudges._guarded(case_id, world.now)
    assert notices(world) == ["即将超期：路灯不亮"]


@pytest.mark.onedb
def test_the_desk_hears_of_what_is_late_in_its_queue_once_in_ten_minutes(world: World) -> None:
    for n in range(3):
        world.vik.files(f"积水 {n}", severity="blue")
    chased(world, 1.1 * HOUR)
    world.phones["dora"].expects("已超期")
    world.phones["dora"].stays_silent()


@pytest.mark.onedb
def test_a_red_one_neither_waits_behind_blue_ones_nor_is_swallowed_by_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    blue = [world.vik.files(f"积水{n}", severity="blue").number for n in "一二"]
    red = world.vik.files("电线垂落", severity="red").number
    with held(world, red) as case, writing():
        db.session.merge(case).next_nudge_at = clock.now() + 3 * HOUR  # the blue ones came up long before
    monkeypatch.setattr(nudges, "MOST_AT_ONCE", 1)
    world.skipped += 9 * HOUR
    with world.app.app_context():
        assert nudges.chase(world.now), "there is more"
        assert history(world, red)[-1] == "supervise"
        while nudges.chase(world.now):
            pass
        told = select(CaseEvent.data).where(CaseEvent.action == "supervise").order_by(CaseEvent.id)
        names = [data.get("people") for data in db.session.scalars(told)]
    assert notices(world) == ["督办：电线垂落", "督办：积水一", "督办：积水一"]
    assert names == [["李雷"], ["吴朵", "李雷"], None], "who is told nothing is not said to be"
    assert history(world, blue[1])[-1] == "supervise"


@pytest.mark.onedb
def test_of_an_accepted_case_the_leader_hears_that_it_is_to_be_sent_not_accepted_again(world: World) -> None:
    number = world.vik.files("积水", severity="blue").number
    world.dora.must("accept", number)
    world.dora.must("supervise", number, note="快派")
    with world.app.app_context():
        (body,) = db.session.scalars(select(Alert.body).where(Alert.title == "督办：积水"))
    assert "前派单" in body


def test_put_aside_the_clock_stands_and_nobody_is_hurried_until_it_comes_back_by_itself(world: World) -> None:
    number = signed(world)
    before = due(world, number)
    assert world.dora.does("park", number).status_code == 422, "a reason is needed"
    day = (clock.local(world.now) + timedelta(days=3)).date()
    world.dora.must("park", number, note="等供电局", term=day.isoformat())
    assert "挂账到" in world.dora.get("/desk/queue").text
    with held(world, number) as case:
        begun, until = case.paused_at, case.paused_until
        assert begun and until and clock.local(until).date() == day
    assert due(world, number) == before + (until - begun)
    chased(world, 40 * HOUR)
    world.phones["ada"].stays_silent()
    chased(world, until - world.now)
    assert history(world, number)[-1] == "resume"
    assert due(world, number) == before + (until - begun)
    chased(world, 4.1 * HOUR)
    world.phones["ada"].expects("已超期")


@pytest.mark.onedb
def test_resumed_early_only_the_time_it_stood_is_given_back(world: World) -> None:
    number = signed(world)
    before = due(world, number)
    with world.app.app_context(), writing():  # also to a clock from before minutes and kind were kept
        case = db.session.scalars(select(Case).where(Case.number == number)).one()
        case.due_minutes = case.due_kind = case.next_nudge_at = None
    world.dora.must("park", number, note="等材料")
    assert "resume" in world.dora.case(number)["actions"]
    assert world.dora.does("park", number, note="再挂一次").status_code == 409
    world.dora.must("resume", number)
    assert timedelta() < due(world, number) - before < timedelta(minutes=1)


@pytest.mark.onedb
def test_what_still_calls_somebody_cannot_be_put_aside(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.dora.must("accept", number)
    world.dora.must("dispatch", number, to="ada")
    answer = world.dora.does("park", number, note="等供电局")
    assert answer.status_code == 409 and "还没有签收，正在叫" in answer.text


def test_put_aside_and_then_red_it_calls_and_is_no_longer_aside(world: World) -> None:
    number = world.vik.files("路灯", severity="blue").number
    world.dora.must("accept", number)
    world.dora.must("park", number, note="等供电局")
    world.dora.must("classify", number, severity="red")
    world.work()
    world.phones["ada"].expects("路灯")
    with held(world, number) as case:
        assert case.paused_at is None
        assert case.due_at and case.due_at < clock.now() + timedelta(minutes=11)


def test_signed_and_put_aside_it_comes_back_and_calls_when_a_red_one_joins_it(world: World) -> None:
    number = signed(world, "blue")
    world.dora.must("park", number, note="等供电局")
    red = world.vik.files("电线掉下来了", severity="red").number
    world.dora.must("merge", red, to=number)
    with held(world, number) as case:
        assert case.severity == Severity.RED and case.paused_at is None
        calls = db.session.scalars(select(Alert).where(Alert.case_id == case.id, Alert.state == "open")).all()
        assert {delivery.user.username for alert in calls for delivery in alert.deliveries} >= {"ada"}
    assert world.dora.does("park", number, note="再等等").status_code == 409, "somebody is being called"


def test_more_time_is_asked_for_and_given_and_the_second_time_it_is_the_leaders_to_say(world: World) -> None:
    number = signed(world)
    before = due(world, number)
    page = world.ada.get(f"/tasks/{number}").text
    assert "申请延期" in page
    sent = {"action": "ask_extension", "term": "240", "note": "要等吊车", "version": "3"}
    with held(world, number) as case:
        sent["version"] = str(case.version)
    assert world.ada.post(f"/tasks/{number}/transitions", data=sent).status_code == 303
    assert "等中心答复" in world.ada.get(f"/tasks/{number}").text
    assert "要等吊车" in world.dora.get(f"/desk/cases/{number}").text
    world.dora.must("grant", number)
    world.work()
    world.phones["ada"].expects("同意延期")
    assert due(world, number) == before + 4 * HOUR
    world.ada.must("ask_extension", number, term="60", note="还差一点")
    assert world.dora.does("grant", number).status_code == 409
    world.lea.must("refuse", number, note="先放警示桩")
    world.work()
    world.phones["ada"].expects("不同意延期")
    assert due(world, number) == before + 4 * HOUR


@pytest.mark.onedb
def test_nobody_answers_his_own_request_and_nonsense_is_refused(world: World) -> None:
    number = signed(world)
    for term in ("", "0", "-5", "9999999", "soon"):
        assert world.ada.does("ask_extension", number, term=term, note="慢").status_code == 422, term
    assert world.dora.does("ask_extension", number, term="60", note="慢").status_code == 403
    for term in ("yesterday", "2020-01-01", "2999-01-01"):
        assert world.dora.does("park", number, term=term, note="等").status_code == 422, term
    assert world.dora.does("grant", number).status_code == 409


@pytest.mark.onedb
def test_hurried_and_watched_by_hand(world: World) -> None:
    number = signed(world)
    world.dora.must("nudge", number, note="快一点")
    world.work()
    world.phones["ada"].expects("快一点")
    world.phones["lea"].stays_silent()
    assert "已催办" in world.dora.get("/desk").text and "已催办" in world.ada.get(f"/tasks/{number}").text
    assert "催办：陈安" in world.dora.get(f"/desk/cases/{number}").text
    assert world.dora.does("supervise", number).status_code == 422
    world.dora.must("supervise", number, note="今天办结")
    world.work()
    world.phones["ada"].expects("督办")
    world.phones["lea"].expects("督办")
    assert "督办" in world.dora.get(f"/desk/cases/{number}").text


@pytest.mark.onedb
def test_hurrying_somebody_no_word_can_reach_says_so(world: World) -> None:
    number = world.vik.files("路灯", severity="yellow").number
    world.dora.must("dispatch", number, to="ben")
    world.dora.must("nudge", number)
    assert "催办：黄本（叫不到，请打电话）" in world.dora.get(f"/desk/cases/{number}").text


@pytest.mark.onedb
def test_quiet_hours_hold_the_words_of_what_is_not_red(world: World) -> None:
    signed(world)
    hour = clock.local(world.now + 3.5 * HOUR).hour
    world.ada.prefers(quiet=(hour, (hour + 2) % 24))
    chased(world, 3.5 * HOUR)
    world.phones["ada"].stays_silent()
    assert notices(world) == ["即将超期：路灯不亮"], "it waits for the morning"


def test_a_limit_of_the_category_in_working_time_runs_only_in_office_hours(world: World) -> None:
    own: dict[str, Any] = {"severity": Severity.BLUE, "step": Step.TRIAGE, "category_code": "facility"}
    with world.app.app_context(), writing():
        db.session.add(Limit(minutes=100 * 360, kind="working", **own))
    number = world.vik.files("路灯", severity="blue", category="facility").number
    other = world.vik.files("路灯", severity="blue").number
    with held(world, other) as case:
        assert case.due_at and case.due_since and case.due_at - case.due_since == HOUR
    moment = clock.local(due(world, number))
    assert moment - clock.local(clock.now()) > timedelta(days=100), "a hundred days of six hours each"
    world.dora.must("classify", other, category="facility")
    assert due(world, other) - due(world, number) < HOUR, "it is of this category now"
    with world.app.app_context():
        assert 8 <= moment.hour < 18 and not timing.office().calendar.is_rest(moment.date())


def test_what_comes_up_is_found_by_its_index(world: World) -> None:
    due = "cases.next_nudge_at IS NOT NULL AND next_nudge_at <= CURRENT_TIMESTAMP"
    query = f"SELECT id FROM cases WHERE {due} ORDER BY severity DESC, next_nudge_at LIMIT 20"
    with world.app.app_context():
        sqlite = db.engine.dialect.name == "sqlite"
        if not sqlite:
            db.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = db.session.execute(text(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + query)).all()
    assert "ix_cases_nudge" in str(plan)

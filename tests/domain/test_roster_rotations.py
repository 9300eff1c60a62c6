"""Rotations, stand-ins, holidays and handovers below the pages: what changes, and what must stay as it was."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from fieldapp import clock, feeds, handovers, holidays, oncall, roster, rotations, seed
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.models import CalendarDay, CalendarYear, Feed, Handover, OnCall, Override, Rotation, User
from fieldapp.rotations import Draft
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roster import Gap
from tests.rotas import TOWN, far_cut, ids, no_demo_rotations, rota, starts
from tests.world import World

DAY = timedelta(days=1)


@pytest.fixture
def quiet(world: World) -> Iterator[World]:
    """Nobody on call by hand, no rotation; inside the app, as a command is."""
    world.take_off_call("ada", "ben", "lea")
    no_demo_rotations(world)
    with world.app.app_context():
        yield world


def person(name: str) -> User:
    return db.session.scalars(select(User).where(User.username == name)).one()


def names(rung: Rung = Rung.ON_CALL, town: str = TOWN) -> list[str]:
    return [user.username for user in oncall.holders(town, rung, clock.now())]


def draft(world: World, *members: str, **more: Any) -> Draft:
    values = {"rung": "on_call", "name": "备勤", "starts_on": clock.local(clock.now()).date(), "ends_on": None,
              "cuts": ["08:00"], "turn": 1, "days": "all"} | more  # fmt: skip
    return Draft(members=ids(world, *members), **values)


def test_those_put_on_by_hand_and_those_whose_turn_it_is_are_on_call_together(quiet: World) -> None:
    rota(quiet, "ben")
    assert names() == ["ben"]
    with writing():
        roster.put_on(person("dora"), Rung.ON_CALL, person("ada").id, None, clock.now())
    assert names() == ["ada", "ben"]
    assert names(Rung.LEADER) == []
    assert names(town="441521119") == []


@pytest.mark.parametrize("change", [{"active": False}, {"role": "patrol"}, {"area_code": "441521119"}])
def test_who_left_or_moved_is_a_gap_with_a_name_and_not_on_call(quiet: World, change: dict[str, Any]) -> None:
    rota(quiet, "ben")
    with writing():
        for field, value in change.items():
            setattr(person("ben"), field, value)
    assert names() == []
    now = clock.now()
    (hole,) = oncall.gaps(TOWN, Rung.ON_CALL, now, now + 14 * DAY)
    assert (hole.starts_at, hole.ends_at, hole.why) == (now, now + 14 * DAY, (Gap.INACTIVE,))


def test_a_rotation_that_has_begun_keeps_its_past_when_it_is_changed(quiet: World) -> None:
    post = rota(quiet, "ada")
    dora, now = person("dora"), clock.now()
    tomorrow = clock.local(now).date() + DAY
    before = [shift for _, shift in oncall.shifts_of(person("ada"), now - 3 * DAY, now)]
    with writing():
        made = rotations.change(dora, post, draft(quiet, "ben", starts_on=tomorrow, cuts=[far_cut()]), now).id
    assert made != post
    assert [shift for _, shift in oncall.shifts_of(person("ada"), now - 3 * DAY, now)] == before
    assert names() == ["ada"]
    assert starts(quiet, made, "ben")
    assert oncall.gaps(TOWN, Rung.ON_CALL, now, now + 14 * DAY) == []
    with pytest.raises(Invalid) as refused, writing():
        rotations.change(dora, made, draft(quiet, "ada", starts_on=tomorrow - 2 * DAY), now)
    assert refused.value.errors == {"starts_on": "in_past"}


def test_who_stands_in_next_week_still_does_after_the_rotation_was_changed(quiet: World) -> None:
    post = rota(quiet, "ada")
    at = starts(quiet, post, "ada")[5]
    dora, now = person("dora"), clock.now()
    tomorrow = clock.local(now).date() + DAY
    with writing():
        rotations.stand_in(dora, post, (at, at + DAY), person("ben").id, "", now)
        made = rotations.change(dora, post, draft(quiet, "ada", starts_on=tomorrow, cuts=[far_cut()]), now).id
    assert starts(quiet, made, "ben") == [at]


def test_a_rotation_that_was_ended_runs_to_the_end_of_its_last_shift(quiet: World) -> None:
    post = rota(quiet, "ada")
    dora, now = person("dora"), clock.now()
    today = clock.local(now).date()
    with writing():
        rotations.end(dora, post, today, now)
    assert names() == ["ada"]
    (hole,) = oncall.gaps(TOWN, Rung.ON_CALL, now, now + 14 * DAY)
    assert clock.local(hole.starts_at).date() == today + DAY
    with pytest.raises(Invalid), writing():
        rotations.end(dora, post, today - DAY, now)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"name": " "}, "name"), ({"rung": "desk"}, "rung"), ({"starts_on": date(2020, 1, 1)}, "starts_on"),
     ({"ends_on": date(2020, 1, 1)}, "ends_on"), ({"cuts": ["08:00", "08:00"]}, "cuts"), ({"cuts": ["8"]}, "cuts"),
     ({"cuts": []}, "cuts"), ({"turn": 0}, "turn"), ({"days": "sometimes"}, "days"), ({"rung": "leader"}, "members")],
)  # fmt: skip
def test_a_rotation_that_cannot_be_is_refused_by_field(quiet: World, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused, writing():
        rotations.make(person("dora"), draft(quiet, "ada", **wrong), clock.now())
    assert set(refused.value.errors) == {field}
    assert db.session.scalar(select(func.count()).select_from(Rotation)) == 0


def test_nobody_of_another_town_or_role_becomes_a_member(quiet: World) -> None:
    for stranger in ("otto", "vik", "dora"):
        with pytest.raises(Invalid), writing():
            rotations.make(person("dora"), draft(quiet, "ada", stranger), clock.now())


def test_another_towns_rotation_does_not_exist(quiet: World) -> None:
    post = rota(quiet, "ada")
    otto, now = person("otto"), clock.now()
    at = starts(quiet, post, "ada")[0]
    for attempt in (
        lambda: rotations.end(otto, post, clock.local(now).date(), now),
        lambda: rotations.change(otto, post, draft(quiet), now),
        lambda: rotations.shift(otto, post, at),
        lambda: rotations.stand_in(otto, post, (at, at + DAY), None, "", now),
        lambda: rotations.exchange(otto, (post, at), (post, at + DAY), now),
    ):
        with pytest.raises(NotHere), writing():
            attempt()
    with writing():
        rotations.stand_in(person("dora"), post, (at, at + DAY), None, "", now)
    made = db.session.scalars(select(Override.id)).one()
    with pytest.raises(NotHere), writing():
        rotations.take_back(otto, made, now)


def test_a_shift_left_open_on_purpose_is_a_gap_until_that_is_taken_back(quiet: World) -> None:
    post = rota(quiet, "ada")
    dora, now = person("dora"), clock.now()
    at = starts(quiet, post, "ada")[1]
    with writing():
        rotations.stand_in(dora, post, (at, at + DAY), None, "请假", now)
    (hole,) = oncall.gaps(TOWN, Rung.ON_CALL, now, now + 14 * DAY)
    assert (hole.starts_at, hole.ends_at, hole.why) == (at, at + DAY, (Gap.LEFT_OPEN,))
    with writing():
        rotations.take_back(dora, db.session.scalars(select(Override.id)).one(), now)
    assert oncall.gaps(TOWN, Rung.ON_CALL, now, now + 14 * DAY) == []


def test_what_has_been_of_a_stand_in_stays_when_it_is_taken_back(quiet: World) -> None:
    post = rota(quiet, "ada")
    dora, now = person("dora"), clock.now()
    with writing():
        rotations.stand_in(dora, post, (now, now + DAY), person("ben").id, "", now)
    later = now + timedelta(minutes=30)
    with writing():
        rotations.take_back(dora, db.session.scalars(select(Override.id)).one(), later)
    left = db.session.scalars(select(Override)).one()
    assert (left.starts_at, left.ends_at) == (now, later)
    assert [user.username for user in oncall.holders(TOWN, Rung.ON_CALL, later)] == ["ada"]


def test_only_shifts_of_one_rung_and_of_two_people_change_places(quiet: World) -> None:
    ours, leaders = rota(quiet, "ada", "ben"), rota(quiet, "lea", rung="leader", name="带班")
    dora, now = person("dora"), clock.now()
    mine, his, leas = starts(quiet, ours, "ada"), starts(quiet, ours, "ben"), starts(quiet, leaders, "lea")
    for other, why in (((leaders, leas[0]), "other_rung"), ((ours, mine[1]), "same_holder")):
        with pytest.raises(Conflict) as refused, writing():
            rotations.exchange(dora, (ours, mine[0]), other, now)
        assert refused.value.reason == why
    with writing():
        rotations.exchange(dora, (ours, mine[0]), (ours, his[1]), now)
    assert starts(quiet, ours, "ada") == sorted([*mine[1:], his[1]])


def test_a_running_shift_that_changes_places_calls_only_who_was_not_there(quiet: World) -> None:
    one = rota(quiet, "ada")
    rota(quiet, "ben", name="二组")
    called: list[str] = []
    dora, now = person("dora"), clock.now()

    def note(town: str, rung: Rung, user: User, at: Any) -> None:
        called.append(f"{town} {rung} {user.username}")

    with writing():
        rotations.stand_in(dora, one, (now, now + DAY), person("ben").id, "", now, note)
    assert called == []  # he was on call already
    with writing():
        rotations.stand_in(dora, one, (now, now + timedelta(hours=1)), person("ada").id, "", now, note)
    assert called == [f"{TOWN} on_call ada"]
    with writing():
        rotations.stand_in(dora, one, (now + DAY, now + 2 * DAY), person("ben").id, "", now, note)
    assert len(called) == 1  # tomorrow's shift has nothing to be called for yet


def test_the_week_shows_a_gap_only_where_nobody_else_of_the_rung_stands(quiet: World) -> None:
    now = clock.now()
    monday = clock.local(now).date() + timedelta(days=7 - clock.local(now).weekday())
    workdays = rota(quiet, "ada", name="工作日", days="workdays", starts_on=monday - 7 * DAY)
    week = roster.week(person("dora"), monday, now)
    (row,) = week.rows
    assert [bool(row.uncovered(shift)) for shift in row.stand.shifts] == [
        s.gap == Gap.OFF_DAY for s in row.stand.shifts
    ]
    assert any(row.uncovered(shift) for shift in row.stand.shifts)
    rota(quiet, "ben", name="休息日", days="rest_days", starts_on=monday - 7 * DAY)
    db.session.rollback()  # look anew
    week = roster.week(person("dora"), monday, now)
    assert len(week.rows) == 2
    assert not any(row.uncovered(shift) for row in week.rows for shift in row.stand.shifts)
    assert workdays in {row.stand.rotation.id for row in week.rows}


def test_the_published_holidays_are_there_and_an_admins_changes_outlive_a_restart(quiet: World) -> None:
    assert holidays.published(2026) and holidays.published(2090) is None
    assert oncall.whole_calendar().is_rest(date(2026, 10, 1)) and not oncall.whole_calendar().is_rest(
        date(2026, 10, 10)
    )
    root = person("root")
    with writing():
        holidays.remove(root, date(2026, 10, 1))
        holidays.unpublish(root, 2025)
        holidays.put(root, date(2090, 1, 3), "rest", "元旦")
    with writing():
        seed.reference_data()
    assert db.session.get(CalendarDay, date(2026, 10, 1)) is None
    assert {row.year for row in db.session.scalars(select(CalendarYear))} == {2026}
    assert holidays.coming_unpublished(clock.now().replace(year=2089, month=6, day=1)) == [2089, 2090]


def test_a_year_is_published_only_with_its_days_and_its_source(quiet: World) -> None:
    root, now = person("root"), clock.now()
    with pytest.raises(Invalid), writing():
        holidays.publish(root, 2090, "国务院办公厅通知", now)
    with writing():
        holidays.put(root, date(2090, 1, 3), "rest", "元旦")
    assert not oncall.whole_calendar().is_rest(date(2090, 1, 3))  # a Tuesday; the year is not published
    with pytest.raises(Invalid), writing():
        holidays.publish(root, 2090, " ", now)
    with writing():
        holidays.publish(root, 2090, "国务院办公厅通知", now)
    assert oncall.whole_calendar().is_rest(date(2090, 1, 3))


def test_a_feeds_address_is_kept_only_as_a_hash_and_dies_when_replaced_or_with_its_owner(quiet: World) -> None:
    ada, now = person("ada"), clock.now()
    with writing():
        first = feeds.make(ada, False, 0, now)
    kept = db.session.scalars(select(Feed)).one()
    assert first not in kept.token_hash and len(first) >= 43
    with pytest.raises(Conflict), writing():
        feeds.make(ada, False, 0, now)  # the form of a page from before
    with writing():
        second = feeds.make(ada, False, kept.id, now)
    assert feeds.of_token(first) is None
    assert feeds.of_token(second) is not None
    with writing():
        person("ada").active = False
    assert feeds.of_token(second) is None


def test_the_towns_feed_is_the_desks_and_ends_with_the_role(quiet: World) -> None:
    now = clock.now()
    with pytest.raises(NotAllowed), writing():
        feeds.make(person("ada"), True, 0, now)
    with writing():
        token = feeds.make(person("dora"), True, 0, now)
    assert feeds.of_token(token) is not None
    with writing():
        person("dora").role = "admin"
    assert feeds.of_token(token) is None


def test_a_feed_names_shifts_the_same_as_long_as_they_begin_at_the_same_time(quiet: World) -> None:
    post = rota(quiet, "ada", "ben")
    now = clock.now()
    with writing():
        token = feeds.make(person("ada"), False, 0, now)
    own = feeds.of_token(token)
    assert own
    entries = feeds.entries(own, now)
    assert {entry.uid for entry in entries} == {entry.uid for entry in feeds.entries(own, now + timedelta(minutes=1))}
    assert len({entry.uid for entry in entries}) == len(entries) >= 27
    assert {entry.holder for entry in entries} == {"陈安"}
    at = starts(quiet, post, "ada")[0]
    with writing():
        rotations.stand_in(person("dora"), post, (at, at + DAY), None, "", now)
    assert len(feeds.entries(own, now)) == len(entries) - 1
    with writing():
        all_of_town = feeds.of_token(feeds.make(person("dora"), True, 0, now))
        assert all_of_town
        gaps = [entry for entry in feeds.entries(all_of_town, now) if not entry.holder]
    assert [(gap.starts_at, gap.ends_at) for gap in gaps] == [(at, at + DAY)]


def test_one_handover_waits_at_a_time_even_when_two_officers_sign_at_once(quiet: World) -> None:
    def give(name: str) -> str:
        with quiet.app.app_context():
            try:
                with writing():
                    handovers.give(person(name), "", clock.now())
                return "given"
            except Conflict as refused:
                return refused.reason

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(give, ("dora", "lea"))) == ["given", "handover_waits"]
    assert db.session.scalar(select(func.count()).select_from(Handover)) == 1


def test_both_sign_and_nobody_signs_for_both(quiet: World) -> None:
    dora, lea, otto, now = person("dora"), person("lea"), person("otto"), clock.now()
    with writing():
        given = handovers.give(dora, " 井盖的事等市政 ", now).id
    with pytest.raises(Conflict), writing():
        handovers.take(dora, given, "", now)
    with pytest.raises(NotHere), writing():
        handovers.take(otto, given, "", now)
    with pytest.raises(Conflict), writing():
        handovers.withdraw(lea, given)
    with writing():
        handovers.take(lea, given, "好", now + timedelta(minutes=5))
    signed = handovers.load(dora, given)
    assert (signed.giver.username, signed.taker and signed.taker.username) == ("dora", "lea")
    assert (signed.state, signed.note, signed.answer) == ("taken", "井盖的事等市政", "好")
    with pytest.raises(Conflict), writing():
        handovers.take(lea, given, "", now)
    with writing():
        handovers.give(lea, "", now)  # the next one may begin


def test_somebody_who_leaves_is_off_every_list(quiet: World) -> None:
    with writing():
        roster.put_on(person("dora"), Rung.ON_CALL, person("ada").id, 8, clock.now())
        roster.end_all(person("ada"), clock.now())
    assert db.session.scalar(select(func.count()).select_from(OnCall).where(OnCall.ends_at > clock.now())) == 0

"""Who holds a post when: every instant has one holder or a named gap, also at midnight and when the clocks change."""

import csv
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fieldapp.rules import roster
from fieldapp.rules.calendar import Calendar
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roster import HAIFENG, Days, Gap, Held, Override, Post, Rotation, Shift

ADA, BEN, GIA, VIK = 1, 2, 3, 4
EVERYBODY = frozenset({ADA, BEN, GIA, VIK})
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # half an hour of daylight saving
ZONES = st.sampled_from([HAIFENG, NEW_YORK, LORD_HOWE])
HOLIDAYS = Calendar(
    rest={date(2026, 10, day) for day in range(1, 8)} | {date(2026, 2, day) for day in range(15, 24)},
    work={date(2026, 9, 20), date(2026, 10, 10), date(2026, 2, 14), date(2026, 2, 28)},
    published={2026},
)
SPRING = date(2026, 3, 1)
CUTS = st.lists(st.times().map(lambda t: t.replace(microsecond=0)), min_size=1, max_size=4, unique=True).map(sorted)


def rotation(*members: int, **more: object) -> Rotation:
    return Rotation(**({"id": 1, "rung": Rung.ON_CALL, "name": "备勤", "members": members, "starts_on": SPRING} | more))


def local(day: date, hour: int = 0, minute: int = 0, zone: ZoneInfo = HAIFENG) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)


def standing(
    made: Rotation, since: datetime, until: datetime, overrides: list[Override] | None = None, **more: object
) -> list[Shift]:
    return roster.shifts(made, overrides or [], HOLIDAYS, since, until, more.pop("active", EVERYBODY), **more)


rotations = st.builds(
    Rotation,
    id=st.just(1), rung=st.just(Rung.ON_CALL), name=st.just("备勤"),
    members=st.lists(st.sampled_from(sorted(EVERYBODY)), max_size=4, unique=True).map(tuple),
    starts_on=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    ends_on=st.none() | st.dates(date(2026, 6, 1), date(2027, 2, 1)),
    cuts=CUTS.map(tuple), turn=st.integers(1, 7), days=st.sampled_from(Days),
)  # fmt: skip
instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
lengths = st.timedeltas(timedelta(minutes=1), timedelta(days=9))
actives = st.frozensets(st.sampled_from(sorted(EVERYBODY)))


@st.composite
def overridden(draw: st.DrawFn) -> tuple[datetime, list[Override]]:
    """A moment, and overrides near it."""
    since = draw(instants)
    made = []
    for _ in range(draw(st.integers(0, 4))):
        start = since + draw(st.timedeltas(timedelta(days=-3), timedelta(days=9)))
        holder = draw(st.none() | st.sampled_from(sorted(EVERYBODY)))
        made.append(Override(1, start, start + draw(lengths), holder))
    return since, made


@given(made=rotations, around=overridden(), length=lengths, active=actives, zone=ZONES)
def test_every_instant_has_exactly_one_holder_or_one_named_gap(
    made: Rotation, around: tuple[datetime, list[Override]], length: timedelta, active: frozenset[int], zone: ZoneInfo
) -> None:
    since, overrides = around
    found = standing(made, since, since + length, overrides, active=active, zone=zone)
    assert found[0].starts_at == since
    assert found[-1].ends_at == since + length
    assert all(one.ends_at == following.starts_at for one, following in pairwise(found))
    for shift in found:
        assert shift.starts_at < shift.ends_at
        assert (shift.holder is None) == (shift.gap is not None)
        assert shift.holder is None or shift.holder in active


@given(made=rotations, around=overridden(), length=lengths, zone=ZONES, part=st.floats(0, 1))
def test_what_is_asked_of_one_instant_is_what_the_whole_span_says(
    made: Rotation, around: tuple[datetime, list[Override]], length: timedelta, zone: ZoneInfo, part: float
) -> None:
    since, overrides = around
    at = since + length * part
    assume(at < since + length)
    whole = next(
        s for s in standing(made, since, since + length, overrides, zone=zone) if s.starts_at <= at < s.ends_at
    )
    then = roster.holder_at(made, overrides, HOLIDAYS, at, EVERYBODY, zone)
    assert (then.holder, then.gap, then.member) == (whole.holder, whole.gap, whole.member)


@given(made=rotations, around=overridden(), length=lengths, zone=ZONES)
def test_overrides_never_leak_out_of_their_span(
    made: Rotation, around: tuple[datetime, list[Override]], length: timedelta, zone: ZoneInfo
) -> None:
    since, overrides = around
    until = since + length
    changed = standing(made, since, until, overrides, zone=zone)
    edges = {edge for entry in overrides for edge in (entry.starts_at, entry.ends_at)}
    instants = {shift.starts_at for shift in changed} | {edge for edge in edges if since <= edge < until}
    for at in instants:
        now = roster.holder_at(made, overrides, HOLIDAYS, at, EVERYBODY, zone)
        bare = roster.holder_at(made, [], HOLIDAYS, at, EVERYBODY, zone)
        touching = [entry for entry in overrides if entry.starts_at <= at < entry.ends_at]
        if not touching or bare.gap in (Gap.NOT_STARTED, Gap.ENDED):
            assert (now.holder, now.gap) == (bare.holder, bare.gap)
        else:
            assert now.holder == touching[-1].holder


@given(
    names=st.lists(st.sampled_from(sorted(EVERYBODY)), min_size=1, max_size=4, unique=True), turn=st.integers(1, 7),
    cuts=CUTS, days=st.sampled_from(Days), rounds=st.integers(1, 3),
)  # fmt: skip
def test_in_whole_rounds_everybody_stands_equally_often_and_in_the_same_order(
    names: list[int], turn: int, cuts: list[time], days: Days, rounds: int
) -> None:
    made = rotation(*names, turn=turn, cuts=tuple(cuts), days=days)
    since = roster.instant(SPRING, cuts[0])
    counted = [s for s in standing(made, since, since + timedelta(days=400)) if s.gap is None]
    whole = counted[: len(names) * turn * rounds]
    assert Counter(s.holder for s in whole) == dict.fromkeys(names, turn * rounds)
    assert [s.holder for s in whole[::turn]] == names * rounds
    assert all(len({s.holder for s in whole[n : n + turn]}) == 1 for n in range(0, len(whole), turn))


@given(made=rotations, since=instants, picks=st.tuples(st.integers(0), st.integers(0)), zone=ZONES)
def test_two_who_change_places_work_as_many_shifts_and_hours_together_as_before(
    made: Rotation, since: datetime, picks: tuple[int, int], zone: ZoneInfo
) -> None:
    until = since + timedelta(days=30)
    before = standing(made, since, until, zone=zone)
    held = [shift for shift in before if shift.holder is not None]
    assume(held)
    one, other = (held[pick % len(held)] for pick in picks)
    after = standing(made, since, until, list(roster.exchange(one, other)), zone=zone)
    assert Counter(shift.holder for shift in after) == Counter(shift.holder for shift in before)
    pair = {one.holder, other.holder}
    assert _hours(after, pair) == _hours(before, pair)
    for bystander in EVERYBODY - pair:
        assert _hours(after, {bystander}) == _hours(before, {bystander})


@given(around=overridden(), one=rotations, other=rotations, length=lengths, active=actives)
def test_a_rung_is_uncovered_exactly_while_no_post_of_it_is_held(
    around: tuple[datetime, list[Override]], one: Rotation, other: Rotation, length: timedelta, active: frozenset[int]
) -> None:
    since, overrides = around
    posts = [Post(one, overrides), Post(other)]
    holes = roster.rung_gaps(posts, HOLIDAYS, since, since + length, active)
    edges = {since} | {edge for hole in holes for edge in (hole.starts_at, hole.ends_at)}
    for post in posts:
        edges |= {s.starts_at for s in standing(post.rotation, since, since + length, overrides, active=active)}
    for at in (edge for edge in edges if since <= edge < since + length):
        held = any(
            roster.holder_at(post.rotation, post.overrides, HOLIDAYS, at, active).holder is not None for post in posts
        )
        assert held != any(hole.starts_at <= at < hole.ends_at for hole in holes)
    assert all(hole.why for hole in holes)


def test_daily_turns_change_at_eight() -> None:
    found = standing(rotation(ADA, BEN), local(SPRING, 8), local(SPRING + timedelta(days=3), 8))
    assert [s.holder for s in found] == [ADA, BEN, ADA]
    assert [s.starts_at for s in found] == [local(SPRING + timedelta(days=n), 8) for n in range(3)]


def test_a_night_shift_belongs_to_the_day_on_which_it_starts() -> None:
    made = rotation(ADA, BEN, cuts=(time(8), time(20)))
    assert roster.holder_at(made, [], HOLIDAYS, local(SPRING, 23, 59), EVERYBODY).holder == BEN
    assert roster.holder_at(made, [], HOLIDAYS, local(SPRING + timedelta(days=1), 7, 59), EVERYBODY).holder == BEN
    assert roster.holder_at(made, [], HOLIDAYS, local(SPRING + timedelta(days=1), 8), EVERYBODY).holder == ADA


def test_at_midnight_the_new_day_begins() -> None:
    made = rotation(ADA, BEN, cuts=(time(0),))
    midnight = local(SPRING + timedelta(days=1))
    last, first = (
        roster.holder_at(made, [], HOLIDAYS, at, EVERYBODY).holder for at in (midnight - roster.MOMENT, midnight)
    )
    assert (last, first) == (ADA, BEN)


def test_a_week_each() -> None:
    found = standing(rotation(ADA, BEN, GIA, turn=7), local(SPRING, 8), local(SPRING + timedelta(days=28), 8))
    assert [s.holder for s in found[::7]] == [ADA, BEN, GIA, ADA]


def test_the_hour_that_is_skipped_and_the_hour_that_comes_twice() -> None:
    made = rotation(ADA, BEN, cuts=(time(2, 30),))
    spring, autumn = date(2026, 3, 8), date(2026, 11, 1)
    changed, twice = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert roster.instant(spring, time(2, 30), NEW_YORK) == changed  # it is 03:00 at once
    assert roster.instant(autumn, time(1, 30), NEW_YORK) == twice  # the first of the two
    around = standing(made, changed - timedelta(days=2), changed + timedelta(days=2), zone=NEW_YORK)
    assert next(s for s in around if s.starts_at == changed).length == timedelta(hours=23, minutes=30)
    assert next(s for s in around if s.ends_at == changed).length == timedelta(hours=23, minutes=30)
    long = standing(rotation(ADA, BEN, cuts=(time(0),)), *_day(autumn), zone=NEW_YORK)
    assert [s.length for s in long] == [timedelta(hours=25)]


def test_a_shift_whose_whole_time_is_skipped_counts_but_nobody_stands_it() -> None:
    made = rotation(ADA, BEN, GIA, cuts=(time(2), time(2, 30), time(3)), starts_on=date(2026, 3, 8))
    holders = [s.holder for s in standing(made, *_day(date(2026, 3, 8)), zone=NEW_YORK) if s.holder]
    assert holders == [GIA]


def test_workdays_and_rest_days_share_the_holiday_weeks_without_a_hole() -> None:
    workdays = rotation(ADA, days=Days.WORKDAYS)
    rest = rotation(BEN, id=2, days=Days.REST_DAYS)
    since, until = local(date(2026, 9, 19), 8), local(date(2026, 10, 12), 8)
    assert roster.rung_gaps([Post(workdays), Post(rest)], HOLIDAYS, since, until, EVERYBODY) == []
    assert (
        roster.holder_at(workdays, [], HOLIDAYS, local(date(2026, 9, 20), 12), EVERYBODY).holder == ADA
    )  # Sunday, worked
    assert roster.holder_at(workdays, [], HOLIDAYS, local(date(2026, 10, 1), 12), EVERYBODY).gap == Gap.OFF_DAY
    assert roster.holder_at(rest, [], HOLIDAYS, local(date(2026, 10, 1), 12), EVERYBODY).holder == BEN
    alone = roster.rung_gaps([Post(workdays)], HOLIDAYS, since, until, EVERYBODY)
    assert [(h.starts_at, h.ends_at, h.why) for h in alone][-1] == (
        local(date(2026, 10, 11), 8), local(date(2026, 10, 12), 8), (Gap.OFF_DAY,),
    )  # fmt: skip


def test_nobody_loses_a_turn_to_a_day_off() -> None:
    made = rotation(ADA, BEN, days=Days.WORKDAYS, starts_on=date(2026, 9, 30))
    found = standing(made, local(date(2026, 9, 30), 8), local(date(2026, 10, 10), 8))
    assert [(s.holder, s.starts_at.astimezone(HAIFENG).day) for s in found if s.holder] == [
        (ADA, 30),
        (BEN, 8),
        (ADA, 9),
    ]


def test_a_year_that_is_not_published_is_guessed_and_says_so() -> None:
    made = rotation(ADA, days=Days.WORKDAYS)
    monday, saturday = local(date(2027, 1, 4), 12), local(date(2027, 1, 2), 12)
    assert (roster.holder_at(made, [], HOLIDAYS, monday, EVERYBODY)).unsure
    assert roster.holder_at(made, [], HOLIDAYS, saturday, EVERYBODY).gap == Gap.OFF_DAY
    assert not roster.holder_at(rotation(ADA), [], HOLIDAYS, monday, EVERYBODY).unsure  # every day: no holiday matters
    assert not roster.holder_at(made, [], HOLIDAYS, local(date(2026, 12, 31), 12), EVERYBODY).unsure
    overnight = roster.holder_at(made, [], HOLIDAYS, local(date(2027, 1, 1), 7), EVERYBODY)
    assert overnight.holder == ADA and not overnight.unsure  # it began in the old year


def test_the_gaps_have_names() -> None:
    day = SPRING + timedelta(days=1)
    noon = local(day, 12)
    left_open = [Override(1, noon, noon + timedelta(hours=1), None)]
    assert roster.holder_at(rotation(), [], HOLIDAYS, noon, EVERYBODY).gap == Gap.NOBODY
    assert roster.holder_at(rotation(ADA), [], HOLIDAYS, noon, frozenset({BEN})).gap == Gap.INACTIVE
    assert roster.holder_at(rotation(ADA), left_open, HOLIDAYS, noon, EVERYBODY).gap == Gap.LEFT_OPEN
    assert roster.holder_at(rotation(ADA, starts_on=day), [], HOLIDAYS, local(day, 7), EVERYBODY).gap == Gap.NOT_STARTED
    over = rotation(ADA, ends_on=SPRING)
    assert (
        roster.holder_at(over, [], HOLIDAYS, local(day, 7), EVERYBODY).holder == ADA
    )  # the last shift runs to its end
    assert roster.holder_at(over, [], HOLIDAYS, local(day, 8), EVERYBODY).gap == Gap.ENDED
    assert roster.holder_at(over, left_open, HOLIDAYS, noon, EVERYBODY).gap == Gap.ENDED


def test_one_who_steps_in_for_somebody_who_left_closes_the_gap() -> None:
    noon = local(SPRING, 12)
    instead = [Override(1, noon, noon + timedelta(hours=2), BEN)]
    shift = roster.holder_at(rotation(ADA), instead, HOLIDAYS, noon, frozenset({BEN}))
    assert (shift.holder, shift.member, shift.overridden, shift.gap) == (BEN, ADA, True, None)


def test_of_two_overrides_the_later_made_counts() -> None:
    noon = local(SPRING, 12)
    first = Override(1, noon, noon + timedelta(hours=4), BEN)
    second = Override(1, noon + timedelta(hours=1), noon + timedelta(hours=2), GIA)
    found = standing(rotation(ADA), local(SPRING, 8), local(SPRING, 20), [first, second])
    assert [(s.holder, s.length.seconds // 3600) for s in found] == [(ADA, 4), (BEN, 1), (GIA, 1), (BEN, 2), (ADA, 4)]


def test_the_next_handover_is_the_first_that_changes_who_holds_it() -> None:
    made = rotation(ADA, BEN, turn=7)
    following = roster.next_handover(made, [], HOLIDAYS, local(SPRING, 12), EVERYBODY)
    assert following and (following.holder, following.starts_at) == (BEN, local(SPRING + timedelta(days=7), 8))
    assert roster.next_handover(rotation(ADA), [], HOLIDAYS, local(SPRING, 12), EVERYBODY) is None


def test_what_somebody_covers_by_other_means_is_no_gap() -> None:
    since, until = local(SPRING, 8), local(SPRING, 20)
    by_hand = [(since, since + timedelta(hours=2)), (until - timedelta(hours=1), until + timedelta(hours=9))]
    holes = roster.rung_gaps([Post(rotation())], HOLIDAYS, since, until, EVERYBODY, by_hand)
    assert [(h.starts_at, h.ends_at) for h in holes] == [(since + timedelta(hours=2), until - timedelta(hours=1))]
    assert roster.rung_gaps([], HOLIDAYS, since, until, EVERYBODY)[0].why == ()


def test_what_only_an_entry_without_an_end_covers_is_named_and_a_gap_is_not() -> None:
    eight, noon, four, eve = (local(SPRING, hour) for hour in (8, 12, 16, 20))
    shift, endless = Held(ADA, eight, noon), Held(BEN, eight, None)
    assert roster.held_only_by([shift, endless], {endless}, eight, eve) == [(noon, eve)]
    late = Held(GIA, four, None)
    assert roster.held_only_by([shift, late], {late}, eight, eve) == [(four, eve)]  # from noon to four there is nobody
    assert roster.held_only_by([shift, late], {shift, late}, eight, eve) == [(eight, noon), (four, eve)]
    assert roster.held_only_by([], set(), eight, eve) == []


def test_one_person_on_two_rungs_at_once_is_found_and_on_one_rung_is_not() -> None:
    eight, noon, four, eve = (local(SPRING, hour) for hour in (8, 12, 16, 20))

    def held(rung: Rung, holder: int | None, since: datetime, until: datetime) -> tuple[Rung, Shift]:
        return rung, Shift(1, since, until, holder, None)

    first = held(Rung.ON_CALL, ADA, eight, four)
    assert roster.twice_on([first, held(Rung.BACKUP, ADA, noon, eve)]) == [
        roster.Twice(ADA, (Rung.ON_CALL, Rung.BACKUP), noon, four)
    ]
    others = [held(Rung.BACKUP, BEN, noon, eve), held(Rung.BACKUP, ADA, four, eve), held(Rung.ON_CALL, ADA, eight, eve)]
    assert roster.twice_on([first, *others[:2]]) == []
    assert roster.twice_on([first, others[2], held(Rung.BACKUP, None, eight, eve)]) == []


@pytest.mark.parametrize(("year", "off", "made_up"), [(2025, 28, 5), (2026, 33, 6)])
def test_the_published_holidays_of_a_year(year: int, off: int, made_up: int) -> None:
    path = Path(roster.__file__).parents[1] / "data" / "holidays.csv"
    with path.open(encoding="utf-8") as source:
        rows = [row for row in csv.DictReader(source) if row["day"].startswith(str(year))]
    assert Counter(row["kind"] for row in rows) == {"rest": off, "work": made_up}
    worked = [date.fromisoformat(row["day"]) for row in rows if row["kind"] == "work"]
    assert all(day.weekday() >= 5 for day in worked)  # only a weekend is worked to make up
    assert len({row["day"] for row in rows}) == len(rows)


def _day(day: date, zone: ZoneInfo = NEW_YORK) -> tuple[datetime, datetime]:
    return local(day, zone=zone), local(day + timedelta(days=1), zone=zone)


def _hours(found: list[Shift], holders: set[int | None]) -> timedelta:
    return sum((shift.length for shift in found if shift.holder in holders), timedelta())

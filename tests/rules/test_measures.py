"""MTTA and MTTR: whatever the durations, the mean and median say what they should, and no week is lost or doubled."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import product
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules.measures import Called, Times, Week, done_at, enough, measured, part_of, times
from fieldapp.rules.roster import HAIFENG
from fieldapp.rules.suppression import SMALL, THRESHOLD, shown

T0 = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
durations = st.lists(st.floats(0, 10**7), max_size=40)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31), timezones=st.just(HAIFENG))
waits = st.none() | st.timedeltas(timedelta(0), timedelta(hours=9))
calls = st.builds(
    lambda shown, signed, leader, off: Called(
        T0, T0 + signed if signed is not None else None, T0 + shown if shown is not None else None, leader, off
    ),
    waits, waits, st.booleans(), st.booleans(),
)  # fmt: skip


@given(durations)
def test_mean_and_median_lie_between_the_extremes_and_do_not_depend_on_the_order(took: list[float]) -> None:
    found = times(took)
    assert (found.n, found.median) == (len(took), times(sorted(took)).median)
    if took:
        assert found.mean is not None and found.median is not None
        assert abs(found.mean - fmean(reversed(took))) < 1e-3
        assert min(took) <= found.median <= max(took)
        assert min(took) - 1e-6 <= found.mean <= max(took) + 1e-6
        below, above = sum(t < found.median for t in took), sum(t > found.median for t in took)
        assert max(below, above) <= len(took) / 2


@given(st.lists(calls, max_size=30), durations, st.timedeltas(timedelta(0), timedelta(hours=9)))
def test_every_alert_is_either_signed_or_not(made: list[Called], took: list[float], later: timedelta) -> None:
    found = measured(made, took, T0 + later)
    assert found.signed.n + found.unsigned == len(made)
    assert max(found.to_leader, found.unseen) <= len(made)
    assert found.done == times(took)


@given(calls, st.timedeltas(timedelta(0), timedelta(hours=9)))
def test_unseen_once_is_unseen_for_good_and_never_before_the_minute_is_over(call: Called, later: timedelta) -> None:
    assert not call.unseen(T0 + MINUTE)
    if call.unseen(T0 + later):
        assert call.unseen(T0 + later + timedelta(days=1))
        assert not call.called_off


def test_who_signed_within_the_minute_saw_it_though_no_phone_said_so() -> None:
    assert not Called(T0, T0 + MINUTE).unseen(T0 + 2 * MINUTE)
    assert Called(T0, T0 + MINUTE + timedelta(seconds=1)).unseen(T0 + 2 * MINUTE)
    assert not Called(T0, None, T0 + MINUTE).unseen(T0 + 2 * MINUTE)


@given(moments)
def test_every_moment_has_one_week_and_it_begins_on_its_monday(moment: datetime) -> None:
    week = Week.of(moment)
    assert timedelta(0) <= moment.date() - week.monday < timedelta(days=7)
    assert week.monday.isoweekday() == 1
    assert week.back(1) < week < week.back(-1)
    assert week.back(5).back(-5) == week


def test_the_turn_of_the_year_belongs_to_the_year_of_its_thursday() -> None:
    assert str(Week.of(datetime(2027, 1, 1, tzinfo=HAIFENG))) == "2026-W53"
    assert Week.of(datetime(2027, 1, 4, tzinfo=HAIFENG)) == Week(2027, 1)
    assert Week(2027, 1).back(1).monday == date(2026, 12, 28)


def test_a_case_is_done_with_the_outcome_that_held() -> None:
    hour = timedelta(hours=1)
    first = ("report_outcome", "on_scene", "answered", T0 + hour)
    again = ("report_outcome", "answered", "answered", T0 + 2 * hour)
    assert done_at([first, again], None) == T0 + hour, "another who was there adds to it"
    assert done_at([first, ("return", "answered", "dispatched", T0 + 2 * hour)], None) is None
    later = ("report_outcome", "on_scene", "answered", T0 + 5 * hour)
    for undone in (
        ("return", "verified", "dispatched", T0 + 3 * hour),
        ("dispute", "closed", "new", T0 + 3 * hour),
        ("reopen", "closed", "new", T0 + 3 * hour),
    ):
        assert done_at([first, undone, later], T0 + 6 * hour) == T0 + 5 * hour
    assert done_at([("return", "dispatched", "accepted", T0)], T0 + hour) == T0 + hour, "closed without an outcome"
    assert done_at([], None) is None


@given(durations)
def test_nothing_of_a_few_is_told_outside_the_town(took: list[float]) -> None:
    assert (enough(times(took)) is None) == (len(took) < THRESHOLD)
    assert enough(Times()) is None


def test_what_is_shown_beside_it_never_gives_a_small_number_away() -> None:
    could_be: dict[tuple[str, str, str], set[tuple[int, int]]] = defaultdict(set)
    for signed, unsigned in product(range(14), repeat=2):
        for unseen in range(signed + unsigned + 1):
            read = (shown(signed), shown(unsigned), part_of(unseen, (signed, unsigned)))
            could_be[read].add((signed, unsigned))
    for read, possible in could_be.items():
        for place in (0, 1):
            small = {each[place] for each in possible} if read[place] == SMALL else {0, 1}
            assert len(small) > 1, (read, possible)

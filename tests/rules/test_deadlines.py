"""Deadlines in natural and working time, across holidays, make-up days, midnight and years nobody has published."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules.calendar import Calendar
from fieldapp.rules.deadlines import (
    LADDER,
    Kind,
    Office,
    Pause,
    Step,
    Word,
    due_at,
    guesses,
    lineage,
    may_wait,
    minutes_until,
    next_word,
    parse_hours,
    used,
    word_due,
    write_hours,
)
from fieldapp.rules.severity import Severity

HAIFENG = ZoneInfo("Asia/Shanghai")
# 国庆 2026: 1 to 7 October off, Sunday 20 September and Saturday 10 October worked
REST = frozenset(date(2026, 10, day) for day in range(1, 8)) | {date(2027, 1, 1)}
WORK = frozenset({date(2026, 9, 20), date(2026, 10, 10)})
OFFICE = Office(Calendar(REST, WORK, frozenset({2026})))

MINUTES = st.integers(1, 5000)
WITHIN = st.integers(0, 200 * 24 * 60)
INSTANTS = WITHIN.map(lambda n: datetime(2026, 8, 1, tzinfo=UTC) + timedelta(minutes=n))
KINDS = st.sampled_from(Kind)


@st.composite
def hours(draw: st.DrawFn) -> tuple[tuple[time, time], ...]:
    edges = sorted(draw(st.sets(st.integers(0, 24 * 60 - 1), min_size=2, max_size=6)))
    spans = zip(edges[::2], edges[1::2], strict=False)
    return tuple((time(*divmod(begin, 60)), time(*divmod(end, 60))) for begin, end in spans)


OFFICES = st.one_of(
    st.just(OFFICE),
    st.builds(
        lambda rest, work, open_: Office(Calendar(rest, work - rest, frozenset({2026})), open_),
        st.frozensets(st.dates(date(2026, 8, 1), date(2026, 12, 31)), max_size=12),
        st.frozensets(st.dates(date(2026, 8, 1), date(2026, 12, 31)), max_size=6),
        hours(),
    ),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HAIFENG)


@pytest.mark.parametrize(
    ("since", "minutes", "due"),
    [
        ("2026-11-25 16:50", 90, "2026-11-26 09:20"),  # over the evening
        ("2026-11-25 12:30", 10, "2026-11-25 14:40"),  # begun at noon, when nobody is there
        ("2026-11-25 17:00", 30, "2026-11-25 17:30"),  # used up as the office closes, not the next morning
        ("2026-09-30 17:00", 60, "2026-10-08 09:00"),  # over the whole of 国庆
        ("2026-10-09 17:00", 60, "2026-10-10 09:00"),  # the Saturday after it is worked
        ("2026-09-18 17:00", 60, "2026-09-20 09:00"),  # so is the Sunday before it; the Saturday is not
        ("2026-12-31 23:59", 30, "2027-01-01 09:00"),  # 2027 is not published: Friday the 1st counts as worked
    ],
)
def test_working_time_by_the_wall(since: str, minutes: int, due: str) -> None:
    assert due_at(at(since), minutes, Kind.WORKING, OFFICE) == at(due)


def test_a_year_nobody_has_published_is_said_to_be_guessed() -> None:
    assert guesses(at("2026-12-31 16:00"), at("2027-01-01 09:00"), OFFICE) == [2027]
    assert guesses(at("2026-12-31 16:00"), at("2026-12-31 23:59"), OFFICE) == []


def test_natural_time_runs_through_midnight_and_holidays() -> None:
    assert due_at(at("2026-09-30 23:50"), 30, Kind.NATURAL, OFFICE) == at("2026-10-01 00:20")


def test_put_aside_over_a_working_morning_moves_the_deadline_by_that_morning() -> None:
    aside = Pause(at("2026-11-25 17:20"), at("2026-11-26 11:30"))
    assert due_at(at("2026-11-25 16:50"), 90, Kind.WORKING, OFFICE, [aside]) == at("2026-11-26 15:00")


@given(INSTANTS, MINUTES, KINDS, OFFICES)
def test_what_is_used_at_the_deadline_is_what_was_allowed(
    since: datetime, minutes: int, kind: Kind, office: Office
) -> None:
    due = due_at(since, minutes, kind, office)
    assert used(since, due, kind, office) == timedelta(minutes=minutes)
    assert used(since, due - timedelta(seconds=1), kind, office) < timedelta(minutes=minutes), "and not before"


@given(INSTANTS, INSTANTS, MINUTES, MINUTES, KINDS, OFFICES)
def test_later_begun_or_longer_allowed_is_never_earlier_due(
    one: datetime, other: datetime, few: int, more: int, kind: Kind, office: Office
) -> None:
    (one, other), (few, more) = sorted((one, other)), sorted((few, more))
    assert due_at(one, few, kind, office) <= due_at(other, few, kind, office)
    assert due_at(one, few, kind, office) <= due_at(one, more, kind, office)


@given(INSTANTS, MINUTES, MINUTES, KINDS, OFFICES)
def test_two_stretches_one_after_the_other_are_one(
    since: datetime, first: int, then: int, kind: Kind, office: Office
) -> None:
    assert due_at(due_at(since, first, kind, office), then, kind, office) == due_at(since, first + then, kind, office)


@given(INSTANTS, MINUTES, st.integers(0, 3000), st.integers(1, 9000), KINDS, OFFICES)
def test_a_pause_moves_the_deadline_by_exactly_its_own_minutes(
    since: datetime, minutes: int, after: int, length: int, kind: Kind, office: Office
) -> None:
    begun = since + timedelta(minutes=after)
    aside = Pause(begun, begun + timedelta(minutes=length))
    lost = used(aside.since, aside.until, kind, office)
    due, moved = due_at(since, minutes, kind, office), due_at(since, minutes, kind, office, [aside])
    assert used(since, moved, kind, office, [aside]) == timedelta(minutes=minutes)
    if aside.since >= due:
        assert moved == due, "what was late stays late"
    else:
        assert used(since, moved, kind, office) == timedelta(minutes=minutes) + lost


@given(INSTANTS, MINUTES, st.lists(st.tuples(WITHIN, st.integers(0, 3000)), max_size=4), KINDS, OFFICES)
def test_pauses_may_overlap_and_come_in_any_order(
    since: datetime, minutes: int, stretches: list[tuple[int, int]], kind: Kind, office: Office
) -> None:
    begun = datetime(2026, 8, 1, tzinfo=UTC)
    pauses = [
        Pause(begun + timedelta(minutes=start), begun + timedelta(minutes=start + length))
        for start, length in stretches
    ]
    due = due_at(since, minutes, kind, office, pauses)
    assert due == due_at(since, minutes, kind, office, pauses[::-1])
    assert used(since, due, kind, office, pauses) == timedelta(minutes=minutes)
    assert all(not pause.since < due < pause.until for pause in pauses), "nothing falls due while it is put aside"


@given(hours())
def test_office_hours_are_read_as_they_are_written(open_: tuple[tuple[time, time], ...]) -> None:
    assert parse_hours(write_hours(open_)) == open_
    assert parse_hours(write_hours(open_).replace("-", "–").replace(" ", "，")) == open_


@pytest.mark.parametrize("text", ["", "8", "12:00-08:00", "08:00-12:00 11:00-17:00", "08:00-25:00", "08:00-08:00"])
def test_office_hours_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError):
        parse_hours(text)


def test_a_red_alarm_waits_for_no_office_and_the_nearest_category_decides() -> None:
    assert not may_wait(Severity.RED, Step.ACKNOWLEDGE)
    assert may_wait(Severity.RED, Step.OUTCOME) and may_wait(Severity.YELLOW, Step.ACKNOWLEDGE)
    assert lineage("facility-2", "facility") == ("facility-2", "facility", "")
    assert lineage(None, None) == ("",)


@given(st.integers(1, 100_000))
def test_the_words_of_a_deadline_come_in_their_order(allowed: int) -> None:
    moments = [minutes_until(word, allowed) for word in LADDER]
    assert moments == sorted(moments)
    assert moments[1] == allowed and moments[3] > moments[2] > allowed


@given(st.integers(1, 5000), st.lists(st.integers(0, 20_000), max_size=8))
def test_each_word_is_said_at_most_once_and_none_before_its_time(allowed: int, looks: list[int]) -> None:
    begun = datetime(2026, 11, 25, tzinfo=UTC)

    def when(word: Word) -> datetime:
        return begun + timedelta(minutes=minutes_until(word, allowed))

    said, all_said = 0, []
    for look in sorted(looks):
        word, said = word_due(begun + timedelta(minutes=look), said, when)
        if word:
            assert when(word) <= begun + timedelta(minutes=look)
            all_said.append(word)
        following = next_word(said)
        assert following is None or when(following) > begun + timedelta(minutes=look), "none is left behind"
    assert len(all_said) == len(set(all_said))
    assert (Word.SUPERVISE in all_said) == any(begun + timedelta(minutes=n) >= when(Word.SUPERVISE) for n in looks)

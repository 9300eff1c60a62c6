"""Who is suggested for a case: the most particular line, the nearest grid worker by area, and what is picked."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules.legs import legs
from fieldapp.rules.severity import Severity
from fieldapp.rules.suggestion import Reason, Rule, Somebody, best, nearest, suggest

TOWN, VILLAGE, CELL = "441521115", "441521115004", "441521115004002"
KINDS = st.sampled_from([None, "facility", "facility-1", "fire"])
AREAS = st.sampled_from(["", VILLAGE, CELL, "441521115005"])
TABLE = st.lists(st.builds(Rule, st.integers(1, 99), st.just("department:1"), KINDS, AREAS), max_size=8)
ANYBODY = "department:1"


@pytest.mark.parametrize(
    ("case", "line"),
    [
        (("facility-1", "facility", CELL), "井盖 in the cell's village"),
        (("facility-2", "facility", CELL), "公共设施 anywhere"),
        (("fire", None, VILLAGE), "anything in the village"),
        (("fire", None, TOWN), "anything anywhere"),
        ((None, None, CELL), "anything in the village"),
    ],
)
def test_the_most_particular_line_counts(case: tuple[str | None, str | None, str], line: str) -> None:
    table = [
        Rule(1, "anything anywhere"),
        Rule(2, "公共设施 anywhere", "facility"),
        Rule(3, "井盖 in the cell's village", "facility-1", VILLAGE),
        Rule(4, "anything in the village", None, VILLAGE),
        Rule(5, "公共设施 elsewhere", "facility-1", "441521115005"),
    ]
    found = best(table, *case)
    assert found and found.target == line


@given(TABLE, KINDS, AREAS)
def test_no_line_that_does_not_fit_is_ever_chosen_and_order_does_not_matter(
    table: list[Rule], kind: str | None, area: str
) -> None:
    parent = "facility" if kind == "facility-1" else None
    found = best(table, kind, parent, area)
    fitting = [one for one in table if one.category in (None, kind, parent) and area.startswith(one.area)]
    assert (found in fitting) if fitting else found is None
    again = best(reversed(table), kind, parent, area)
    assert (found is None) == (again is None)
    if found and again:
        assert (found.category, found.area, found.id) == (again.category, again.area, again.id)


def test_the_grid_worker_of_the_cell_then_of_the_village_then_of_a_cell_inside() -> None:
    cell, village, inside = Somebody("1", CELL, 9), Somebody("2", VILLAGE), Somebody("3", VILLAGE + "005")
    elsewhere = Somebody("4", "441521115005")
    assert nearest([elsewhere, village, cell], CELL) == cell, "however much the nearest has in hand"
    assert nearest([elsewhere, inside, village], CELL) == village
    assert nearest([elsewhere, inside], VILLAGE) == inside
    assert nearest([elsewhere], VILLAGE) is None
    two = [Somebody("5", VILLAGE, 4), Somebody("6", VILLAGE, 1)]
    assert nearest(two, VILLAGE) == two[1], "of two as near, the less loaded"


def test_an_ordinary_case_picks_one_and_a_red_one_picks_all_who_can_be_reached() -> None:
    on_call, worker = [Somebody("7", load=3), Somebody("8")], Somebody("9", VILLAGE)
    able = frozenset({"department:1", "7", "8"})
    blue = suggest(Severity.BLUE, "department:1", on_call, worker, able)
    assert [(one.key, one.reason, one.picked, one.lead) for one in blue] == [
        ("department:1", Reason.RULE, True, True), ("9", Reason.GRID, False, False),
        ("8", Reason.ON_CALL, False, False), ("7", Reason.ON_CALL, False, False),
    ]  # fmt: skip
    red = suggest(Severity.RED, "department:1", on_call, worker, able)
    assert [one.key for one in red if one.picked] == ["department:1", "8", "7"]
    assert [one.key for one in suggest(Severity.BLUE, None, on_call, worker, able) if one.lead] == ["8"]
    again = suggest(Severity.BLUE, "department:1", on_call, worker, able, frozenset({"department:1"}))
    assert [one.key for one in again if one.picked] == ["8"], "whoever gave it back is not asked once more"


PEOPLE = st.lists(st.builds(Somebody, st.sampled_from(["1", "2", "3"])), max_size=3, unique_by=lambda one: one.key)


@given(st.sampled_from(Severity), st.none() | st.just("2"), PEOPLE, st.none() | st.just(Somebody("1")), st.booleans())
def test_nobody_twice_never_two_leads_and_nobody_picked_before_one_who_can_be_reached(
    severity: Severity, target: str | None, on_call: list[Somebody], worker: Somebody | None, one_is_able: bool
) -> None:
    able = frozenset({"1"} if one_is_able else ())
    found = suggest(severity, target, on_call, worker, able)
    assert len({one.key for one in found}) == len(found)
    assert sum(one.lead for one in found) == any(one.picked for one in found)
    if any(one.key in able for one in found):
        assert all(one.key in able for one in found if one.picked)
    assert not found or any(one.picked for one in found)
    assert not target or found[0].reason == Reason.RULE


SENT = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)


def test_a_way_says_what_each_step_took_and_what_is_waited_for() -> None:
    def after(minutes: int) -> datetime:
        return SENT + timedelta(minutes=minutes)

    def said(*done: datetime | None, over: bool = False) -> list[tuple[str, int | None, bool]]:
        return [(leg.step, leg.minutes, leg.waited) for leg in legs(SENT, done, after(30), over)]

    assert said(None, None, None, None)[0] == ("acknowledge", 30, True)
    assert said(after(3), after(5), None, None) == [
        ("acknowledge", 3, False), ("depart", 2, False), ("arrive", 25, True), ("report_outcome", None, False)
    ]  # fmt: skip
    assert said(after(3), None, None, after(20)) == [("acknowledge", 3, False), ("report_outcome", 17, False)]
    assert said(after(3), None, None, None, over=True) == [("acknowledge", 3, False)]

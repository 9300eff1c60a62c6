"""The queue on both databases: filters, pages that lose nothing while rows change, counts of the town."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from fieldapp import clock, queue
from fieldapp.db import db, writing
from fieldapp.errors import Invalid
from fieldapp.models import Case, User
from fieldapp.queue import Filter
from fieldapp.rules.severity import Severity
from fieldapp.rules.sources import Source
from tests.world import World

SOUTH, NORTH = "441521115001", "441521115002"


def fill(world: World, count: int, **every: Any) -> list[str]:
    """Cases straight into the table, each a minute older than the one before; their numbers."""
    begun = clock.now()
    with world.app.app_context(), writing():
        rows = [
            Case(
                number=f"HC-20261101-{n:03d}", town_code=SOUTH[:9], area_code=SOUTH, severity=Severity.BLUE,
                title=f"第 {n} 件", opened_at=begun - timedelta(minutes=n), changed_at=begun,
                due_at=begun + timedelta(minutes=n), **({"status": "new"} | every),
            )
            for n in range(count)
        ]  # fmt: skip
        db.session.add_all(rows)
        return [row.number for row in rows]


def walk(world: World, wanted: Filter, limit: int = 10) -> Iterator[list[str]]:
    """Page after page, as the numbers of its cases."""
    cursor: str | None = ""
    while cursor is not None:
        with world.app.app_context():
            dora = db.session.scalars(select(User).where(User.username == "dora")).one()
            found, cursor = queue.page(dora, wanted, cursor, limit, clock.now())
            numbers = [case.number for case in found]
        yield numbers


def all_of(world: World, wanted: Filter) -> list[str]:
    return [number for page in walk(world, wanted) for number in page]


def change(world: World, numbers: list[str], **values: Any) -> None:
    with world.app.app_context(), writing():
        db.session.execute(update(Case).where(Case.number.in_(numbers)).values(**values))


@pytest.mark.parametrize("status", ["new", "closed"])
def test_each_filter_shows_its_cases_and_no_other(world: World, status: str) -> None:
    numbers = fill(world, 6, status=status)
    lane = "done" if status == "closed" else "open"
    change(world, numbers[:1], area_code=NORTH)
    change(world, numbers[1:2], category_code="facility")
    change(world, numbers[2:3], source=Source.HOTLINE.value)
    change(world, numbers[3:4], severity=Severity.RED)
    now = clock.now()
    assert all_of(world, Filter(lane, area=NORTH)) == numbers[:1]
    assert all_of(world, Filter(lane, category="facility")) == numbers[1:2]
    assert all_of(world, Filter(lane, source=Source.HOTLINE)) == numbers[2:3]
    assert all_of(world, Filter(lane, severity=Severity.RED)) == numbers[3:4]
    bounded = Filter(lane, since=now - timedelta(minutes=4.5), before=now - timedelta(minutes=1.5))
    assert set(all_of(world, bounded)) == set(numbers[2:5])
    assert all_of(world, Filter(lane, area=NORTH, category="facility")) == []


def test_who_has_it_now_is_found_and_who_gave_it_back_is_not(world: World) -> None:
    number, other = world.vik.files("井盖破损").number, world.vik.files("路灯不亮").number
    for one in (number, other):
        world.dora.must("dispatch", one, to=["ada"])
    world.ada.must("return", other, note="不在附近")
    assert all_of(world, Filter(holder=str(world.ada.id))) == [number]
    assert all_of(world, Filter(holder=str(world.ben.id))) == []


@pytest.mark.parametrize(("status", "lane"), [("new", "open"), ("closed", "done")])
def test_whoever_walks_all_pages_while_others_work_meets_each_untouched_case_once(
    world: World, status: str, lane: str
) -> None:
    numbers = fill(world, 45, status=status)
    touched: list[str] = []
    seen: list[str] = []
    for page in walk(world, Filter(lane)):
        seen += page
        busy = [numbers[len(touched) * 3 % 45], numbers[(44 - len(touched) * 2) % 45]]
        change(world, busy, severity=Severity.RED, due_at=clock.now(), status="merged" if lane == "open" else "new")
        touched += busy
    untouched = set(numbers) - set(touched)
    assert [seen.count(number) for number in untouched] == [1] * len(untouched)
    assert len(seen) == len(set(seen))


def test_a_rare_kind_among_many_done_says_how_far_it_looked_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = fill(world, 30, status="closed")
    change(world, numbers[25:26], category_code="facility")
    monkeypatch.setattr(queue, "STRETCH", 10)
    pages = list(walk(world, Filter("done", category="facility")))
    assert pages == [[], [], numbers[25:26]]


def test_counts_are_the_towns_whatever_is_filtered(world: World) -> None:
    fill(world, 3)
    page = world.dora.get("/desk/queue?lane=triage&area=441521115002").text
    lane = page[page.index('id="lane-triage"') :]
    assert ">3<" in lane[: lane.index("</a>")] and "row-" not in page


def test_a_reporter_learns_nothing_of_the_desks_work_by_filtering(world: World) -> None:
    world.vik.files("井盖破损")
    with world.app.app_context():
        vik = db.session.scalars(select(User).where(User.username == "vik")).one()
        for wanted in (Filter(holder="1"), Filter(category="facility"), Filter(source=Source.PATROL)):
            with pytest.raises(Invalid):
                queue.page(vik, wanted, "", 10, clock.now())

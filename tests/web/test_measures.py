"""How fast calls are signed and cases done, by town and week: read by the town itself and, blurred, by the county."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from fieldapp import clock, measures
from fieldapp.db import db, writing
from fieldapp.errors import NotAllowed
from fieldapp.models import Alert, AlertState, Case, User
from fieldapp.rules.measures import Measured, Week
from fieldapp.rules.severity import Severity
from tests.world import Person, World

pytestmark = pytest.mark.onedb  # what pages say is the same on both

HERE, THERE = "441521115", "441521119"
MINUTE, WEEK = timedelta(minutes=1), timedelta(weeks=1)


def text(person: Person, path: str) -> str:
    """The page without tags, in one line."""
    answer = person.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def rows(person: Person, query: str = "") -> list[list[str]]:
    """The table as it is read, cell by cell."""
    page = person.get(f"/desk/measures{query}").text
    body = page.split("<tbody")[1].split("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in body.split("</tr>")[:-1]]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()).replace("&lt;", "<") for cell in row] for row in cells]


def week_of(world: World, weeks_ago: int = 0) -> Week:
    return Week.of(clock.local(world.now)).back(weeks_ago)


def raised(world: World, ago: timedelta, minutes: float | None, town: str = HERE, **more: Any) -> None:
    """An alert of long ago, signed after so many minutes."""
    at = world.now - ago
    signed = at + timedelta(minutes=minutes) if minutes is not None else None
    state = AlertState.EXHAUSTED if signed is None else AlertState.ACKNOWLEDGED
    alert = Alert(
        id=uuid4(), town_code=town, purpose="intake", severity=Severity.RED, state=state, title="红", body="",
        path="/", raised_at=at, acknowledged_at=signed, rung=0,
    )  # fmt: skip
    for name, value in more.items():
        setattr(alert, name, value)
    with world.app.app_context(), writing():
        db.session.add(alert)


def own(world: World, severity: Severity | None = None, weeks_ago: int = 0) -> Measured:
    with world.app.app_context():
        dora = db.session.scalars(select(User).where(User.username == "dora")).one()
        return dict(measures.of_own_town(dora, severity, world.now))[week_of(world, weeks_ago)]


def test_ada_signs_after_four_minutes_and_it_stands_under_this_week(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.receipt(world.phones["ada"].expects("电线"), "shown")
    world.ada.must("acknowledge", number)
    with world.app.app_context(), writing():
        alert = db.session.scalars(select(Alert).join(Case).where(Case.number == number)).first()
        assert alert is not None and alert.acknowledged_at is not None
        earlier = alert.acknowledged_at - 4 * MINUTE
        alert.raised_at = earlier
        for delivery in alert.deliveries:
            delivery.shown_at = earlier + timedelta(seconds=9) if delivery.shown_at else None
    found = own(world, Severity.RED)
    assert (found.signed.n, found.signed.median, found.unsigned, found.unseen) == (1, 240.0, 0, 0)
    assert rows(world.dora, "?severity=red")[0][1] == "4 分 平均 4 分 1 次"
    assert rows(world.dora, "?severity=blue")[0][1] == "— 没有"


def test_nobody_answers_and_the_leader_is_called(world: World) -> None:
    world.ada.carries_phone()
    world.lea.carries_phone()
    world.vik.files("电线垂落", severity="red")
    world.work()
    world.fast_forward(minutes=6)
    world.phones["lea"].expects("电线")
    found = own(world, Severity.RED)
    assert (found.signed.n, found.unsigned, found.to_leader, found.unseen) == (0, 1, 1, 1)


def test_mean_and_median_over_a_week(world: World) -> None:
    for minutes in (1, 2, 30):
        raised(world, WEEK, minutes)
    raised(world, WEEK, None)
    raised(world, WEEK, 5, purpose="drill")  # an exercise is no call
    raised(world, WEEK, 5, town=THERE)
    found = own(world, Severity.RED, weeks_ago=1)
    assert (found.signed.n, found.signed.median, found.signed.mean, found.unsigned) == (3, 120.0, 660.0, 1)
    assert rows(world.dora)[1][1:3] == ["2 分 平均 11 分 3 次", "1"]
    assert own(world).signed.n == 0, "it stands under its own week and no other"


def test_one_that_went_another_way_was_not_signed_and_says_nothing_of_who_saw_it(world: World) -> None:
    number = world.vik.files("电线垂落", severity="red").number
    world.dora.must("decline", number, note="不是本镇")
    found = own(world, Severity.RED)
    assert (found.unsigned, found.unseen) == (1, 0)


def test_a_week_begins_on_monday_morning_in_haifeng(world: World) -> None:
    monday = week_of(world, 1).monday
    midnight = datetime(monday.year, monday.month, monday.day, tzinfo=clock.LOCAL).astimezone(UTC)
    for seconds, minutes in ((-1, 1), (0, 2), (1, 3)):
        raised(world, world.now - midnight - timedelta(seconds=seconds), minutes)
    assert own(world, weeks_ago=1).signed.n == 2
    assert own(world, weeks_ago=2).signed.median == 60.0


def test_a_case_that_was_sent_back_was_not_done_yet(world: World) -> None:
    number = world.vik.files("路灯").number
    world.dora.must("dispatch", number, to="ada")
    world.ada.must("acknowledge", number)
    world.ada.must("report_outcome", number, note="好了")
    assert own(world).done.n == 1
    world.dora.must("return", number, note="没好")
    assert own(world).done.n == 0
    world.ada.must("acknowledge", number)
    world.ada.must("report_outcome", number, note="真好了")
    with world.app.app_context(), writing():
        case = db.session.scalars(select(Case).where(Case.number == number)).one()
        outcome = max(event.at for event in case.events if event.action == "report_outcome")
        db.session.execute(update(Case).values(opened_at=outcome - timedelta(hours=30)))
    assert own(world).done.median == 30 * 3600
    assert rows(world.dora)[0][5] == "1 天 6 小时 平均 1 天 6 小时 1 次"


def test_what_was_declined_or_merged_was_not_done(world: World) -> None:
    first, second, third = (world.vik.files(words).number for words in ("路灯", "路灯坏", "别的"))
    world.dora.must("merge", second, to=first)
    world.dora.must("decline", third, note="不归我们")
    assert own(world).done.n == 0
    world.dora.must("accept", first)
    world.dora.must("close", first, note="电话里说好了")
    assert own(world).done.n == 1


def test_otto_reads_his_own_town_and_no_other(world: World) -> None:
    raised(world, WEEK, 2)
    assert rows(world.otto)[1][1:] == ["— 没有"] * 5 and "这一周没有这样的事" in text(world.otto, "/desk/measures")
    assert rows(world.dora)[1][1] == "2 分 平均 2 分 1 次"


@pytest.mark.parametrize("who", ["vik", "ada", "lin", "root"])
def test_nobody_else_reads_it(world: World, who: str) -> None:
    assert world.person(who).get("/desk/measures").status_code == 403
    with world.app.app_context():
        other = db.session.scalars(select(User).where(User.username == who)).one()
        with pytest.raises(NotAllowed):
            measures.of_own_town(other, None, world.now)
        with pytest.raises(NotAllowed):
            measures.of_all_towns(other, Severity.RED, week_of(world, 1), world.now)


def test_the_county_reads_no_small_number_and_no_mean_of_few(world: World) -> None:
    for minutes in (1, 2, 3, 4, 40):
        raised(world, WEEK, minutes)
    for _ in range(4):
        raised(world, WEEK, 7, town=THERE)
        raised(world, WEEK, None)
    by_town = {row[0]: row[1:] for row in rows(world.ana, "?severity=red")}
    assert by_town["海城镇"] == ["3 分 平均 10 分 5 次", "<5", "<5", "5+", "<5 次"]
    assert by_town["附城镇"][0] == "<5 次"
    quiet = [row for name, row in by_town.items() if name not in ("海城镇", "附城镇")]
    assert quiet and all(row == ["<5 次", "<5", "<5", "<5", "<5 次"] for row in quiet), "none looks like few"


def test_the_county_reads_only_weeks_that_are_over_and_one_severity_at_a_time(world: World) -> None:
    for minutes in (1, 2, 3, 4, 5):
        raised(world, timedelta(0), minutes)
    for query in ("", "?severity=", "?severity=red&week=" + str(week_of(world)), "?week=2031-W01", "?severity=%00"):
        assert "3 分" not in text(world.ana, f"/desk/measures{query}")
    with world.app.app_context():
        ana = db.session.scalars(select(User).where(User.username == "ana")).one()
        with pytest.raises(NotAllowed):
            measures.of_all_towns(ana, Severity.RED, week_of(world), world.now)
    chosen = week_of(world, 3)
    raised(world, 3 * WEEK, 1)
    assert f'value="{chosen}" selected' in world.ana.get(f"/desk/measures?week={chosen}").text


def test_no_page_names_a_person_or_puts_towns_in_an_order_of_merit(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.ada.must("acknowledge", number)
    world.ada.must("report_outcome", number, note="陈安修好了")
    with world.app.app_context():
        names = list(db.session.scalars(select(User.name)))
    for _ in range(9):
        raised(world, WEEK, 3, town=THERE)
    for person in (world.dora, world.ana):
        shown = person.get("/desk/measures").text.split("<main")[1]
        assert not [name for name in names if name in shown] and number not in shown
    with world.app.app_context():
        ana = db.session.scalars(select(User).where(User.username == "ana")).one()
        towns = [town.code for town, _ in measures.of_all_towns(ana, Severity.RED, week_of(world, 1), world.now)]
    assert towns == sorted(towns) and len(towns) > 2

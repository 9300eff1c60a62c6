"""Kinds, limits and names of severities are the whole county's; a town's admin edits them only while no other can."""

import pytest

from fieldapp import clock, directory
from fieldapp.db import db, writing
from fieldapp.models import User
from fieldapp.rules.severity import Severity
from tests.world import Person, World

pytestmark = pytest.mark.onedb


def admin(world: World, username: str, area: str) -> Person:
    with world.app.app_context(), writing():
        vik = db.session.scalars(db.select(User).where(User.username == "vik")).one()
        db.session.add(User(username=username, name=username, role="admin", area_code=area, created_at=clock.now(),
                            password_hash=vik.password_hash))  # fmt: skip
    return world.person(username)


def limits(world: World, **changed: str) -> dict[str, str]:
    with world.app.app_context():
        form = {f"{level.word}-{step}": str(minutes) for (level, step), minutes in directory.limits().items()}
        for level, label in directory.severity_labels().items():
            form |= {f"{level.word}-name": label.name, f"{level.word}-name_en": label.name_en}
    return form | {name.replace("_", "-"): value for name, value in changed.items()}


def test_the_other_towns_admin_changes_nothing_once_the_county_has_one(world: World) -> None:
    county, olga = admin(world, "cora", "441521"), admin(world, "olga", "441521119")
    kind = {"name": "消防", "name_en": "Fire", "tile": "2", "active": "1"}
    for who, status in ((olga, 403), (world.root, 403), (county, 303)):
        assert who.post("/admin/categories/fire", data=kind).status_code == status
        assert who.post("/admin/limits", data=limits(world, red_acknowledge="7")).status_code == status
    with world.app.app_context():
        assert directory.limits()[(Severity.RED, directory.Step.ACKNOWLEDGE)] == 7


def test_a_towns_admin_is_no_dead_end_while_there_is_no_other(world: World) -> None:
    assert world.root.post("/admin/limits", data=limits(world, red_acknowledge="6")).status_code == 303


def test_a_red_alarm_cannot_be_made_to_wait_for_days(world: World) -> None:
    answer = world.root.post("/admin/limits", data=limits(world, red_acknowledge="100000"))
    assert answer.status_code == 422
    assert "60 分钟" in answer.text


def test_a_limit_of_a_category_in_working_time_says_what_it_comes_to(world: World) -> None:
    own = {"category": "facility", "severity": "yellow", "step": "acknowledge", "minutes": "90", "kind": "working"}
    assert world.root.post("/admin/limits/hours", data={"hours": "08:30–12:00，14:30–17:30"}).status_code == 303
    assert world.root.post("/admin/limits/categories", data=own).status_code == 303
    page = world.root.get("/admin/limits").text
    assert "今天 16:50 派出的黄色“公共设施”" in page and "09:20 前签收" in page
    gone = {"category": "facility", "severity": "yellow", "step": "acknowledge"}
    assert world.root.post("/admin/limits/categories/removal", data=gone).status_code == 303
    assert "“公共设施”" not in world.root.get("/admin/limits").text


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"severity": "red", "kind": "working"}, "只能按自然时间"),
        ({"severity": "red", "minutes": "61"}, "60 分钟"),
        ({"minutes": "soon"}, "整数"),
        ({"category": "nonsense"}, "没有这一项"),
        ({"step": "nonsense"}, "没有这一项"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_and_nothing_typed_is_lost(
    world: World, changed: dict[str, str], why: str
) -> None:
    own = {"category": "facility", "severity": "yellow", "step": "acknowledge", "minutes": "45", "kind": "natural"}
    answer = world.root.post("/admin/limits/categories", data=own | changed)
    assert answer.status_code == 422 and why in answer.text
    assert f'value="{(own | changed)["minutes"]}"' in answer.text


def test_red_waits_for_no_office_whoever_posts_what(world: World) -> None:
    answer = world.root.post("/admin/limits", data=limits(world) | {"red-acknowledge-kind": "working"})
    assert answer.status_code == 422 and "只能按自然时间" in answer.text
    kept = world.root.post("/admin/limits", data=limits(world) | {"red-outcome-kind": "working"})
    assert kept.status_code == 303
    assert world.root.post("/admin/limits/hours", data={"hours": "17:00-08:00"}).status_code == 422

"""附近有人报过 tells of things at places: to those who file reports in that town, and nothing of anybody."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import Case
from fieldapp.rules import kinds
from fieldapp.seed import CATEGORIES
from tests.pictures import jpeg_with_everything
from tests.world import World

pytestmark = pytest.mark.onedb  # what pages say is the same on both

HERE = {"lat": 22.970149, "lon": 115.330251, "accuracy_m": 12, "age_s": 1, "source": "gps"}
TOLD = {"number", "category", "lat", "lon", "opened_at", "signals", "status"}


def test_what_is_told_is_a_kind_at_a_place_and_nothing_else(world: World) -> None:
    photo = jpeg_with_everything(width=300, height=200)
    filed = world.vik.files("王五家门口井盖没了", category="facility", position=HERE, photos=(photo,))
    answer = world.ben.get("/api/nearby")
    (item,) = answer.json["items"]
    assert set(answer.json) == {"items", "at"} and set(item) == TOLD
    assert (item["number"], item["category"], item["signals"]) == (filed.number, "facility", 1)
    assert (item["lat"], item["lon"]) == (22.9701, 115.3303), "eleven metres, no more exactly"
    for secret in ("王五", "井盖没了", "林阿伯", "vik", filed.id, filed.body["photos"][0]["id"], "441521115004"):
        assert secret not in answer.text


def test_another_town_is_told_nothing(world: World) -> None:
    world.vik.files("井盖没了", category="facility", position=HERE)
    assert world.otto.get("/api/nearby").json["items"] == []


@pytest.mark.parametrize("who", ["lin", "ana", "root"])
def test_who_files_no_reports_is_told_nothing(world: World, who: str) -> None:
    assert world.person(who).get("/api/nearby").status_code == 403


def test_nobody_is_told_nothing(world: World) -> None:
    assert world.app.test_client().get("/api/nearby").status_code == 401


@pytest.mark.parametrize("category", [None, "dispute", "help", "fire", "security", "site", "other", "dispute-2"])
def test_what_may_be_about_somebody_is_never_told(world: World, category: str | None) -> None:
    world.vik.files("有事", category=category, position=HERE)
    assert world.ben.get("/api/nearby").json["items"] == []


@pytest.mark.parametrize("category", sorted(kinds.OF_PUBLIC_THINGS))
def test_every_public_kind_exists_and_is_told(world: World, category: str) -> None:
    world.vik.files("有事", category=category, position=HERE)
    assert [item["category"] for item in world.ben.get("/api/nearby").json["items"]] == [category]


def test_a_kind_nobody_has_thought_about_is_not_public() -> None:
    seeded = {code for code, *_ in CATEGORIES} | {f"{code}-{n}" for code, *_ in CATEGORIES for n in range(1, 8)}
    assert seeded > kinds.OF_PUBLIC_THINGS
    assert not any(kinds.may_be_shown(code) for code in ("street-9", "petition", "", None))


def test_what_is_over_elsewhere_merged_or_old_is_not_told(world: World) -> None:
    closed, merged, old, placeless, kept = (
        world.vik.files(text, category="street", position=place).number
        for text, place in (("一", HERE), ("二", HERE), ("三", HERE), ("四", None), ("五", HERE))
    )
    world.dora.must("decline", closed, note="看过了")
    world.dora.must("merge", merged, to=kept)
    with world.app.app_context(), writing():
        long_ago = clock.now() - timedelta(days=8)
        db.session.execute(update(Case).where(Case.number == old).values(opened_at=long_ago))
    (item,) = world.ben.get("/api/nearby").json["items"]
    assert (item["number"], item["signals"]) == (kept, 2)
    assert placeless


def test_a_case_the_desk_finds_to_be_about_somebody_disappears(world: World) -> None:
    number = world.vik.files("吵起来了", category="street", position=HERE).number
    assert world.ben.get("/api/nearby").json["items"]
    world.dora.must("classify", number, category="dispute-1")
    assert world.ben.get("/api/nearby").json["items"] == []


def test_no_more_than_two_hundred_the_newest(world: World) -> None:
    number = world.vik.files("井盖没了", category="facility", position=HERE).number
    with world.app.app_context(), writing():
        table = Case.__table__
        row = dict(db.session.execute(table.select()).mappings().one())
        row["opened_at"] = row["opened_at"] - timedelta(hours=1)
        db.session.execute(table.insert(), [row | {"id": n, "number": f"HC-{n}"} for n in range(500, 750)])
    items = world.ben.get("/api/nearby").json["items"]
    assert len(items) == 200 and items[0]["number"] == number

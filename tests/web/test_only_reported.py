"""After a merge a case is told by several people. Who only reported it sees his or her own side, whatever the role."""

import pytest
from sqlalchemy import select

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import User
from tests.world import Filed, Person, World

pytestmark = pytest.mark.onedb

SECRETS = ("13800000000", "林阿伯", "陈安", "吴朵", "密码是4321")


@pytest.fixture
def case(world: World) -> Filed:
    """vik's case, with his number in it, sent to ada with a note."""
    place = {"lat": 22.971234, "lon": 115.331234, "accuracy_m": 5, "age_s": 1, "source": "gps"}
    filed = world.vik.files("张三家门口井盖,电话 13800000000", position=place)
    world.dora.must("dispatch", filed.number, to=["ada"], note="密码是4321")
    return filed


def reports_the_same(world: World, case: Filed, username: str, role: str) -> Person:
    """Somebody of 附城镇 who passed by and reported it too; the desk merged that into vik's."""
    with world.app.app_context(), writing():
        if db.session.scalar(select(User.id).where(User.username == username)) is None:
            word = db.session.scalars(select(User).where(User.username == "vik")).one().password_hash
            made = User(username=username, name=username, role=role, area_code="441521119", created_at=clock.now(),
                        password_hash=word)  # fmt: skip
            db.session.add(made)
    passer = world.person(username)
    elsewhere = {"lat": 22.9, "lon": 115.3, "accuracy_m": 5, "age_s": 1, "source": "gps"}
    told = passer.files("路过看到井盖", village_code="441521115004", position=elsewhere)
    world.dora.must("merge", told.number, to=case.number)
    return passer


@pytest.mark.parametrize(
    ("username", "role"), [("otto", "duty"), ("gia", "grid"), ("rita", "responder"), ("lu", "leader")]
)
def test_an_officer_who_only_reported_opens_no_page_of_the_case(
    world: World, case: Filed, username: str, role: str
) -> None:
    passer = reports_the_same(world, case, username, role)
    form = {"action": "acknowledge", "version": "1"}
    answers = [
        passer.get(f"/desk/cases/{case.number}"),
        passer.post(f"/desk/cases/{case.number}/transitions", data=form),
        passer.get(f"/tasks/{case.number}/called"),
        passer.post(f"/tasks/{case.number}/transitions", data=form),
        passer.get(f"/api/cases/{case.number}"),
        passer.get("/api/cases"),
    ]
    assert [answer.status_code in (403, 404) for answer in answers] == [True] * 4 + [False] * 2
    assert not [secret for secret in SECRETS for answer in answers if secret in answer.text]
    assert "路过看到井盖" in answers[4].text


def test_the_list_of_cases_is_no_oracle_for_anothers_words_and_place(world: World, case: Filed) -> None:
    passer = reports_the_same(world, case, "wes", "patrol")

    def hits(**asked: str) -> int:
        return len(passer.get("/api/cases", query_string=asked).json["items"])

    assert hits() == hits(q="路过") == hits(q=case.number.lower()) == 1
    assert hits(q="张三") == hits(q="电话") == 0
    assert hits(bbox="115.299,22.899,115.301,22.901") == 1
    assert hits(bbox="115.331,22.971,115.332,22.972") == 0
    (row,) = passer.get("/api/cases").json["items"]
    assert row["position"] == {"lat": 22.9, "lon": 115.3} and row["signals"] == 1


def test_each_reporter_speaks_for_his_own_report(world: World, case: Filed) -> None:
    passer = reports_the_same(world, case, "wes", "patrol")
    world.ada.must("acknowledge", case.number)
    world.ada.must("report_outcome", case.number, note="换好了")
    world.dora.must("close", case.number)
    passer.must("confirm", case.number)
    assert world.vik.get("/api/reports").json["items"][0]["satisfied"] is None
    assert passer.get("/api/reports").json["items"][0]["satisfied"] is True
    world.vik.must("dispute", case.number, note="还在响")
    assert passer.get("/api/reports").json["items"][0]["satisfied"] is None, "it is being done again: asked anew"


def test_no_map_service_is_told_what_was_reported(world: World, case: Filed) -> None:
    pages = [world.dora.get(f"/desk/cases/{case.number}").text, world.ada.get(f"/tasks/{case.number}").text]
    for page in pages:
        outside = [link.split('"')[0] for link in page.split('href="https://')[1:]]
        assert outside and not [link for link in outside if "%E5%BC%A0" in link or "张三" in link], outside

"""The report as a plain form: sent by browsers that run none of our scripts, or that can keep nothing."""

import hashlib
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from fieldapp import clock
from fieldapp.config import Settings
from fieldapp.db import db, writing
from fieldapp.models import Attachment, Case, Report, User
from tests.pictures import bomb, encoded, jpeg_with_everything
from tests.world import HEADERS, Person, World

pytestmark = pytest.mark.onedb  # what pages say is the same on both

Photo = tuple[str, bytes]
ONE = jpeg_with_everything(width=320, height=200)
TWO = jpeg_with_everything(width=330, height=200)


def sends(who: Person, *photos: Photo, **typed: str) -> TestResponse:
    """Fill in the form of a freshly opened page and press the button. Two inputs choose photos; one stays empty."""
    page = who.get("/report").text
    found = re.search(r'name="report" value="([0-9a-f-]{36})"', page)
    assert found
    empty = (io.BytesIO(b""), "")
    fields = {"report": found[1], "text": "井盖没了", "severity": "blue"} | typed
    files = [empty, *((io.BytesIO(content), name) for name, content in photos)]
    return who.client.post("/report", data=fields | {"photos": files}, headers=HEADERS, buffered=True)


def reports(world: World) -> list[Report]:
    with world.app.app_context():
        return list(db.session.scalars(select(Report).order_by(Report.received_at)))


def cases(world: World) -> int:
    with world.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Case)) or 0


def originals(world: World) -> list[str]:
    folder: Path = world.app.config["SETTINGS"].photo_folder / "originals"
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file())


def leftovers(world: World) -> list[Path]:
    return list((world.app.config["SETTINGS"].photo_folder / "incoming").iterdir())


def test_text_and_photos_arrive_byte_for_byte_and_the_page_says_so(world: World) -> None:
    answer = sends(world.vik, ("image.jpg", ONE), ("image.jpg", TWO), text="井盖没了\r\n在路口", severity="red")
    assert answer.status_code == 200
    (report,) = reports(world)
    number = world.vik.get(f"/api/reports/{report.id}").json["case_number"]
    assert "中心已收到" in answer.text and number in answer.text and "照片 2/2" in answer.text
    assert (report.text, report.severity.word, report.completed_at is not None) == ("井盖没了\n在路口", "red", True)
    assert originals(world) == sorted(hashlib.sha256(photo).hexdigest() for photo in (ONE, TWO))
    assert leftovers(world) == []
    world.develop()
    assert [photo["state"] for photo in world.dora.case(number)["photos"]] == ["ready", "ready"]


def test_it_calls_people_like_any_other_report(world: World) -> None:
    world.ada.carries_phone()
    sends(world.vik, text="电线垂落", severity="red")
    world.work()
    world.phones["ada"].expects("电线垂落")


def test_one_page_tapped_twice_is_one_report(world: World) -> None:
    page = str(uuid4())
    first, again = (sends(world.vik, ("a.jpg", ONE), report=page) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.text == again.text
    assert cases(world) == len(reports(world)) == 1


def test_both_taps_at_the_same_moment_are_one_report(world: World) -> None:
    cookie = world.vik.client.get_cookie("fieldapp_device")
    assert cookie is not None
    for _ in range(3):
        page = str(uuid4())

        def tap(_: int, page: str = page) -> int:
            client = world.app.test_client()
            client.set_cookie("fieldapp_device", cookie.value)
            return sends(Person(world, "vik", client), ("a.jpg", ONE), report=page).status_code

        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(tap, range(3))) == [200] * 3
    assert cases(world) == len(reports(world)) == 3


@pytest.mark.parametrize("other", [{"text": "路灯不亮"}, {"severity": "red"}, {"photo": TWO}])
def test_a_kept_page_that_says_something_else_makes_a_report_of_its_own(world: World, other: dict[str, Any]) -> None:
    page = str(uuid4())
    sends(world.vik, ("a.jpg", ONE), report=page)
    photo, other = other.get("photo", ONE), {name: said for name, said in other.items() if name != "photo"}
    for _ in range(2):  # and tapped twice that is one more, not two
        assert sends(world.vik, ("a.jpg", photo), report=page, **other).status_code == 200
    assert cases(world) == len(reports(world)) == 2


def test_the_same_words_a_day_later_are_a_new_report(world: World) -> None:
    page = str(uuid4())
    sends(world.vik, report=page)
    with world.app.app_context(), writing():
        db.session.execute(update(Report).values(received_at=clock.now() - timedelta(days=1)))
    for _ in range(2):
        sends(world.vik, report=page)
    assert len(reports(world)) == 2


def test_another_persons_kept_page_is_no_way_into_his_report(world: World) -> None:
    page = str(uuid4())
    sends(world.vik, ("a.jpg", ONE), report=page)
    assert sends(world.ben, ("a.jpg", ONE), report=page).status_code == 200
    assert len({report.owner_id for report in reports(world)}) == 2


@pytest.mark.parametrize("page", ["", "x", "é" * 400])
def test_a_page_without_a_proper_id_still_sends(world: World, page: str) -> None:
    assert sends(world.vik, report=page).status_code == 200
    assert len(reports(world)) == 1


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("letter.pdf", b"%PDF-1.7 nothing to see", "不是能识别的照片"),
        ("empty.jpg", b"", "文件是空的"),
        ("bomb.png", bomb(), "照片的像素太多"),
        ("<b>cut</b>.jpg", ONE[:100], "不是能识别的照片"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_and_the_rest_arrives(
    world: World, name: str, content: bytes, why: str
) -> None:
    answer = sends(world.vik, ("good.jpg", ONE), (name, content))
    assert "中心已收到" in answer.text and "照片 1/1" in answer.text
    assert name.replace("<", "&lt;").replace(">", "&gt;") in answer.text and why in answer.text
    (report,) = reports(world)
    assert report.completed_at is not None, "nothing is waited for that will never come"
    assert leftovers(world) == []


def test_heic_is_taken_as_it_is(world: World) -> None:
    photo = encoded("HEIF")
    assert "照片 1/1" in sends(world.vik, ("IMG_1.HEIC", photo), text="").text
    assert originals(world) == [hashlib.sha256(photo).hexdigest()]


def test_of_eleven_photos_nine_arrive_and_two_are_named(world: World) -> None:
    photos = [(f"{n}.jpg", jpeg_with_everything(width=200 + n, height=100)) for n in range(11)]
    answer = sends(world.vik, *photos)
    assert "照片 9/9" in answer.text and answer.text.count("一次最多 9 张照片") == 2
    assert "9.jpg" in answer.text and "10.jpg" in answer.text
    assert len(originals(world)) == 9


def test_a_photo_above_the_limit_is_not_stored_anywhere(
    settings: Settings, start_again: Callable[[Settings], Any]
) -> None:
    world = World(start_again(replace(settings, max_photo_bytes=20_000)))
    large = jpeg_with_everything(width=2000, height=2000)
    assert len(large) > 20_000
    answer = sends(world.vik, ("large.jpg", large))
    assert "中心已收到" in answer.text and "large.jpg" in answer.text and "文件太大" in answer.text
    assert originals(world) == leftovers(world) == []


def test_more_than_any_form_holds_is_refused_in_words(
    settings: Settings, start_again: Callable[[Settings], Any]
) -> None:
    world = World(start_again(replace(settings, max_photo_bytes=5_000)))
    answer = sends(world.vik, ("large.bin", b"x" * 400_000))
    assert answer.status_code == 413 and "内容太大" in answer.text
    assert reports(world) == []


def test_nothing_at_all_is_refused_and_the_form_is_there_again(world: World) -> None:
    answer = sends(world.vik, text="  ")
    assert answer.status_code == 422
    assert "拍一张、说一句或写一行" in answer.text and 'action="/report"' in answer.text
    assert reports(world) == []


def test_what_was_typed_is_there_again_when_it_was_too_long(world: World) -> None:
    answer = sends(world.vik, ("a.jpg", ONE), text="<井盖>" + "啊" * 2000, severity="red")
    assert answer.status_code == 422
    assert "太长了" in answer.text and "照片要重新选" in answer.text
    assert "&lt;井盖&gt;啊啊" in answer.text and 'value="red" checked' in answer.text
    assert originals(world) == []


def test_only_a_file_that_cannot_be_taken_is_no_report(world: World) -> None:
    answer = sends(world.vik, ("letter.pdf", b"%PDF-1.7"), text="")
    assert answer.status_code == 422
    assert "letter.pdf" in answer.text and "还没有发出去，也没有存下" in answer.text


def test_nobody_is_led_to_the_login_with_the_words_kept_and_no_photo_stored(world: World) -> None:
    stranger = Person(world, "nobody", world.app.test_client())
    answer = sends(stranger, ("a.jpg", ONE), text="井盖没了，在南门")
    assert answer.status_code == 401
    assert 'href="/login"' in answer.text and "重新选照片" in answer.text and "井盖没了，在南门" in answer.text
    assert reports(world) == [] and originals(world) == leftovers(world) == []


@pytest.mark.parametrize(("who", "may"), [("vik", True), ("ada", True), ("dora", True), ("lea", True),
                                          ("lin", False), ("ana", False), ("root", False)])  # fmt: skip
def test_only_roles_that_file_reports_may(world: World, who: str, may: bool) -> None:
    assert sends(world.person(who)).status_code == (200 if may else 403)
    assert len(reports(world)) == may


def test_county_staff_are_asked_for_the_village(world: World) -> None:
    with world.app.app_context(), writing():
        db.session.execute(update(User).where(User.username == "vik").values(area_code="441521"))
    answer = sends(world.vik, text="县里的人看到的")
    assert answer.status_code == 422 and "县里的人看到的" in answer.text and "南门社区" in answer.text
    assert sends(world.vik, village_code="441521115004").status_code == 200


def test_another_sites_form_is_refused(world: World) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert world.vik.client.post("/report", data={"text": "x"}, headers=headers).status_code == 403
    assert reports(world) == []


@pytest.mark.parametrize(
    ("place", "lat"),
    [
        ('{"lat": 22.97, "lon": 115.33, "accuracy_m": 12, "age_s": null, "source": "gps", "more": 1}', 22.97),
        ('{"lat": 222, "lon": 115.33, "source": "gps"}', None),
        ("[[[", None),
        ("NaN", None),
        ("7", None),
    ],
)
def test_a_place_is_taken_when_it_is_one_and_never_a_reason_to_refuse(
    world: World, place: str, lat: float | None
) -> None:
    assert sends(world.vik, position=place).status_code == 200
    assert [report.lat for report in reports(world)] == [lat]


def test_a_disk_that_is_full_costs_the_photo_and_not_the_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fieldapp.photos.Store.receive", full)
    answer = sends(world.vik, ("a.jpg", ONE))
    assert "中心已收到" in answer.text and "照片 0/1" in answer.text and "照片没有存下" in answer.text
    with world.app.app_context():
        assert db.session.scalar(select(Attachment.state)) == "expected"

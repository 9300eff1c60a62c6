"""A report is taken exactly once, whatever is repeated, cut off, altered or sent in parallel."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from fieldapp.config import Settings
from fieldapp.db import db
from fieldapp.models import Alert, Case, CaseEvent, Delivery, Report
from tests.pictures import bomb, jpeg_with_everything
from tests.recordings import tone
from tests.world import HEADERS, World, manifest


def count(world: World, table: type) -> int:
    with world.app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_the_same_report_again_is_the_same_report(world: World) -> None:
    body, path = world.vik.report("井盖破损"), f"/api/reports/{uuid4()}"
    first, again = (
        world.vik.put(path, json=body),
        world.vik.put(path, json=body | {"client_now": "2026-01-01T00:00:00Z"}),
    )
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert (count(world, Report), count(world, Case)) == (1, 1)


def test_the_same_id_with_other_content_is_refused_and_the_first_stays(world: World) -> None:
    body, path = world.vik.report("井盖破损"), f"/api/reports/{uuid4()}"
    first = world.vik.put(path, json=body)
    other = world.vik.put(path, json=body | {"text": "别的"})
    assert other.status_code == 409
    assert other.mimetype == "application/problem+json"
    assert world.vik.get(path).json["content_hash"] == first.json["content_hash"]


def test_somebody_elses_id_tells_nothing(world: World) -> None:
    filed = world.vik.files("井盖破损")
    assert world.ada.get(f"/api/reports/{filed.id}").status_code == 404
    taken = world.ada.put(f"/api/reports/{filed.id}", json=world.ada.report("井盖破损"))
    assert taken.status_code == 409


def test_five_identical_puts_in_parallel_make_one_case(world: World) -> None:
    body, path = world.vik.report("井盖破损", severity="red"), f"/api/reports/{uuid4()}"
    cookie = world.vik.client.get_cookie("fieldapp_device")
    assert cookie is not None

    def put(_: int) -> int:
        client = world.app.test_client()
        client.set_cookie("fieldapp_device", cookie.value)
        return client.put(path, json=body, headers=HEADERS).status_code

    with ThreadPoolExecutor(5) as pool:
        codes = sorted(pool.map(put, range(5)))
    assert codes == [200, 200, 200, 200, 201]
    assert [count(world, table) for table in (Report, Case, Alert)] == [1, 1, 1]


def test_report_case_alert_and_deliveries_are_one_transaction(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ada.carries_phone()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("died on the last step")

    body, path = world.vik.report("电线垂落", severity="red"), f"/api/reports/{uuid4()}"
    with monkeypatch.context() as patch:
        patch.setattr("fieldapp.alerting.call_rung", broken)
        assert world.vik.put(path, json=body).status_code == 500
    assert [count(world, table) for table in (Report, Case, Alert, Delivery, CaseEvent)] == [0, 0, 0, 0, 0]
    assert world.vik.put(path, json=body).status_code == 201
    assert count(world, Delivery) == 2


def test_the_content_hash_is_of_the_canonical_body_without_the_phones_clock(world: World) -> None:
    body = world.vik.report("é 井盖")
    receipt = world.vik.put(f"/api/reports/{uuid4()}", json=body).json
    canonical = (
        '{"captured_at":"2026-11-23T20:00:00+08:00","category":null,"owner":OWNER,"photos":[],'
        '"position":{"accuracy_m":12.5,"age_s":1,"lat":22.97,"lon":115.33,"source":"gps"},'
        '"severity":"blue","text":"é 井盖","village_code":null}'
    ).replace("OWNER", str(body["owner"]))
    assert receipt["content_hash"] == hashlib.sha256(canonical.encode()).hexdigest()


def test_a_report_for_another_account_is_refused(world: World) -> None:
    answer = world.vik.put(f"/api/reports/{uuid4()}", json=world.vik.report("x", owner=world.dora.id))
    assert answer.status_code == 422
    assert answer.json["errors"]["owner"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"', b"null"])
def test_what_is_no_object_is_refused_kindly(world: World, body: bytes) -> None:
    answer = world.vik.put(f"/api/reports/{uuid4()}", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json["detail"]


def test_the_village_decides_the_town(world: World) -> None:
    number = world.vik.files("垃圾", village_code="441521119001").number
    assert number.startswith("FC-")
    assert world.dora.get(f"/api/cases/{number}").status_code == 404
    assert world.otto.case(number)["area_code"] == "441521119001"


def test_a_report_from_a_town_without_a_desk_comes_to_the_reporters_own(world: World) -> None:
    number = world.vik.files("垃圾", village_code="441521101001").number
    assert number.startswith("HC-")
    assert world.dora.case(number)["area_code"] == "441521101001"


@pytest.mark.parametrize("code", ["999", "441521115", "441521"])
def test_a_place_that_is_no_village_is_refused(world: World, code: str) -> None:
    answer = world.vik.put(f"/api/reports/{uuid4()}", json=world.vik.report("x", village_code=code))
    assert answer.json["errors"]["village_code"]


def test_a_photo_again_is_the_same_photo(world: World) -> None:
    photo = jpeg_with_everything()
    filed = world.vik.files("", photos=(photo,))
    again = world.vik.put(f"/api/reports/{filed.id}/photos/{filed.body['photos'][0]['id']}", data=photo)
    assert again.status_code == 200
    assert again.json["complete"] is True


def test_a_photo_whose_bytes_changed_on_the_way_is_refused_and_asked_for_again(
    world: World, settings: Settings
) -> None:
    photo = jpeg_with_everything()
    body = world.vik.report("", photos=(photo,))
    path = f"/api/reports/{uuid4()}"
    world.vik.put(path, json=body)
    url = f"{path}/photos/{body['photos'][0]['id']}"
    for damaged in (photo[:-1], photo[:-1] + b"x", b"<html>portal</html>"):
        answer = world.vik.put(url, data=damaged)
        assert (answer.status_code, answer.json["code"]) == (422, "hash_mismatch")
    assert world.vik.put(url, data=photo + b"x").status_code == 413
    assert world.vik.get(path).json["photos"]["missing"]
    assert world.vik.put(url, data=photo).status_code == 201
    assert list((settings.photo_folder / "incoming").iterdir()) == []


def test_other_bytes_for_a_photo_that_is_here_change_nothing(world: World, settings: Settings) -> None:
    photo = jpeg_with_everything()
    filed = world.vik.files("", photos=(photo,))
    url = f"/api/reports/{filed.id}/photos/{filed.body['photos'][0]['id']}"
    for other in (photo[:-1] + b"x", photo + b"x", jpeg_with_everything(width=300)):
        assert world.vik.put(url, data=other).status_code == 409
    stored = [path for path in Path(settings.photo_folder / "originals").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in stored] == [photo]
    assert stored[0].stat().st_mode & 0o777 == 0o600


def test_a_photo_nobody_announced_has_no_place(world: World) -> None:
    filed = world.vik.files("井盖")
    assert world.vik.put(f"/api/reports/{filed.id}/photos/{uuid4()}", data=b"x").status_code == 404
    assert world.vik.put(f"/api/reports/{uuid4()}/photos/{uuid4()}", data=b"x").status_code == 404


def test_a_photo_id_used_by_another_report_is_a_conflict(world: World) -> None:
    photo = jpeg_with_everything()
    filed = world.vik.files("", photos=(photo,))
    body = world.ada.report("", photos=())
    body["photos"] = filed.body["photos"]
    assert world.ada.put(f"/api/reports/{uuid4()}", json=body).status_code == 409
    assert count(world, Report) == 1


@pytest.mark.parametrize(
    ("content", "status"), [(b"%PDF-1.7 not a photo", 415), (b"GIF89a" + b"\0" * 40, 415), (bomb(), 422)]
)
def test_what_is_no_photo_or_a_bomb_is_refused_at_the_door(world: World, content: bytes, status: int) -> None:
    body, path = world.vik.report("有图", photos=(content,)), f"/api/reports/{uuid4()}"
    world.vik.put(path, json=body)
    answer = world.vik.put(f"{path}/photos/{body['photos'][0]['id']}", data=content)
    assert answer.status_code == status
    assert answer.json["detail"]


def test_a_voice_note_is_enough(world: World, tmp_path: Path) -> None:
    sound = tone(tmp_path / "note")
    body = world.vik.report("") | {"voices": [manifest(sound)]}
    path = f"/api/reports/{uuid4()}"
    assert world.vik.put(path, json=body).json["voices"]["missing"]
    voice = body["voices"][0]["id"]
    assert world.vik.put(f"{path}/photos/{voice}", data=sound).status_code == 404
    assert world.vik.put(f"{path}/voices/{voice}", data=sound).json["complete"] is True
    world.develop()
    heard = world.dora.get(f"/voices/{voice}")
    assert (heard.status_code, heard.mimetype) == (200, "audio/mp4")
    assert world.otto.get(f"/voices/{voice}").status_code == 404


def test_two_identical_photos_are_two_photos(world: World) -> None:
    photo = jpeg_with_everything()
    filed = world.vik.files("", photos=(photo, photo))
    assert len(world.dora.case(filed.number)["photos"]) == 2

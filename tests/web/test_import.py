"""A phone could not send its reports: their owner brings them to the centre as a file, and dora takes them in."""

import base64
import hashlib
import io
import json
import os
import tracemalloc
from functools import partial
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import rfc8785
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from fieldapp import exported
from fieldapp.db import db, writing
from fieldapp.models import Alert, Case, Report, User
from fieldapp.photos import Store
from tests.pictures import jpeg_with_everything
from tests.recordings import tone
from tests.world import Filed, Person, World, manifest

pytestmark = pytest.mark.onedb

SAVED_AT = "2026-11-23T20:00:09+08:00"


def export(*reports: dict[str, Any]) -> bytes:
    """The file as a phone writes it."""
    return b'{"reports": [' + b",\n".join(json.dumps(one, indent=1).encode() for one in reports) + b"]}"


def kept(by: Person, text: str = "井盖没了", photos: tuple[bytes, ...] = (), **more: Any) -> dict[str, Any]:
    """A report as it stands on its owner's phone."""
    body = by.report(text, photos=photos, **more)
    del body["client_now"]
    return as_stored(str(uuid4()), body, photos)


def as_stored(report_id: str, body: dict[str, Any], photos: tuple[bytes, ...] = ()) -> dict[str, Any]:
    files = [
        {"id": item["id"], "report_id": report_id, "kind": "photo", "type": "image/jpeg", "sha256": item["sha256"],
         "bytes": len(photo), "base64": base64.b64encode(photo).decode()}
        for item, photo in zip(body["photos"], photos, strict=True)
    ]  # fmt: skip
    digest = hashlib.sha256(rfc8785.dumps(body)).hexdigest()
    return {
        "id": report_id, "owner": body["owner"], "content_hash": digest, "saved_at": SAVED_AT, "body": body,
        "files": files,
    }  # fmt: skip


def brings(officer: Person, content: bytes, name: str = "fieldapp-x.json") -> TestResponse:
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    form = head.encode() + content + b"\r\n--edge--\r\n"
    return officer.post("/desk/import", data=form, content_type="multipart/form-data; boundary=edge")


def numbers(world: World) -> list[str]:
    with world.app.app_context():
        return list(db.session.scalars(select(Case.number).order_by(Case.id)))


def originals(world: World) -> set[str]:
    folder = Store(world.app.config["SETTINGS"].photo_folder).root / "originals"
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_what_a_phone_could_not_send_is_at_the_desk_as_it_was_filed(world: World) -> None:
    photo = jpeg_with_everything()
    stored = kept(world.vik, "电线垂到路面", (photo,))
    answer = brings(world.dora, export(stored))
    (number,) = numbers(world)
    assert answer.status_code == 200
    for words in ("已收下", f"/desk/cases/{number}", "电线垂到路面", "照片 1/1"):
        assert words in answer.text
    (report,) = world.dora.case(number)["reports"]
    assert (report["id"], report["text"], report["complete"]) == (stored["id"], "电线垂到路面", True)
    assert originals(world) == {hashlib.sha256(photo).hexdigest()}
    entry = next(e for e in world.dora.case(number)["history"] if e["action"] == "imported")
    assert (entry["by"], entry["words"]) == ("吴朵", "从手机存的文件导入")
    assert "从手机存的文件导入" in world.dora.get(f"/desk/cases/{number}").text


def test_an_imported_report_raises_its_alert_like_any_other(world: World) -> None:
    brings(world.dora, export(kept(world.vik, "有人落水", severity="red")))
    with world.app.app_context():
        assert db.session.scalar(select(func.count(Alert.id))) == 1


def test_its_owner_sees_it_in_the_own_list_and_no_officers_name(world: World) -> None:
    stored = kept(world.vik, "路灯不亮")
    brings(world.dora, export(stored))
    story = world.vik.get(f"/api/reports/{stored['id']}")
    assert story.json["complete"] is True
    assert "吴朵" not in story.text
    assert [event["action"] for event in story.json["history"]] == ["report"]


def test_the_days_a_report_waited_are_not_taken_for_a_wrong_clock(world: World) -> None:
    stored = kept(world.vik)
    brings(world.dora, export(stored))
    assert world.vik.get(f"/api/reports/{stored['id']}").json["captured_at"].startswith("2026-11-23T12:00:00")


def test_a_phone_that_lives_in_1970_does_not_date_its_report_back_to_then(world: World) -> None:
    stored = kept(world.vik, captured_at="1970-01-03T00:00:00+08:00") | {"saved_at": "1970-01-03T00:01:00+08:00"}
    brings(world.dora, export(stored))
    assert world.vik.get(f"/api/reports/{stored['id']}").json["captured_at"] > "2026"


def test_importing_twice_takes_it_once(world: World) -> None:
    file = export(kept(world.vik, photos=(jpeg_with_everything(),)))
    brings(world.dora, file)
    again = brings(world.lea, file)
    assert "早就有了" in again.text
    assert "照片 1/1" in again.text
    (number,) = numbers(world)
    assert [e["action"] for e in world.dora.case(number)["history"]].count("imported") == 1


def test_what_the_phone_has_sent_meanwhile_is_known_and_its_missing_photo_is_added(world: World) -> None:
    photos = (jpeg_with_everything(), jpeg_with_everything(width=640))
    body = world.vik.report("墙裂了", photos=photos)
    filed = Filed(world.vik, str(uuid4()), body)
    world.vik.put(f"/api/reports/{filed.id}", json=body)
    world.vik.put(f"/api/reports/{filed.id}/photos/{body['photos'][0]['id']}", data=photos[0])
    frozen = {name: value for name, value in body.items() if name != "client_now"}
    answer = brings(world.dora, export(as_stored(filed.id, frozen, photos)))
    assert "早就有了" in answer.text
    assert "照片 2/2" in answer.text
    assert numbers(world) == [filed.number]
    added = next(e for e in world.dora.case(filed.number)["history"] if e["action"] == "imported")
    assert added["by"] == "吴朵"


def test_a_phone_that_gets_through_after_the_import_may_forget(world: World) -> None:
    photo = jpeg_with_everything()
    stored = kept(world.vik, photos=(photo,))
    brings(world.dora, export(stored))
    body = stored["body"] | {"client_now": "2026-11-25T08:00:00+08:00"}
    receipt = world.vik.put(f"/api/reports/{stored['id']}", json=body)
    assert receipt.status_code == 200
    assert receipt.json["content_hash"] == stored["content_hash"]
    assert receipt.json["complete"] is True


def test_several_peoples_reports_come_in_one_file(world: World) -> None:
    answer = brings(world.dora, export(kept(world.vik, "甲"), kept(world.ada, "乙")))
    assert answer.text.count("已收下") == 2
    assert len(numbers(world)) == 2


def test_a_disabled_volunteers_report_still_gets_in(world: World) -> None:
    stored = kept(world.vik, "最后一份")
    with world.app.app_context(), writing():
        db.session.execute(update(User).where(User.username == "vik").values(active=False))
    assert "已收下" in brings(world.dora, export(stored)).text


def test_somebody_who_files_no_reports_any_more_needs_the_role_back(world: World) -> None:
    stored = kept(world.vik)
    with world.app.app_context(), writing():
        db.session.execute(update(User).where(User.username == "vik").values(role="liaison"))
    answer = brings(world.dora, export(stored))
    assert "请管理员先改回他的角色" in answer.text
    assert numbers(world) == []


def test_another_towns_person_and_nobody_get_the_same_answer(world: World) -> None:
    stored = kept(world.vik, "井盖")
    foreign = brings(world.otto, export(stored)).text
    stored["body"]["owner"] = stored["owner"] = 987654
    stored["content_hash"] = hashlib.sha256(rfc8785.dumps(stored["body"])).hexdigest()
    assert brings(world.otto, export(stored)).text == foreign
    assert "不是本镇的人" in foreign
    assert "陈" not in foreign
    assert numbers(world) == []


@pytest.mark.parametrize("owner", [None, True, "1", 2**40, -1, 1.5, [1]])
def test_an_owner_that_is_no_user_is_refused_in_words(world: World, owner: object) -> None:
    assert "不是本镇的人" in brings(world.dora, export(kept(world.vik) | {"owner": owner})).text


def test_a_body_that_was_changed_on_the_way_is_not_taken(world: World) -> None:
    stored = kept(world.vik, "两个人")
    stored["body"]["text"] = "三个人"
    assert "对不上" in brings(world.dora, export(stored)).text
    assert numbers(world) == []


def test_the_owner_outside_and_inside_must_agree(world: World) -> None:
    stored = kept(world.vik) | {"owner": world.ada.id}
    assert "另一个账号" in brings(world.dora, export(stored)).text
    assert numbers(world) == []


def test_numbers_that_no_two_programs_write_alike_are_refused(world: World) -> None:
    stored = kept(world.vik)
    stored["body"]["position"]["age_s"] = 2**53 + 1
    assert "无法规范化" in brings(world.dora, export(stored)).text


def test_a_report_the_intake_refuses_says_which_part(world: World) -> None:
    answer = brings(world.dora, export(kept(world.vik, category="no-such"), kept(world.vik, "好的")))
    assert "种类：没有这一项。" in answer.text
    assert "已收下" in answer.text
    assert len(numbers(world)) == 1


def test_the_same_id_with_other_content_keeps_the_first(world: World) -> None:
    stored = kept(world.vik, "第一")
    brings(world.dora, export(stored))
    answer = brings(world.dora, export(as_stored(stored["id"], stored["body"] | {"text": "第二"})))
    assert "原来的那份保留着" in answer.text
    (number,) = numbers(world)
    assert world.dora.case(number)["reports"][0]["text"] == "第一"


def test_a_damaged_photo_is_named_and_the_rest_goes_on(world: World) -> None:
    photos = tuple(jpeg_with_everything(width=width) for width in (500, 600, 700))
    stored = kept(world.vik, photos=photos)
    stored["files"][1]["base64"] = base64.b64encode(photos[1][:-40] + bytes(40)).decode()
    answer = brings(world.dora, export(stored))
    assert "照片 2/3" in answer.text
    assert "照片 2：内容坏了" in answer.text
    assert originals(world) == {hashlib.sha256(photo).hexdigest() for photo in (photos[0], photos[2])}


@pytest.mark.parametrize("broken", ["====", "@0", "@7", "", None, 5, "A" * 9001, "!" * 9000])
def test_base64_that_is_none_is_a_damaged_photo(world: World, broken: object) -> None:
    stored = kept(world.vik, photos=(jpeg_with_everything(),))
    stored["files"][0]["base64"] = broken
    answer = brings(world.dora, export(stored))
    assert "照片 1：内容坏了" in answer.text
    assert "照片 0/1" in answer.text


def test_what_was_said_comes_along(world: World, tmp_path: Path) -> None:
    sound = tone(tmp_path / "note")
    stored = kept(world.vik, "", voices=[manifest(sound)])
    stored["files"] = [
        {"id": stored["body"]["voices"][0]["id"], "kind": "voice", "base64": base64.b64encode(sound).decode()}
    ]
    assert "录音 1/1" in brings(world.dora, export(stored)).text
    world.develop()
    assert world.dora.get(f"/voices/{stored['files'][0]['id']}").status_code == 200


def test_a_large_file_costs_hardly_any_memory(tmp_path: Path) -> None:
    photos = [os.urandom(8 * 1024 * 1024) for _ in range(3)]
    reports = [{"body": {}, "files": [{"base64": base64.b64encode(photo).decode()}]} for photo in photos]
    (tmp_path / "file").write_bytes(export(*reports))
    with (tmp_path / "file").open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        tracemalloc.start()
        copied = [sum(map(len, iter(partial(piece.open().read, 2**18), b""))) for piece in exported.read(data)
                  if isinstance(piece, exported.File)]  # fmt: skip
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert copied == [len(photo) for photo in photos]
    assert most < 3 * 1024 * 1024


def test_a_photo_that_is_none_and_a_file_nobody_named(world: World) -> None:
    stored = kept(world.vik, photos=(b"no picture at all",))
    stored["files"].append(stored["files"][0] | {"id": str(uuid4())})
    stored["files"] += [{}, 7]
    answer = brings(world.dora, export(stored))
    assert "照片 1：不是能识别的照片" in answer.text
    assert answer.text.count("上报里没有登记") == 3


def test_a_file_cut_off_in_the_second_photo_keeps_all_before_it(world: World) -> None:
    photos = (jpeg_with_everything(), jpeg_with_everything(width=2400, height=1600))
    file = export(kept(world.vik, "先到的"), kept(world.vik, "半截的", photos))
    answer = brings(world.dora, file[:-9000])
    assert "文件不完整" in answer.text
    assert answer.text.count("已收下") == 2
    assert "照片 1/2" in answer.text
    whole = brings(world.dora, file)
    assert whole.text.count("早就有了") == 2
    assert "照片 2/2" in whole.text


def test_a_file_cut_off_anywhere_at_all_is_never_a_crash(world: World) -> None:
    file = export(kept(world.vik, "甲"), kept(world.vik, "乙"))
    for end in (*range(0, len(file), 97), len(file) - 1):
        answer = brings(world.dora, file[:end])
        assert answer.status_code in (200, 422), end
        assert 'role="alert"' in answer.text, end
    assert len(numbers(world)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "这个文件是空的"),
        (jpeg_with_everything(), "不是手机存出来的上报文件"),
        (b'{"reports": []}', "文件里没有上报"),
        (b"[]", "不是手机存出来的上报文件"),
        (b'{"reports": 5}', "不是手机存出来的上报文件"),
        (b'{"other": {"reports": []}}', "不是手机存出来的上报文件"),
        (b"7", "不是手机存出来的上报文件"),
        ("\ufeff{}".encode(), "不是手机存出来的上报文件"),
        (b'{"reports": [' + b"[" * 100_000, "文件不完整"),
        (b'{"reports": [5, {}, {"files": []}, {"body": 1}]}', "不是手机存出来的上报"),
        (b" " * (exported.MOST_BESIDE_FILES + 1), "不是手机存出来的上报文件"),
    ],
)  # fmt: skip
def test_a_wrong_file_gets_a_sentence(world: World, content: bytes, words: str) -> None:
    answer = brings(world.dora, content)
    assert answer.status_code in (200, 422)
    assert words in answer.text
    assert numbers(world) == []


def test_no_file_at_all_gets_a_sentence(world: World) -> None:
    for data in ({}, {"file": "text"}, {"file": (io.BytesIO(b""), "")}):
        answer = world.dora.post("/desk/import", data=data, content_type="multipart/form-data")
        assert (answer.status_code, "请先选一个文件" in answer.text) == (422, True)


def test_a_file_larger_than_any_report_is_refused_with_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldapp.imports.largest_file", lambda most: 1024 * 1024)
    answer = brings(world.dora, b"x" * 1_200_000)
    assert answer.status_code == 413
    assert "最多 1 MB" in answer.text


def test_a_place_in_another_town_is_that_desks_to_open(world: World) -> None:
    assert world.otto.get("/desk").status_code == 200  # somebody sits at the desk there
    with world.app.app_context():
        town = db.session.scalars(select(User.area_code).where(User.username == "otto")).one()
    stored = kept(world.vik, village_code=f"{town}001")
    answer = brings(world.dora, export(stored))
    (number,) = numbers(world)
    assert number in answer.text
    assert f"/desk/cases/{number}" not in answer.text
    assert "那边的值班台" in answer.text
    assert brings(world.dora, export(stored)).status_code == 200


def test_what_is_taken_is_the_frozen_report_and_no_field_beside_it(world: World) -> None:
    stored = kept(world.vik) | {"severity": "red", "text": "外面的字"}
    brings(world.dora, export(stored))
    with world.app.app_context():
        report = db.session.scalars(select(Report)).one()
        assert (report.text, report.severity.word, str(report.id)) == ("井盖没了", "blue", stored["id"])


def test_a_step_in_the_file_is_taken_like_one_from_the_phone(world: World) -> None:
    number = world.vik.files("井盖").number
    world.dora.must("dispatch", number, to="ada")
    world.ada.must("acknowledge", number)
    photo = jpeg_with_everything()
    body = world.ada.step("report_outcome", "已放警示桩", 90, photos=[manifest(photo)])
    del body["client_now"]
    step = {"case": number} | as_stored(str(uuid4()), body, (photo,))
    for said in ("已收下", "早就有了"):
        page = brings(world.dora, export(step)).text
        assert said in page and number in page and "已放警示桩" in page
    case = world.dora.case(number)
    assert case["status"] == "answered" and len(case["photos"]) == 1
    assert [e["action"] for e in case["history"]][-3:] == ["report_outcome", "imported", "after_photo"]
    assert "手机上" in next(e["words"] for e in case["history"] if e["action"] == "report_outcome")
    elsewhere = {"case": "HC-20200101-001"} | as_stored(str(uuid4()), body | {"photos": []})
    assert "没有派给这个人" in brings(world.dora, export(elsewhere)).text

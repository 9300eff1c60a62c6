"""What people see of a photo: upright, and nothing in it but the picture. What cannot be shown is not shown."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from fieldapp import photos
from fieldapp.config import Settings
from tests.pictures import encoded, jpeg_with_everything, scene
from tests.world import World

REAL = Path(os.environ.get("FIELDAPP_REAL_PHOTOS", Path(__file__).parents[3] / "shared" / "data" / "photos"))
FORBIDDEN = (
    b"Exif",
    b"http://ns.adobe.com/xap",
    b"<x:xmpmeta",
    b"secret",
    b"HUAWEI",
    b"GPS",
    b"Photoshop",
    b"ICC_PROFILE",
)
UPSIDE = {1: (1200, 800), 3: (1200, 800), 6: (800, 1200), 8: (800, 1200)}


def published(path: Path) -> dict[str, bytes]:
    copies = photos.render(path)
    for picture in copies.values():
        assert photos.only_picture(picture)
        assert not [mark for mark in FORBIDDEN if mark in picture[:4096]]
        assert not Image.open(io.BytesIO(picture)).getexif()
    return copies


@pytest.mark.parametrize("orientation", UPSIDE)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_format_comes_out_upright_and_clean(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / "photo"
    path.write_bytes(jpeg_with_everything(orientation) if kind == "JPEG" else encoded(kind, orientation))
    full = Image.open(io.BytesIO(published(path)["full"]))
    assert full.size == UPSIDE[orientation]


def test_the_red_corner_is_where_the_photographer_saw_it(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(jpeg_with_everything(orientation=6))  # shot with the phone turned: the red corner goes top right
    full = Image.open(io.BytesIO(published(path)["full"]))
    red = full.getpixel((full.width - 20, 20))
    assert isinstance(red, tuple) and red[0] > 180 and red[1] < 60


def test_heic_works(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(encoded("HEIF"))
    assert photos.inspect(path).media_type == "image/heic"
    assert Image.open(io.BytesIO(published(path)["full"])).size == (1200, 800)


def test_large_photos_shrink_and_small_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(jpeg_with_everything(width=4000, height=3000))
    sizes = {name: Image.open(io.BytesIO(copy)).size for name, copy in published(path).items()}
    assert sizes == {"full": (1600, 1200), "thumb": (320, 240)}
    path.write_bytes(jpeg_with_everything(width=200, height=100))
    assert Image.open(io.BytesIO(published(path)["full"])).size == (200, 100)


def test_transparency_becomes_white(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(path, "PNG")
    assert Image.open(io.BytesIO(published(path)["full"])).getpixel((25, 25)) == (255, 255, 255)


@pytest.mark.parametrize("cut", [0.2, 0.6])
def test_a_truncated_photo_is_refused_not_half_shown(tmp_path: Path, cut: float) -> None:
    whole = jpeg_with_everything(width=3000, height=2000)
    path = tmp_path / "photo"
    path.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(photos.BadFile):
        photos.render(path)


@pytest.mark.onedb
def test_a_photo_is_shown_once_its_copies_are_made(world: World) -> None:
    filed = world.vik.files("", photos=(jpeg_with_everything(),))
    shown = world.dora.case(filed.number)["photos"][0]
    assert (shown["state"], shown["url"], shown["thumb_url"]) == ("processing", None, None)
    assert world.dora.get(f"/photos/{shown['id']}/full").status_code == 404
    world.develop()
    shown = world.dora.case(filed.number)["photos"][0]
    assert shown["state"] == "ready"
    answer = world.dora.get(shown["url"])
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Cache-Control"].startswith("private")
    assert world.vik.get(shown["thumb_url"]).status_code == 200
    for outsider in (world.otto, world.ana, world.ada):
        assert outsider.get(shown["url"]).status_code == 404
    assert world.app.test_client().get(shown["url"]).status_code == 302


def test_a_photo_that_cannot_be_decoded_is_set_apart_and_said(world: World, settings: Settings) -> None:
    whole = jpeg_with_everything(width=3000, height=2000)
    filed = world.vik.files("", photos=(whole[: len(whole) // 2],))
    world.develop()
    case = world.dora.case(filed.number)
    assert case["photos"][0]["state"] == "unreadable"
    assert "unreadable" in [event["action"] for event in case["history"]]
    assert world.vik.get(f"/api/reports/{filed.id}").json["photos_state"][0]["state"] == "unreadable"
    assert len([path for path in (settings.photo_folder / "unreadable").rglob("*") if path.is_file()]) == 1
    assert [path for path in (settings.photo_folder / "copies").rglob("*") if path.is_file()] == []


@pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not on this machine; the made ones were used")
def test_the_real_photos() -> None:
    wanted = {"orientation_6.jpg": (1067, 1600), "phone.heic": (1200, 1600), "phone_4000x3000.jpg": (1600, 687)}
    found = sorted(path for path in REAL.iterdir() if path.suffix in (".jpg", ".heic"))
    assert len(found) >= 4
    for path in found:
        full = Image.open(io.BytesIO(published(path)["full"]))
        assert full.size == wanted.get(path.name, full.size)


def test_our_own_check_finds_what_must_not_be_there(tmp_path: Path) -> None:
    assert not photos.only_picture(jpeg_with_everything())
    plain = io.BytesIO()
    scene().save(plain, "JPEG", comment=b"hello")
    assert not photos.only_picture(plain.getvalue())

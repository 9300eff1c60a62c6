"""What people see of a photo: upright, and nothing in it but the picture. What cannot be shown is not shown."""

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image, ImageCms

from fieldapp import photos
from fieldapp.config import Settings
from fieldapp.photos import Store
from tests import pictures
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


def test_sixteen_bits_of_grey_come_out_grey_not_white(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(pictures.deep_grey())
    full = Image.open(io.BytesIO(published(path)["full"]))
    shades = [full.getpixel((x, 50))[0] for x in (50, 150, 250)]  # type: ignore[index]
    assert shades == pytest.approx([0, 128, 255], abs=3)


def test_sixteen_bits_of_grey_can_be_shrunk(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    Image.new("I;16", (5000, 3000), 0x8000).save(path, "PNG")
    full = Image.open(io.BytesIO(published(path)["full"]))
    assert full.size == (1600, 960)
    assert full.getpixel((800, 480)) == pytest.approx((128, 128, 128), abs=3)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    "content",
    [
        pictures.jpeg("CMYK"),
        pictures.jpeg("CMYK", icc_profile=SRGB),  # a profile of another colour model is worse than none
        pictures.ycck(),
        encoded("PNG", mode="P"),
        encoded("PNG", mode="RGBA"),
        encoded("HEIF", mode="RGBA"),
    ],
    ids=["CMYK", "CMYK with a wrong profile", "YCCK", "palette", "transparent PNG", "transparent HEIC"],
)
def test_red_is_red_in_every_colour_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo"
    path.write_bytes(content)
    full = Image.open(io.BytesIO(published(path)["full"]))
    assert full.getpixel((100, 100)) == pytest.approx((0xDD, 0, 0), abs=30)
    assert full.getpixel((1000, 100)) == pytest.approx((0x99, 0xAA, 0xBB), abs=25)


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_stays_grey(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "photo"
    Image.linear_gradient("L").resize((4000, 3000)).convert(mode).save(path, "PNG")
    full = Image.open(io.BytesIO(published(path)["full"]))
    shades = [full.resize((1, 12), Image.Resampling.BOX).getpixel((0, y))[0] for y in (0, 6, 11)]  # type: ignore[index]
    assert shades == pytest.approx([10, 138, 245], abs=6)


@pytest.mark.parametrize("size", [(8192, 6144), (12000, 9000)])
def test_the_largest_photos_of_phones_are_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "photo"
    path.write_bytes(pictures.claiming(jpeg_with_everything(), *size))
    assert photos.inspect(path).width == size[0]


@pytest.mark.parametrize(
    ("plain", "width", "height", "taken"),
    [(True, 8192, 6144, True), (True, 9000, 6000, False), (False, 4032, 3024, True), (False, 8192, 6144, False)],
)
def test_heic_is_held_to_what_it_costs_to_decode(
    tmp_path: Path, plain: bool, width: int, height: int, taken: bool
) -> None:
    path = tmp_path / "photo.heic"
    picture = encoded("HEIF", mode="RGB" if plain else "RGBA")  # transparency doubles the memory
    path.write_bytes(pictures.heic_claiming(picture, width, height))
    if taken:
        assert photos.inspect(path).width == width
        return
    with pytest.raises(photos.BadFile, match="too_many_pixels"):
        photos.inspect(path)


def test_png_and_webp_are_decoded_whole_and_held_to_less(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(pictures.bomb(8001, 5000))
    with pytest.raises(photos.BadFile, match="too_many_pixels"):
        photos.inspect(path)
    Image.new("RGB", (4200, 3000)).save(path, "WEBP", method=0)
    with pytest.raises(photos.BadFile, match="too_many_pixels"):
        photos.inspect(path)


@pytest.mark.parametrize("make", [lambda: pictures.jpeg(progressive=True), pictures.one_colour_at_a_time])
def test_a_jpeg_that_is_decoded_whole_is_held_to_fewer_pixels(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path = tmp_path / "photo"
    path.write_bytes(pictures.claiming(make(), 7600, 4300))
    assert photos.inspect(path).width == 7600
    path.write_bytes(pictures.claiming(make(), 8192, 6144))
    with pytest.raises(photos.BadFile, match="too_many_pixels"):
        photos.inspect(path)


@pytest.mark.parametrize("bomb", [pictures.scans(101), pictures.pieces(30_000)], ids=["scans", "pieces"])
def test_a_picture_in_thousands_of_pieces_is_refused_at_the_door(tmp_path: Path, bomb: bytes) -> None:
    path = tmp_path / "photo"
    path.write_bytes(bomb)
    with pytest.raises(photos.BadFile):
        photos.inspect(path)


def test_what_a_phone_hangs_on_behind_a_photo_is_no_scan(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    for picture in (jpeg_with_everything(), pictures.scans(100)):
        path.write_bytes(picture + b"\xff\xda" * 5000)  # a motion photo's film may hold any bytes
        assert photos.inspect(path).media_type == "image/jpeg"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc: NOT MEASURED")
def test_the_largest_transparent_png_stays_within_the_workers_memory(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    Image.new("RGBA", (8000, 5000), (9, 9, 9, 99)).save(path, "PNG", compress_level=1)
    assert photos.inspect(path).width == 8000
    program = (
        "import sys, pathlib\nfrom fieldapp import darkroom, photos\nphotos.render(pathlib.Path(sys.argv[1]))\n"
        "print(pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", program, path], stdout=subprocess.PIPE, check=True, text=True)
    assert int(done.stdout) / 1024 < 320


@pytest.mark.parametrize("brand", ["M4A ", "mp41", "mp42", "isom", "iso5", "iso6", "dash", "3gp4"])
def test_the_sound_of_phones_is_taken(tmp_path: Path, brand: str) -> None:
    path = tmp_path / "sound"
    path.write_bytes(b"\0\0\0\x1cftyp" + brand.encode() + b"\0" * 16)
    assert photos.sniff_sound(path).media_type == "audio/mp4"


@pytest.mark.parametrize("brand", ["heic", "heix", "hevc", "mif1", "msf1", "avif", "qt  ", "jp2 "])
def test_a_picture_is_no_sound(tmp_path: Path, brand: str) -> None:
    path = tmp_path / "sound"
    path.write_bytes(b"\0\0\0\x1cftyp" + brand.encode() + b"\0" * 16)
    with pytest.raises(photos.WrongType):
        photos.sniff_sound(path)


def received(store: Store, file_id: UUID, content: bytes) -> photos.Upload:
    return store.receive(io.BytesIO(content), file_id, hashlib.sha256(content).hexdigest(), len(content), sound=False)


def kept(store: Store) -> list[tuple[str, bytes]]:
    """Every file there is: the folder it is in, and its bytes."""
    files = sorted(path for path in store.root.rglob("*") if path.is_file())
    return [(path.relative_to(store.root).parts[0], path.read_bytes()) for path in files]


def test_bytes_that_were_taken_are_never_replaced_by_others(tmp_path: Path) -> None:
    store, file_id, first = Store(tmp_path), uuid4(), jpeg_with_everything()
    upload = received(store, file_id, first)
    assert received(store, file_id, first) == upload
    with pytest.raises(photos.BadFile, match="other_content"):
        received(store, file_id, jpeg_with_everything(width=300))
    assert kept(store) == [("originals", first)]


def test_a_photo_that_was_set_apart_is_not_stored_again(tmp_path: Path) -> None:
    store, file_id, first = Store(tmp_path), uuid4(), jpeg_with_everything()
    upload = received(store, file_id, first)
    store.set_apart(file_id)
    assert received(store, file_id, first) == upload
    with pytest.raises(photos.BadFile, match="other_content"):
        received(store, file_id, jpeg_with_everything(width=300))
    assert kept(store) == [("unreadable", first)]


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

"""What somebody said is heard at every desk: recordings as phones make them, and files that only claim to be one."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import av
import pytest
from sqlalchemy import update

from fieldapp import darkroom, voices
from fieldapp.config import Settings
from fieldapp.db import db, writing
from fieldapp.filetypes import BadFile
from fieldapp.models import Attachment, AttachmentState
from fieldapp.photos import Store
from fieldapp.voices import LONGEST_S
from tests.pictures import encoded, jpeg_with_everything
from tests.recordings import MP4, OGG, SECRET, WEBM, film, tone
from tests.world import Filed, World, manifest

KINDS = [WEBM, OGG, MP4, ("mp4", "libopus"), ("wav", "pcm_s16le")]


def says(world: World, sound: bytes) -> Filed:
    """vik files a report of nothing but his voice."""
    body = world.vik.report("") | {"voices": [manifest(sound)]}
    filed = Filed(world.vik, str(uuid4()), body)
    assert world.vik.put(f"/api/reports/{filed.id}", json=body).status_code == 201
    answer = world.vik.put(f"/api/reports/{filed.id}/voices/{voice_of(filed)}", data=sound)
    assert answer.status_code == 201, answer.text
    assert answer.json["complete"] is True  # it is on disk: all that a phone needs to know
    return filed


def voice_of(filed: Filed) -> str:
    return str(filed.body["voices"][0]["id"])


def state(world: World, filed: Filed) -> str:
    return str(world.dora.case(filed.number)["reports"][0]["voices_state"][0]["state"])


def heard(world: World, filed: Filed) -> bytes:
    answer = world.dora.get(f"/voices/{voice_of(filed)}")
    assert answer.status_code == 200
    assert answer.mimetype == "audio/mp4"
    return bytes(answer.data)


def opened(sound: bytes) -> tuple[str, str, int, int, float]:
    """Codec, profile, rate, channels and seconds of what is heard."""
    with av.open(io.BytesIO(sound)) as found:
        (stream,) = found.streams
        context = stream.codec_context
        return context.name, str(context.profile), context.rate, context.channels, float(found.duration or 0) / 1e6


@pytest.mark.onedb
@pytest.mark.parametrize("kind", KINDS, ids=["-".join(kind) for kind in KINDS])
def test_every_kind_of_recording_becomes_aac(world: World, tmp_path: Path, kind: tuple[str, str]) -> None:
    sound = tone(tmp_path / "note", kind, seconds=2)
    filed = says(world, sound)
    assert world.dora.get(f"/voices/{voice_of(filed)}").status_code == 404  # never as it came
    world.develop()
    assert state(world, filed) == "ready"
    copy = heard(world, filed)
    *what, seconds = opened(copy)
    assert what == ["aac", "LC", 24_000, 1]
    assert seconds == pytest.approx(2, abs=0.15)
    assert len(copy) < 12_000  # 32 kbit/s
    assert copy.index(b"moov") < copy.index(b"mdat")  # it plays before it is all there


@pytest.mark.onedb
def test_a_copy_says_nothing_but_what_was_said(world: World, tmp_path: Path) -> None:
    sound = tone(tmp_path / "note", MP4)
    assert all(word.encode() in sound for word in SECRET.values())
    filed = says(world, sound)
    world.develop()
    copy = heard(world, filed)
    for word in (*SECRET.values(), "Lavf", "Lavc"):
        assert word.encode() not in copy
    with av.open(io.BytesIO(copy)) as found:
        assert set(found.metadata) == {"major_brand", "minor_version", "compatible_brands"}


def test_the_tone_is_still_that_tone(tmp_path: Path) -> None:
    (tmp_path / "note").write_bytes(tone(tmp_path / "made", WEBM, seconds=1))
    copy = voices.render(tmp_path / "note", tmp_path / "scratch")
    with av.open(io.BytesIO(copy)) as found:
        frames = list(found.decode(audio=0))
    samples = memoryview(b"".join(bytes(frame.planes[0])[: frame.samples * 4] for frame in frames)).cast("f")
    middle = samples[6_000:18_000]
    crossings = sum(a < 0 <= b for a, b in pairwise(middle))
    assert crossings == pytest.approx(225, abs=3)  # 450 Hz for half a second
    assert not (tmp_path / "scratch").exists()


def test_the_player_may_ask_for_a_part(world: World, tmp_path: Path) -> None:
    filed = says(world, tone(tmp_path / "note", OGG))
    world.develop()
    whole = heard(world, filed)
    part = world.dora.get(f"/voices/{voice_of(filed)}", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, whole[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"


def test_until_the_copy_stands_every_page_says_so(world: World, tmp_path: Path) -> None:
    filed = says(world, tone(tmp_path / "note"))
    world.dora.must("dispatch", filed.number, to=["ada"])
    pages = ((world.dora, f"/desk/cases/{filed.number}"), (world.ada, f"/tasks/{filed.number}"))
    for person, page in pages:
        text = person.get(page).text
        assert ("录音正在处理" in text, "<audio" in text) == (True, False)
    mine = f"/api/reports/{filed.id}"
    assert world.vik.get(mine).json["voices_state"] == [{"id": voice_of(filed), "state": "processing", "url": None}]
    assert world.dora.case(filed.number)["reports"][0]["voices"] == []
    world.develop()
    for person, page in pages:
        assert f'src="/voices/{voice_of(filed)}"' in person.get(page).text
    assert world.vik.get(mine).json["voices_state"][0]["url"] == f"/voices/{voice_of(filed)}"
    assert world.dora.case(filed.number)["reports"][0]["voices"] == [f"/voices/{voice_of(filed)}"]
    assert world.otto.get(f"/voices/{voice_of(filed)}").status_code == 404


def test_the_original_stays_on_disk_as_it_came(world: World, settings: Settings, tmp_path: Path) -> None:
    sound = tone(tmp_path / "note")
    filed = says(world, sound)
    world.develop()
    assert Store(settings.photo_folder).original(UUID(voice_of(filed))).read_bytes() == sound


def long_note(folder: Path) -> bytes:
    return tone(folder / "long", OGG, seconds=LONGEST_S + 2, silent=True)


def cut(folder: Path) -> bytes:
    return tone(folder / "cut", MP4)[:4000]


def one_hertz(path: Path) -> bytes:
    made = bytearray(tone(path, ("wav", "pcm_s16le"), seconds=1))
    made[24:28] = (1).to_bytes(4, "little")
    return bytes(made)


UNREADABLE: dict[str, Callable[[Path], bytes]] = {
    "a film": lambda folder: film(folder / "film"),
    "too long": long_note,
    "an mp4 cut off before its index": cut,
    "nothing behind the first bytes": lambda folder: b"OggS" + b"\0" * 40,
    "webm's name and noise": lambda folder: b"\x1a\x45\xdf\xa3" + os.urandom(5000),
    "an mp4 without anything": lambda folder: b"\0\0\0\x18ftypM4A " + bytes(64),
    "a wav of no samples": lambda folder: tone(folder / "wav", ("wav", "pcm_s16le"), seconds=0.02)[:80],
    "a wav that claims one sample a second": lambda folder: one_hertz(folder / "wav"),
    "a picture behind sound's first bytes": lambda folder: b"RIFF\0\0\0\0WAVE" + jpeg_with_everything(),
}


@pytest.mark.onedb
@pytest.mark.parametrize("what", UNREADABLE)
def test_what_cannot_be_played_is_kept_apart_and_the_next_is_heard(world: World, tmp_path: Path, what: str) -> None:
    filed = says(world, UNREADABLE[what](tmp_path))
    following = says(world, tone(tmp_path / "next"))
    world.develop()
    assert (state(world, filed), state(world, following)) == ("unreadable", "ready")
    assert world.dora.get(f"/voices/{voice_of(filed)}").status_code == 404
    page = world.dora.get(f"/desk/cases/{filed.number}").text
    assert "这段录音放不出来，原件留着" in page
    assert "有一段录音放不出来" in page


@pytest.mark.onedb
@pytest.mark.parametrize("content", [jpeg_with_everything(), encoded("HEIF"), encoded("WEBP"), b"#!/bin/sh", b"x"])
def test_a_renamed_photo_is_refused_with_a_sentence(world: World, content: bytes) -> None:
    body = world.vik.report("听") | {"voices": [manifest(content)]}
    report = uuid4()
    world.vik.put(f"/api/reports/{report}", json=body)
    answer = world.vik.put(f"/api/reports/{report}/voices/{body['voices'][0]['id']}", data=content)
    assert (answer.status_code, answer.json["detail"]) == (415, "不是能识别的录音。")


def test_a_note_of_no_bytes_is_refused_with_its_report(world: World) -> None:
    answer = world.vik.put(f"/api/reports/{uuid4()}", json=world.vik.report("") | {"voices": [manifest(b"")]})
    assert (answer.status_code, answer.json["errors"]["voices"]) == (422, "文件是空的。")


def test_a_page_that_died_while_recording_is_heard_as_far_as_it_got(tmp_path: Path) -> None:
    whole = tone(tmp_path / "note", WEBM, seconds=12)
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    *_, seconds = opened(voices.render(tmp_path / "half", tmp_path / "scratch"))
    assert 3 < seconds < 9


@pytest.mark.onedb
@pytest.mark.parametrize("kind", [WEBM, OGG, MP4])
def test_a_recording_damaged_anywhere_never_takes_the_worker_along(tmp_path: Path, kind: tuple[str, str]) -> None:
    """In a process of its own: a decoder that crashes would take the tests with it."""
    tone(tmp_path / "note", kind, seconds=3)
    program = (
        "import pathlib, random, sys\nfrom fieldapp import voices\n"
        "folder = pathlib.Path(sys.argv[1])\nwhole = (folder / 'note').read_bytes()\n"
        "dice = random.Random(7)\n"
        "for turn in range(40):\n"
        "    hurt = bytearray(whole)\n"
        "    for _ in range(dice.randrange(1, 300)):\n"
        "        hurt[dice.randrange(12, len(hurt))] = dice.randrange(256)\n"
        "    (folder / 'hurt').write_bytes(hurt)\n"
        "    try:\n        voices.render(folder / 'hurt', folder / 'scratch')\n"
        "    except voices.BadFile:\n        pass\n"
        "print('alive')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert done.stdout.strip() == "alive", done.stderr


def test_a_list_of_other_files_is_never_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.ogg").write_bytes(tone(tmp_path / "made", OGG))
    for listed in (b"ffconcat version 1.0\nfile secret.ogg\n", b"#EXTM3U\n#EXTINF:1,\nsecret.ogg\n"):
        (tmp_path / "note").write_bytes(b"OggS" + listed)
        with pytest.raises(BadFile):
            voices.render(tmp_path / "note", tmp_path / "scratch")


def test_a_full_disk_is_not_the_recordings_fault(tmp_path: Path) -> None:
    tone(tmp_path / "note")
    (tmp_path / "scratch").symlink_to("/dev/full")
    with pytest.raises(OSError, match="space"):
        voices.render(tmp_path / "note", tmp_path / "scratch")


def test_a_worker_out_of_memory_tries_again_and_gives_up_after_three(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hungry(source: Path, scratch: Path) -> bytes:
        raise MemoryError

    filed = says(world, tone(tmp_path / "note"))
    monkeypatch.setattr(voices, "render", hungry)
    for turn in range(darkroom.MOST_TRIES + 1):
        assert state(world, filed) == "processing"
        with world.app.app_context():
            late = turn * (darkroom.PAUSE + timedelta(seconds=1))
            darkroom.publish_next(Store(world.app.config["SETTINGS"].photo_folder), lambda late=late: world.now + late)
    assert state(world, filed) == "unreadable"


def test_notes_from_before_there_were_copies_get_one(world: World, settings: Settings, tmp_path: Path) -> None:
    filed = says(world, tone(tmp_path / "note"))
    with world.app.app_context(), writing():
        db.session.execute(update(Attachment).values(state=AttachmentState.READY, ready_at=world.now))
    assert world.dora.get(f"/voices/{voice_of(filed)}").status_code == 404  # not handed out with what stands in it
    store = Store(settings.photo_folder)
    with world.app.app_context():
        darkroom.make_again(store)
    assert state(world, filed) == "processing"
    world.develop()
    first = heard(world, filed)
    with world.app.app_context():
        darkroom.make_again(store)  # what has its copy is left alone
    assert (state(world, filed), heard(world, filed)) == ("ready", first)


def test_a_folder_of_copies_that_is_gone_sends_nobody_back_to_the_queue(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    filed = says(world, tone(tmp_path / "note"))
    world.develop()
    store = Store(settings.photo_folder)
    (store.root / "copies").rename(store.root / "away")
    with world.app.app_context(), pytest.raises(FileNotFoundError):
        darkroom.make_again(store)
    assert state(world, filed) == "ready"

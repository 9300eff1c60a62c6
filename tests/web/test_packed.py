"""What many desks are sent alike is compressed once, and nobody is sent what is another's own."""

import gzip
from typing import Any

import pytest

from fieldapp.web.packed import Packed
from fieldapp.web.security import compress
from tests.world import World

pytestmark = pytest.mark.onedb
ASKS = {"headers": {"Accept-Encoding": "gzip"}}


def test_two_desks_share_one_packed_list_and_a_page_of_ones_own_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    real = Packed.set

    def note(self: Packed, key: str, value: bytes) -> None:
        real(self, key, value)
        kept.extend([key] if self.get(key) else [])

    monkeypatch.setattr(Packed, "set", note)
    world.vik.files("路灯不亮")
    lists = [unpacked(world.dora.get("/desk/queue", **ASKS)), unpacked(world.lea.get("/desk/queue", **ASKS))]
    assert lists[0] == lists[1] and "路灯不亮" in lists[0]
    assert len(kept) == 2 and len(set(kept)) == 1
    world.vik.files("井盖没了")
    assert "井盖没了" in unpacked(world.dora.get("/desk/queue", **ASKS))
    mine = [unpacked(one.get("/desk", **ASKS)) for one in (world.dora, world.lea)]
    assert "吴朵" in mine[0] and "吴朵" not in mine[1].split("<main")[0]
    assert len(set(kept)) == 2, "only the lists"


def test_only_the_latest_are_kept() -> None:
    packed = Packed()
    for n in range(100):
        packed.set(f"br;{n}", b"x")
    packed.set("br;", b"a page of one's own")
    assert packed.get("br;99") and not packed.get("br;0") and packed.get("br;") is None


def unpacked(answer: Any) -> str:
    assert answer.headers["Content-Encoding"] == "gzip" and compress.cache is not None
    return gzip.decompress(answer.data).decode()

"""The desk's search box: what was found is marked and safe, what was not says how to look again."""

import re

import pytest
from sqlalchemy import update

from fieldapp import search
from fieldapp.db import db, writing
from fieldapp.models import Fact
from tests.world import World

pytestmark = pytest.mark.onedb


def found(world: World, words: str, path: str = "/desk/queue", who: str = "dora", **more: str) -> str:
    answer = world.person(who).get(path, query_string={"q": words} | more)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_words_are_marked_and_nothing_somebody_wrote_becomes_a_page(world: World) -> None:
    world.vik.files("<b>井盖</b>&<script>alert(1)</script>没了")
    page = found(world, "井盖")
    assert "&lt;b&gt;<mark>井盖</mark>&lt;/b&gt;&amp;&lt;script&gt;" in page
    assert "<script>alert" not in page and "<b>井盖" not in page
    assert "<script>alert" not in found(world, "<script>alert(1)") and "&lt;script&gt;" in found(world, "<script>")


def test_a_find_says_where_how_it_stands_and_how_old_it_is(world: World) -> None:
    filed = world.vik.files("有东西坏了，说不清是什么，请派人来看看，就在学校门口，像是 <井盖>", category="facility-1")
    number = filed.number
    page = found(world, number[-7:], "/desk")
    row = " ".join(re.sub(r"<[^>]+>", "", re.split(r'<li id="row-[^>]+>', page)[1]).split("</li>")[0].split())
    assert f"{number} · 刚刚" in row and "南门社区 · 井盖 · 待受理" in row
    assert f"<mark>{number[-7:]}</mark>" in page
    assert "像是 &lt;<mark>井盖</mark>&gt;" not in found(world, "井盖")  # its kind says it
    assert "…" in found(world, "学校") and "<mark>学校</mark>门口" in found(world, "学校")


def test_nothing_found_says_how_to_look(world: World) -> None:
    world.vik.files("井盖破损")
    for page in (found(world, "路灯"), found(world, "井盖", who="otto")):
        assert "row-" not in page and "拼音首字母" in page and "全部事件里都没有" in page


@pytest.mark.parametrize("more", [{"q": "井" * 61}, {"q": "井盖", "cursor": "WzEsMl0"}, {"q": "井盖", "cursor": "%00"}])
def test_what_nobody_asks_in_earnest_gets_a_clear_answer(world: World, more: dict[str, str]) -> None:
    for path in ("/desk", "/desk/queue"):
        answer = world.dora.get(path, query_string=more)
        assert answer.status_code == 422
        assert "一次最多找 60 个字" in answer.text or "没有这一项" in answer.text
    assert world.dora.get("/api/cases", query_string={"q": "井" * 61}).status_code == 422


def test_while_old_ones_are_being_indexed_the_page_says_so(world: World) -> None:
    assert "还在整理" not in found(world, "井盖")
    with world.app.app_context(), writing():
        db.session.execute(update(Fact).where(Fact.name == search.LEFT).values(value="7"))
    assert "还在整理" in found(world, "井盖 x")


def test_programs_find_by_the_same_index_worst_first(world: World) -> None:
    for severity in ("blue", "red", "yellow"):
        world.vik.files("请派人来看看，学校门口那边不知道是什么东西坏了，像是路灯", severity=severity)
    closed = world.vik.files("路灯不亮").number
    world.dora.must("accept", closed)
    world.dora.must("close", closed, note="换好了")
    items = world.dora.get("/api/cases?q=路灯").json["items"]
    assert [item["severity"] for item in items] == ["red", "yellow", "blue"]
    assert [item["number"] for item in world.dora.get("/api/cases?q=ldbl&status=closed").json["items"]] == [closed]

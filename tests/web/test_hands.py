"""Ready sentences, the text for the provincial platform, and the public page behind a case's code."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from fieldapp import phrases
from fieldapp.config import Settings
from tests.world import Person, World

SECRETS = ("林阿伯", "吴朵", "陈安", "井盖碎了", "快派人", "换了新的", "13800138000", "22.97", "115.33", "<img")


def offered(person: Person, number: str) -> dict[str, list[str]]:
    page = person.get(f"/desk/cases/{number}").text
    found = re.search(r'<script type="application/json" id="phrases">(.*?)</script>', page)
    assert found
    return dict(json.loads(found[1]))


def link_of(person: Person, number: str) -> str:
    page = person.get(f"/desk/cases/{number}/code").text
    found = re.search(r'id="link" readonly value="[^"]*?(/c/[^"]+)"', page)
    assert found and "<svg" in page
    return found[1]


def block_of(person: Person, number: str) -> str:
    found = re.search(r'<textarea id="block".*?>(.*?)</textarea>', person.get(f"/desk/cases/{number}").text, re.S)
    assert found
    return found[1]


def done(world: World) -> str:
    """A case from the report to the closing, with names and a telephone in what people wrote."""
    number = world.vik.files(
        "井盖碎了，我是林阿伯 13800138000", "yellow", category="facility-1", captured_at="2026-11-23T20:00:00+08:00"
    ).number
    world.dora.must("accept", number)
    world.dora.must("dispatch", number, to=["ada", "市政管理所"], note="快派人")
    world.ada.must("acknowledge", number)
    world.ada.must("report_outcome", number, note="换了新的，陈安记")
    world.dora.must("close", number)
    return number


def test_a_sentence_of_the_towns_own_is_offered_with_the_cases_number_and_place(world: World) -> None:
    number = world.vik.files("有人占道").number
    assert f"编号 {number}" in "".join(offered(world.dora, number)["decline"])
    added = {"verb": "decline", "text": "{地点}没有这件事，{编号} 不办。"}
    assert world.dora.post("/desk/phrases", data=added).status_code == 303
    mine = offered(world.lea, number)["decline"]
    place = re.search(r"(\S+)没有这件事", mine[-1])
    assert mine[-1].endswith(f"{number} 不办。") and place and "{" not in place[1]
    assert added["text"] not in world.otto.get("/desk/phrases").text  # the next town keeps those that came
    was = {"verb": "decline", "was": added["text"]}
    assert world.lea.post("/desk/phrases", data=was | {"text": "不办。"}).status_code == 303
    assert world.dora.post("/desk/phrases", data=was | {"text": "又改"}).status_code == 422  # two at one sentence
    assert world.dora.post("/desk/phrases", data={"verb": "decline", "text": "不办。"}).status_code == 422
    assert world.dora.post("/desk/phrases", data={"verb": "sing", "text": "啦"}).status_code == 422
    assert world.dora.post("/desk/phrases", data={"verb": "park", "text": "长" * 121}).status_code == 422
    removed = {"verb": "decline", "was": "不办。", "remove": "1"}
    assert world.dora.post("/desk/phrases", data=removed).status_code == 303
    assert offered(world.dora, number)["decline"][-1] == "您好，这是演示或误报，不用处理。"


@pytest.mark.onedb
def test_every_sentence_that_comes_with_the_product_has_its_form_and_fits() -> None:
    assert all(verb in phrases.VERBS and 0 < len(text) <= phrases.LONGEST for verb, text in phrases.shipped())
    assert {verb for verb, _ in phrases.shipped()} == set(phrases.VERBS)


@pytest.mark.onedb
def test_the_text_for_the_provincial_platform_is_what_its_form_asks_for_without_a_name(world: World) -> None:
    number = done(world)
    world.dora.client.set_cookie("lang", "en")  # the platform reads Chinese whatever the officer reads
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "T", block_of(world.dora, number))
    assert text.splitlines() == [
        "事件名称：井盖碎了，我是某某 【电话已隐去】",
        f"事件编号：{number}",
        "发生时间：T",
        "发生地点：海城镇南门社区",
        "事件类别：井盖",
        "事件级别：较急（黄）",
        "事件简述：井盖碎了，我是某某 【电话已隐去】",
        "处置情况：T 受理，T 派单，T 签收，T 反馈，T 办结；派往：市政管理所、处置人员 1 名；换了新的，某某记。",
        "办结时间：T",
    ]


@pytest.mark.onedb
def test_the_sheet_of_paper_names_officers_and_no_reporter(world: World) -> None:
    page = world.dora.get(f"/desk/cases/{done(world)}/print").text
    assert "陈安" in page and "吴朵" in page and "扫码看进展" in page
    assert "林阿伯" not in page and "13800138000" not in page and "【电话已隐去】" in page


@pytest.mark.onedb
def test_whoever_scans_the_code_learns_how_far_it_is_and_nothing_else(world: World) -> None:
    number = done(world)
    link, nobody = link_of(world.dora, number), world.app.test_client()
    answer = nobody.get(link)
    assert answer.status_code == 200
    for told in (number, "已办结", "井盖", "南门社区", "如果又出现问题"):
        assert told in answer.text
    assert [secret for secret in SECRETS if secret in answer.text] == []
    assert "noindex" in answer.headers["X-Robots-Tag"] and answer.headers["Cache-Control"] == "no-store"
    assert "<script" not in answer.text and "Set-Cookie" not in answer.headers
    quarrel = world.vik.files("两家吵架", category="dispute-1").number
    about_people = nobody.get(link_of(world.dora, quarrel)).text
    assert "中心已收到" in about_people and "邻里" not in about_people and "纠纷" not in about_people


@pytest.mark.onedb
def test_a_case_that_went_into_another_shows_the_others_progress_under_its_own_number(world: World) -> None:
    one = world.vik.files("井盖破损").number
    other = world.vik.files("井盖又破").number
    link = link_of(world.dora, other)
    world.dora.must("accept", one)
    world.dora.must("merge", other, to=one)
    page = world.app.test_client().get(link).text
    assert "中心已受理" in page and "一起办" in page and other in page and one not in page


@pytest.mark.onedb
def test_no_code_can_be_guessed_counted_up_or_told_from_another_wrong_one(world: World) -> None:
    number = world.vik.files("井盖破损").number
    link, nobody = link_of(world.dora, number), world.app.test_client()
    assert len(link.rpartition("-")[2]) * 5 >= 128
    following = number[:-1] + str(int(number[-1]) + 1)
    tries = [link[:-1] + ("a" if link[-1] != "a" else "b"), link.replace(number.lower(), following.lower())]
    tries += [f"/c/{number}", "/c/x", "/c/" + "é" * 40, link + "a"]
    answers = {re.sub(r'name="next" value="[^"]*"', "", nobody.get(path).text) for path in tries}
    assert [nobody.get(path).status_code for path in tries] == [404] * len(tries) and len(answers) == 1
    assert nobody.get(link.upper().replace("/C/", "/c/")).status_code == 200  # as some scanners hand it on


@pytest.mark.onedb
def test_who_tries_codes_is_stopped_after_thirty(settings: Settings, start_again: Callable[[Settings], Flask]) -> None:
    client = start_again(replace(settings, rate_limits=True)).test_client()
    assert [client.get(f"/c/hc-20261125-001-{n:026}").status_code for n in range(31)] == [404] * 30 + [429]

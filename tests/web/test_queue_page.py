"""The queue's page: a filter stands in the address and on the page, and goes away with a tap; views under names."""

import re

import pytest

from tests.world import World

pytestmark = pytest.mark.onedb


def test_a_filter_reads_as_chips_each_with_the_way_back(world: World) -> None:
    world.vik.files("井盖破损")
    page = world.dora.get("/desk?lane=triage&area=441521115001&source=patrol&from=2026-11-01").text
    chips = page[page.index('aria-label="正在筛选"') : page.index("清除筛选")]
    assert re.sub(r"<[^>]+>", "", chips).split()[1:] and "随手报" in chips and "2026-11-01" in chips
    assert 'href="/desk?lane=triage&amp;area=441521115001&amp;from=2026-11-01"' in chips
    assert "分栏的数字仍是全镇的" in page and "先看级别" in page
    lane = page[page.index('id="lane-verify"') : page.index('id="lane-verify"') + 300]
    assert "area=441521115001" in lane  # another lane keeps the filter


@pytest.mark.parametrize(
    "bad", ["from=gestern", "to=2026-13-40", "holder=%E6%9D%8E", "source=moon", "severity=pink", "from=9999-12-31"]
)
def test_what_nobody_understands_is_said_and_the_rest_still_filters(world: World, bad: str) -> None:
    world.vik.files("井盖破损")
    for path in ("/desk", "/desk/queue"):
        answer = world.dora.get(f"{path}?lane=triage&category=facility&{bad}")
        assert answer.status_code == 200 and "看不懂，没有按它筛选" in answer.text
        assert 'id="row-' not in answer.text  # of that category there is none


def test_a_view_is_kept_opened_renamed_and_removed_and_nobody_elses(world: World) -> None:
    saved = world.dora.post("/desk/views", data={"name": "南门 的热线", "query": "lane=open&source=hotline&evil=1"})
    assert saved.headers["Location"] == "/desk?lane=open&source=hotline"
    page = world.dora.get("/desk").text
    assert ">南门 的热线<" in page and "evil" not in page
    number = re.search(r"/desk/views/(\d+)/name", page)[1]  # type: ignore[index]
    assert "的热线" not in world.lea.get("/desk").text
    assert world.lea.post(f"/desk/views/{number}/removal").status_code == 404
    world.dora.post(f"/desk/views/{number}/name", data={"name": "热线"})
    assert ">热线</a>" in world.dora.get("/desk").text
    assert world.dora.post("/desk/views", data={"name": " ", "query": ""}).status_code == 422
    world.dora.post(f"/desk/views/{number}/removal")
    assert "/desk/views/" not in world.dora.get("/desk").text.split('id="filter"')[0]

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


def test_a_search_keeps_the_filter_and_its_rows_can_be_picked(world: World) -> None:
    blue = world.vik.files("井盖破损", severity="blue").number
    yellow, over = (world.vik.files(f"{place}的井盖破损", severity="yellow").number for place in ("桥头", "桥尾"))
    world.dora.must("decline", over, note="不归我们管")
    page = world.dora.get("/desk?lane=triage&severity=yellow&q=井盖").text
    rows = re.findall(r'<li id="row-([^"]+)".*?</li>', page, re.S)
    assert rows == [yellow, over] and blue not in rows
    assert page.count('type="checkbox" name="case"') == 1 and f'value="{yellow}:1"' in page  # the other is over
    assert "<mark>井盖</mark>" in page and "符合筛选的事件里有“井盖”的" in page
    chips = page[page.index('aria-label="正在筛选"') : page.index("清除筛选")]
    assert 'href="/desk?lane=triage&amp;q=%E4%BA%95%E7%9B%96"' in chips  # without the level, the words stay
    search = page[page.index('id="search"') : page.index("搜索</button>")]
    assert '<input type="hidden" name="severity" value="yellow">' in search
    filters = page[page.index('class="filter-form"') : page.index('class="row chips"')]
    assert '<input type="hidden" name="q" value="井盖">' in filters
    back = page[page.index('role="status"') : page.index("回到待受理")]
    assert 'href="/desk?lane=triage&amp;severity=yellow"' in back
    assert "去掉上面的筛选" in world.dora.get("/desk?severity=red&q=井盖").text


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

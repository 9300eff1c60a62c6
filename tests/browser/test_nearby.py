"""附近有人报过: who sees what was reported says so with one tap, without a network too, and both hear the end."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.patrol import ANYTHING, TEXT, Phone, photo
from tests.browser.people import DESK, HEADERS, Sitter
from tests.browser.relay import BadLine, drop
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

PLACES = iter(range(100))


@pytest.fixture
def place() -> tuple[float, float]:
    """A corner of the town of one's own: what other tests have reported is two kilometres away."""
    return 22.95 + 0.02 * next(PLACES), 115.33


@pytest.fixture
def dora(chromium: Browser, town: Product, screens: Any) -> Iterator[Sitter]:
    sitter = Sitter(chromium, town, screens, **DESK)
    sitter.log_in("dora")
    yield sitter
    sitter.close()


def stands(phone: Phone, place: tuple[float, float], north_m: float = 0, accuracy: float = 15) -> None:
    where = {"latitude": place[0] + north_m / 111_195, "longitude": place[1], "accuracy": accuracy}
    phone.context.set_geolocation(where)  # type: ignore[arg-type]


def reports(phone: Phone, place: tuple[float, float], text: str, kind: str = "公共设施") -> str:
    """File a report of a kind, with a fix; the number of its case."""
    stands(phone, place)
    page = phone.page
    page.goto("/report?new=1")
    page.locator("#tiles .tile").filter(has_text=kind).tap()
    page.locator("#text").fill(text)
    expect(page.locator("#place-words")).to_contain_text("约 15 米")
    page.locator("#send").tap()
    page.locator("#done").wait_for()
    phone.arrives(text)
    return str(phone.reported(text)[0]["case_number"])


def opens(phone: Phone, place: tuple[float, float], north_m: float = 40, path: str = "/report?new=1") -> None:
    """Stand there with an open form, and wait until what is near is known and drawn."""
    stands(phone, place, north_m)
    phone.page.goto(path)
    expect(phone.page.locator("#place-words")).to_contain_text("约 15 米")


def keeps_the_app(phone: Phone) -> None:
    phone.page.goto("/report")
    phone.controlled()


def does(dora: Sitter, number: str, action: str, **more: str) -> None:
    version = dora.api(f"/api/cases/{number}")["version"]
    path = f"/api/cases/{number}/transitions"
    answer = dora.context.request.post(path, data={"action": action, "version": version} | more, headers=HEADERS)
    assert answer.status == 200, answer.text()


def test_a_second_pair_of_eyes_without_a_network_is_a_second_signal(
    chromium: Browser, town: Product, line: BadLine, dora: Sitter, place: tuple[float, float]
) -> None:
    with Phone(chromium, town, line) as vik, Phone(chromium, town, line, worker=True, user="ben") as ben:
        number = reports(vik, place, "阿伯看到井盖没了")
        keeps_the_app(ben)
        opens(ben, place)
        near, page = ben.page.locator("#nearby"), ben.page
        expect(near).to_contain_text("公共设施", timeout=15_000)
        expect(near).to_contain_text("约 40 米")
        assert "阿伯" not in page.content(), "nothing but the kind and the place"
        line.fail(ANYTHING, drop)
        opens(ben, place)
        near.get_by_role("button", name="我也看到了").tap(timeout=15_000)
        expect(near).to_contain_text("已选")
        expect(page.locator("#text")).to_have_value("我也看到了")
        page.wait_for_timeout(600)
        page.reload()  # the page was killed
        expect(near).to_contain_text("已选", timeout=15_000)
        page.locator("#send").tap()
        page.locator("#done").wait_for()
        ben.says("已存到手机")
        line.heal()
        ben.wake()
        ben.arrives("我也看到了")
        assert [one["case_number"] for one in ben.reported("我也看到了")] == [number]
        assert dora.api(f"/api/cases/{number}")["signals"] == 2
        does(dora, number, "accept")
        does(dora, number, "close", note="盖好了")
        for phone, words, others in ((vik, "阿伯看到井盖没了", "我也看到了"), (ben, "我也看到了", "阿伯看到井盖没了")):
            phone.page.goto(f"/story?case={number}")
            phone.sees("盖好了")
            expect(phone.page.locator("#title")).to_have_text(words)
            assert others not in phone.page.locator("main").inner_text()


def test_a_photo_may_go_with_it_and_one_tap_takes_it_back(
    chromium: Browser, town: Product, line: BadLine, dora: Sitter, place: tuple[float, float]
) -> None:
    with Phone(chromium, town, line) as vik, Phone(chromium, town, line, worker=True, user="ben") as ben:
        number = reports(vik, place, "路灯不亮了")
        keeps_the_app(ben)
        opens(ben, place)
        near, page, shot = ben.page.locator("#nearby"), ben.page, photo()
        near.get_by_role("button", name="我也看到了").tap(timeout=15_000)
        near.get_by_role("button", name="不是这件").tap()
        expect(page.locator("#text")).to_have_value("")
        near.get_by_role("button", name="我也看到了").tap()
        page.locator("#gallery").set_input_files({"name": "image.jpg", "mimeType": "image/jpeg", "buffer": shot})
        expect(page.locator("#photos img")).to_have_count(1)
        page.locator("#text").fill("整条路都黑")
        page.locator("#send").tap()
        page.locator("#done").wait_for()
        ben.arrives("整条路都黑")
        case = dora.api(f"/api/cases/{number}")
        assert case["signals"] == 2 and len(case["photos"]) == 1


def test_what_was_closed_meanwhile_makes_a_case_of_its_own(
    chromium: Browser, town: Product, line: BadLine, dora: Sitter, place: tuple[float, float]
) -> None:
    with Phone(chromium, town, line) as vik, Phone(chromium, town, line, worker=True, user="ben") as ben:
        number = reports(vik, place, "护栏倒了")
        keeps_the_app(ben)
        opens(ben, place)
        near = ben.page.locator("#nearby")
        near.get_by_role("button", name="我也看到了").tap(timeout=15_000)
        ben.page.locator("#text").fill("护栏又倒了")
        line.fail(TEXT, drop)
        ben.page.locator("#send").tap()
        ben.page.locator("#done").wait_for()
        does(dora, number, "accept")
        does(dora, number, "close", note="扶好了")
        line.heal()
        ben.wake()
        ben.arrives("护栏又倒了")
        (report,) = ben.reported("护栏又倒了")
        assert report["case_number"] != number and report["open"]
        assert dora.api(f"/api/cases/{number}")["signals"] == 1


def test_ones_own_is_marked_and_not_offered_and_what_is_far_or_about_people_is_not_shown(
    chromium: Browser, town: Product, line: BadLine, place: tuple[float, float]
) -> None:
    with Phone(chromium, town, line, worker=True) as vik, Phone(chromium, town, line, worker=True, user="ben") as ben:
        keeps_the_app(vik)
        reports(vik, place, "垃圾没人收", "市容环境")
        reports(vik, place, "邻居吵架", "矛盾纠纷")
        vik.page.evaluate(FORGET)  # what was known when the page before was opened
        opens(vik, place)
        near = vik.page.locator("#nearby")
        expect(near).to_contain_text("您报过", timeout=15_000)
        assert near.get_by_role("button").count() == 0
        keeps_the_app(ben)
        opens(ben, place)
        expect(ben.page.locator("#nearby li")).to_have_count(1, timeout=15_000)
        expect(ben.page.locator("#nearby")).to_contain_text("市容环境")
        opens(ben, place, north_m=140)
        ben.page.wait_for_timeout(1500)
        expect(ben.page.locator("#nearby")).to_be_hidden()
        stands(ben, place, north_m=140, accuracy=180)  # he may as well stand right beside it
        ben.page.locator("#place-again").tap()
        expect(ben.page.locator("#nearby")).to_contain_text("市容环境", timeout=20_000)


FORGET = """async () => {
    const db = await new Promise((done) => {
        const request = indexedDB.open("fieldapp");
        request.onsuccess = () => done(request.result);
    });
    const kv = db.transaction("kv", "readwrite").objectStore("kv");
    const keys = await new Promise((done) => { kv.getAllKeys().onsuccess = ({ target }) => done(target.result); });
    for (const key of keys.filter((one) => one.startsWith("nearby-"))) kv.delete(key);
    await new Promise((done) => { kv.transaction.oncomplete = done; });
    db.close();
}"""

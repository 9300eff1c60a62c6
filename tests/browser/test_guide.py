"""A volunteer of 65 reads how it is done, on her phone without a network and on the sheet from the duty desk."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.people import DESK, PHONE, Sitter
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

# Everything static/js/states.js can say of a report: {state: [sentences]}
PRODUCED = """async () => {
    const { describeQueued, describeSent } = await import(document.querySelector("link[href$='states.js']").href);
    const receipt = { photos: { received: [1], missing: [2] }, voices: { received: [], missing: [] } };
    const help = { why: "", detail: " " };
    const states = ["saved", "sending", "text-received", "needs-help"];
    const held = states.flatMap((state) => [null, receipt].flatMap((got) => [true, false].map(
        (mustLogIn) => describeQueued({ state, receipt: got, help }, mustLogIn))));
    const answers = [{ complete: true }, { status: "declined", status_words: "未受理" }, { status: "new" }];
    const gone = [null, ...answers.map((answer) => ({ id: "x", ...answer }))].map(describeSent);
    const found = {};
    for (const { state, words } of [...held, ...gone]) (found[state] ??= []).push(words.trim());
    return found;
}"""
NAMED = """() => [...document.querySelectorAll("#guide-states li")].map((line) => [
    line.dataset.state, line.dataset.icon, line.querySelector("b").textContent.trim()])"""
DRAWN = """async (states) => {
    const address = document.querySelector("link[href$='states.js']").href.replace("states.js", "stateline.js");
    const { stateLine } = await import(address);
    const sign = (state) => stateLine({ state, words: "" }).querySelector("use").getAttribute("href").split("#")[1];
    return states.map(sign);
}"""


@pytest.fixture
def reader(chromium: Browser, town: Product, screens: Path) -> Any:
    sitter = Sitter(chromium, town, screens, **PHONE)
    yield sitter
    sitter.close()


def decoded(picture: bytes) -> list[str]:
    """What a phone's camera reads in a picture."""
    return [found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)).convert("RGB"))]


def sheets(page: Page) -> int:
    """How many sheets of A4 the printer puts out."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4", prefer_css_page_size=True)))


def test_after_one_visit_it_opens_without_a_network_code_and_all(reader: Sitter, town: Product) -> None:
    reader.page.goto("/guide")
    reader.controlled()
    reader.context.set_offline(True)
    reader.page.goto("/guide")
    reader.sees("危及生命，先打电话")
    expect(reader.page.locator(".drawing")).to_have_count(4)
    assert decoded(reader.page.locator(".code").screenshot()) == [f"{town.url}/"]
    reader.picture("guide", full=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_code_leads_to_the_front_page_by_day_by_night_and_on_paper(
    reader: Sitter, town: Product, scheme: Any
) -> None:
    reader.page.emulate_media(color_scheme=scheme)
    reader.page.goto("/guide")
    assert decoded(reader.page.screenshot()) == [f"{town.url}/"]
    reader.page.emulate_media(color_scheme=scheme, media="print")
    assert decoded(reader.page.screenshot()) == [f"{town.url}/"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_desk_prints_one_sheet(chromium: Browser, town: Product, screens: Path, language: str) -> None:
    desk = Sitter(chromium, town, screens, **DESK, color_scheme="dark")
    desk.log_in("dora")
    desk.page.goto("/desk/invitations")
    desk.context.add_cookies([{"name": "lang", "value": language, "url": town.url}])
    desk.page.locator("a[href='/guide']").click()
    expect(desk.page.locator("#guide-danger")).to_be_visible()
    assert sheets(desk.page) == 1
    desk.page.emulate_media(media="print")
    for hidden in (".topbar", "#print"):
        expect(desk.page.locator(hidden)).to_be_hidden()
    desk.page.emulate_media(media="screen")
    desk.page.evaluate("() => { window.print = () => { document.title = 'printed'; }; }")
    desk.page.locator("#print").click()
    assert desk.page.title() == "printed"
    desk.close()


def test_it_names_every_state_a_report_can_have_and_no_other(reader: Sitter) -> None:
    reader.page.goto("/")
    produced = reader.page.evaluate(PRODUCED)
    reader.page.goto("/guide")
    named = reader.page.evaluate(NAMED)
    assert sorted(state for state, _icon, _words in named) == sorted(produced)
    for state, _icon, words in named:
        assert words in produced[state], f"{state}: the guide says {words!r}, a phone {produced[state]}"


def test_its_icons_are_those_of_the_list_in_the_same_order(reader: Sitter) -> None:
    reader.page.goto("/guide")
    named = reader.page.evaluate(NAMED)
    reader.page.goto("/")
    states = [state for state, _icon, _words in named]
    shown = reader.page.evaluate(DRAWN, states)
    assert [icon for _state, icon, _words in named] == shown


def test_a_volunteer_finds_it_from_home_and_from_the_invitation(
    reader: Sitter, chromium: Browser, town: Product, screens: Path
) -> None:
    reader.page.goto("/?stay=1")
    reader.page.get_by_role("link", name="怎么用").tap()
    reader.page.wait_for_url("**/guide")
    reader.page.locator("#back").tap()
    reader.sees("拍一张就能报")
    desk = Sitter(chromium, town, screens, **DESK)
    desk.log_in("dora")
    desk.page.goto("/desk/invitations")
    desk.page.locator("#name").fill("郑伯")
    desk.page.locator("#area_code").select_option("441521115004")
    desk.page.locator("form button.btn-primary").first.click()
    link = desk.page.locator("#link").input_value()
    desk.close()
    reader.page.goto(link)
    reader.page.get_by_role("link", name="怎么用").tap()
    reader.page.wait_for_url("**/guide")
    reader.page.locator("#back").tap()
    expect(reader.page.get_by_role("button", name="开始使用")).to_be_visible()

"""What is put into the form stays in it: killed pages, full phones, silent microphones, two tabs, two people."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.drafting import form, killed_and_reopened
from tests.browser.people import PHONE, Sitter
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

SPEAKING = {**PHONE, "permissions": ["geolocation", "microphone"]}
SMALL_LARGE_TEXT = {**PHONE, "viewport": {"width": 320, "height": 640}, "device_scale_factor": 1}
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })"
NEVER_DECODES = "HTMLImageElement.prototype.decode = () => new Promise(() => {})"
FULL_AT_THE_THIRD = """
    HTMLImageElement.prototype.decode = () => Promise.reject(new Error("no decoder"));
    let stored = 0;
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (value, ...key) {
        if (this.name === "files" && (stored += 1) >= 3) throw new DOMException("full", "QuotaExceededError");
        return put.call(this, value, ...key);
    };
"""
ON_DISK = """async () => {
    const db = await new Promise((done) => {
        const request = indexedDB.open("fieldapp");
        request.onsuccess = () => done(request.result);
    });
    const all = (name) => new Promise((done) => {
        const request = db.transaction(name).objectStore(name).getAll();
        const plain = ({ data, ...rest }) => ({ ...rest, held: data?.byteLength });
        request.onsuccess = () => done(request.result.map(plain));
    });
    const found = { files: await all("files"), drafts: await all("drafts"), reports: await all("reports") };
    db.close();
    return found;
}"""


@pytest.fixture
def phones(whole_chromium: Browser, town: Product, screens: Path) -> Iterator[Any]:
    """Phones of patrols, closed at the end."""
    made: list[Sitter] = []

    def make(*scripts: str, user: str = "vik", **device: Any) -> Sitter:
        made.append(Sitter(whole_chromium, town, screens, **(device or PHONE)))
        for script in scripts:
            made[-1].context.add_init_script(script)
        made[-1].log_in(user)
        return made[-1]

    yield make
    for sitter in made:
        sitter.close()


def photo(name: str = "photo.jpg", width: int = 900, height: int = 600) -> dict[str, Any]:
    """A picture that a smaller copy would save bytes of."""
    target = io.BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(target, "JPEG", quality=95)
    return {"name": name, "mimeType": "image/jpeg", "buffer": target.getvalue()}


def files(page: Page) -> None:
    """上报, and the screen says that it is safe."""
    page.locator("#send").tap()
    expect(page.locator("#done, #complaint").locator("visible=true")).to_have_attribute("id", "done", timeout=12_000)


def says(page: Page, words: str) -> None:
    """The complaint stands there, and still does a moment later."""
    expect(page.locator("#complaint")).to_contain_text(words)
    page.wait_for_timeout(500)
    expect(page.locator("#complaint")).to_be_visible()


def sent_titles(sitter: Sitter, words: str) -> list[str]:
    return [item["title"] for item in sitter.api("/api/reports")["items"] if words in item["title"]]


def test_what_is_wrong_with_a_photo_is_said_and_stays(phones: Any) -> None:
    page = form(phones())
    page.locator("#gallery").set_input_files({**photo(), "buffer": b""})
    says(page, "读不出来")
    page.locator("#text").tap()
    expect(page.locator("#complaint")).to_be_hidden()  # the next action begins without old complaints
    page.locator("#gallery").set_input_files([photo(f"{n}.jpg", 90, 60) for n in range(12)])
    says(page, "最多 9 张")
    expect(page.locator("#photos img")).to_have_count(9)


def test_a_full_phone_says_so(phones: Any) -> None:
    page = form(phones(FULL_AT_THE_THIRD))
    page.locator("#gallery").set_input_files([photo(), photo(), photo()])
    says(page, "手机存满了")
    expect(page.locator("#photos img")).to_have_count(2)


def test_a_photo_no_server_would_take_is_named(phones: Any) -> None:
    sitter = phones("HTMLImageElement.prototype.decode = () => Promise.reject(new Error('no decoder'))")
    sitter.page.route(
        "**/api/form", lambda route: route.fulfill(json=route.fetch().json() | {"max_photo_bytes": 200_000})
    )
    page = form(sitter)
    page.locator("#gallery").set_input_files(photo())
    says(page, "太大了")
    expect(page.locator("#photos li")).to_have_count(0)


def test_a_refused_microphone_says_so(phones: Any) -> None:
    page = form(phones())  # a phone without the permission
    page.locator("#record").tap()
    says(page, "用不了麦克风")


def test_a_page_killed_while_a_photo_is_made_smaller_loses_nothing(phones: Any) -> None:
    sitter = phones(NEVER_DECODES)
    page = form(sitter)
    original = photo()
    page.locator("#gallery").set_input_files(original)
    page.locator("#text").fill("老人走失")
    expect(page.locator("#photos img")).to_have_count(1)
    page.wait_for_timeout(600)
    page = killed_and_reopened(sitter)
    expect(page.locator("#photos img")).to_have_count(1)
    assert page.locator("#text").input_value() == "老人走失"
    (file,) = page.evaluate(ON_DISK)["files"]
    assert file["held"] == len(original["buffer"])
    page.locator("#send").tap()
    expect(page.locator("#send .working")).to_be_visible()  # it waits a little for the smaller copy, and says so
    page.locator("#done").wait_for()


def test_a_smaller_copy_takes_the_place_of_the_original(phones: Any) -> None:
    sitter = phones()
    page = form(sitter)
    original = photo(width=3000, height=2000)
    page.locator("#gallery").set_input_files(original)
    sitter.until(f"async () => (await ({ON_DISK})()).files[0]?.held < {len(original['buffer'])}")
    held = page.evaluate(ON_DISK)
    (file,), (entry,) = held["files"], held["drafts"][0]["files"]
    assert (file["id"], file["sha256"], file["bytes"]) == (entry["id"], entry["sha256"], file["held"])


def test_a_microphone_question_nobody_answers_holds_up_nothing(phones: Any) -> None:
    page = form(phones("navigator.mediaDevices.getUserMedia = () => new Promise(() => {})"))
    page.locator("#text").fill("麦克风没人答")
    page.locator("#record").tap()
    expect(page.locator("#record")).to_contain_text("请允许")
    page.locator("#send").tap()
    page.locator("#done").wait_for(timeout=3000)


def test_a_microphone_allowed_too_late_goes_off_again(phones: Any) -> None:
    page = form(phones("""
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (what) => {
            await new Promise((done) => { window.allow = done; });
            window.stream = await ask(what);
            return window.stream;
        };
    """, **SPEAKING))  # fmt: skip
    page.locator("#record").tap()
    expect(page.locator("#record")).to_contain_text("请允许")
    page.wait_for_timeout(300)
    page.locator("#record").tap()
    expect(page.locator("#record")).to_contain_text("开始说")
    page.evaluate("window.allow()")
    page.wait_for_timeout(500)
    assert page.evaluate("window.stream.getTracks().map((track) => track.readyState)") == ["ended"]


def test_what_was_said_before_the_page_was_killed_is_kept(phones: Any) -> None:
    sitter = phones(**SPEAKING)
    page = form(sitter)
    page.locator("#record").tap()
    sitter.until(f"async () => (await ({ON_DISK})()).files.length > 0")
    page = killed_and_reopened(sitter)
    expect(page.locator("#playback")).to_be_visible()
    expect(page.locator("#record")).to_contain_text("重新说")
    files(page)
    sitter.sees("中心已全部收到")
    page.reload()  # whoever opens it again sees that it is safe, not an empty form
    sitter.sees("中心已收到|中心已全部收到")
    expect(page.locator("#form")).to_be_hidden()
    page.locator("#done-story").tap()
    expect(page.locator("#playback")).to_have_attribute("src", re.compile("^/voices/"))


def test_what_came_before_the_scripts_is_taken(phones: Any) -> None:
    sitter = phones(service_workers="block", **PHONE)
    waiting: list[Any] = []
    sitter.page.route("**/js/report.js", lambda route: waiting.append(route))
    sitter.page.goto("/report?new=1", wait_until="commit")
    sitter.page.locator("#gallery").set_input_files(photo())
    sitter.page.locator("#text").fill("早写的")
    sitter.page.get_by_text("紧急").tap()
    waiting[0].continue_()
    expect(sitter.page.locator("#photos img")).to_have_count(1)
    expect(sitter.page.locator("#danger")).to_be_visible()
    assert sitter.page.locator("#text").input_value() == "早写的"


def test_a_photo_taken_at_home_before_the_scripts_goes_into_the_form(phones: Any) -> None:
    sitter = phones(service_workers="block", **PHONE)
    waiting: list[Any] = []
    sitter.page.route("**/js/home.js", lambda route: waiting.append(route))
    sitter.page.goto("/", wait_until="commit")
    sitter.page.locator("#shutter").set_input_files(photo())
    waiting[0].continue_()
    sitter.page.wait_for_url("**/report?draft=*")
    expect(sitter.page.locator("#photos img")).to_have_count(1)


def test_two_tabs_without_web_locks_lose_and_repeat_nothing(phones: Any) -> None:
    sitter = phones(NO_LOCKS)
    page = form(sitter)
    page.locator("#gallery").set_input_files(photo())
    page.locator("#text").fill("两个页面同一份")
    sitter.until(f"async () => (await ({ON_DISK})()).drafts.some(({{ text }}) => text)")
    page.wait_for_timeout(600)
    other = sitter.context.new_page()
    other.goto(page.url)
    expect(other.locator("#photos img")).to_have_count(1)
    sitter.context.set_offline(True)
    files(other)
    page.bring_to_front()
    page.locator("#photos .drop").tap()
    says(page, "已经报上去了")
    assert len(page.evaluate(ON_DISK)["files"]) == 1, "the report's photo is not this tab's to throw away"
    files(page)
    assert len(page.evaluate(ON_DISK)["reports"]) == 1
    sitter.context.set_offline(False)
    sitter.sees("中心已全部收到")
    assert sent_titles(sitter, "同一份") == ["两个页面同一份"]


def test_a_wiped_phone_claims_nothing(phones: Any, town: Product) -> None:
    sitter = phones()
    page = form(sitter)
    sitter.context.set_offline(True)
    page.locator("#text").fill("不见了")
    page.locator("#send").tap()
    page.locator("#done").wait_for()
    expect(page.locator("#done-title")).to_contain_text("已存到手机")
    page.evaluate(
        """() => new Promise((done) => {
            const request = indexedDB.open("fieldapp");
            request.onsuccess = () => {
                const tx = request.result.transaction("reports", "readwrite");
                tx.objectStore("reports").clear();
                tx.oncomplete = done;
            };
        })"""
    )
    page.evaluate("dispatchEvent(new Event('offline'))")  # any reason to look again
    expect(page.locator("#done-lost")).to_be_visible()
    assert "收到" not in page.locator("#done-title").inner_text()


def test_one_persons_draft_never_goes_out_under_anothers_name(phones: Any) -> None:
    sitter = phones()
    page = form(sitter)
    page.locator("#text").fill("这是 vik 写的")
    page.wait_for_timeout(600)
    sitter.log_in("ben")
    page.locator("#send").tap()
    says(page, "换人了")
    assert sent_titles(sitter, "vik") == []
    page.locator("#to_new").tap()
    expect(page.locator("#tiles .tile").first).to_be_visible()
    assert page.locator("#text").input_value() == ""
    sitter.log_in("vik")
    assert form(sitter, "/report").locator("#text").input_value() == "这是 vik 写的"


def test_what_a_person_says_about_the_place_is_final(phones: Any) -> None:
    sitter = phones(**{**PHONE, "geolocation": {"latitude": 22.99, "longitude": 115.35, "accuracy": 2000}})
    page = form(sitter)
    sitter.sees("位置不太准")
    page.locator("#place-drop").tap()
    sitter.context.set_geolocation({"latitude": 22.99, "longitude": 115.35, "accuracy": 20})
    page.locator("#text").fill("不在这里的事")
    page.wait_for_timeout(1200)
    assert "约" not in page.locator("#place-words").inner_text()
    expect(killed_and_reopened(sitter).locator("#place-words")).to_contain_text(re.compile("按您选的村|不用定位"))


def test_a_draft_goes_only_after_a_second_tap(phones: Any) -> None:
    sitter = phones()
    page = form(sitter)
    page.locator("#text").fill("写错了")
    page.wait_for_timeout(600)
    page.goto("/")
    page.locator("#discard summary").tap()
    page.get_by_role("button", name="留着").tap()
    sitter.sees("写错了", within="#draft")
    page.locator("#discard summary").tap()
    page.get_by_role("button", name="删掉").tap()
    expect(page.locator("#draft")).to_be_hidden()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_large_text_on_a_small_phone_hides_no_form(phones: Any, town: Product, lang: str) -> None:
    sitter = phones(**SMALL_LARGE_TEXT)
    sitter.context.add_cookies([{"name": "lang", "value": lang, "url": town.url}])
    page = form(sitter)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.locator(".choice").nth(1).tap()
    bar = page.locator("#send-bar").bounding_box()
    assert bar and bar["height"] <= 640 / 3
    tops = {round(box["y"]) for box in (dial.bounding_box() for dial in page.locator(".dial a").all()) if box}
    assert len(tops) == 1, "the three numbers stand side by side"
    danger = page.locator("#danger").bounding_box()
    assert danger and danger["y"] + danger["height"] <= bar["y"] + 1, "the numbers are in sight, above the button"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.locator("#gallery").set_input_files([photo(f"{n}.jpg", 90, 60) for n in range(12)])
    expect(page.locator("#complaint")).to_be_visible()
    stuck = page.locator("#send-bar").evaluate(
        "(bar) => getComputedStyle(bar).position === 'sticky' && bar.offsetHeight"
    )
    assert not stuck or stuck <= 640 / 3

"""A responder where there is no network: each step is on the phone first, arrives once, in order, and stays true."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from fieldapp import clock
from tests.browser.patrol import Phone, photo
from tests.browser.people import HEADERS
from tests.browser.relay import BadLine, answer, cut_short, drop, lost
from tests.pictures import jpeg_with_everything
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
STEP = r"PUT /api/cases/[^/]+/steps/[0-9a-f-]+"
SLOW_SHRINK = """
globalThis.Worker = class { postMessage() {} terminate() {} };
const { decode } = HTMLImageElement.prototype;
HTMLImageElement.prototype.decode = function slow() {
    return new Promise((done) => { setTimeout(done, 11_000); }).then(() => decode.call(this));
};
"""


class Responder(Phone):
    """ada, with one case of vik's on her phone."""

    number = ""

    def called_to(self, text: str, vik: Phone, dora: Phone) -> None:
        report, me, now = uuid4(), vik.api("/api/me")["id"], clock.now().isoformat()
        body = {"text": text, "owner": me, "captured_at": now, "client_now": now}
        vik.context.request.put(f"/api/reports/{report}", data=body, headers=HEADERS)
        self.number = vik.api(f"/api/reports/{report}")["case_number"]
        self.moved_by(dora, "dispatch", to="ada")

    def moved_by(self, somebody: Phone, action: str, **more: Any) -> None:
        data = {"action": action, "version": somebody.api(f"/api/cases/{self.number}")["version"]} | more
        path = f"/api/cases/{self.number}/transitions"
        assert somebody.context.request.post(path, data=data, headers=HEADERS).status == 200

    def open_task(self, page: Page | None = None) -> None:
        (page or self.page).goto(f"/tasks/{self.number}")
        expect((page or self.page).locator("#line")).not_to_have_text("正在连接…")

    def press(self, name: str) -> None:
        self.page.locator("#step").get_by_role("button", name=name).tap()

    def waits(self, *names: str) -> None:
        """These steps are on the phone, in this order, and it says so."""
        expect(self.page.locator("#queue li b")).to_have_text(list(names))

    def at_the_desk(self, dora: Phone, *actions: str, seconds: float = 15) -> dict[str, Any]:
        """These and no others have arrived, once each and in this order."""
        known = ("acknowledge", "depart", "arrive", "report_outcome", "after_photo", "late_step")
        for _ in range(int(seconds * 10)):
            case: dict[str, Any] = dora.api(f"/api/cases/{self.number}")
            found = [event["action"] for event in case["history"] if event["action"] in known]
            if found == list(actions):
                return case
            self.page.wait_for_timeout(100)
        raise AssertionError((found, self.rows("steps")))


@pytest.fixture
def dora(chromium: Browser, town: Product, line: BadLine) -> Iterator[Phone]:
    with Phone(chromium, town, line, user="dora") as phone:
        yield phone


@pytest.fixture
def ada(chromium: Browser, town: Product, line: BadLine, dora: Phone) -> Iterator[Responder]:
    with Phone(chromium, town, line) as vik, Responder(chromium, town, line, user="ada") as phone:
        phone.called_to("井盖破损", vik, dora)
        yield phone


def test_four_steps_without_a_network_arrive_in_order(ada: Responder, dora: Phone, line: BadLine) -> None:
    ada.open_task()
    line.fail(STEP, drop)
    ada.press("签收")
    ada.waits("签收")
    ada.press("出发")
    ada.press("到场")
    ada.page.locator("#note").fill("已放警示桩")
    picture = photo()
    ada.page.locator("#gallery").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture})
    expect(ada.page.locator("#photos img")).to_have_count(1)
    ada.press("处置反馈")
    ada.waits("签收", "出发", "到场", "处置反馈")
    ada.sees("4 条待发送")
    stored = {item["sha256"] for step in ada.rows("steps") for item in step["body"]["photos"]}
    line.heal()
    ada.page.locator("#send-now").tap()
    case = ada.at_the_desk(dora, "acknowledge", "depart", "arrive", "report_outcome", "after_photo")
    assert case["status"] == "answered"
    expect(ada.page.locator("#queue li")).to_have_count(0)
    ada.sees("您已经反馈")
    assert len(stored) == 1 and stored <= ada.on_disk()


@pytest.mark.parametrize(
    "fault", [lost(), cut_short, answer(200), answer(502), answer(302, Location="/login")],
    ids=["lost", "cut", "portal", "502", "redirect"],
)  # fmt: skip
def test_whatever_the_line_does_a_step_counts_once(ada: Responder, dora: Phone, line: BadLine, fault: Any) -> None:
    ada.open_task()
    line.fail(STEP, fault, times=2)
    ada.press("签收")
    ada.waits("签收")
    for _ in range(3):
        ada.page.wait_for_timeout(300)
        ada.page.evaluate("() => { const way = document.getElementById('send-now'); if (!way.hidden) way.click(); }")
    ada.at_the_desk(dora, "acknowledge")
    expect(ada.page.locator("#step")).to_have_attribute("data-step", "depart")


def test_a_double_tap_is_one_step(ada: Responder, dora: Phone, line: BadLine) -> None:
    ada.open_task()
    ada.page.evaluate("""() => {
        const form = document.querySelector("#step form");
        for (let n = 0; n < 3; n += 1) form.requestSubmit();
    }""")
    ada.at_the_desk(dora, "acknowledge")
    assert line.seen(STEP) == 1


def test_an_earlier_step_that_must_wait_holds_back_the_later_ones(ada: Responder, dora: Phone, line: BadLine) -> None:
    ada.open_task()
    busy = '{"status": 429, "code": "http_429", "detail": "x", "title": "x"}'
    line.fail(STEP, answer(429, busy, "application/problem+json", Retry_After="120"), times=1)
    ada.press("签收")
    ada.has_tried(STEP, 1)
    ada.press("出发")
    ada.wake()
    ada.page.wait_for_timeout(800)
    assert line.seen(STEP) == 1
    ada.page.locator("#send-now").tap()
    ada.at_the_desk(dora, "acknowledge", "depart")


def test_the_case_was_closed_while_the_phone_was_away(ada: Responder, dora: Phone, line: BadLine) -> None:
    ada.open_task()
    ada.press("签收")
    ada.at_the_desk(dora, "acknowledge")
    expect(ada.page.locator("#step")).to_have_attribute("data-step", "depart")
    line.fail(STEP, drop)
    ada.press("出发")
    ada.waits("出发")
    ada.moved_by(dora, "report_outcome", note="电话里说已经好了")
    ada.moved_by(dora, "close")
    line.heal()
    ada.page.locator("#send-now").tap()
    ada.sees("“出发”中心收到了，但这件事在这之前已经有了别的进展")
    ada.sees("已办结")
    ada.page.get_by_role("button", name="知道了").tap()
    expect(ada.page.locator("#queue li")).to_have_count(0)
    ada.page.reload()
    expect(ada.page.locator("#queue li")).to_have_count(0)


def test_what_was_written_comes_back_after_the_page_was_killed(ada: Responder, dora: Phone, line: BadLine) -> None:
    ada.moved_by(ada, "acknowledge")
    ada.moved_by(ada, "arrive")
    ada.open_task()
    ada.page.locator("#note").fill("写到一半")
    ada.page.locator("#gallery").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(ada.page.locator("#photos img")).to_have_count(1)
    ada.page.wait_for_timeout(700)
    ada.page.close(run_before_unload=False)
    ada.page = ada.context.new_page()
    ada.open_task()
    expect(ada.page.locator("#note")).to_have_value("写到一半")
    expect(ada.page.locator("#photos img")).to_have_count(1)
    ada.press("处置反馈")
    ada.at_the_desk(dora, "acknowledge", "arrive", "report_outcome", "after_photo")
    ada.page.goto("/?stay=1")
    expect(ada.page.locator("#draft")).to_be_hidden()  # what is written about a case is no unfinished report


def test_an_outcome_begun_for_a_case_that_was_closed_stays_in_sight(ada: Responder, dora: Phone) -> None:
    ada.moved_by(ada, "acknowledge")
    ada.moved_by(ada, "arrive")
    ada.open_task()
    ada.page.locator("#note").fill("换了半边盖")
    ada.page.locator("#gallery").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(ada.page.locator("#photos img")).to_have_count(1)
    ada.page.wait_for_timeout(700)
    ada.moved_by(dora, "report_outcome", note="电话里说好了")
    ada.moved_by(dora, "close")
    ada.page.goto("/tasks")
    ada.sees("换了半边盖", within="#left")
    ada.page.locator("#left").get_by_role("button", name="发给中心").tap()
    expect(ada.page.locator("#left li")).to_have_count(0)
    ada.at_the_desk(dora, "acknowledge", "arrive", "report_outcome", "late_step", "after_photo")


def test_two_quick_taps_take_one_step(ada: Responder, dora: Phone, line: BadLine) -> None:
    ada.open_task()
    box = ada.page.locator("#step .the-step").bounding_box()
    assert box
    for _ in range(3):  # in the same place, where the next button will stand
        ada.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        ada.page.wait_for_timeout(250)
    ada.at_the_desk(dora, "acknowledge")
    ada.press("出发")
    ada.at_the_desk(dora, "acknowledge", "depart")


def test_a_photo_is_not_lost_to_its_own_smaller_copy(ada: Responder, dora: Phone, line: BadLine) -> None:
    """The copy comes only after the step was pressed: what the step names is what is sent."""
    ada.moved_by(ada, "acknowledge")
    ada.moved_by(ada, "arrive")
    ada.context.add_init_script(SLOW_SHRINK)
    ada.open_task()
    ada.page.locator("#gallery").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg_with_everything(width=3000, height=2400)}
    )
    expect(ada.page.locator("#photos li")).to_have_count(1)
    ada.page.locator("#note").fill("大照片")
    ada.press("处置反馈")
    ada.at_the_desk(dora, "acknowledge", "arrive", "report_outcome", "after_photo", seconds=25)
    ada.page.wait_for_timeout(1500)
    assert ada.rows("drafts") == [] and ada.rows("files") == []


def test_tasks_open_without_a_network_and_say_of_when_they_are(
    chromium: Browser, town: Product, line: BadLine, dora: Phone
) -> None:
    with Phone(chromium, town, line) as vik, Responder(chromium, town, line, worker=True, user="ada") as ada:
        ada.called_to("路灯不亮", vik, dora)
        ada.page.goto("/tasks")
        ada.controlled()
        ada.page.reload()
        kept = f"async () => (await (await caches.open('tasks')).match('/tasks/{ada.number}')) !== undefined"
        ada.until(kept)
        line.fail(".*", drop)
        ada.page.goto("/tasks")
        ada.sees("没连上中心。这是 .* 存下的样子")
        ada.page.locator("a.task-line", has_text="路灯不亮").tap()
        ada.page.wait_for_url(re.compile("/tasks/HC-"))
        ada.press("签收")
        ada.waits("签收")
        ada.page.goto("/tasks")
        ada.sees("签收：已存到手机")
        line.heal()
        ada.wake()
        ada.at_the_desk(dora, "acknowledge")
        expect(ada.page.locator("body[data-kept]")).to_have_count(0, timeout=15_000)  # it makes way for the real one
        ada.page.goto(f"/tasks/{ada.number}")
        ada.page.locator("details.menu summary").tap()
        ada.page.get_by_role("button", name="退出").tap()
        ada.page.wait_for_url("**/login*")
        ada.until("async () => !(await caches.has('tasks'))")  # nothing of a case stays for whoever comes next


def test_another_person_on_this_phone_sends_none_of_it(
    chromium: Browser, town: Product, line: BadLine, dora: Phone, ada: Responder
) -> None:
    ada.open_task()
    line.fail(STEP, drop)
    ada.press("签收")
    ada.waits("签收")
    ada.log_in("ben")
    ada.page.goto("/tasks")
    ada.sees("别人的 1 条")
    before = line.seen(STEP)
    line.heal()
    ada.wake()
    ada.page.wait_for_timeout(1000)
    assert line.seen(STEP) == before
    ada.log_in("ada")
    ada.page.goto("/tasks")
    ada.at_the_desk(dora, "acknowledge")

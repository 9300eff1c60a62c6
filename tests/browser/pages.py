"""Every page a person sees, one line each: who sees it, where it is, and how it comes into the state to look at.

`path` may name what happened on this evening (evening.spend); without one the page stays as the line before left it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.evening import LONG, picture
from tests.browser.people import PHONE, Sitter
from tests.browser.rostering import asked, asking, first_shift, given, next_week, saved_empty, subscribed, taken
from tests.processes import Product

Step = Callable[[Page], None]
MICROPHONE = """navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext(), hum = context.createOscillator(), ear = context.createMediaStreamDestination();
    hum.connect(ear);
    hum.start();
    return ear.stream;
}"""
CLONES = """async (states) => {
    const database = await new Promise((done) => {
        const request = indexedDB.open("fieldapp");
        request.onsuccess = () => done(request.result);
    });
    const store = database.transaction("reports", "readwrite").objectStore("reports");
    const [report] = await new Promise((done) => {
        const request = store.getAll();
        request.onsuccess = () => done(request.result);
    });
    const ids = states.map((changes) => {
        const id = crypto.randomUUID();
        store.put({ ...report, ...changes, id, tries: 1, next_at: Date.now() + 1e9 });
        return id;
    });
    await new Promise((done) => { store.transaction.oncomplete = done; });
    database.close();
    return ids;
}"""
RECEIPT = {"photos": {"received": ["a"], "missing": ["b"]}, "voices": {"received": [], "missing": []}}
WHY = {"why": "file_damaged"}
QUEUED: list[dict[str, Any]] = [
    {"state": "needs-help", "help": {"why": "http_422", "detail": "时间不对，请看看手机的日期和时间"}},
    {"state": "needs-help", "help": WHY, "receipt": RECEIPT, "refused": {"b": WHY}},
    {"state": "text-received", "receipt": RECEIPT},
    {"state": "saved"},
]  # fmt: skip


def sees(selector: str) -> Step:
    """Wait for the script that fills the page."""
    return lambda page: page.locator(selector).locator("visible=true").first.wait_for()


READ = sees("main")


def opened(page: Page) -> None:
    """Everything that folds is unfolded."""
    page.evaluate(
        """() => {
            const folds = [...document.querySelectorAll("main details")];
            for (const fold of folds) { fold.removeAttribute("name"); fold.open = true; }
        }"""
    )


def menu(page: Page) -> None:
    page.locator("details.menu > summary").tap()


def told(page: Page) -> None:
    """Whatever the first page may have to say, said at once."""
    page.evaluate(
        """(words) => {
            document.getElementById("slow")?.remove();
            for (const part of document.querySelectorAll("main [hidden]")) {
                part.hidden = false;
                if (part.matches(".notice")) (part.querySelector(".grow") ?? part).append(words);
            }
        }""",
        "手机没有地方了，这一条存不下来，请删掉一些照片再试一次",
    )


def filled(page: Page) -> None:
    """A red report with photos, long words and a place."""
    page.locator("#gallery").set_input_files(
        [{"name": "image.jpg", "mimeType": "image/jpeg", "buffer": picture()} for _ in range(2)]
    )
    expect(page.locator("#photos img")).to_have_count(2)
    page.locator("#text").fill(LONG)
    page.locator(".choice:has([value=red])").tap()
    page.locator("#tiles .tile").first.tap()
    expect(page.locator("#danger")).to_be_visible()


def masking(page: Page) -> None:
    page.locator(".mask-open").first.tap()
    expect(page.locator("dialog.mask canvas")).to_be_visible()


def pointing(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("dialog.mask")).to_have_count(0)
    page.locator("#place-pin").tap()
    expect(page.locator("dialog.pin svg").first).to_be_visible()


def back_to_the_form(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("dialog.pin")).to_have_count(0)
    page.locator("#record").tap()
    expect(page.locator("#record")).to_have_attribute("data-recording", "yes")


def recorded(page: Page) -> None:
    page.locator("#record").tap()
    expect(page.locator("#playback")).to_be_visible()
    opened(page)


def complaining(page: Page) -> None:
    """The report is gone, and there is more to say about it than fits a line."""
    page.locator("#send").tap()
    expect(page.locator("#complaint")).to_be_visible()
    page.evaluate("() => { for (const link of document.querySelectorAll('#complaint a')) link.hidden = false; }")


def filed(page: Page) -> None:
    page.locator("#send").tap()
    expect(page.locator("#done")).to_be_visible()


def queued(page: Page) -> None:
    """One report waits; here are more that wait for other reasons."""
    page.evaluate(CLONES, QUEUED)
    page.reload()
    expect(page.locator("#list li[data-state='needs-help'] button").nth(1)).to_be_visible()
    expect(page.locator("#list li[data-state='complete']").first).to_be_visible()


def first_line(state: str) -> Step:
    def tap(page: Page) -> None:
        page.locator(f"#list li[data-state='{state}'] a").first.tap()
        page.locator("#story").wait_for()

    return tap


def own_story(page: Page) -> None:
    page.locator("#done-story").tap()
    expect(page.locator("#mine img").first).to_be_visible()


def tested(page: Page) -> None:
    page.locator("#test-all").tap()
    expect(page.locator("#test-all")).to_be_enabled(timeout=30_000)


def plainly(page: Page) -> None:
    """What a browser without our scripts gets for an empty report."""
    page.evaluate(
        """() => {
            const form = document.createElement("form");
            Object.assign(form, { method: "post", action: "/report", enctype: "multipart/form-data" });
            document.body.append(form);
            form.submit();
        }"""
    )
    page.locator("main form .notice-bad").wait_for()


def disputing(page: Page) -> None:
    page.locator("#dispute").tap()
    expect(page.locator("#dispute-part")).to_be_visible()


def viewing(page: Page) -> None:
    page.locator(".look").first.tap()
    expect(page.locator("#viewer")).to_be_visible()


def after_photo(page: Page) -> None:
    page.locator("#gallery").set_input_files({"name": "image.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    expect(page.locator("#photos img").first).to_be_visible()


def a_rung_more(page: Page) -> None:
    page.locator("button[value=add]").click()
    expect(page.locator("#rung-2")).to_be_visible()
    opened(page)


def refused_rung(page: Page) -> None:
    page.locator("button[value=save]").click()
    page.locator("#rung-2-error").wait_for()
    opened(page)


def refused(page: Page) -> None:
    page.locator("#username").fill("vik")
    page.locator("#password").fill("not this")
    page.locator("main form button").first.tap()
    page.locator("#login-error").wait_for()


def channel_made(page: Page) -> None:
    page.locator("#channel-new button").click()
    expect(page.locator("li.card[id^=channel-]").first).to_be_visible()
    opened(page)


def reached_by_bark(page: Page) -> None:
    opened(page)
    page.locator("input[name=address]").first.fill("ynJ5Ft4atkMkWeo2PAvFhF")
    page.locator("form[action='/reminders/contacts'] button").first.tap()
    expect(page.locator("[id^=contact-]").first).to_be_visible()
    opened(page)


def drill_started(page: Page) -> None:
    page.locator("form[action='/desk/drills'] button").click()
    page.locator("#sure button").click()
    expect(page.locator("#drill li").first).to_be_visible()


@dataclass(frozen=True)
class Screen:
    """A page in one state; `within` is the part that lies over the rest of it."""

    name: str
    who: str
    path: str = ""
    then: Step = READ
    within: str = "body"


PATROL = (
    Screen("home, nothing reported yet", "vik", "/", sees("#empty, #list li")),
    Screen("home, every notice", "vik", "", told),
    Screen("form, empty", "vik", "/report?new=1", sees("#tiles .tile")),
    Screen("form, complaint", "vik", "", complaining),
    Screen("form, filled in red", "vik", "/report?new=1", filled),
    Screen("form, covering a face", "vik", "", masking, "dialog.mask"),
    Screen("form, pointing at the place", "vik", "", pointing, "dialog.pin"),
    Screen("form, recording", "vik", "", back_to_the_form),
    Screen("form, voice note and everything unfolded", "vik", "", recorded),
    Screen("saved on this phone", "vik", "", filed),
    Screen("story, waiting", "vik", "", own_story),
    Screen("story, a photo over everything", "vik", "", viewing, "#viewer"),
    Screen("my reports", "vik", "/reports", queued),
    Screen("story, needs help", "vik", "/reports", first_line("needs-help")),
    Screen("story, on its way", "vik", "/story?report={gone_report}", sees("#story")),
    Screen("story, declined", "vik", "/story?report={declined_report}", sees("#story")),
    Screen("story, closed", "vik", "/story?report={closed_report}", sees("#answer")),
    Screen("story, closed, unfolded", "vik", "", opened),
    Screen("story, not solved", "vik", "", disputing),
    Screen("story, not here", "vik", "/story?report=0", sees("#missing")),
    Screen("home, with reports", "vik", "/", sees("#list li")),
    Screen("form without scripts, refused", "vik", "/offline", plainly),
    Screen("guide", "vik", "/guide"),
    Screen("this phone", "vik", "/phone", sees("#test-all")),
    Screen("this phone, tested", "vik", "", tested),
    Screen("offline", "vik", "/offline"),
    Screen("no such page", "vik", "/nothing-here"),
)
RESPONDER = (
    Screen("no task", "lin", "/tasks"),
    Screen("tasks", "ada", "/tasks?given_back=HC-20261123-001"),
    Screen("menu", "ada", "", menu, ".menu-body"),
    Screen("task, 签收", "ada", "/tasks/{called}"),
    Screen("task, 签收, unfolded", "ada", "", opened),
    Screen("task, 出发", "ada", "/tasks/{signed}", opened),
    Screen("task, 到场", "ada", "/tasks/{gone}", opened),
    Screen("task, 处置反馈", "ada", "/tasks/{there}", opened),
    Screen("task, 处置反馈, with a photo", "ada", "", after_photo),
    Screen("task, afterwards", "ada", "/tasks/{answered}"),
    Screen("task, closed", "ada", "/tasks/{closed}"),
    Screen("task, a leader's", "lea", "/tasks/{red}", opened),
    Screen("my shifts", "ada", "/roster"),
    Screen("swap a shift", "ada", "", asking),
    Screen("my shifts, asked", "ada", "", asked),
    Screen("my shifts, asked by somebody", "ben", "/roster"),
    Screen("calendar address", "ben", "", subscribed),
    Screen("a swap's own page", "ben", "/roster/swaps/1"),
    Screen("task, not mine", "ada", "/tasks/HC-20261123-999"),
)
AUTH = (
    Screen("log in", "", "/login"),
    Screen("log in, refused", "", "", refused),
    Screen("welcome", "", "{welcome}"),
    Screen("invitation over", "", "/invite/gone"),
    Screen("progress", "", "{progress}"),
    Screen("progress, unknown", "", "/c/gone"),
    Screen("devices", "ada", "/devices", opened),
    Screen("how I am called", "ada", "/reminders", opened),
    Screen("how I am called, link over", "", "/reminders/prove/gone"),
)
OFFICERS = (
    Screen("desk", "dora", "/desk"),
    Screen("desk, help", "dora", "", lambda page: page.locator("#help-open").click()),
    Screen("desk, found", "dora", "/desk?q=井盖", sees("mark")),
    Screen("case", "dora", "/desk/cases/{there}", opened),
    Screen("case, new", "dora", "/desk/cases/{new}", opened),
    Screen("case, closed", "dora", "/desk/cases/{closed}", opened),
    Screen("ready sentences", "dora", "/desk/phrases", opened),
    Screen("sheet of paper", "dora", "/desk/cases/{there}/print"),
    Screen("a case's code", "dora", "/desk/cases/{there}/code"),
    Screen("map", "dora", "/desk/map", sees("#map-count")),
    Screen("import", "dora", "/desk/import", opened),
    Screen("ledgers", "dora", "/desk/ledgers", opened),
    Screen("export", "dora", "/desk/export?severity=red", opened),
    Screen("roster", "dora", "/desk/roster", opened),
    Screen("roster, next week", "dora", "", next_week),
    Screen("shift", "dora", "", first_shift),
    Screen("rotation", "dora", "/desk/rotations/new", opened),
    Screen("rotation, refused", "dora", "", saved_empty),
    Screen("handover", "dora", "/desk/handover", opened),
    Screen("handover, to be taken", "dora", "", given),
    Screen("handover, taken", "lea", "/desk/handover", taken),
    Screen("invitations", "dora", "/desk/invitations", opened),
    Screen("policies, read", "dora", "/desk/policies", opened),
    Screen("measures", "dora", "/desk/measures"),
    Screen("guide for the desk", "dora", "/desk/help"),
    Screen("audit", "lea", "/desk/audit"),
    Screen("analysis", "ana", "/analysis"),
    Screen("measures, the county's", "ana", "/desk/measures?severity=red"),
    Screen("categories", "root", "/admin", opened),
    Screen("limits", "root", "/admin/limits", opened),
    Screen("areas", "root", "/admin/areas", opened),
    Screen("boundaries", "root", "/admin/boundaries", opened),
    Screen("a boundary", "root", "/admin/boundaries/441521115004", opened),
    Screen("background map", "root", "/admin/map"),
    Screen("departments", "root", "/admin/departments", opened),
    Screen("a department's addresses", "root", "/admin/departments/1/contacts", opened),
    Screen("dispatch rules", "root", "/admin/dispatch", opened),
    Screen("holidays", "root", "/admin/holidays?year=2026", opened),
    Screen("holidays, unpublished year", "root", "/admin/holidays?year=2090", opened),
    Screen("policies, what would happen", "root", "/admin/policies?at=2026-11-25T20:00&level=red", opened),
    Screen("policy", "root", "/admin/policies/edit?purpose=dispatch&level=red", opened),
    Screen("policy, a rung more", "root", "", a_rung_more),
    Screen("policy, refused", "root", "", refused_rung),
    Screen("drills", "dora", "/desk/drills"),
    Screen("a drill", "dora", "", drill_started),
    Screen("accounts", "root", "/admin/accounts", opened),
    Screen("channels, a new one", "root", "/admin/channels?add=sms_aliyun"),
    Screen("channels", "root", "/admin/channels?add=bark", channel_made),
    Screen("how I am called, with another way", "ada", "/reminders", reached_by_bark),
)


class Walk:
    """A person after another with a phone in the hand, from page to page."""

    def __init__(
        self, browser: Browser, product: Product, names: dict[str, str], lang: str = "zh", **device: Any
    ) -> None:
        self.browser, self.product, self.names, self.lang = browser, product, names, lang
        self.device = PHONE | device

    def through(self, screens: tuple[Screen, ...]) -> Iterator[tuple[Screen, Page]]:
        """Each screen in its state. One sitter at a time; what a script complains of fails the walk."""
        sitter, who = None, None
        for screen in screens:
            if sitter is None or screen.who != who:
                if sitter:
                    sitter.close()
                sitter, who = self._sitter(screen.who), screen.who
            if screen.path:
                sitter.page.goto(screen.path.format(**self.names))
            screen.then(sitter.page)
            sitter.page.wait_for_load_state()  # what it looks like comes with the stylesheets
            yield screen, sitter.page
        if sitter:
            sitter.close()

    def _sitter(self, username: str) -> Sitter:
        sitter = Sitter(self.browser, self.product, Path(), service_workers="block", **self.device)
        sitter.context.add_cookies([{"name": "lang", "value": self.lang, "url": self.product.url}])
        sitter.context.add_init_script(MICROPHONE)
        sitter.page.route("**/api/reports/*", no_upload)
        if username:
            sitter.log_in(username)
        return sitter


def no_upload(route: Route) -> None:
    """What is filed here stays on the phone, so that it can be looked at while it waits."""
    route.abort() if route.request.method == "PUT" else route.continue_()

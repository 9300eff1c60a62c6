"""What a patrol says into the phone is heard at the desk: the browser's own recorder, the worker, the desk's player."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.people import DESK, PHONE, Sitter
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

SPEAKING = {**PHONE, "permissions": ["geolocation", "microphone"]}
LISTEN = """async () => {
    const player = document.querySelector("#case audio");
    await player.play();
    await new Promise((done) => {
        player.addEventListener("timeupdate", () => { if (player.currentTime > 0.5) done(); });
    });
    return [player.duration, player.currentTime, player.currentSrc];
}"""


def test_what_is_said_into_the_phone_is_heard_at_the_desk(
    whole_chromium: Browser, town: Product, screens: Path
) -> None:
    phone = Sitter(whole_chromium, town, screens, service_workers="block", **SPEAKING)
    phone.log_in("vik")
    page = phone.page
    page.goto("/report?new=1")
    expect(page.locator("#tiles .tile").first).to_be_visible()
    page.locator("#record").tap()
    expect(page.locator("#voice-time")).to_contain_text("3")  # seconds
    page.locator("#record").tap()
    expect(page.locator("#playback")).to_be_visible()
    page.locator("#send").tap()
    phone.sees("中心已全部收到", seconds=20)
    report = phone.api("/api/reports")["items"][0]  # the newest
    assert report["complete"]

    dora = Sitter(whole_chromium, town, screens, **DESK)
    dora.log_in("dora")
    for _ in range(100):  # until the worker has made the copy
        dora.page.goto(f"/desk/cases/{report['case_number']}")
        if dora.page.locator("#case audio").count():
            break
        dora.page.wait_for_timeout(100)
    duration, heard, source = dora.page.evaluate(LISTEN)
    assert 2 < duration < 10  # a number, and about as long as was spoken
    assert heard > 0.5
    assert "/voices/" in source
    answer = dora.context.request.get(source)
    assert (answer.headers["content-type"], answer.body()[4:12]) == ("audio/mp4", b"ftypM4A ")

    phone.page.goto(f"/story?report={report['id']}")
    expect(phone.page.locator("#playback")).to_have_attribute("src", source.removeprefix(town.url))
    for sitter in (phone, dora):
        sitter.close()

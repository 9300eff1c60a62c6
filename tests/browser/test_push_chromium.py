"""A push the whole way in Chromium: the real worker encrypts it, Chromium's own service worker shows it, ada acts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.people import PHONE, PushedPhone
from tests.callers import Caller
from tests.processes import Product
from tests.push.endpoint import Browser as PushedBrowser
from tests.push.endpoint import PushService

pytestmark = [pytest.mark.browser, pytest.mark.onedb]


COUNTED = """() => navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data.type === "push") window.pushes = (window.pushes ?? 0) + 1;
})"""


@pytest.fixture
def ada(whole_chromium: Browser, fresh_town: Product, screens: Path) -> Iterator[PushedPhone]:
    phone = PushedPhone(whole_chromium, fresh_town, screens, **PHONE)
    phone.log_in("ada")
    phone.page.goto("/tasks")
    phone.controlled()
    phone.page.evaluate(COUNTED)
    yield phone
    phone.close()


@pytest.fixture
def pushed(ada: PushedPhone, push_service: PushService) -> PushedBrowser:
    browser = push_service.browser("ada")
    ada.subscribe(browser)
    return browser


def becomes(ada: PushedPhone, dora: Caller, number: str, state: str) -> None:
    """What the desk knows of the calls to ada's phones; only the one of this test still lives."""
    for _ in range(150):
        called = [alert for alert in dora.alerts(number) if alert["purpose"] == "intake"]
        known = [d["state"] for alert in called for d in alert["deliveries"] if d["to"] == "陈安"]
        if state in known:
            return
        ada.page.wait_for_timeout(100)
    raise AssertionError(f"never {state}: {known}")


def test_shown_tapped_and_signed_though_the_push_came_twice(
    ada: PushedPhone, pushed: PushedBrowser, vik: Caller, dora: Caller
) -> None:
    number = vik.files("煤气味很重")
    (received,) = pushed.wait(1)
    ada.deliver(pushed, received)
    becomes(ada, dora, number, "shown")
    ada.deliver(pushed, received)  # a worker that died after sending sends again, under the same tag
    ada.until("() => window.pushes === 2")
    (notice,) = ada.shown()
    (alert,) = dora.alerts(number)
    assert notice["tag"] == alert["id"] and "煤气味很重" in notice["title"]
    assert alert["state"] == "open" and alert["next_step_at"], "shown is not enough: the leader would follow"
    ada.tap_notification()
    ada.page.wait_for_url(f"**/tasks/{number}")
    becomes(ada, dora, number, "opened")
    ada.page.locator("#step .the-step").filter(has_text="签收").tap()
    becomes(ada, dora, number, "acknowledged")
    (signed,) = [alert for alert in dora.alerts(number) if alert["purpose"] == "intake"]
    assert (signed["state"], signed["next_step_at"]) == ("acknowledged", None), "nobody else is called any more"


def test_a_push_that_cannot_be_read_is_shown_all_the_same(ada: PushedPhone, pushed: PushedBrowser) -> None:
    ada.deliver_text("<html>not ours")  # a silent push costs the subscription
    ada.until("() => window.pushes === 1")
    (notice,) = ada.shown()
    assert notice["title"] == "随手报"
    ada.tap_notification()
    ada.page.wait_for_url("**/")


def test_a_tap_never_takes_the_place_of_a_report_that_is_being_written(
    ada: PushedPhone, pushed: PushedBrowser, vik: Caller, dora: Caller
) -> None:
    ada.page.goto("/report?new=1")
    ada.page.locator("#text").fill("还没写完")
    number = vik.files("有人落水")
    (received,) = pushed.wait(1)
    ada.deliver(pushed, received)
    becomes(ada, dora, number, "shown")
    ada.tap_notification()
    becomes(ada, dora, number, "opened")
    assert ada.page.locator("#text").input_value() == "还没写完"

"""What the report page costs a volunteer's data plan, counted on the wire, headers and all."""

import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.people import PHONE, Sitter
from tests.browser.relay import Relay
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

BUDGET, SCRIPT_BUDGET = 60 * 1024, 35 * 1024


def test_the_first_visit_is_light(chromium: Browser, town: Product, screens: Path) -> None:
    with Relay(town.port) as relay:
        patrol = Sitter(chromium, town, screens, **PHONE, url=relay.url, service_workers="block")
        patrol.log_in("vik")
        relay.reset()
        scripts: dict[str, bytes] = {}
        patrol.page.on("response", lambda r: scripts.update({r.url: r.body()}) if r.url.endswith(".js") else None)
        patrol.page.goto("/report")
        patrol.sees("公共设施")  # the form's data is here
        patrol.page.wait_for_timeout(1000)
        total, requests = relay.down, len(relay.requests)
        patrol.close()
    weight = sum(len(gzip.compress(body, 6)) for body in scripts.values())
    print(f"first visit to /report: {total} bytes with headers in {requests} requests; script {weight} bytes gzip")
    assert weight <= SCRIPT_BUDGET
    assert total <= BUDGET


def test_the_second_visit_asks_the_network_for_nothing(chromium: Browser, town: Product, screens: Path) -> None:
    with Relay(town.port) as relay:
        patrol = Sitter(chromium, town, screens, **PHONE, url=relay.url)
        patrol.log_in("vik")
        relay.reset()
        patrol.page.goto("/report")
        patrol.controlled()
        patrol.page.wait_for_timeout(1500)
        print(f"first visit with the whole app installed: {relay.down} bytes in {len(relay.requests)} requests")
        relay.reset()
        patrol.page.goto("/report")
        patrol.sees("公共设施")
        patrol.page.wait_for_timeout(2500)
        asked = [line for line in relay.requests if "/sw.js" not in line]  # the browser's own look for an update
        patrol.close()
    assert asked == []

"""Real Chromium against the real product. Without a browser these tests fail in CI and are skipped loudly elsewhere."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from fieldapp.config import ROOT
from tests.browser.relay import BadLine
from tests.callers import Caller
from tests.databases import Database, Databases
from tests.processes import Product
from tests.push.endpoint import PushService

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# the same release built without a window of its own, which is a third of the work; it knows no notifications
HEADLESS = shutil.which("chromium-headless-shell") or CHROMIUM
# what Playwright switches off (a second list replaces its own), and the pages of Chromium's own window, of which each
# new window starts two: half of what a phone in a test costs
OFF = [
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled",
    "PreconnectToSearch", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup",
]  # fmt: skip
FLAGS = [
    f"--disable-features={','.join(OFF)}",
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a microphone that beeps once a second
]  # fmt: skip


@pytest.fixture(scope="module")
def driver() -> Iterator[Playwright]:
    """Ends with its module: Playwright holds the thread's event loop, which other tests need."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium: browser tests must run in CI")
        pytest.skip("no Chromium on this machine: THE BROWSER TESTS WERE NOT RUN")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(driver: Playwright) -> Iterator[Browser]:
    """For everything that happens within a page."""
    browser = driver.chromium.launch(executable_path=HEADLESS, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def whole_chromium(driver: Playwright) -> Iterator[Browser]:
    """With all that a person's browser has around a page: pushes, notifications, installing."""
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def push_service() -> Iterator[PushService]:
    with PushService() as service:
        yield service


@pytest.fixture
def product(database: Database, tmp_path: Path) -> Iterator[Product]:
    """The product as `make run` starts it, on the database under test."""
    url = database.fresh(tmp_path)
    with Product(tmp_path / "instance", database_url=url, FIELDAPP_PUSH_ALLOW_LOOPBACK="1") as running:
        yield running


@pytest.fixture(scope="session")
def town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One product for all tests that share nothing but the server: each has its own phone and its own words."""
    folder = tmp_path_factory.mktemp("town")
    with Product(folder / "instance", database_url=databases("sqlite").fresh(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def fresh_town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product of one module's own, where nothing has happened yet and calls go to push services on this machine."""
    folder = tmp_path_factory.mktemp("fresh")
    url = databases("sqlite").fresh(folder)
    with Product(folder / "instance", database_url=url, FIELDAPP_PUSH_ALLOW_LOOPBACK="1") as running:
        yield running


@pytest.fixture
def line(town: Product) -> Iterator[BadLine]:
    with BadLine(town.port) as running:
        yield running


@pytest.fixture
def vik(fresh_town: Product) -> Iterator[Caller]:
    with Caller(fresh_town.port, "vik") as calling:
        yield calling


@pytest.fixture
def dora(fresh_town: Product) -> Iterator[Caller]:
    with Caller(fresh_town.port, "dora") as calling:
        yield calling


@pytest.fixture
def screens(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures go: docs/screens when asked for, else a temporary folder."""
    return ROOT / "docs" / "screens" if request.config.getoption("--screenshots") else tmp_path

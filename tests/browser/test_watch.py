"""Whoever sits at any officer's page is told within 30 seconds that calls do not go out, and when they do again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import create_engine, text

from fieldapp.config import ROOT
from tests.browser.evening import Evening
from tests.browser.people import DESK, Sitter
from tests.databases import Databases
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]
PAGES = {
    "/desk": "dora", "/desk/roster": "dora", "/desk/handover": "lea", "/desk/invitations": "lea", "/admin": "root",
    "/admin/accounts": "root", "/analysis": "ana", "/desk/measures": "ana",
}  # fmt: skip
WITHIN_S = 30
NEVER_AGAIN = {"RESTART_AFTER_S": 600.0, "RESTART_AT_LATEST_S": 600.0}


@pytest.fixture(scope="module")
def product(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A supervisor that is in no hurry to start again who died: the last test here kills the server."""
    folder = tmp_path_factory.mktemp("watched")
    url = databases("sqlite").fresh(folder)
    with Product(folder / "instance", database_url=url, hurry=NEVER_AGAIN) as running:
        yield running


@pytest.fixture(scope="module")
def officers(chromium: Browser, product: Product) -> Iterator[list[Sitter]]:
    """One at every page."""
    sitters = []
    for path, username in PAGES.items():
        sitters.append(Sitter(chromium, product, Path(), service_workers="block", **DESK))
        sitters[-1].log_in(username)
        sitters[-1].page.goto(path)
    yield sitters
    for sitter in sitters:
        sitter.close()


def all_see(officers: list[Sitter], notice: str, words: str) -> None:
    """Each within the time that counts for all of them, from now."""
    until = time.monotonic() + WITHIN_S
    for sitter in officers:
        left = max(1, (until - time.monotonic()) * 1000)
        expect(sitter.page.locator(notice)).to_contain_text(words, timeout=left)
        expect(sitter.page.locator(notice)).to_be_visible(timeout=left)


def test_an_alert_stands_still_and_every_desk_says_so(
    chromium: Browser, officers: list[Sitter], product: Product
) -> None:
    evening = Evening(chromium, product)
    evening.files("电线垂落", "red")
    engine = create_engine(product.env["DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text("UPDATE alerts SET state = 'open', next_step_at = NULL"))
    all_see(officers, "#trouble", "有 1 个呼叫没有往下走")
    engine.dispose()
    evening.close()


def test_the_worker_is_killed_and_every_desk_says_so_until_another_works(
    officers: list[Sitter], product: Product
) -> None:
    for sitter in officers:
        expect(sitter.page.locator("#worker-silent")).to_be_hidden()
    os.kill(product.child("fieldapp.worker"), signal.SIGKILL)
    all_see(officers, "#worker-silent", "后台已停")
    other = subprocess.Popen([sys.executable, "-m", "fieldapp.worker"], cwd=ROOT, env=product.env)
    try:
        for sitter in officers:
            expect(sitter.page.locator("#worker-silent")).to_be_hidden(timeout=WITHIN_S * 1000)
    finally:
        other.kill()
        other.wait(10)


def test_the_server_is_gone_and_every_desk_says_so(officers: list[Sitter], product: Product) -> None:
    product.kill_server()
    all_see(officers, "#lost", "没有连上服务器")

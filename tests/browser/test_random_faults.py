"""A short run of tests/torture.py with a seed that stays; bench/bench_torture.py is the long one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.databases import Database
from tests.processes import Product
from tests.torture import HURRY, Plan, Torture

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

SEED = 20261124


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Iterator[Product]:
    with Product(tmp_path / "instance", database_url=database.fresh(tmp_path), hurry=HURRY) as running:
        yield running


def test_twelve_reports_through_everything_at_once(chromium: Browser, town: Product, tmp_path: Path) -> None:
    run = Torture(chromium, town, tmp_path, Plan.draw(SEED, reports=12, server_kills=2, page_kills=2))
    run.go(heal_within=60)
    assert run.wrong() == []
    assert run.killed == {"server": 2, "page": 1, "browser": 1}
    assert sum(run.line.done.values()) >= 12, "the line has to be bad for this to mean anything"

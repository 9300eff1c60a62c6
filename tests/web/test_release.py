"""A release names everything that a phone keeps: the static files, and what the kept pages are made of."""

import shutil
from pathlib import Path

import pytest

from fieldapp.config import ROOT
from fieldapp.web import assets


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of one's own to change."""
    for folder in ("static", "templates", "fieldapp/translations"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    monkeypatch.setattr(assets, "STATIC", tmp_path / "static")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("static/css/phone.css", True),
        ("templates/base.html", True),
        ("templates/patrol/report.html", True),
        ("fieldapp/translations/en/LC_MESSAGES/messages.po", True),
        ("templates/desk/index.html", False),
    ],
)
def test_a_release_changes_with_what_phones_keep(copy: Path, name: str, new: bool) -> None:
    before = assets.release.__wrapped__()
    with (copy / name).open("a") as file:
        file.write("\n")
    assert (assets.release.__wrapped__() != before) is new

"""Compiled templates are kept, follow their sources, and are never the reason that a page fails."""

import sys
from pathlib import Path

import pytest
from flask import Flask

from fieldapp.web import compiled


def says(folder: Path) -> str:
    """What a new app's page says."""
    app = Flask("test", template_folder=str(folder))
    compiled.init_app(app, folder / "__pycache__")
    with app.app_context():
        return app.jinja_env.get_template("page.html").render()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "page.html").write_text("井盖")
    return tmp_path


def test_they_are_kept_and_follow_their_sources(folder: Path) -> None:
    assert says(folder) == "井盖"
    (kept,) = (folder / "__pycache__").iterdir()
    before = kept.read_bytes()
    assert says(folder) == "井盖" and kept.read_bytes() == before
    (folder / "page.html").write_text("路灯")
    assert says(folder) == "路灯"
    kept.write_bytes(b"cut off")
    assert says(folder) == "路灯", "what was cut off in writing is made again"


def test_no_room_makes_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert says(folder) == "井盖"
    assert list((folder / "__pycache__").iterdir()) == []


def test_where_python_keeps_nothing_templates_are_not_kept_either(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert says(folder) == "井盖"
    assert not (folder / "__pycache__").exists()

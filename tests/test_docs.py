"""What is generated into the documents is up to date, and the documents name what exists."""

import hashlib
import re
from pathlib import Path

import pytest

from docs import draw
from fieldapp.config import ROOT


def test_the_diagram_is_drawn_from_the_table_in_force() -> None:
    assert draw.page(draw.PAGE.read_text()) == draw.PAGE.read_text(), "run `make diagram`"


def test_every_setting_is_in_the_readme() -> None:
    used = set(re.findall(r'"(FIELDAPP_[A-Z_]+|PORT|HOST|DATABASE_URL)"', (ROOT / "fieldapp/config.py").read_text()))
    readme = (ROOT / "README.md").read_text()
    assert {name for name in used if f"`{name}`" not in readme} == set()


def test_every_picture_and_page_the_documents_point_to_exists() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_every_fault_is_lived_through_by_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "faults.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", page))
    sources = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert named - {name for source in sources for name in re.findall(r"^def (test_\w+)", source, re.M)} == set()
    rows = [row.split("|") for row in page.splitlines() if row.startswith("| ")][2:]
    assert len(rows) > 40 and all("`test_" in tests for _, _, tests, _ in rows)


@pytest.mark.parametrize("path", sorted((ROOT / "static" / "vendor").glob("*.*s")), ids=lambda path: path.name)
def test_vendored_files_are_the_ones_that_were_checked(path: Path) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() in (ROOT / "static/vendor/VENDOR.md").read_text()


def test_no_page_loads_anything_from_outside() -> None:
    sources = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "static").rglob("*.css"),
        *(ROOT / "static").rglob("*.svg"),
    ]
    for path in sources:
        found = re.findall(r"(?:src|href|url|@import)\s*[=(]?\s*[\"'(]https?://[^\"')]+", path.read_text())
        allowed = ("https://uri.amap.com/", "https://api.map.baidu.com/")  # links a person taps, never loaded
        assert [link for link in found if not any(host in link for host in allowed)] == [], path


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    kinds = ("*.py", "*.js", "*.css", "*.html")
    ours = [p for kind in kinds for p in ROOT.rglob(kind) if not {".venv", "vendor", "versions"} & set(p.parts)]
    assert {path.name: n for path in ours if (n := path.read_text().count("\n")) > 400} == {}


def test_every_module_has_its_place_in_the_layers() -> None:
    layers = (ROOT / "pyproject.toml").read_text()
    rooms = {
        path.stem for path in (ROOT / "fieldapp").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {room for room in rooms - {"__init__"} if f"fieldapp.{room}" not in layers} == set()

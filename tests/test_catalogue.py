"""The English catalogue says everything that the pages say, and nothing they no longer say."""

import re
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None}
# a lone % counts too: templates format every message, so that one would break the page
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|%|\{\w+\}")


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Every msgid in the code and the templates."""
    with (ROOT / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    folders = (ROOT / "fieldapp", ROOT / "templates")
    return {
        message
        for folder in folders
        for _file, _line, message, _comments, _context in extract_from_dir(folder, methods, options, keywords=KEYWORDS)
    }


@pytest.fixture(scope="module")
def english() -> Catalog:
    with (ROOT / "fieldapp/translations/en/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="en")


def test_every_message_has_an_english_text(used: set[str], english: Catalog) -> None:
    assert len(used) > 100, "the extraction found next to nothing"
    missing = [one for one in used if one not in english or not english[one].string or english[one].fuzzy]
    assert not missing, "run make messages and translate these"


def test_placeholders_are_the_same_on_both_sides(english: Catalog) -> None:
    def placeholders(text: str) -> list[str]:
        return sorted(PLACEHOLDER.findall(text))

    wrong = [(one.id, one.string) for one in english if one.id and placeholders(one.id) != placeholders(one.string)]
    assert not wrong


def test_the_catalogue_holds_nothing_else(used: set[str], english: Catalog) -> None:
    assert not english.obsolete
    assert {one.id for one in english if one.id} <= used

"""What leaves the desk carries no telephone, no identity card and no name; numbers that are none of these stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules import phrases
from fieldapp.rules.masking import NO_IDENTITY, NO_PHONE
from fieldapp.rules.veil import NAME, shorten, veil


@pytest.mark.parametrize("number", ["13800138000", "138 0013 8000", "138-0013-8000", "+86 13800138000", "0660-6622333"])
def test_no_telephone_is_left(number: str) -> None:
    assert veil(f"打{number}找我") == f"打{NO_PHONE}找我"


@pytest.mark.parametrize("kept", ["HC-20261125-003", "2026-11-25 20:00", "12345", "第 1380 号", "电杆 13900", "110"])
def test_other_numbers_stay(kept: str) -> None:
    assert veil(kept) == kept


def test_no_identity_card_and_no_name_is_left_and_the_longest_name_goes_first() -> None:
    assert veil("陈安平和陈安，44152119900101123X", {"陈安", "陈安平", "安"}) == f"{NAME}和{NAME}，{NO_IDENTITY}"


@given(st.text(), st.integers(1, 60))
def test_nothing_is_longer_than_asked_and_what_was_cut_says_so(text: str, most: int) -> None:
    line, cut = shorten(text, most)
    assert len(line) <= most and "\n" not in line
    assert cut == line.endswith("…") or "…" in text


def test_only_the_two_places_are_filled_in() -> None:
    assert phrases.fill("{地点}的 {编号}，{谁}", "HC-1", "南门社区") == "南门社区的 HC-1，{谁}"

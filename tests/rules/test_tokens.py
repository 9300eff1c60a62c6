"""What a case is found by, and what is marked when it was."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules import finding, tokens
from fieldapp.rules.finding import TooLong

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=12)
NUMBER = st.builds("HC-{:%Y%m%d}-{:03d}".format, st.dates(date(2020, 1, 1)), st.integers(1, 1200))


def has(words: set[str], looked_for: str) -> bool:
    """Whether a case with these words is found, as either database decides it."""

    def has_term(term: finding.Term) -> bool:
        return any(word.startswith(term.token) for word in words) if term.open_ended else term.token in words

    needs = finding.asked(looked_for)
    return bool(needs) and all(any(all(map(has_term, way)) for way in need.ways) for need in needs)


def case(title: str = "", number: str = "HC-20261123-007", text: str = "") -> set[str]:
    return set(tokens.of_case(number, [title, "南门社区", "海城镇"], [text]))


@given(before=HAN, words=HAN, after=HAN)
def test_any_stretch_of_a_text_finds_it(before: str, words: str, after: str) -> None:
    assert has(case(text=f"{before}{words}{after}"), words)
    assert has(case(title=f"{before}，{words}"), words)


@given(words=HAN, before=HAN)
def test_the_initials_of_any_two_or_more_characters_find_a_title(words: str, before: str) -> None:
    readings = [tokens.initials(character) for character in words]
    if len(words) > 1 and all(readings):
        for which in (0, -1):
            assert has(case(before + words), "".join(letters[which] for letters in readings))


@given(NUMBER, st.data())
def test_a_number_is_found_by_its_pieces(number: str, data: st.DataObject) -> None:
    letters, day, count = number.split("-")
    cut = data.draw(st.integers(0, 6))
    pieces = (number, number.lower(), f"{day[cut:]}-{count}", f"{letters}{day}{count}", day[cut:], count)
    assert [piece for piece in pieces if not has(case(number=number), piece)] == []


@pytest.mark.parametrize(
    "words", ["井盖", "ＪＧＰＳ", "jg", "123-007", "007", "1123", "南门 井盖", "K101", "ｋ101", "wif", "盖", "hcz"]
)
def test_one_case_by_many_ways(words: str) -> None:
    assert has(case("南门外井盖破损", text="在 K101 门口，WiFi 也坏了"), words)


@pytest.mark.parametrize("words", ["路灯", "盖井", "jgd", "123-008", "124-007", "南门 路灯", "K10 1", "，。", ""])
def test_and_not_by_others(words: str) -> None:
    assert not has(case("南门外井盖破损", text="在 K101 门口"), words)


def test_a_character_with_two_readings_is_found_by_both() -> None:
    assert has(case("长城路积水"), "cclj") and has(case("长城路积水"), "zclj")


@given(st.text(max_size=60), st.text(max_size=20))
def test_marking_changes_no_letter_of_a_text(text: str, words: str) -> None:
    try:
        needs = finding.asked(words)
    except TooLong:
        return
    parts = finding.marked(text, needs)
    assert "".join(piece for piece, _ in parts) == text


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("南门井盖破损，井盖没了", "井盖", ["井盖", "井盖"]),
        ("南门井盖破损", "jgps", ["井盖破损"]),
        ("在Ｋ１０１门口", "k101", ["Ｋ１０１"]),
        ("HC-20261123-007", "123-007", ["123-007"]),
        ("井盖盖好", "井盖 盖好", ["井盖盖好"]),
    ],
)
def test_what_is_marked(text: str, words: str, found: list[str]) -> None:
    assert [piece for piece, is_found in finding.marked(text, finding.asked(words)) if is_found] == found


def test_a_long_text_is_shown_around_the_find() -> None:
    shown = finding.excerpt("很" * 200 + "井盖" + "远" * 200, finding.asked("井盖"))
    assert ("井盖", True) in shown and sum(len(piece) for piece, _ in shown) < 60


def test_the_title_counts_most_and_the_newer_more() -> None:
    needs, day = finding.asked("南门 井盖"), timedelta(days=1)
    in_title, named, told = (finding.score(*pair, needs, day) for pair in (
        ("南门井盖破损", ""), ("井盖破损", "南门社区"), ("有东西坏了", "南门社区")))  # fmt: skip
    assert in_title > named > told
    assert finding.score("井盖", "", needs, day) > finding.score("井盖", "", needs, 90 * day)
    assert finding.score("有南门和井盖", "", needs, day) < in_title  # the phrase itself is worth more


@pytest.mark.parametrize("words", ["井" * 61, " ".join("井盖路灯垃圾电线巷")])
def test_nobody_looks_for_so_much(words: str) -> None:
    with pytest.raises(TooLong):
        finding.asked(words)

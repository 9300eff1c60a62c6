"""Likely repeats: what must hold of the score on any scale, and what is learned from data without labels."""

import random
from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules import similarity, yardstick
from fieldapp.rules.similarity import PRIOR, REACH, Item, Wording, learn, likelihood

ROADS = [one + other for one in "甲乙丙丁戊己庚辛" for other in "东南西北中上下前"]
metres = st.floats(0, 600)
days = st.floats(0, 400)
said = st.sampled_from(Wording)


def kind(seed: int, spread_m: float, rows: int = 600) -> list[Item]:
    """Events all over a town, every third told of again from so far away."""
    chance, found, day = random.Random(seed), [], 0.0
    for n in range(rows):
        day += 0.1
        if n % 3 == 2:
            first = chance.choice(found[-30:])
            east, north = (chance.gauss(0, spread_m) / 111_000 for _ in "xy")
            found.append(Item(first.lat + north, first.lon + east, day, f"{first.text[:2]}路{n}"))
        else:
            place = chance.uniform(22.9, 23.0), chance.uniform(115.3, 115.4)
            found.append(Item(*place, day, f"{chance.choice(ROADS)}路{n}"))
    rare = similarity.rare_words(item.text for item in found)
    return [replace(item, words=words) for item, words in zip(found, rare, strict=True)]


NEAR, WIDE = learn(kind(1, 3)), learn(kind(2, 60))
scales = st.sampled_from([PRIOR, NEAR, WIDE])


@given(scales, metres, metres, days, days, said)
def test_farther_or_later_is_never_likelier(
    scale: similarity.Scale, a: float, b: float, early: float, late: float, words: Wording
) -> None:
    near, far = sorted((a, b))
    soon, later = sorted((early, late))
    assert likelihood(scale, near, soon, words) >= likelihood(scale, far, later, words) * (1 - 1e-9)


@given(scales, st.floats(0, REACH), days)
def test_more_in_common_is_never_less_likely(scale: similarity.Scale, far: float, gap: float) -> None:
    same_day = [likelihood(scale, far, 0, words) for words in Wording]
    assert same_day == sorted(same_day)
    with_picture = likelihood(scale, far, gap, Wording.NOTHING, bits=4)
    assert with_picture >= likelihood(scale, far, gap, Wording.NOTHING, bits=40)


def test_what_is_learned_is_the_same_each_time_and_wherever_the_others_stand() -> None:
    items = kind(3, 30)
    assert learn(items) == learn(list(items))
    scores = similarity.compare(WIDE, items)
    assert scores[:400] == similarity.compare(WIDE, items[:400]), "what comes later changes nothing"


def test_each_kind_finds_its_own_scale() -> None:
    def reach(scale: similarity.Scale) -> float:
        return likelihood(scale, 80, 0, Wording.A_RARE_WORD) / likelihood(scale, 3, 0, Wording.A_RARE_WORD)

    assert reach(WIDE) > 2 * reach(NEAR)


def test_nothing_and_one_row_can_be_learned_from() -> None:
    assert similarity.compare(learn([]), []) == []
    assert similarity.compare(PRIOR, [Item(22.9, 115.3, 1.0)]) == [0.0]
    assert similarity.nearest([Item(22.9, 115.3, 1.0)], 100) == [inf]


def test_words_are_pairs_of_characters_and_no_house_numbers() -> None:
    assert similarity.words_of("井盖坏了 12号 4125 W WELLINGTON AVE 87TH") >= {"井盖", "盖坏", "wellington", "87th"}
    assert not {"4125", "12"} & similarity.words_of("4125 12")


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        ("路口井盖不见了", "门口井盖没了", "井盖"),
        ("口井盖", "一口井盖", "井盖"),
        ("老街口罩", "新村口罩", "口罩"),
        ("4125 W WELLINGTON AVE", "4127 W WELLINGTON AVE", "wellington"),
        ("东边路灯不亮", "西边路灯不亮", "路灯不亮"),
        ("井盖", "路灯", ""),
    ],
)
def test_what_both_say_is_a_word_and_no_accident(one: str, other: str, named: str) -> None:
    first, second = (Item(0, 0, 0, text, similarity.words_of(text) - {"ave", "边路"}) for text in (one, other))
    assert similarity.shared(first, second) == named


@pytest.mark.parametrize(("merged", "refused", "more"), [(0, 0, 1.0), (9, 0, 4.0), (0, 9, 0.25), (900, 0, 8.0)])
def test_the_desks_decisions_move_it_within_bounds(merged: int, refused: int, more: float) -> None:
    assert similarity.favour(merged, refused) == more


def test_the_yardstick_knows_ties_and_the_ends() -> None:
    points = yardstick.curve([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
    assert [(p.precision, p.recall) for p in points] == [(1.0, 0.5), (2 / 3, 1.0), (0.5, 1.0)]
    assert yardstick.average_precision(points) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert yardstick.best(points).f1 == pytest.approx(0.8)
    assert yardstick.best(yardstick.curve([0.3], [False])).f1 == 0

"""What a desk's decisions teach, and what they must never be able to: a report's own answer."""

import random
from dataclasses import replace

import pytest

from fieldapp.rules import habit, similarity
from fieldapp.rules.similarity import EVEN, PRIOR, Item


def street(seed: int, days: int = 30) -> tuple[list[Item], list[bool]]:
    """Twelve reports a day on one long road; the desk takes two for one when their houses are of one hundred."""
    chance, items, repeats = random.Random(seed), [], []
    for n in range(days * 12):
        number = chance.randrange(100, 4000)
        block = number // 100
        repeats.append(any(int(item.text.split()[0]) // 100 == block for item in items[-40:]))
        items.append(Item(22.9 + number / 111_000, 115.3, float(n // 12), f"{number} LONG ROAD"))
    return items, repeats


def at(metres: float, text: str, day: float = 0.0) -> Item:
    return Item(22.9 + metres / 111_000, 115.3, day, text)


def test_before_the_first_decision_the_scale_is_believed() -> None:
    one, other = at(20, "2 LONG ROAD", 3), at(0, "1 LONG ROAD")
    said = similarity.likelihood(PRIOR, 20, 3, similarity.wording(one, other))
    unread = replace(PRIOR, habit=tuple(habit.Habit().weights))
    assert habit.likelihood(unread, one, other, 20) == pytest.approx(said)
    assert habit.likelihood(PRIOR, one, other, 20) == said


def test_no_answer_of_the_same_day_or_later_is_ever_used() -> None:
    items, repeats = street(1)
    before = habit.follow(PRIOR, items, repeats)
    for day in (1, 7, 20):
        turned = [not same if item.day >= day else same for item, same in zip(items, repeats, strict=True)]
        after = habit.follow(PRIOR, items, turned)
        upto = sum(item.day <= day for item in items)
        assert after[:upto] == before[:upto]
        assert after[upto:] != before[upto:], "the next day has heard of it"


def test_a_desk_that_goes_by_the_block_is_understood() -> None:
    items, _ = street(2)
    pairs = [(one, other, abs(one.lat - other.lat) * 111_000) for one, other in zip(items[9:], items, strict=False)]
    decided = [(*pair, int(pair[0].text.split()[0]) // 100 == int(pair[1].text.split()[0]) // 100) for pair in pairs]
    taught = habit.learn(PRIOR, [pair for pair in decided if pair[2] <= similarity.REACH])
    here = at(0, "1210 LONG ROAD")
    within, beyond = (habit.likelihood(taught, at(40, f"{n} LONG ROAD"), here, 40) for n in (1250, 1170))
    assert within > 2 * beyond
    assert habit.likelihood(taught, at(500, "1250 LONG ROAD"), here, 500) == 0


def test_answers_without_sense_end_at_the_usual_rate_not_at_certainty() -> None:
    items, _ = street(3)
    chance = random.Random(4)
    found = habit.follow(PRIOR, items, [chance.random() < 0.3 for _ in items])
    late = [similarity.score(value) for value in found[-60:]]
    assert 0.15 < sum(late) / len(late) < 0.45


def test_a_picture_speaks_with_a_habit_too() -> None:
    taught = replace(PRIOR, habit=tuple(habit.Habit().weights))
    pair = at(0, "a", 1), at(0, "b")
    assert habit.likelihood(taught, *pair, 0, 4) == similarity.SAME_PICTURE * habit.likelihood(taught, *pair, 0, 40)


def test_a_text_of_nothing_but_numbers_is_no_road_and_a_long_one_no_trouble() -> None:
    for text in ("", "12", "9" * 5000, "🌧️" * 40):
        seen = habit.signs(PRIOR, at(0, text, 1), at(0, text), 0)
        assert len(seen) == len(habit.Habit().weights)
        assert habit.likelihood(PRIOR, at(0, text, 1), at(0, text), 0) < EVEN**9

"""What a desk takes for a repeat, learned from decision to decision on top of what rules/similarity.py finds without
any. Pure; explained in docs/similarity.md.

A logistic regression with a normal belief about each weight: before the first decision it says what the scale says, and
every decision moves it by as much as it was surprising (one Newton step, nothing is refitted).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from heapq import nlargest
from itertools import groupby
from math import exp, log, log1p
from operator import mul

from fieldapp.rules import similarity
from fieldapp.rules.similarity import EVEN, Item, Scale, Wording

Signs = tuple[float, ...]

STEPS = (3.0, 30.0, 60.0, 100.0, 150.0)  # metres
FAINT, SURE = -3.0, 5.0  # the scale is heard between these, as logarithms of odds
CHOICE = 8  # of a report's earlier neighbours so many are looked at, the likeliest
OPEN_MIND = 1.0  # the variance of a weight nobody has decided on; of the weight of the scale itself less
SCALE_TRUST = 0.3

_NUMBER = re.compile(r"[0-9]+")


def signs(scale: Scale, one: Item, other: Item, metres: float) -> Signs:
    """What can be seen on two reports, for a desk to weigh."""
    days = abs(one.day - other.day)
    said = similarity.wording(one, other)
    likelier = _plainly(scale, one, other, metres)
    road, block = _same_road(one.text, other.text)
    return (
        1.0,
        min(SURE, max(FAINT, log(max(likelier, 1e-9) / EVEN))),
        *(float(metres <= step) for step in STEPS),
        float(said == Wording.ALL),
        float(said >= Wording.A_RARE_WORD),
        float(road),
        float(block),
        log1p(days) / 3,
        float(days < 1),
    )


class Habit:
    """What one desk has shown of its ways with one kind."""

    def __init__(self) -> None:
        """Nothing was decided yet: the scale's word is taken as it is."""
        many = len(STEPS) + 8
        self.weights = [0.0, 1.0, *(0.0 for _ in range(many - 2))]
        spread = [OPEN_MIND, SCALE_TRUST, *(OPEN_MIND for _ in range(many - 2))]
        self._belief = [[value if n == m else 0.0 for m in range(many)] for n, value in enumerate(spread)]

    def decided(self, seen: Signs, same: bool) -> None:
        """One more decision: the weights move by how surprising it was, and are surer than before."""
        along = [_dot(row, seen) for row in self._belief]
        chance = 1 / (1 + exp(-_bounded(_dot(self.weights, seen))))
        bend = max(chance * (1 - chance), 1e-4)
        width = 1 + bend * _dot(seen, along)
        surprise = (same - chance) / width
        self.weights = [weight + surprise * by for weight, by in zip(self.weights, along, strict=True)]
        for n, by in enumerate(along):
            part = bend / width * by
            self._belief[n] = [value - part * other for value, other in zip(self._belief[n], along, strict=True)]


def likelihood(scale: Scale, one: Item, other: Item, metres: float, bits: int | None = None) -> float:
    """As similarity.likelihood, with the desk's habit where the scale has one."""
    if not scale.habit or metres > similarity.REACH:
        return _plainly(scale, one, other, metres, bits)
    found = EVEN * exp(_bounded(_dot(scale.habit, signs(scale, one, other, metres))))
    return found * similarity.pictures(bits)


def learn(scale: Scale, pairs: Iterable[tuple[Item, Item, float, bool]]) -> Scale:
    """The scale with what the desk decided of these pairs, in the order it did."""
    habit = Habit()
    for one, other, metres, same in pairs:
        habit.decided(signs(scale, one, other, metres), same)
    return replace(scale, habit=tuple(habit.weights))


def follow(scale: Scale, items: Sequence[Item], repeats: Sequence[bool]) -> list[float]:
    """Each report's likelihood to repeat an earlier one, by what was decided on earlier days and by nothing else."""
    habit, found = Habit(), [0.0] * len(items)
    seen = enumerate(_choices(scale, items))
    for _, day in groupby(seen, key=lambda pair: int(items[pair[0]].day // 1)):
        best = [(n, *_best(habit, choices)) for n, choices in day if choices]
        for n, value, chosen in best:  # only after the whole day has been scored
            found[n] = EVEN * exp(_bounded(value))
            habit.decided(chosen, repeats[n])
    return found


def _choices(scale: Scale, items: Sequence[Item]) -> Iterable[list[Signs]]:
    for earlier in similarity.neighbours(items, similarity.REACH):
        likeliest = nlargest(CHOICE, earlier, key=lambda pair: _plainly(scale, *pair))
        yield [signs(scale, *pair) for pair in likeliest]


def _plainly(scale: Scale, one: Item, other: Item, metres: float, bits: int | None = None) -> float:
    return similarity.likelihood(scale, metres, one.day - other.day, similarity.wording(one, other), bits)


def _best(habit: Habit, choices: Sequence[Signs]) -> tuple[float, Signs]:
    return max((_dot(habit.weights, seen), seen) for seen in choices)


@lru_cache(maxsize=65536)
def _address(text: str) -> tuple[str, int | None]:
    """A text without its first number, and which hundred that is in: 4125 W WELLINGTON AVE is in the 41st."""
    found = _NUMBER.search(text)
    rest = " ".join(_NUMBER.sub(" ", text.lower(), count=1).split())
    return rest, int(found.group()[:9]) // 100 if found else None


def _same_road(one: str, other: str) -> tuple[bool, bool]:
    """Whether the texts differ in nothing but a number, and whether those are of one hundred: a block, where houses
    are numbered so.
    """
    (road, hundred), (road_2, hundred_2) = _address(one), _address(other)
    same = bool(road) and road == road_2
    return same, same and hundred is not None and hundred == hundred_2


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(map(mul, one, other), 0.0)


def _bounded(value: float) -> float:
    return max(-30.0, min(30.0, value))

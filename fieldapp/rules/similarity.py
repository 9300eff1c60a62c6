"""How likely two reports tell of the same event: by distance, time and words, on a scale learned from each kind's own
data without anybody's labels. Pure; explained in docs/similarity.md.

Near each report there are more earlier reports than chance would put there. How many more, for each distance and for
words in common or not, is the odds that a near one is a repeat. A kind that clusters by street (holes in a road) and
one that clusters by door (a broken bin) so find their own scale.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise, product
from math import cos, exp, hypot, inf, log, radians

from fieldapp.rules.geo import METRES_PER_DEGREE

EDGES = (3.0, 15.0, 30.0, 60.0, 100.0, 150.0, 250.0, 400.0)  # metres
NEAR = EDGES[3]
REACH = EDGES[-1]
RING = 1000.0  # between REACH and this lies what is taken for chance
RARE = 0.05  # a word in so few texts of its kind says something when it is in both
MOST = 4000  # rows and pairs that a scale is learned from and compared with; the latest
CROWD = 600
SHORT_DAYS, LONG_DAYS = 7.0, 365.0
ALIKE_BITS, SAME_PICTURE = 10, 25.0  # of 64; and how much more that makes it
EVEN = 20.0  # a likelihood of so many to one is an even bet

MEASURES = frozenset("个口只条张块座处辆台根家棵间片把位名次起")  # a pair that begins with one is half a word

_WORD = re.compile(r"[a-z]{2,}[a-z0-9]*|[0-9]+[a-z]+|[\u4e00-\u9fff]+")


class Wording(IntEnum):
    """What two texts have in common."""

    NOTHING = 0
    A_RARE_WORD = 1
    ALL = 2


@dataclass(frozen=True)
class Item:
    """A report to compare: where in degrees, when in days, and its text."""

    lat: float
    lon: float
    day: float
    text: str = ""
    words: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True)
class Scale:
    """For each wording and distance (EDGES) how many times likelier than chance, and in how many days, by wording,
    that fades to a third; `favour` is what few decisions of the desk make of it, `habit` what many do (rules/habit.py).
    """

    likelier: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    fades_days: tuple[float, float, float]
    rows: int = 0
    favour: float = 1.0
    habit: tuple[float, ...] = ()


# where nothing is known yet: half of what remains at about 50 m, gone at 400 m
PRIOR = Scale(
    (
        (12.0, 10.0, 8.0, 4.0, 2.0, 1.5, 1.2, 1.0),
        (60.0, 50.0, 40.0, 24.0, 12.0, 6.0, 4.0, 2.0),
        (300.0, 120.0, 80.0, 40.0, 20.0, 12.0, 6.0, 3.0),
    ),
    (30.0, 30.0, LONG_DAYS),  # the very same words do not come by chance later either
)


def words_of(text: str) -> frozenset[str]:
    """The words of a text, Chinese by pairs of characters; bare numbers are none, a house number names no street."""
    found: set[str] = set()
    for piece in _WORD.findall(text.lower()):
        found |= {piece} if piece.isascii() else {piece[n : n + 2] for n in range(max(1, len(piece) - 1))}
    return frozenset(found)


def rare_words(texts: Iterable[str]) -> list[frozenset[str]]:
    """Of each text the words that few of them have."""
    each = [words_of(text) for text in texts]
    often = Counter(word for words in each for word in words)
    most = max(2.0, RARE * len(each))
    return [frozenset(word for word in words if often[word] <= most) for words in each]


def wording(one: Item, other: Item) -> Wording:
    """What these two have in common in words."""
    if one.text and _plain(one.text) == _plain(other.text):
        return Wording.ALL
    return Wording.A_RARE_WORD if one.words & other.words else Wording.NOTHING


def shared(one: Item, other: Item) -> str:
    """The longest piece of a text made of rare words of both: 井盖, and not the 口井盖 that both happen to write."""
    both = one.words & other.words
    naming = frozenset(word for word in both if word[0] not in MEASURES)
    return max(_pieces(one.text, naming or both), key=len, default="")


def likelihood(scale: Scale, metres: float, days: float, said: Wording, bits: int | None = None) -> float:
    """How many times likelier than chance it is that both are one event. Never rises with distance or time."""
    if metres > REACH:
        return 0.0
    found = exp(_at(metres, scale.likelier[said])) * exp(-abs(days) / scale.fades_days[said]) * scale.favour
    return found * pictures(bits)


def pictures(bits: int | None) -> float:
    """How many times likelier two pictures that differ in so many bits make it."""
    return SAME_PICTURE if bits is not None and bits <= ALIKE_BITS else 1.0


def score(likelihood: float) -> float:
    """The same between 0 and 1."""
    return likelihood / (likelihood + EVEN)


def learn(items: Sequence[Item]) -> Scale:
    """The scale of a kind from its own reports, in the order of their time; nobody's labels are asked."""
    items = items[-MOST:]
    counts: list[Counter[int]] = [Counter(), Counter(), Counter()]
    near: list[list[float]] = [[], [], []]
    far: list[float] = []
    for earlier in neighbours(items, RING):
        for one, other, metres in earlier:
            said = wording(one, other)
            counts[said][_bin(metres)] += 1
            (near[said] if metres <= NEAR else far).append(one.day - other.day)
    none, rare = (_fading(gaps, far, usual) for gaps, usual in zip(near, PRIOR.fades_days[:2], strict=False))
    return Scale(_excess(counts), (none, rare, LONG_DAYS), len(items))


def compare(scale: Scale, items: Sequence[Item]) -> list[float]:
    """For each report the likelihood that it repeats any earlier one, in the order of their time.

    The best one decides; several add a little (the length of all of them as a vector).
    """
    found = []
    for earlier in neighbours(items, REACH):
        each = (likelihood(scale, metres, one.day - other.day, wording(one, other)) for one, other, metres in earlier)
        found.append(hypot(*each))
    return found


def nearest(items: Sequence[Item], reach: float, days: float = inf) -> list[float]:
    """The distance of the nearest earlier one within so many days: what a plain radius goes by."""
    found = []
    for earlier in neighbours(items, reach):
        found.append(min((metres for one, other, metres in earlier if one.day - other.day <= days), default=inf))
    return found


def neighbours(items: Sequence[Item], reach: float) -> Iterator[list[tuple[Item, Item, float]]]:
    """For each in turn the earlier ones within reach, by a grid; where they crowd, the latest of each cell."""
    east = METRES_PER_DEGREE * cos(radians(items[0].lat)) if items else 1.0
    cells: dict[tuple[int, int], list[tuple[Item, float, float]]] = defaultdict(list)
    for one in items:
        x, y = one.lon * east, one.lat * METRES_PER_DEGREE
        column, row = int(x // reach), int(y // reach)
        found = []
        for across, up in product((-1, 0, 1), repeat=2):
            for other, other_x, other_y in cells.get((column + across, row + up), ())[-CROWD:]:
                metres = hypot(x - other_x, y - other_y)
                if metres <= reach:
                    found.append((one, other, metres))
        yield found
        cells[column, row].append((one, x, y))


def favour(merged: int, refused: int) -> float:
    """What the desk's decisions make of a kind: doubled when it merges twice as many as it refuses, within bounds."""
    return min(8.0, max(1 / 8, (merged + 3) / (refused + 3)))


def _pieces(text: str, words: frozenset[str]) -> list[str]:
    pieces: list[str] = []
    for run in _WORD.findall(text.lower()):
        pieces += ([run] if run in words else []) if run.isascii() else _chained(run, words)
    return pieces


def _chained(run: str, words: frozenset[str]) -> list[str]:
    """Pairs of characters that follow one another, put together."""
    pieces: list[str] = []
    end = -1
    for n in range(max(1, len(run) - 1)):
        if run[n : n + 2] not in words:
            continue
        start = n if n > end else n + 1
        piece = run[start : n + 2]
        pieces = [*pieces[:-1], pieces[-1] + piece] if n <= end else [*pieces, piece]
        end = n + 1
    return pieces


@lru_cache(maxsize=65536)
def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _bin(metres: float) -> int:
    return next((n for n, edge in enumerate(EDGES) if metres <= edge), len(EDGES))


def _at(metres: float, likelier: Sequence[float]) -> float:
    """The logarithm at a distance, drawn straight between the edges."""
    if metres <= EDGES[0]:
        return log(likelier[0])
    for n, (near, far) in enumerate(pairwise(EDGES)):
        if metres <= far:
            part = (metres - near) / (far - near)
            return (1 - part) * log(likelier[n]) + part * log(likelier[n + 1])
    return log(likelier[-1])


def _excess(counts: list[Counter[int]]) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """What was seen over what chance would show, each never rising with distance nor falling with more in common."""
    last = len(EDGES)
    outside = sum(count[last] for count in counts)
    per_area = outside / (RING**2 - REACH**2)
    share = (counts[1][last] + counts[2][last] + 1) / (outside + 2)
    inner = (0.0, *EDGES)
    chance = [per_area * (edge**2 - inner[n] ** 2) for n, edge in enumerate(EDGES)]
    rows = []
    for said, part in ((0, 1 - share), (1, share)):
        seen = [(counts[said][n] + 1) / (expected * part + 1) for n, expected in enumerate(chance)]
        rows.append(_falling(seen))
    rows[1] = [max(pair) for pair in zip(*rows, strict=True)]
    most = max(2 * rows[1][0], float(sum(counts[Wording.ALL][n] for n in range(last))))  # chance shows none of these
    return tuple(rows[0]), tuple(rows[1]), tuple(most for _ in EDGES)


def _falling(values: Sequence[float]) -> list[float]:
    """The least line above these that never rises, and at least what the last one says."""
    out: list[float] = []
    for value in reversed(values):
        out.append(max(value, out[-1] if out else 0.0))
    return out[::-1]


def _fading(near: Sequence[float], far: Sequence[float], usual: float) -> float:
    """The days in which likeness fades: how much sooner near ones follow than those that only chance brought there.

    To the first order an exponential tilt moves a mean by its variance over its length.
    """
    if len(near) < 20 or len(far) < 20:
        return usual
    mean = sum(far) / len(far)
    variance = sum((gap - mean) ** 2 for gap in far) / len(far)
    sooner = mean - sum(near) / len(near)
    return min(LONG_DAYS, max(SHORT_DAYS, variance / sooner)) if sooner > 0 else LONG_DAYS

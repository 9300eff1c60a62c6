"""How good a ranking is where the truth is known: average precision, best F1, points of precision and recall. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """What comes of calling everything from this score on a repeat."""

    threshold: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def curve(scores: Sequence[float], truth: Sequence[bool]) -> list[Point]:
    """One point for every different score, the highest first; equal scores cannot be told apart."""
    positives = sum(truth)
    return [
        Point(at, hits / taken, hits / positives if positives else 0.0) for at, taken, hits in _steps(scores, truth)
    ]


def average_precision(points: Sequence[Point]) -> float:
    """The precision, each weighed by the recall it gains."""
    before, total = 0.0, 0.0
    for point in points:
        total += (point.recall - before) * point.precision
        before = point.recall
    return total


def best(points: Sequence[Point]) -> Point:
    """The point of the highest F1; the strictest of several."""
    return max(points, key=lambda point: point.f1, default=Point(0.0, 0.0, 0.0))


def _steps(scores: Sequence[float], truth: Sequence[bool]) -> Iterator[tuple[float, int, int]]:
    ranked = sorted(zip(scores, truth, strict=True), key=lambda pair: -pair[0])
    hits = 0
    for n, (at, true) in enumerate(ranked, 1):
        hits += true
        if n == len(ranked) or ranked[n][0] != at:
            yield at, n, hits

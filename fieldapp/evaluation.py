"""The command that measures rules/similarity.py and rules/habit.py on a file of reports whose repeats are known."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf, isfinite
from pathlib import Path
from typing import Any

import click

from fieldapp.rules import habit, similarity, yardstick
from fieldapp.rules.similarity import Item, Scale
from fieldapp.rules.yardstick import Point

COLUMNS = ("id", "created", "lat", "lon", "category", "text", "duplicate")
WIDEST = 400.0  # metres; any radius up to here may be the best one
SHOWN_ERRORS = 20
POINTS = 20


@dataclass(frozen=True)
class Row:
    """One row that could be read."""

    kind: str
    item: Item
    duplicate: bool


@click.command("evaluate-duplicates")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def evaluate_duplicates(file: Path) -> None:
    """Score every row of FILE.csv against the earlier ones; columns id, created, lat, lon, category, text, duplicate.

    Measured twice. Without decisions: the scale of each kind is learned from the whole file without the column
    duplicate. With decisions: a row is also scored by what that column says of rows of earlier days, as a desk that
    decided each day's reports before the next; never of its own day, of later ones or of itself.
    """
    rows, errors = read(file)
    for line in [*errors[:SHOWN_ERRORS], *_left_off(errors)]:
        click.echo(line, err=True)
    if not rows:
        raise click.ClickException("no row can be compared")
    for line in report(rows):
        click.echo(line)


def read(file: Path) -> tuple[list[Row], list[str]]:
    """The rows in the order of their time, and why others were left out."""
    rows: list[Row] = []
    errors: list[str] = []
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        table = csv.DictReader(lines)
        lacking = [name for name in COLUMNS if name not in (table.fieldnames or ())]
        if lacking:
            raise click.ClickException(f"columns missing: {', '.join(lacking)}")
        for raw in _each(table, errors):
            try:
                rows.append(_row(raw))
            except ValueError as error:
                errors.append(f"line {table.line_num}: {error}")
    return sorted(rows, key=lambda row: row.item.day), errors


def report(rows: Sequence[Row]) -> list[str]:
    """What is printed."""
    truth = [row.duplicate for row in rows]
    radius, plain = _best_radius(rows, truth)
    points = yardstick.curve(followed(rows), truth)
    return [
        f"rows {len(rows)}, marked as repeats {sum(truth)}",
        f"best single radius, same category: {radius:.0f} m, F1 {_said(plain)}",
        f"FixMyStreet, 250 m: F1 {_said(_within(rows, truth, 250, inf))}",
        f"Signalen, 50 m and 12 weeks: F1 {_said(_within(rows, truth, 50, 84))}",
        *_measured("without decisions", yardstick.curve(scored(rows), truth), plain),
        *_measured("with the decisions of earlier days", points, plain),
        "recall  precision  score",
        *(f"{p.recall:6.3f}  {p.precision:9.3f}  {p.threshold:.4f}" for p in _some(points)),
    ]


def scored(rows: Sequence[Row]) -> list[float]:
    """Each row against the earlier ones of its kind; nobody's decisions are asked."""
    return _by_kind(rows, lambda scale, items, _: similarity.compare(scale, items))


def followed(rows: Sequence[Row]) -> list[float]:
    """The same, with what was decided of rows of earlier days."""
    return _by_kind(rows, habit.follow)


def _by_kind(rows: Sequence[Row], method: Callable[[Scale, list[Item], list[bool]], list[float]]) -> list[float]:
    out = [0.0] * len(rows)
    for places, items in _kinds(rows):
        rare = similarity.rare_words(item.text for item in items)
        items = [replace(item, words=words) for item, words in zip(items, rare, strict=True)]
        found = method(similarity.learn(items), items, [rows[place].duplicate for place in places])
        for place, value in zip(places, found, strict=True):
            out[place] = similarity.score(value)
    return out


def _measured(how: str, points: Sequence[Point], plain: Point) -> list[str]:
    top = yardstick.best(points)
    return [
        f"{how}:",
        f"  average precision {yardstick.average_precision(points):.3f}",
        f"  best F1 {_said(top)} at score {top.threshold:.4f}",
        f"  above the best single radius by {top.f1 - plain.f1:+.3f}",
    ]


def _kinds(rows: Sequence[Row]) -> Iterable[tuple[list[int], list[Item]]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row.kind].append(place)
    return [(mine, [rows[place].item for place in mine]) for mine in places.values()]


def _each(table: "csv.DictReader[str]", errors: list[str]) -> Iterable[dict[str, Any]]:
    while True:
        try:
            raw = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            errors.append(f"line {table.line_num}: {error}")
            continue
        yield raw


def _row(raw: dict[str, Any]) -> Row:
    if any(raw.get(name) is None for name in COLUMNS):
        raise ValueError("too few columns")
    duplicate = raw["duplicate"].strip()
    if duplicate not in ("0", "1"):
        raise ValueError("duplicate is neither 0 nor 1")
    lat, lon = _degrees(raw["lat"], 90, "lat"), _degrees(raw["lon"], 180, "lon")
    return Row(raw["category"].strip(), Item(lat, lon, _day(raw["created"]), raw["text"].strip()), duplicate == "1")


def _degrees(text: str, most: float, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} is missing or no number") from None
    if not isfinite(value) or abs(value) > most:
        raise ValueError(f"{name} is out of range")
    return value


def _day(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("created is no time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() / 86400


def _best_radius(rows: Sequence[Row], truth: Sequence[bool]) -> tuple[float, Point]:
    """The radius that is best in hindsight, of all there are."""
    points = yardstick.curve([-metres for metres in _nearest(rows, WIDEST, inf)], truth)
    top = yardstick.best([point for point in points if point.threshold >= -WIDEST])
    return abs(top.threshold), top


def _within(rows: Sequence[Row], truth: Sequence[bool], radius: float, days: float) -> Point:
    return _point(_nearest(rows, radius, days), truth, radius)


def _nearest(rows: Sequence[Row], radius: float, days: float) -> list[float]:
    out = [inf] * len(rows)
    for places, items in _kinds(rows):
        for place, metres in zip(places, similarity.nearest(items, radius, days), strict=True):
            out[place] = metres
    return out


def _point(near: Sequence[float], truth: Sequence[bool], radius: float) -> Point:
    """Every row with an earlier one within the radius is called a repeat."""
    taken = [true for metres, true in zip(near, truth, strict=True) if metres <= radius]
    hits = sum(taken)
    return Point(radius, hits / len(taken) if taken else 0.0, hits / sum(truth) if any(truth) else 0.0)


def _said(point: Point) -> str:
    return f"{point.f1:.3f} (precision {point.precision:.3f}, recall {point.recall:.3f})"


def _some(points: Sequence[Point]) -> list[Point]:
    """The first point at or above each twentieth of recall."""
    wanted = [n / POINTS for n in range(1, POINTS + 1)]
    found = [next((p for p in points if p.recall >= recall), None) for recall in wanted]
    return list(dict.fromkeys(p for p in found if p))


def _left_off(errors: Sequence[str]) -> list[str]:
    return [f"and {len(errors) - SHOWN_ERRORS} more lines left out"] if len(errors) > SHOWN_ERRORS else []

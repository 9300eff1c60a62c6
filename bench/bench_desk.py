"""What the duty desk waits for at ten thousand and at a million reports, each beside a bare indexed query.

Everything is asked in this process, in turn at both sizes; nothing is shared between officers, so that every call pays
for itself. What a busy machine makes a call wait for a processor is taken off: it is measured as if alone.
With `--keep FOLDER` the filled databases stay there and are used again.
"""

import argparse
import gc
import os
import statistics
from collections import defaultdict
from dataclasses import replace

from common import table, verdict
from desk_paths import PATHS, Path, thrown
from desk_places import Place
from kept import filled

from fieldapp import queue
from fieldapp.config import Settings

WITHIN_MS = 25.0
WARM_UP = 12  # after ten, PostgreSQL has chosen the plan that it keeps
ROUNDS = 6

Took = dict[tuple[str, str], list[float]]  # by path and side


def main() -> None:
    chosen = _options()
    paths = [path for path in PATHS if chosen.only in path.name]
    with filled(chosen.db, chosen.keep, (chosen.small, chosen.large)) as (small, large):
        places = {"small": _open(small), "large": _open(large)}
        for name, place in places.items():
            print(f"{name}: {place.crowd} open in the most crowded village, durable: {_durable(place)}", flush=True)
        gc.freeze()  # as wsgi.py does once the application stands
        try:
            _say(paths, _measure(paths, places, max(chosen.calls // ROUNDS, 1)), places)
        finally:
            for place in places.values():
                thrown.over(place)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--small", type=int, default=10_000, help="reports in the smaller one")
    parser.add_argument("--large", type=int, default=1_000_000, help="reports in the larger one")
    parser.add_argument("--keep", default="", help="a folder for the filled databases")
    parser.add_argument("--calls", type=int, default=60, help="of each path at each size")
    parser.add_argument("--only", default="", help="paths whose name has this in it")
    chosen = parser.parse_args()
    print(f"What the desk waits for, {chosen.small:,} and {chosen.large:,} reports "
          f"[{chosen.db}, {os.cpu_count()} cores]", flush=True)  # fmt: skip
    return chosen


def _open(settings: Settings) -> Place:
    return Place(replace(settings, rate_limits=False))


def _durable(place: Place) -> str:
    asked = "PRAGMA synchronous" if place.dialect == "sqlite" else "SHOW fsync"
    (found,) = place.bare(asked)[0]
    return {2: "FULL"}.get(found, str(found))


def _measure(paths: list[Path], places: dict[str, Place], each: int) -> Took:
    """A few of everything in each round, the sizes and sides in turn: a noisy minute is noisy for all."""
    took: Took = defaultdict(list)
    for path in paths:
        for turn in range(WARM_UP):
            _call(path, turn, places)
    for number in range(ROUNDS):
        for path in paths:
            for turn in range(number * each, (number + 1) * each):
                for side, ms in _call(path, turn, places).items():
                    took[path.name, side].append(ms)
    return took


def _call(path: Path, turn: int, places: dict[str, Place]) -> dict[str, float]:
    """Once on each side, in milliseconds."""
    found = {}
    for size, place in places.items():
        found[size] = _timed(path, turn, place)
        found[f"{size} floor"] = place.timed(path.floor, turn)
    if path.paged:
        found["equal"] = _timed(path, turn, places["large"], places["small"].rows_of(path.ours))
    return found


def _timed(path: Path, turn: int, place: Place, rows: int = queue.PAGE) -> float:
    place.limit = max(rows, 1)
    if path.before:
        place.timed(path.before, turn)
    took = place.timed(path.ours, turn)
    if path.after:
        place.timed(path.after, turn)
    place.limit = queue.PAGE
    return took


def _say(paths: list[Path], took: Took, places: dict[str, Place]) -> None:
    head = ("ms", "rows", "small p50", "p95", "large p50", "p95", "growth", "bare p50", "bare/ours")
    table(head, [(path.name, *_columns(path, took, places)) for path in paths])
    missed = 0
    for path in paths:
        p95, growth = _p95(took[path.name, "large"]), _growth(path, took)
        for what, value, goal in (("p95 ms", p95, WITHIN_MS), ("growth", growth, path.growth)):
            if value > goal:
                missed += 1
                verdict(f"{path.name}: {what}", value, goal, at_least=False)
    print(f"  {2 * len(paths) - missed} of {2 * len(paths)} goals met "
          f"(p95 ≤ {WITHIN_MS:g} ms at the larger; growth ≤ 1.5x, the queue ≤ 1.2x)")  # fmt: skip


def _columns(path: Path, took: Took, places: dict[str, Place]) -> list[str]:
    small, large, floor = (took[path.name, side] for side in ("small", "large", "large floor"))
    numbers = (_middle(small), _p95(small), _middle(large), _p95(large), _growth(path, took), _middle(floor),
               _middle(floor) / _middle(large))  # fmt: skip
    rows = "" if path.before else "/".join(str(place.rows_of(path.ours)) for place in places.values())
    return [rows, *(f"{value:.2f}" for value in numbers)]


def _growth(path: Path, took: Took) -> float:
    """With as many rows shown at both sizes, where that can be chosen."""
    return _middle(took[path.name, "equal" if path.paged else "large"]) / _middle(took[path.name, "small"])


def _middle(times: list[float]) -> float:
    return statistics.median(times)


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


if __name__ == "__main__":
    main()

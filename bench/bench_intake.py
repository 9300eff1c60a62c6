"""Intake without a photo beside the same rows by bare SQL, through the same server. Goal: at least half its rate."""

from collections.abc import Callable

from common import HEADERS, Town, in_turn, options, table, towns, verdict
from load import filing, load

GOAL = 0.5
Side = Callable[[str, float], dict[str, float]]


def main() -> None:
    chosen = options("Intake without photo, 8 callers at once")
    with towns(chosen.db, 2) as (town, floor):
        town.serves()
        _carry_phones(town, floor)
        floor.serves("bench.floor:app")
        vik = town.person("vik")

        def product(severity: str, seconds: float) -> dict[str, float]:
            return load(town.settings.port, seconds, filing("/api/reports", vik.id, severity, vik.headers))

        def bare(severity: str, seconds: float) -> dict[str, float]:
            return load(floor.settings.port, seconds, filing(f"/intake/{severity}", 1, severity, HEADERS))

        for severity in ("blue", "red"):
            _compare(severity, chosen.seconds / 2, product, bare)


def _compare(severity: str, seconds: float, product: Side, bare: Side) -> None:
    sides = {"product": lambda s: product(severity, s), "floor: bare SQL": lambda s: bare(severity, s)}
    found = in_turn(sides, seconds)
    rows = [
        (f"{severity} · {name}", *(got[key] for key in ("rate", "p50", "p95", "p99"))) for name, got in found.items()
    ]
    table(("", "per s", "p50 ms", "p95 ms", "p99 ms"), rows)
    verdict(f"{severity}: product / floor", found["product"]["rate"] / found["floor: bare SQL"]["rate"], GOAL)


def _carry_phones(town: Town, floor: Town) -> None:
    """Two devices for a red report to call, the same in both databases."""
    floor.serves()
    for one in (town, floor):
        for username in ("ada", "ben"):
            one.person(username).subscribe(f"http://127.0.0.1:9/{username}")
    floor.stop()


if __name__ == "__main__":
    main()

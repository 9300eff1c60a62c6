"""The promise, long: hundreds of reports while page, browser, line and server fail at random (tests/torture.py).

The closing line says how many arrived and whether any came twice; anything else that is not as promised is named.
Unlike the other benches this one fails when the promise is broken.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from common import chromium, product

from tests.torture import HURRY, Plan, Torture

HEAL_S = 60  # and a second more for each report


def main() -> int:
    chosen = _options()
    plan = Plan.draw(chosen.seed, chosen.reports, chosen.server_kills, chosen.page_kills)
    with (
        tempfile.TemporaryDirectory(prefix="torture", ignore_cleanup_errors=True) as folder,
        chromium() as browser,
        product(chosen.db, hurry=HURRY) as town,
    ):
        return report(Torture(browser, town, Path(folder), plan, _say))


def report(run: Torture) -> int:
    """Run it and say what came of it; the exit status."""
    many, began = len(run.plan.photos), time.monotonic()
    run.go(heal_within=HEAL_S + many)
    wrong = run.wrong()
    minutes = (time.monotonic() - began) / 60
    print(f"seed {run.plan.seed}: {minutes:.1f} minutes, healed {run.healed_in:.0f} s after the last fault")
    print("killed: " + ", ".join(f"{what} {times}" for what, times in sorted(run.killed.items())))
    print("faults: " + ", ".join(f"{kind} {times}" for kind, times in run.line.done.most_common()))
    print("\n".join(wrong) or f"{many} of {many}, none twice")
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    for name, default in (("reports", 200), ("server-kills", 20), ("page-kills", 20), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def _say(words: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

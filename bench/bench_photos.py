"""Making the published copies of a 12-megapixel photo beside the order of the tutorials, each in its own processes.

Goals: at most half the tutorials' time, at most pyvips' time, at most 80 MiB per process.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from common import options, table, verdict
from photo import chosen as photos


def main() -> None:
    chosen = options("Photos: two published copies")
    sides = ["product", "tutorial"] + (["vips"] if find_spec("pyvips") else [])
    if "vips" not in sides:
        print("pyvips is not installed: NOT MEASURED beside it")
    with tempfile.TemporaryDirectory() as folder:
        for name, content in photos(chosen.photo).items():
            path = Path(folder) / "photo.jpg"
            path.write_bytes(content)
            _compare(f"{name}, {len(content) / 1e6:.1f} MB", path, sides)


def _compare(name: str, path: Path, sides: list[str]) -> None:
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(3):
        for side in found:
            found[side].append(_apart(side, path))
    got = {side: {key: statistics.median(one[key] for one in runs) for key in runs[0]} for side, runs in found.items()}
    table((name, "ms", "peak MiB"), [(side, one["ms"], one["mib"]) for side, one in got.items()])
    if "1600" not in name:  # there is little to skip in a small one
        verdict("time / tutorial's", got["product"]["ms"] / got["tutorial"]["ms"], 0.5, at_least=False)
    verdict("peak MiB", got["product"]["mib"], 80, at_least=False)
    if "vips" in got:
        verdict("time / pyvips'", got["product"]["ms"] / got["vips"]["ms"], 1, at_least=False)


def _apart(side: str, path: Path) -> dict[str, float]:
    command = [sys.executable, Path(__file__).with_name("photo_sides.py"), side, path]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return dict(json.loads(done.stdout))


if __name__ == "__main__":
    main()

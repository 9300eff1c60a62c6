"""The ways to make two copies of a photo, each run in a process of its own: `photo_sides.py product PHOTO`."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
TIMES = 5


def product(path: Path) -> None:
    """Ours: draft, resize, turn last; both sizes."""
    from fieldapp.photos import render

    render(path)


def tutorial(path: Path) -> None:
    """Open, turn, shrink, save: the same two copies."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        full = ImageOps.exif_transpose(image)
        for longest in (1600, 320):
            full.thumbnail((longest, longest))
            full.convert("RGB").save(path.with_suffix(f".{longest}.jpg"), "JPEG", quality=82)


def vips(path: Path) -> None:
    """The same two copies with libvips, which shrinks while decoding."""
    import pyvips

    for longest in (1600, 320):
        pyvips.Image.thumbnail(str(path), longest, height=longest).jpegsave(
            str(path.with_suffix(f".{longest}.jpg")), Q=82, keep="none"
        )


def measure(side: Callable[[Path], None], path: Path) -> None:
    """In a process of its own: median ms after a first run, and the peak of its memory."""
    took = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        side(path)
        took.append(time.perf_counter() - began)
    # the kernel's own mark; ru_maxrss would count what the parent had in memory at the fork
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"ms": 1000 * statistics.median(took[1:]), "mib": peak}))


if __name__ == "__main__":
    measure({"product": product, "tutorial": tutorial, "vips": vips}[sys.argv[1]], Path(sys.argv[2]))

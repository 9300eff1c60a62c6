"""Static files under a release name made from their content, so that browsers may keep them for ever.

A module's relative imports stay inside its release; a new release is a new folder name, never a stale mix.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from fieldapp.config import ROOT

STATIC = ROOT / "static"


@lru_cache(maxsize=1)
def release() -> str:
    """Twelve hex digits over the names and contents of all static files."""
    digest = hashlib.sha256()
    for path in files():
        digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def files() -> list[Path]:
    """Every static file, in a stable order."""
    return sorted(path for path in STATIC.rglob("*") if path.is_file() and path.suffix != ".md")


def asset(name: str) -> str:
    """The address of a static file in the current release."""
    return f"/static/{release()}/{name}"

"""Static files under a release name made from their content, so that browsers may keep them for ever.

A module's relative imports stay inside its release; a new release is a new folder name, never a stale mix. Phones keep
pages as well, so what those are made of is part of the release.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from fieldapp.config import ROOT

STATIC = ROOT / "static"
KEPT_PAGES = ("templates/base.html", "templates/patrol/*.html", "fieldapp/translations/*/LC_MESSAGES/messages.[mp]o")


@lru_cache(maxsize=1)
def release() -> str:
    """Twelve hex digits over the names and contents of all static files and of what the kept pages are made of."""
    digest = hashlib.sha256()
    for path in [*files(), *(path for pattern in KEPT_PAGES for path in sorted(ROOT.glob(pattern)))]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def files() -> list[Path]:
    """Every static file, in a stable order."""
    return sorted(path for path in STATIC.rglob("*") if path.is_file() and path.suffix != ".md")


def asset(name: str) -> str:
    """The address of a static file in the current release."""
    return f"/static/{release()}/{name}"

"""Lighthouse against the pages a phone opens first: scores, and for every score below 100 what it is that fails.

Its packages are pinned with their hashes in bench/lighthouse/ and installed into a temporary folder for this run;
Node is the machine's own. The browser it looks through belongs to somebody who has logged in.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import ROOT, free_port, options, product, table
from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS

PAGES = ("/?stay=1", "/report", "/reports", "/login")
KINDS = ("performance", "accessibility", "best-practices")
INSTALL_S, RUN_S = 300, 120


def main() -> None:
    chosen = options("Lighthouse", user="vik")
    if shutil.which("npm") is None or CHROMIUM is None:
        raise SystemExit("Node with npm, or Chromium, is not installed: NOT MEASURED")
    with tempfile.TemporaryDirectory(prefix="lighthouse", ignore_cleanup_errors=True) as name:
        folder = install(Path(name))
        with product(chosen.db) as town:
            found = {}
            for page in PAGES:
                with somebody(folder, town.url, "" if page == "/login" else chosen.user) as port:
                    found[page] = look(folder, town.url + page, port)
    table(
        ("page", "speed", "access", "practices"),
        [(page, *(score(found[page], kind) for kind in KINDS)) for page in PAGES],
    )
    for page, result in found.items():
        for kind in KINDS:
            for title in failing(result, kind):
                print(f"  {page} {kind}: {title}")


@contextmanager
def somebody(folder: Path, url: str, user: str) -> Iterator[int]:
    """A browser that is logged in (or not), to be driven through the port."""
    port = free_port()
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            folder / f"profile{port}", executable_path=CHROMIUM, args=[*FLAGS, f"--remote-debugging-port={port}"]
        )
        if user:
            context.request.post(f"{url}/api/session", data={"username": user, "password": "demo"})
        yield port
        context.close()


def install(folder: Path) -> Path:
    """Exactly what package-lock.json names, without running anybody's scripts."""
    for file in (ROOT / "bench" / "lighthouse").glob("package*.json"):
        shutil.copy(file, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_S)
    return folder


def look(folder: Path, url: str, port: int) -> dict[str, Any]:
    """Lighthouse's own report on one page, as on a phone."""
    command = [
        str(folder / "node_modules" / ".bin" / "lighthouse"), url, "--quiet", "--output=json", "--output-path=stdout",
        f"--only-categories={','.join(KINDS)}", f"--port={port}",
    ]  # fmt: skip
    env = {"CHROME_PATH": str(CHROMIUM), "PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=RUN_S)
    if done.returncode:
        raise SystemExit(f"{url}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout))


def score(result: dict[str, Any], kind: str) -> object:
    value = result["categories"][kind]["score"]
    return "no score" if value is None else round(100 * value)


def failing(result: dict[str, Any], kind: str) -> list[str]:
    """The audits that cost a category points, with what Lighthouse shows of them."""
    if score(result, kind) == 100:
        return []
    parts = [result["audits"][part["id"]] for part in result["categories"][kind]["auditRefs"] if part["weight"]]
    return [_words(audit) for audit in parts if audit["score"] is not None and audit["score"] < 1]


def _words(audit: dict[str, Any]) -> str:
    items = audit.get("details", {}).get("items", [])
    nodes = [str(item.get("node", {}).get("snippet") or item.get("url") or "") for item in items[:3]]
    shown = " | ".join(node[:120] for node in nodes if node)
    return f"{audit['id']} {audit['score']} {audit.get('displayValue', '')} {shown}".rstrip()


if __name__ == "__main__":
    main()

"""What a phone downloads on its first visit to the report page. Goals: 60 KB in all, 35 KB of script, gzip.

Real answers are counted, once as a client that takes only gzip and once as today's browsers ask.
"""

import re
import urllib.request
from urllib.parse import urljoin, urlsplit

from common import options, table, towns, verdict

GOAL_KB, SCRIPT_GOAL_KB = 60, 35
BROWSER = "gzip, deflate, br, zstd"
REFERENCES = re.compile(r"""<(?:link|script|img|use|source)\b[^>]*?\b(?:href|src)="([^"#]+)""")
IMPORTS = re.compile(r"""(?:\bfrom\s*|\bimport\s*)["']([^"']+)["']""")  # what import() brings later is no first visit
URLS = re.compile(r"""url\(["']?([^"')]+)""")


def main() -> None:
    chosen = options("First visit to a page", page="/report")
    with towns(chosen.db) as (town,):
        town.serves()
        gzip, browser = (visit(town.origin, chosen.page, accepts) for accepts in ("gzip", BROWSER))
    rows = [(urlsplit(url).path[-43:], size, browser[url]) for url, size in gzip.items()]
    rows.sort(key=lambda row: -row[1])
    table((f"{chosen.page}: bytes on the wire", "gzip only", "as browsers"), rows)
    for name, found in (("gzip only", gzip), ("as browsers ask", browser)):
        script = sum(size for url, size in found.items() if urlsplit(url).path.endswith(".js"))
        verdict(f"{name}: in all, KB", sum(found.values()) / 1000, GOAL_KB, at_least=False)
        verdict(f"{name}: script, KB", script / 1000, SCRIPT_GOAL_KB, at_least=False)


def visit(origin: str, page: str, accepts: str) -> dict[str, int]:
    """Everything the page refers to or its modules import, by address, with its size as sent."""
    sizes: dict[str, int] = {}
    waiting = [origin + page]
    while waiting:
        url = waiting.pop()
        if url in sizes or not url.startswith(origin):
            continue
        kind, content, size = _get(url, accepts)
        sizes[url] = size
        waiting += [urljoin(url, name) for name in _refers_to(kind, content)]
    return sizes


def _refers_to(kind: str, content: bytes) -> list[str]:
    if "html" in kind:
        return REFERENCES.findall(content.decode())
    if "javascript" in kind:
        return [name for name in IMPORTS.findall(content.decode()) if name.startswith((".", "/"))]
    if "css" in kind:
        return [name for name in URLS.findall(content.decode()) if not name.startswith("data:")]
    return []  # the manifest's icons are fetched when the app is installed, not on a visit


def _get(url: str, accepts: str) -> tuple[str, bytes, int]:
    """The type and content of a file, and how many bytes came for it."""
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Accept-Encoding": accepts}), timeout=10
    ) as answer:
        kind, size = answer.headers.get_content_type(), len(answer.read())
    with urllib.request.urlopen(url, timeout=10) as plain:
        return kind, plain.read(), size


if __name__ == "__main__":
    main()

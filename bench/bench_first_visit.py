"""What a phone downloads on its first visit to the report page. Goals: 60 KB in all, 35 KB of script, gzip.

Real answers are counted, once as a client that takes only gzip and once as today's browsers ask.
"""

from urllib.parse import urlsplit

from common import BROWSER, is_script, options, table, towns, verdict, visit

GOAL_KB, SCRIPT_GOAL_KB = 60, 35


def main() -> None:
    chosen = options("First visit to a page", page="/report")
    with towns(chosen.db) as (town,):
        town.serves()
        gzip, browser = (visit(town.origin, chosen.page, accepts) for accepts in ("gzip", BROWSER))
    rows = [(urlsplit(url).path[-43:], size, browser[url]) for url, size in gzip.items()]
    rows.sort(key=lambda row: -row[1])
    table((f"{chosen.page}: bytes on the wire", "gzip only", "as browsers"), rows)
    for name, found in (("gzip only", gzip), ("as browsers ask", browser)):
        script = sum(size for url, size in found.items() if is_script(url))
        verdict(f"{name}: in all, KB", sum(found.values()) / 1000, GOAL_KB, at_least=False)
        verdict(f"{name}: script, KB", script / 1000, SCRIPT_GOAL_KB, at_least=False)


if __name__ == "__main__":
    main()

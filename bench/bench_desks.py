"""Fifty open desks while one new red comes every second. Goal: on all of them within 3 s, for 20 % of one core.

Each desk does what static/js/desk-pulse.js, desk-live.js and the page itself do: asks for the pulse every two seconds
with the last answer's tag, fetches the list again when the answer is new, and asks every half minute who is on call.
One of them is the real page in Chromium. A desk has a red when its list names it. What the server used (intake of the
reds included) and, on PostgreSQL, what the database's processes used is read from /proc; the desks are not counted.
With `--keep FOLDER` they look at the larger of the filled databases there, at the lane 待研判: among thousands of open
cases the newest red is not on the first page of all of them.
"""

import argparse
import gzip
import random
import statistics
import tempfile
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread

from common import HEADERS, Caller, Town, chromium, options, table, towns, verdict
from cpu import Used
from desk_window import Window
from kept import filled

EVERY_S, WAITS_S, ON_CALL_S = 2.0, 6.0, 30.0
SEEN_WITHIN_S, CORE = 3.0, 0.2
FIRST_PAGE = 45  # more reds than this would leave the first page of fifty


@dataclass
class Desk:
    """One open page, and when it first showed each red."""

    port: int
    cookie: str
    lane: str
    shown: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    fetched: int = 0
    tag: str = ""
    failed: str = ""

    def runs(self, awaited: list[str], over: Event, offset: float) -> None:
        """Ask at each tick until it is over; a missing answer is kept, not hidden."""
        line, tick = HTTPConnection("127.0.0.1", self.port, timeout=8), time.monotonic() + offset
        on_call = tick + offset / EVERY_S * ON_CALL_S  # these desks were not all opened at the same moment
        while not over.wait(max(0.0, tick - time.monotonic())):
            try:
                self._ask(line, awaited)
                if on_call <= tick:
                    self._get(line, "/desk/on-call", {"HX-Request": "true"})
                    on_call += ON_CALL_S
            except OSError as error:
                self.failed = str(error)
                line.close()
            while tick <= time.monotonic():  # a tick during an answer is left out, as on the page
                tick += EVERY_S

    def _ask(self, line: HTTPConnection, awaited: list[str]) -> None:
        self.asked += 1
        status, _, tag = self._get(line, "/desk/pulse", {"If-None-Match": self.tag} if self.tag else {})
        if status == 304:
            return
        self.tag, self.fetched = tag, self.fetched + 1
        _, page, _ = self._get(line, f"/desk/queue?lane={self.lane}", {"HX-Request": "true"})
        for words in awaited[:]:
            if words in page:
                self.shown.setdefault(words, time.monotonic())

    def _get(self, line: HTTPConnection, path: str, more: dict[str, str]) -> tuple[int, str, str]:
        line.request("GET", path, headers=HEADERS | {"Cookie": self.cookie, "Accept-Encoding": "gzip"} | more)
        answer = line.getresponse()
        body = answer.read()
        if answer.status not in (200, 304):
            raise OSError(f"{path}: {answer.status}")
        zipped = answer.headers.get("Content-Encoding") == "gzip"
        return answer.status, (gzip.decompress(body) if zipped else body).decode(), answer.headers.get("ETag") or ""


def main() -> None:
    chosen = options("Open desks while one new red comes every second", desks=50, keep="", large=1_000_000, chromium=1)
    with ExitStack() as stack:
        town = _town(stack, chosen)
        town.serves()
        vik, dora = town.person("vik"), town.person("dora")
        lane = "triage" if chosen.keep else "open"
        desks = [Desk(town.settings.port, dora.cookie, lane) for _ in range(chosen.desks)]
        browser = stack.enter_context(chromium() if chosen.chromium else nullcontext())
        window = Window(browser, town.origin, dora.cookie, lane) if browser else None
        reports = _watch(desks, window, vik, Used(town), min(int(chosen.seconds), FIRST_PAGE))
        if chosen.keep:
            _decline(town.person("dora"), vik, reports)


def _town(stack: ExitStack, chosen: argparse.Namespace) -> Town:
    """An empty one of its own, or the kept one with its million."""
    if chosen.keep:
        (settings,) = stack.enter_context(filled(chosen.db, chosen.keep, [chosen.large]))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        town = Town(folder, replace(settings, base_url=f"http://127.0.0.1:{settings.port}"))
        stack.callback(town.stop)
        return town
    (town,) = stack.enter_context(towns(chosen.db))
    return town


def _watch(desks: list[Desk], window: Window | None, vik: Caller, used: Used, reds: int) -> list[str]:
    """The ids of the reports."""
    chance, over, awaited = random.Random(7), Event(), list[str]()
    threads = [Thread(target=desk.runs, args=(awaited, over, chance.random() * EVERY_S)) for desk in desks]
    for thread in threads:
        thread.start()
    time.sleep(EVERY_S)
    used.begin()
    time.sleep(2 * EVERY_S)
    quiet = used.shares()
    used.begin()
    filed, reports = _file(vik, awaited, reds)
    busy = used.shares()
    time.sleep(WAITS_S)
    over.set()
    for thread in threads:
        thread.join()
    _say(desks, filed, quiet, busy)
    if window:
        _say_window(window.shown(filed), len(filed))
    return reports


def _file(vik: Caller, awaited: list[str], reds: int) -> tuple[dict[str, float], list[str]]:
    """One red a second; when each was accepted, and their reports' ids."""
    filed, reports, start, mark = {}, [], time.monotonic(), random.randrange(10**7)
    for number in range(reds):
        time.sleep(max(0.0, start + number - time.monotonic()))
        words = f"电线垂落{mark:07d}第{number:04d}处"
        awaited.append(words)
        reports.append(vik.file("red", text=words))
        filed[words] = time.monotonic()
    time.sleep(max(0.0, start + reds - time.monotonic()))
    return filed, reports


def _decline(dora: Caller, vik: Caller, reports: list[str]) -> None:
    """A kept database is left with as many open cases as it had."""
    for report in reports:
        number = vik.ask("GET", f"/api/reports/{report}")["case_number"]
        version = dora.ask("GET", f"/api/cases/{number}")["version"]
        body = {"action": "decline", "version": version, "note": "试测"}
        dora.ask("POST", f"/api/cases/{number}/transitions", body)


def _say(desks: list[Desk], filed: dict[str, float], quiet: dict[str, float], busy: dict[str, float]) -> None:
    waits = sorted(
        max(0.0, desk.shown[words] - at) for words, at in filed.items() for desk in desks if words in desk.shown
    )
    missing = len(filed) * len(desks) - len(waits)
    print(f"  {len(desks)} desks, {len(filed)} reds, {missing} never shown, "
          f"{sum(bool(desk.failed) for desk in desks)} desks with a failed request")  # fmt: skip
    print("".join(f"  {desk.failed}\n" for desk in desks if desk.failed)[:300], end="")
    if waits:
        seen = (statistics.median(waits), waits[int(len(waits) * 0.95)], waits[-1])
        table(("from accepted to shown, s", "p50", "p95", "worst"), [("", *(f"{wait:.2f}" for wait in seen))])
        verdict("worst wait, s", waits[-1], SEEN_WITHIN_S, at_least=False)
    verdict("reds never shown on some desk", missing, 0, at_least=False)
    pulses, lists = sum(desk.asked for desk in desks), sum(desk.fetched for desk in desks)
    print(f"  {pulses} pulses, {lists} lists; while nothing comes: {_shares(quiet)}; while reds come: {_shares(busy)}")
    verdict("server / one core while reds come", busy["server"], CORE, at_least=False)
    if "database" in busy:
        verdict("server and database / one core", sum(busy.values()), CORE, at_least=False)


def _say_window(waits: list[float], filed: int) -> None:
    print(f"  the page in Chromium showed {len(waits)} of {filed}", end="")
    print(f", p50 {statistics.median(waits):.2f} s, worst {max(waits):.2f} s" if waits else "")


def _shares(used: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%} of one core" for name, share in used.items())


if __name__ == "__main__":
    main()

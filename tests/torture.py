"""The promise under everything at once: a phone, a line and a server that fail at random, and a count at the end.

Drawn from the seed, and the same in every run: the reports and their photos, at which report and at which step of
writing it the page or the browser is killed and how long after that step, at which report and how late the server is,
and the decision for the first, second, third … request that comes to the line. Not the same in every run, because
nobody sets the machine's pace: which request is the third, and what exactly a kill meets.
"""

import asyncio
import hashlib
import io
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image
from playwright.sync_api import Browser, Error, expect
from sqlalchemy import create_engine, text

from tests.browser.kept_phone import KeptPhone
from tests.browser.relay import BadLine, Exchange, Fault, answer, broken_off, cut_short, drop, lost, repeated
from tests.processes import Product

HURRY = {"RESTART_AFTER_S": 0.2, "RESTART_AT_LATEST_S": 1.0}  # a server that dies all the time is brought back at once
SHARE = 0.55  # of the requests that go wrong
STEPS = ("opened", "photographed", "written", "pressed", "promised")
Say = Callable[[str], object]


def at_the_desk(town: Product, words: str) -> list[list[str]]:
    """For each report with this text, the hashes of its photos as they stand on the server's disk."""
    engine = create_engine(town.env["DATABASE_URL"])
    try:
        with engine.connect() as connection:
            ask = "SELECT id FROM reports WHERE text = :words"
            found = [row[0] for row in connection.execute(text(ask), {"words": words})]
            return [_photos_of(town, connection, report_id) for report_id in found]
    finally:
        engine.dispose()


def _photos_of(town: Product, connection: Any, report_id: Any) -> list[str]:
    ask = "SELECT id FROM attachments WHERE report_id = :id AND state <> 'expected'"
    ids = [UUID(str(row[0])) for row in connection.execute(text(ask), {"id": report_id})]
    return sorted(hashlib.sha256(_original(town, one).read_bytes()).hexdigest() for one in ids)


def _original(town: Product, photo_id: UUID) -> Path:
    return Path(town.env["FIELDAPP_INSTANCE"], "photos", "originals", photo_id.hex[-2:], str(photo_id))


@dataclass(frozen=True)
class Kill:
    """A page, the whole browser or the server dies at a report: after a step of writing it, and so much later (s)."""

    what: str
    step: str
    later: float


@dataclass(frozen=True)
class Plan:
    """What is drawn beforehand."""

    seed: int
    photos: list[list[bytes]]
    kills: dict[int, list[Kill]]

    @classmethod
    def draw(cls, seed: int, reports: int, server_kills: int, page_kills: int) -> "Plan":
        chance = random.Random(seed)
        photos = [[_photo(chance) for _ in range(chance.choice((1, 2)))] for _ in range(reports)]
        kills: dict[int, list[Kill]] = {}
        for number in chance.sample(range(reports), server_kills):
            kills.setdefault(number, []).append(Kill("server", "opened", chance.uniform(0, 1.5)))
        for at, number in enumerate(chance.sample(range(reports), page_kills)):
            what = ("page", "browser")[at % 2]
            kills.setdefault(number, []).append(Kill(what, chance.choice(STEPS), chance.uniform(0, 0.4)))
        return cls(seed, photos, kills)


def _photo(chance: random.Random) -> bytes:
    """A small JPEG like no other, of a quality that no phone could make smaller without loss: it stays as it is."""
    width, height = chance.randint(90, 160), chance.randint(90, 160)
    grain = Image.frombytes("RGB", (16, 16), chance.randbytes(16 * 16 * 3))
    target = io.BytesIO()
    grain.resize((width, height)).save(target, "JPEG", quality=30)
    return target.getvalue()


class WildLine(BadLine):
    """A line that fails at random, by decisions drawn from a seed in the order of the requests."""

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(port)
        self._chance = random.Random(f"line {seed}")
        self._receipts: dict[str, bytes] = {}
        self.calm = False
        self.done: Counter[str] = Counter()
        self._faults: dict[str, Fault] = {
            "cut before the server": drop, "cut in the body": broken_off, "answer cut short": cut_short,
            "answer lost": lost(), "sent twice": repeated(2), "portal 200": answer(200),
            "gateway 502": answer(502, "<h1>Bad Gateway</h1>"), "login redirect": answer(302, Location="/login"),
            "200 and no receipt": answer(200, '{"ok": true}', "application/json"),
        }  # fmt: skip

    def _fault_for(self, line: str) -> Fault | None:
        if " /api/" not in line:
            return None
        kinds = [*self._faults, "delayed", "stalled", "another's receipt"]
        goes_wrong, kind, long = self._chance.random() < SHARE, self._chance.choice(kinds), self._chance.random()
        if self.calm or not goes_wrong:
            return self._remember if line.startswith("PUT") else None
        self.done[kind] += 1
        return self._fault(kind, line, long)

    def _fault(self, kind: str, line: str, long: float) -> Fault:
        if kind == "delayed":
            return _late(2 * long, passes=True)
        if kind == "stalled":
            return _late(3 * long, passes=False)
        if kind == "another's receipt":
            return self._strange(line)
        return self._faults[kind]

    async def _remember(self, exchange: Exchange) -> None:
        data = await exchange.pass_on()
        if b'"content_hash"' in data:
            self._receipts[hashlib.sha256(data).hexdigest()] = data
        await exchange.give(data)
        await asyncio.sleep(0.05)

    def _strange(self, line: str) -> Fault:
        """A whole, true receipt, but of another report."""
        own = line.encode().split(b"/")[-1]
        others = [data for data in self._receipts.values() if own not in data]  # a photo's id stands in its receipt too

        async def fault(exchange: Exchange) -> None:
            await exchange.give(others[-1] if others else b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")
            await asyncio.sleep(0.2)

        return fault


def _late(seconds: float, passes: bool) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        if passes:
            await exchange.give(await exchange.pass_on())
            await asyncio.sleep(0.2)

    return fault


@dataclass
class Torture:
    """One run. `go()` returns when everything is healed; `wrong()` names what is not as promised."""

    browser: Browser
    town: Product
    folder: Path
    plan: Plan
    say: Say = print
    killed: Counter[str] = field(default_factory=Counter)
    promised: set[int] = field(default_factory=set)
    healed_in: float = 0

    def words(self, number: int) -> str:
        return f"第 {number} 条，种子 {self.plan.seed}"

    def go(self, heal_within: float) -> None:
        with WildLine(self.town.port, self.plan.seed) as self.line:
            self.line.calm = True
            self.phone = KeptPhone(self.browser, self.town, self.line, self.folder / "profile", worker=True)
            try:
                self.phone.form()
                self.phone.controlled()
                self.line.calm = False
                for number in range(len(self.plan.photos)):
                    self._report(number)
                self.line.calm = True
                self._heal(heal_within)
                self.left = self.phone.queue()
            finally:
                with suppress(Error):
                    self.phone.context.close()

    def _report(self, number: int) -> None:
        """One report until it is safe on the phone, however often that takes."""
        kills = list(self.plan.kills.get(number, ()))
        timers = [threading.Timer(kill.later, self._kill_server) for kill in kills if kill.what == "server"]
        for timer in timers:
            timer.start()
        kills = [kill for kill in kills if kill.what != "server"]
        while number not in self.promised:
            for step in STEPS:
                self._do(step, number)
                if kills and kills[0].step == step:
                    self._kill(kills.pop(0))
                    break
            if self._is_on_the_phone(number):
                self.promised.add(number)
        for timer in timers:
            timer.join()
        if number % 4 == 3:
            self.phone.insist()  # somebody impatient presses 立即发送, so that the line has enough to do
        if number % 20 == 19:
            wait = len(self.phone.queue())
            self.say(f"{number + 1} written, {wait} wait; {sum(self.line.done.values())} faults, {dict(self.killed)}")

    def _do(self, step: str, number: int) -> None:
        page, photos = self.phone.page, self.plan.photos[number]
        if step == "opened":
            self.phone.form()
        elif step == "photographed":
            named = [{"name": "image.jpg", "mimeType": "image/jpeg", "buffer": one} for one in photos]
            page.locator("#gallery").set_input_files(named)
        elif step == "written":
            expect(page.locator("#photos .drop")).to_have_count(len(photos))
            page.locator("#text").fill(self.words(number))
        elif step == "pressed":
            page.locator("#send").tap()
        else:
            page.locator("#done").wait_for(timeout=30_000)
            self.promised.add(number)

    def _kill(self, kill: Kill) -> None:
        time.sleep(kill.later)
        self.killed[kill.what] += 1
        if kill.what == "page":
            self.phone.page_killed()
        else:
            self.phone.killed()
        self.phone.page.goto("/reports")

    def _kill_server(self) -> None:
        for _ in range(100):
            with suppress(ValueError):  # it is just being started
                self.town.kill_server()
                self.killed["server"] += 1
                return
            time.sleep(0.1)

    def _is_on_the_phone(self, number: int) -> bool:
        """Committed, even if the page died before it could say so."""
        queued = [report["body"]["text"] for report in self.phone.queue()]
        sent = [entry.get("title") for entry in self.phone.rows("sent")]
        return self.words(number) in (*queued, *sent)

    def _heal(self, within: float) -> None:
        """The line is good again and the person opens the app; whoever is impatient presses 立即发送."""
        began = time.monotonic()
        self.town.wait_until(lambda: self.town.ready()[0] == 200)
        while self.phone.queue() and time.monotonic() - began < within:
            self.phone.insist()
            self.phone.page.wait_for_timeout(500)
        self.healed_in = time.monotonic() - began

    def wrong(self) -> list[str]:
        """Everything that is not as promised; nothing is what it should be."""
        faults = [f"still on the phone: {report['state']} {report['why']}" for report in self.left]
        for number, photos in enumerate(self.plan.photos):
            wanted = [sorted(hashlib.sha256(one).hexdigest() for one in photos)]
            found = at_the_desk(self.town, self.words(number))
            if found != wanted:
                faults.append(f"{self.words(number)}: {len(found)} times, photos {found} instead of {wanted}")
        return faults + self._wrong_cases() + self.phone.faults

    def _wrong_cases(self) -> list[str]:
        engine = create_engine(self.town.env["DATABASE_URL"])
        ask = "SELECT count(*), count(DISTINCT id), count(DISTINCT case_id) FROM reports WHERE text LIKE :words"
        lone = "SELECT count(*) FROM cases WHERE id NOT IN (SELECT case_id FROM reports WHERE case_id IS NOT NULL)"
        with engine.connect() as connection:
            counted = tuple(connection.execute(text(ask), {"words": f"%种子 {self.plan.seed}"}).one())
            alone = connection.execute(text(lone)).scalar()
        engine.dispose()
        many = len(self.plan.photos)
        right = counted == (many, many, many) and not alone
        return [] if right else [f"reports, ids, cases: {counted} for {many}; cases of no report: {alone}"]

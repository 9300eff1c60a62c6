"""What became of each case, and when: made up step by step as the rules allow. No database here."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from fieldapp import clock
from fieldapp.rules.roles import Role
from fieldapp.rules.severity import Severity
from fieldapp.rules.sources import Source
from fieldapp.rules.workflow import OPEN, Status
from tests.filling import words
from tests.filling.county import Person, Town, Village, near
from tests.filling.words import Scene

DAYS = 548
STORMS, IN_STORMS = 24, 0.1
HOURS = (2, 1, 1, 1, 1, 2, 5, 9, 8, 7, 6, 6, 5, 5, 6, 6, 6, 7, 9, 14, 16, 14, 8, 4)  # how much comes at which
SEVERITIES = (Severity.BLUE, Severity.YELLOW, Severity.RED), (75, 22, 3)
SOURCES = (Source.PATROL, Source.HOTLINE, Source.VISIT, Source.POLICE, Source.PUBLIC, Source.OPINION, Source.OTHER)
HOW_OFTEN = (80, 9, 4, 3, 2.5, 1, 0.5)
STANDS = (
    (Status.NEW, 18), (Status.ACCEPTED, 12), (Status.DISPATCHED, 15), (Status.ACKNOWLEDGED, 14), (Status.EN_ROUTE, 6),
    (Status.ON_SCENE, 15), (Status.ANSWERED, 14), (Status.VERIFIED, 6),
)  # fmt: skip
S = Status
WAY = (
    ("accept", S.NEW, S.ACCEPTED), ("dispatch", S.ACCEPTED, S.DISPATCHED),
    ("acknowledge", S.DISPATCHED, S.ACKNOWLEDGED), ("depart", S.ACKNOWLEDGED, S.EN_ROUTE),
    ("arrive", S.EN_ROUTE, S.ON_SCENE),
    ("report_outcome", S.ON_SCENE, S.ANSWERED), ("verify", S.ANSWERED, S.VERIFIED), ("close", S.VERIFIED, S.CLOSED),
)  # fmt: skip
RED_WAY = (("acknowledge", S.NEW, S.ACKNOWLEDGED), *WAY[3:])  # who is called signs before the desk has looked
# minutes each takes in the mean: blue, yellow, red
TAKES = {
    "accept": (14, 9, 2), "dispatch": (10, 6, 2), "acknowledge": (70, 8, 1.6), "depart": (120, 20, 3),
    "arrive": (240, 30, 9), "report_outcome": (600, 180, 60), "verify": (240, 120, 60), "close": (30, 20, 15),
    "decline": (25, 20, 15),
}  # fmt: skip
DECLINED, SENT_TO_DEPARTMENT, PARKED, CONFIRMED = 0.05, 0.15, 0.04, 0.2


@dataclass(slots=True)
class Telling:
    """One report of a case."""

    at: float
    text: str
    owner: Person
    severity: Severity
    lat: float
    lon: float
    id: str = ""


@dataclass(slots=True)
class Life:
    """One case. Times are seconds of the epoch; `steps` are when, what, from, to."""

    town: Town
    village: Village
    scene: Scene
    severity: Severity
    status: Status
    first: Telling
    source: Source
    desk: Person
    crew: Person
    by_department: bool
    steps: list[tuple[float, str, Status, Status]] = field(default_factory=list)
    joined: list[Telling] = field(default_factory=list)
    merged: list["Life"] = field(default_factory=list)  # what was found to be the same
    into: "Life | None" = None
    parked: tuple[float, float] | None = None  # since, until
    confirmed: float | None = None
    id: int = 0
    number: str = ""

    @property
    def opened(self) -> float:
        return self.first.at

    @property
    def ended(self) -> float | None:
        return None if self.status in OPEN else self.steps[-1][0]

    def when(self, action: str) -> float | None:
        return next((at for at, what, _, _ in self.steps if what == action), None)


class Fate:
    """Makes lives. The same seed and the same now give the same."""

    def __init__(self, found: Sequence[Town], weights: Sequence[float], seed: int, now: float) -> None:
        self.towns, self.weights, self.now = found, weights, now
        self.chance = random.Random(seed)

    def openings(self, count: int) -> list[tuple[float, bool]]:
        """When so many cases that are over by now began, and whether in a storm."""
        in_storms, pick = round(count * IN_STORMS), self.chance.choices
        midnight = clock.local(datetime.fromtimestamp(self.now, UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
        first = (midnight - timedelta(days=DAYS)).timestamp()
        nights = [first + self.chance.randrange(DAYS - 1) * 86400 + 19 * 3600 for _ in range(STORMS)]
        days = pick(range(DAYS), k=count - in_storms)
        hours = pick(range(24), HOURS, k=count - in_storms)
        found = [
            (first + day * 86400 + (hour + self.chance.random()) * 3600, False)
            for day, hour in zip(days, hours, strict=True)
        ]
        found += [(night + self.chance.triangular(0, 9, 2) * 3600, True) for night in pick(nights, k=in_storms)]
        return sorted(found)

    def over(self, at: float, storm: bool) -> Life:
        """One that is closed or declined by now."""
        declined = self.chance.random() < DECLINED
        life = self._begin(at, storm, Status.DECLINED if declined else Status.CLOSED)
        way = (("decline", S.NEW, S.DECLINED),) if declined else RED_WAY if life.severity == Severity.RED else WAY
        self._walk(life, way)
        if (late := life.steps[-1][0] - at) > (left := (self.now - at) * 0.95):
            life.steps = [(at + (when - at) * left / late, *step) for when, *step in life.steps]  # type: ignore[misc]
        if not declined and self.chance.random() < CONFIRMED:
            life.confirmed = min(life.steps[-1][0] + self.chance.expovariate(1 / 7200), self.now)
        return life

    def open(self, allowed: dict[tuple[Severity, Status], int]) -> Life:
        """One that stands somewhere on its way, seldom too long; `allowed` are the minutes of the limits."""
        status = self.chance.choices(*zip(*STANDS, strict=True))[0]
        life = self._begin(0.0, False, status)
        if life.severity == Severity.RED and status in (Status.ACCEPTED, Status.DISPATCHED):
            life.severity = life.first.severity = Severity.YELLOW
        way = RED_WAY if life.severity == Severity.RED else WAY
        reached = next((place for place, step in enumerate(way) if step[2] == status), -1)
        self._walk(life, way[: reached + 1])
        late = self.chance.random() < 0.12
        share = self.chance.uniform(1.0, 1.8) if late else self.chance.triangular(0.01, 0.95, 0.1)
        stood = allowed[life.severity, status] * 60 * share
        began = self.now - stood - (life.steps[-1][0] if life.steps else 0.0)
        life.first.at = began
        life.steps = [(began + when, *step) for when, *step in life.steps]  # type: ignore[misc]
        if status != Status.NEW and life.severity != Severity.RED and self.chance.random() < PARKED:
            life.parked = self.now - stood * 0.4, self.now + self.chance.uniform(1, 5) * 86400
        return life

    def again(self, life: Life) -> None:
        """Somebody else reports the same: joins it, or opens a case that the desk then merges."""
        end = life.ended or self.now
        at = life.opened + min(self.chance.expovariate(1 / 2400) + 30, (end - life.opened) * 0.9)
        if self.chance.random() < 0.75:
            life.joined.append(self._telling(at, life, Severity.BLUE))
            return
        other = Life(
            life.town, life.village, life.scene, Severity.BLUE, Status.MERGED, self._telling(at, life, Severity.BLUE),
            Source.PATROL, life.desk, life.crew, False, into=life,
        )  # fmt: skip
        merged_at = at + min(self.chance.expovariate(1 / 900), (end - at) * 0.9)
        other.steps = [(merged_at, "merge", Status.NEW, Status.MERGED)]
        life.merged.append(other)

    def _begin(self, at: float, storm: bool, status: Status) -> Life:
        chance = self.chance
        town = chance.choices(self.towns, self.weights)[0]
        village = chance.choice(town.villages)
        severity = chance.choices(*SEVERITIES)[0]
        seen = words.scene(chance, storm and chance.random() < 0.85)
        first = Telling(at, "", town.people[Role.PATROL][0], severity, *near(village, chance))
        by_department = town.department is not None and chance.random() < SENT_TO_DEPARTMENT and severity < Severity.RED
        crew = town.department[2] if by_department and town.department else chance.choice(town.people[Role.RESPONDER])
        desk = chance.choice(town.people[Role.DUTY])
        source = chance.choices(SOURCES, HOW_OFTEN)[0]
        life = Life(town, village, seen, severity, status, first, source, desk, crew, by_department)
        life.first = self._telling(at, life, severity)
        return life

    def _telling(self, at: float, life: Life, severity: Severity) -> Telling:
        chance, place = self.chance, life.first
        said = words.text(life.scene, chance) if chance.random() > 0.04 else ""
        return Telling(
            at, said, chance.choice(life.town.people[Role.PATROL]), severity,
            round(place.lat + chance.gauss(0, 0.0002), 6), round(place.lon + chance.gauss(0, 0.0002), 6),
            f"{chance.getrandbits(128):032x}",
        )  # fmt: skip

    def _walk(self, life: Life, way: Sequence[tuple[str, Status, Status]]) -> None:
        at = life.opened
        for action, before, after in way:
            at += self.chance.expovariate(1 / (TAKES[action][life.severity - 1] * 60)) + 5
            life.steps.append((at, action, before, after))

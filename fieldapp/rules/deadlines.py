"""Which limit runs for a case, until when, and the words that are said as its end comes near and passes.

A limit runs in natural time or in working time: the office hours of days that are worked. It stands still while the
case is put aside (挂账). Years whose holidays are not yet published are guessed (see calendar.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from fieldapp.rules.calendar import Calendar
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import Status


class Step(StrEnum):
    """What is being waited for."""

    TRIAGE = "triage"
    ACKNOWLEDGE = "acknowledge"
    ARRIVE = "arrive"
    OUTCOME = "outcome"
    VERIFY = "verify"


# whose limit is still that of the step before, though they wait for another verb of the desk
_AWAITED_INSTEAD: Mapping[str, str] = {"accepted": "dispatch", "verified": "close"}

Limits = Mapping[tuple[Severity, Step], int]
"""Minutes allowed for each step at each severity."""

WAITS_FOR: Mapping[Status, Step] = {
    Status.NEW: Step.TRIAGE,
    Status.ACCEPTED: Step.TRIAGE,
    Status.DISPATCHED: Step.ACKNOWLEDGE,
    Status.ACKNOWLEDGED: Step.ARRIVE,
    Status.EN_ROUTE: Step.ARRIVE,
    Status.ON_SCENE: Step.OUTCOME,
    Status.ANSWERED: Step.VERIFY,
    Status.VERIFIED: Step.VERIFY,
}

# The country's published practice where there is one (docs/glossary.md), plain defaults elsewhere. Minutes.
DEFAULT_LIMITS: Limits = {
    (Severity.RED, Step.TRIAGE): 10,
    (Severity.RED, Step.ACKNOWLEDGE): 5,
    (Severity.RED, Step.ARRIVE): 30,
    (Severity.RED, Step.OUTCOME): 24 * 60,
    (Severity.RED, Step.VERIFY): 24 * 60,
    (Severity.YELLOW, Step.TRIAGE): 60,
    (Severity.YELLOW, Step.ACKNOWLEDGE): 30,
    (Severity.YELLOW, Step.ARRIVE): 4 * 60,
    (Severity.YELLOW, Step.OUTCOME): 72 * 60,
    (Severity.YELLOW, Step.VERIFY): 24 * 60,
    (Severity.BLUE, Step.TRIAGE): 60,
    (Severity.BLUE, Step.ACKNOWLEDGE): 12 * 60,
    (Severity.BLUE, Step.ARRIVE): 7 * 24 * 60,
    (Severity.BLUE, Step.OUTCOME): 7 * 24 * 60,
    (Severity.BLUE, Step.VERIFY): 72 * 60,
}


# However the limits are edited, an alarm climbs while it still helps. Minutes.
LONGEST: Limits = {
    (Severity.RED, Step.ACKNOWLEDGE): 60,
    (Severity.RED, Step.TRIAGE): 24 * 60,
    (Severity.YELLOW, Step.ACKNOWLEDGE): 24 * 60,
}


def waits_for(status: Status) -> Step | None:
    """The step a case in this status waits for; None when nothing runs any more."""
    return WAITS_FOR.get(status)


def awaited(status: str, step: str) -> str:
    """What to call that: the step, or the desk's verb where the step is done and its limit still runs."""
    return _AWAITED_INSTEAD.get(status, step)


class Kind(StrEnum):
    """Whether a limit also runs at night and on holidays."""

    NATURAL = "natural"
    WORKING = "working"


@dataclass(frozen=True)
class Limit:
    """Minutes allowed, and of which time."""

    minutes: int
    kind: Kind = Kind.NATURAL


HAIFENG = ZoneInfo("Asia/Shanghai")
ALARMS = frozenset({Step.TRIAGE, Step.ACKNOWLEDGE, Step.ARRIVE})
HAIFENG_HOURS = ((time(8, 30), time(12)), (time(14, 30), time(17, 30)))
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Office:
    """When the office is open: hours (sorted, apart from each other, at least one) of days that are worked."""

    calendar: Calendar = field(default_factory=Calendar)
    hours: tuple[tuple[time, time], ...] = HAIFENG_HOURS
    zone: ZoneInfo = HAIFENG


@dataclass(frozen=True)
class Pause:
    """A stretch in which the clock stands."""

    since: datetime
    until: datetime


Running = Iterator[tuple[datetime, datetime | None]]


def may_wait(severity: Severity, step: Step) -> bool:
    """False for what must not wait for office hours: a red case until somebody is there."""
    return severity != Severity.RED or step not in ALARMS


def lineage(category: str | None, parent: str | None) -> tuple[str, ...]:
    """Whose limit counts first: the category's own, then its parent's, then the one for all."""
    return (*(code for code in (category, parent) if code), "")


def due_at(since: datetime, minutes: int, kind: Kind, office: Office, pauses: Sequence[Pause] = ()) -> datetime:
    """The first instant at which so many minutes have run."""
    left = timedelta(minutes=minutes)
    for start, end in _running(since, kind, office, pauses):
        if end is None or end - start >= left:
            return start + left
        left -= end - start
    raise AssertionError("the clock runs for ever")


def used(since: datetime, until: datetime, kind: Kind, office: Office, pauses: Sequence[Pause] = ()) -> timedelta:
    """How much of the time from `since` to `until` has run: the inverse of `due_at`."""
    total = timedelta()
    for start, end in _running(since, kind, office, pauses):
        if start >= until:
            break
        total += (until if end is None else min(end, until)) - start
        if end is None:
            break
    return total


def guesses(since: datetime, until: datetime, office: Office) -> list[int]:
    """The years between the two whose holidays are not published: a deadline across them is a guess."""
    first, last = since.astimezone(office.zone).year, until.astimezone(office.zone).year
    return [year for year in range(first, last + 1) if not office.calendar.knows(date(year, 1, 1))]


def parse_hours(text: str) -> tuple[tuple[time, time], ...]:
    """Office hours as people write them: 08:30-12:00 14:30-17:30. Raises ValueError."""
    for dash in "–—－~～至":
        text = text.replace(dash, "-")
    for comma in "，,、；;":
        text = text.replace(comma, " ")
    spans = []
    for piece in text.replace("：", ":").split():
        begin, _, end = piece.partition("-")
        spans.append((time.fromisoformat(begin.zfill(5)), time.fromisoformat(end.zfill(5))))
    edges = [edge for span in spans for edge in span]
    if not 1 <= len(spans) <= 4 or edges != sorted(set(edges)) or any(edge.tzinfo for edge in edges):
        raise ValueError(text)
    return tuple(spans)


def write_hours(hours: Sequence[tuple[time, time]]) -> str:
    """The same written out."""
    return " ".join(f"{begin:%H:%M}-{end:%H:%M}" for begin, end in hours)


def _running(since: datetime, kind: Kind, office: Office, pauses: Sequence[Pause]) -> Running:
    """The stretches from `since` on in which the clock runs; the last one of natural time has no end."""
    spans = _open(since, office) if kind == Kind.WORKING else iter([(since, None)])
    standing = sorted((pause for pause in pauses if pause.until > since), key=lambda pause: pause.since)
    for span in spans:
        yield from _without(span, standing)


def _open(since: datetime, office: Office) -> Running:
    day = since.astimezone(office.zone).date()
    while True:
        if not office.calendar.is_rest(day):
            for begin, end in office.hours:
                start = max(since, datetime.combine(day, begin, office.zone).astimezone(since.tzinfo))
                stop = datetime.combine(day, end, office.zone).astimezone(since.tzinfo)
                if stop > start:
                    yield start, stop
        day += ONE_DAY


def _without(span: tuple[datetime, datetime | None], standing: Sequence[Pause]) -> Running:
    start, end = span
    for pause in standing:
        if end is not None and pause.since >= end:
            break
        if pause.since > start:
            yield start, pause.since
        start = max(start, pause.until)
        if end is not None and start >= end:
            return
    yield start, end


class Word(StrEnum):
    """What is said of a deadline, mildest first."""

    SOON = "due_soon"
    OVERDUE = "overdue"
    NUDGE = "nudge"
    SUPERVISE = "supervise"


LADDER = tuple(Word)
SOON_FROM = 20  # minutes: a limit shorter than this is over before anybody could act on 即将超期


def minutes_until(word: Word, allowed: int) -> int:
    """After how many minutes of its own time a limit of `allowed` minutes makes us say this."""
    match word:
        case Word.SOON:
            return allowed - allowed // 4 if allowed >= SOON_FROM else allowed
        case Word.OVERDUE:
            return allowed
        case Word.NUDGE:
            return allowed + min(max(allowed // 2, 10), 24 * 60)
        case Word.SUPERVISE:
            return allowed + min(max(allowed, 30), 48 * 60)


def next_word(said: int) -> Word | None:
    """The word whose turn it is after so many were said."""
    return LADDER[said] if said < len(LADDER) else None


def word_due(now: datetime, said: int, at: Callable[[Word], datetime]) -> tuple[Word | None, int]:
    """What to say now, and how many of the ladder are then behind us. `at` tells when each word's time is.

    When several came due while nobody looked, only the last is said: nobody is told 即将超期 of what is late.
    """
    behind = said
    while behind < len(LADDER) and at(LADDER[behind]) <= now:
        behind += 1
    return (LADDER[behind - 1] if behind > said else None), behind

"""How long it took: the arithmetic of MTTA and MTTR, by week. Pure: it knows durations and weeks, and no person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean, median

from fieldapp.rules.suppression import THRESHOLD, at_least, shown
from fieldapp.rules.workflow import BEGINS_ANEW, Status

SEEN_WITHIN = timedelta(seconds=60)
FINISHED = (Status.ANSWERED, Status.VERIFIED)


@dataclass(frozen=True, order=True)
class Week:
    """An ISO week: it belongs to the year of its Thursday."""

    year: int
    number: int

    @classmethod
    def of(cls, local: datetime) -> "Week":
        """The week that a moment on the local clock lies in."""
        year, number, _ = local.isocalendar()
        return cls(year, number)

    @property
    def monday(self) -> date:
        """Its first day."""
        return date.fromisocalendar(self.year, self.number, 1)

    def back(self, weeks: int) -> "Week":
        """So many weeks before."""
        year, number, _ = (self.monday - timedelta(weeks=weeks)).isocalendar()
        return Week(year, number)

    def __str__(self) -> str:
        return f"{self.year}-W{self.number:02d}"


@dataclass(frozen=True)
class Times:
    """How long something took: how often, and the mean and median in seconds; neither where it never happened."""

    n: int = 0
    mean: float | None = None
    median: float | None = None


@dataclass(frozen=True)
class Called:
    """One alert that called people: when it was raised, signed (if it was) and first shown (if it was).

    `called_off`: it ended without a signature, because the case went another way first.
    """

    raised_at: datetime
    acknowledged_at: datetime | None = None
    shown_at: datetime | None = None
    to_leader: bool = False
    called_off: bool = False

    def seen_in_time(self) -> bool:
        """True when a device showed it within a minute, or somebody had signed by then."""
        signs = [at for at in (self.shown_at, self.acknowledged_at) if at is not None]
        return bool(signs) and min(signs) - self.raised_at <= SEEN_WITHIN

    def unseen(self, now: datetime) -> bool:
        """True when the minute passed without a sign. Of one that was called off nobody knows whether it would have."""
        return not self.called_off and now - self.raised_at > SEEN_WITHIN and not self.seen_in_time()


@dataclass(frozen=True)
class Measured:
    """One town and week (at one severity or all): how fast calls were signed and cases done, and what went wrong."""

    signed: Times = Times()
    unsigned: int = 0
    to_leader: int = 0
    unseen: int = 0
    done: Times = Times()


def times(seconds: Iterable[float]) -> Times:
    """Mean and median; a clock that was set back makes a duration no shorter than nothing."""
    took = [max(0.0, one) for one in seconds]
    return Times(len(took), fmean(took), median(took)) if took else Times()


def measured(calls: Sequence[Called], done: Iterable[float], now: datetime) -> Measured:
    """What these alerts, and the seconds that these cases took, come to."""
    signed = [(call.acknowledged_at - call.raised_at).total_seconds() for call in calls if call.acknowledged_at]
    return Measured(
        times(signed), len(calls) - len(signed), sum(call.to_leader for call in calls),
        sum(call.unseen(now) for call in calls), times(done),
    )  # fmt: skip


Step = tuple[str, str | None, str | None, datetime]
"""One line of a case's history: action, from, to, when."""


def done_at(steps: Iterable[Step], closed_at: datetime | None) -> datetime | None:
    """When a case was done: its first outcome (steps in order) that was neither sent back nor disputed later; for one
    closed without an outcome, the closing.
    """
    done = None
    for action, source, result, at in steps:
        if action in BEGINS_ANEW or (source in FINISHED and result == Status.DISPATCHED):
            done = None
        elif action == "report_outcome" and done is None:
            done = at
    return done or closed_at


def enough(found: Times) -> Times | None:
    """What a reader from outside the town may see of it: nothing below the threshold: a mean of few tells of each."""
    return found if found.n >= THRESHOLD else None


def part_of(number: int, whole: Iterable[int]) -> str:
    """How many of these, as it may be read from outside: never more than is shown of the `whole` (its counts), or the
    rest would give away a count that is not shown.
    """
    most = max(THRESHOLD, at_least(whole))
    return f"{most}+" if number > most else shown(number)

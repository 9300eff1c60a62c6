"""Which days are worked and which are not: weekends, holidays, and the weekend days worked to make up for them.

The State Council publishes a year's holidays in the autumn before it. Until then a year is only guessed: Saturdays
and Sundays rest, and whoever asks is told that it is a guess.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

SATURDAY = 5


@dataclass(frozen=True)
class Calendar:
    """Days off and days worked against the week's custom, and the years for which both are published."""

    rest: Collection[date] = field(default_factory=frozenset)
    work: Collection[date] = field(default_factory=frozenset)
    published: Collection[int] = field(default_factory=frozenset)

    def is_rest(self, day: date) -> bool:
        """True when nobody works on this day; in a year that is not published, on Saturdays and Sundays."""
        if day.year in self.published and (day in self.rest or day in self.work):
            return day in self.rest
        return day.weekday() >= SATURDAY

    def knows(self, day: date) -> bool:
        """True when the holidays of this day's year are published, so that nothing about it is guessed."""
        return day.year in self.published


def days(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included; none when the last comes before."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]

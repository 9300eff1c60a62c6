"""Counts small enough to point at somebody are not shown, and nothing shown lets a reader work them out."""

from collections.abc import Iterable, Mapping

from fieldapp.rules.severity import Severity

THRESHOLD = 5
SMALL = "<5"

# The colour of a cell follows from its count alone, so that it says nothing the count does not.
TONES: tuple[tuple[int, Severity], ...] = ((20, Severity.RED), (10, Severity.YELLOW), (THRESHOLD, Severity.BLUE))


def shown(count: int) -> str:
    """The count as it may be read; zero counts as small, or "<5" would mean "at least one"."""
    return str(count) if count >= THRESHOLD else SMALL


def at_least(counts: Iterable[int]) -> int:
    """A total of what is shown only: whoever subtracts the cells from it is left with nothing."""
    return sum(count for count in counts if count >= THRESHOLD)


def tone(count: int) -> Severity | None:
    """Blue from 5, yellow from 10, red from 20; none for a suppressed count."""
    return next((severity for least, severity in TONES if count >= least), None)


def shares(counts: Mapping[Severity, int]) -> dict[Severity, int] | None:
    """Per cent of each, rounded to tens; None when there are too few to say anything about the mix."""
    total = sum(counts.values())
    if total < THRESHOLD * 4:
        return None
    return {severity: round(10 * count / total) * 10 for severity, count in counts.items()}

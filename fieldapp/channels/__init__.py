"""One file per way to reach a person. A sender returns nothing or raises Temporary, Gone or Permanent."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class Temporary(Exception):
    """Try again later; `retry_after` (seconds) when the service named a time."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Permanent(Exception):
    """Trying again cannot help; `ours` is True when our own configuration is at fault, so the desk must know."""

    def __init__(self, why: str, ours: bool = False) -> None:
        super().__init__(why)
        self.ours = ours


class Gone(Permanent):
    """The address itself is dead: never use it again."""


def seconds_until(retry_after: str) -> float | None:
    """What a Retry-After header says, in seconds from now or as a date; None when it says nothing that can be read."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None

"""How far somebody who was sent is: 收到 → 出发 → 到场 → 反馈, the minutes of each, and what is waited for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

STEPS = ("acknowledge", "depart", "arrive", "report_outcome")


@dataclass(frozen=True)
class Leg:
    """One step: when it was done and after how many minutes, or since when it is `waited` for; else it lies ahead."""

    step: str
    at: datetime | None = None
    minutes: int | None = None
    waited: bool = False


def legs(sent: datetime, done: Sequence[datetime | None], now: datetime, over: bool) -> list[Leg]:
    """The four steps of one assignment from the times they were taken; `over`: nothing is waited for any more.

    A step that was passed over (who reports back by telephone never said that he set out) is left out.
    """
    last = max((n for n, at in enumerate(done) if at), default=-1)
    found, before = [], sent
    for n, (step, at) in enumerate(zip(STEPS, done, strict=True)):
        if at:
            found.append(Leg(step, at, _minutes(before, at)))
            before = at
        elif n == last + 1 and not over:
            found.append(Leg(step, None, _minutes(before, now), waited=True))
        elif n > last and not over:
            found.append(Leg(step))
    return found


def _minutes(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds() // 60))

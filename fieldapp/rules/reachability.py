"""Whether somebody can be reached, as far as anybody knows: 可达, 不可达 or 未验证. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

FRESH = timedelta(hours=24)
"""A tap proves an address for this long: longer than a shift, shorter than the way to the next one."""

ANSWER_WITHIN = timedelta(minutes=15)
"""Who was asked to tap and did not for this long counts as out of reach."""

ASK_BEFORE = timedelta(minutes=60)
"""How long before a shift its holder's devices are asked."""


class Reach(StrEnum):
    """What is known of the ways to one person."""

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    UNPROVED = "unproved"


def of_person(proved: Iterable[datetime | None], asked_at: datetime | None, now: datetime) -> Reach:
    """`proved`: for each address that can be used now, when its owner last tapped something sent to it (or never).
    `asked_at`: when he or she was last asked to.
    """
    taps = list(proved)
    if not taps:
        return Reach.UNREACHABLE
    latest = max((tap for tap in taps if tap is not None), default=None)
    if latest is not None and now - latest <= FRESH and (asked_at is None or latest >= asked_at):
        return Reach.REACHABLE
    if asked_at is not None and now - asked_at > ANSWER_WITHIN and now - asked_at <= FRESH:
        return Reach.UNREACHABLE
    return Reach.REACHABLE if latest is not None and now - latest <= FRESH else Reach.UNPROVED

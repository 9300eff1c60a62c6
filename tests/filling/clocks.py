"""Clocks of made-up cases and calls about them, by the product's own limits and ladders, asked for once each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from fieldapp import policies, terms, timing
from fieldapp.rules import deadlines
from fieldapp.rules.deadlines import LADDER, Kind, Limit, Office, Pause, Step, Word
from fieldapp.rules.escalation import Policy
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import Status
from fieldapp.timing import Clock
from tests.filling.lives import STANDS, Life


@dataclass(frozen=True)
class Ladder:
    """A policy, its own text as an alert keeps it (without its end), and who each rung means as JSON."""

    policy: Policy
    text: str
    who: tuple[str, ...]


@dataclass(frozen=True)
class Climb:
    """Which rungs were called and when; when the next is due or, where none is left, when that was."""

    called: list[tuple[int, float]]
    rung: int
    following: float | None = None
    exhausted: float | None = None
    unreached: float | None = None  # since when everybody was called in vain


@cache
def limit(severity: Severity, step: Step, category: str | None) -> Limit:
    return timing.limit_for(severity, step, category)


@cache
def ladder(town: str, purpose: str, severity: Severity, category: str | None) -> Ladder:
    policy = policies.with_minutes(policies.choose(town, purpose, severity, category).policy, severity)
    return Ladder(policy, json.dumps(policy.as_data())[:-1], tuple(json.dumps(list(call.who)) for call in policy.rungs))


@cache
def office() -> Office:
    return timing.office()


def climb(ladder: Ladder, raised: float, until: float) -> Climb:
    """How far a call came from when it was raised to when it was answered, or now."""
    called, rung, at = [], 0, raised
    while call := ladder.policy.at(rung):
        called.append((rung, at))
        following = at + (call.minutes or 0) * 60
        if following >= until:
            unreached = next((when for place, when in called if ladder.policy.round_over(place)), None)
            return Climb(called, rung, following=following, unreached=unreached)
        rung, at = rung + 1, following
    return Climb(called, rung, exhausted=at, unreached=at)


def forget() -> None:
    """Before another database is filled."""
    for kept in (limit, ladder, office):
        kept.cache_clear()


def allowed() -> dict[tuple[Severity, Status], int]:
    """Minutes by severity and status, whatever the category: roughly how long a case may stand."""
    return {
        (severity, status): limit(severity, deadlines.WAITS_FOR[status], None).minutes
        for severity in Severity
        for status, _ in STANDS
    }


def stretches(life: Life) -> Iterator[tuple[Step, float, float | None]]:
    """What was waited for, since when and until when; the last without an end while the case is open."""
    step, since = Step.TRIAGE, life.opened
    for at, _, _, after in life.steps:
        following = deadlines.waits_for(after)
        if following != step:
            yield step, since, at
            if following is None:
                return
            step, since = following, at
    yield step, since, None


def said(life: Life, step: Step, since: float, until: float) -> list[tuple[float, Word]]:
    """The words of the ladder whose time came before `until`."""
    run = limit(life.severity, step, life.scene.category)
    if run.kind == Kind.NATURAL and not life.parked:
        if until < since + deadlines.minutes_until(Word.SOON, run.minutes) * 60:
            return []
        times = ((since + deadlines.minutes_until(word, run.minutes) * 60, word) for word in LADDER)
    else:
        clock = clock_of(life, step, since)
        times = ((clock.at(word).timestamp(), word) for word in LADDER)
    return [(at, word) for at, word in times if at < until]


def clock_of(life: Life, step: Step, since: float) -> Clock:
    run = limit(life.severity, step, life.scene.category)
    pauses = [Pause(_instant(since), _instant(until)) for since, until in ([life.parked] if life.parked else [])]
    return Clock(_instant(since), run, office() if run.kind == Kind.WORKING else Office(), pauses)


def is_told(step: Step, word: Word) -> bool:
    """即将超期 is not told of what waits at the desk."""
    return word != Word.SOON or step not in terms.AT_DESK


def running(life: Life, now: float) -> dict[str, Any]:
    """The columns of an open case's clock."""
    step, since, _ = list(stretches(life))[-1]
    clock = clock_of(life, step, since)
    behind = said(life, step, since, now)
    following = deadlines.next_word(len(behind))
    coming = clock.at(following).timestamp() if following else None
    return {
        "due_step": step, "due_since": since, "due_at": clock.due.timestamp(), "due_minutes": clock.limit.minutes,
        "due_kind": clock.limit.kind, "nudged": len(behind),
        "next_nudge_at": life.parked[1] if life.parked else coming,
        "nudged_at": next((at for at, word in behind if word == Word.NUDGE), None),
        "supervised_at": next((at for at, word in behind if word == Word.SUPERVISE), None),
    }  # fmt: skip


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)

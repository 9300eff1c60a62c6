"""By themselves: 即将超期, 超期, 催办 to who must keep a deadline, 督办 to the leader; what was put aside comes back.

Each case that has something to come says when (`next_nudge_at`, a small partial index). One case is one transaction:
words, history and the place on the ladder are written together or not at all, so that a crash loses and repeats
nothing.
"""

import logging
from datetime import datetime

from sqlalchemy import select, text

from fieldapp import alerting, cases, terms, timing
from fieldapp.db import db, writing
from fieldapp.models import AlertState, Case
from fieldapp.rules import deadlines
from fieldapp.rules.deadlines import Step, Word
from fieldapp.rules.severity import Severity

log = logging.getLogger(__name__)

MOST_AT_ONCE = 20
_COMES_UP = text("cases.next_nudge_at IS NOT NULL")  # as its partial index says it
_failed: set[int] = set()  # cases whose turn failed in this process: they come last


def chase(now: datetime) -> bool:
    """Say what has come due since the last time, the worst first; True when there may be more."""
    query = select(Case.id).where(_COMES_UP, Case.next_nudge_at <= now)
    most = MOST_AT_ONCE + len(_failed)
    due = list(db.session.scalars(query.order_by(Case.severity.desc(), Case.next_nudge_at).limit(most)))
    db.session.rollback()
    _failed.intersection_update(due)
    for case_id in sorted(due, key=_failed.__contains__):
        _guarded(case_id, now)
    return len(due) == most and not _failed.issuperset(due)


def _guarded(case_id: int, now: datetime) -> None:
    """One case that cannot be read must not keep the others waiting."""
    try:
        with writing():
            _turn(case_id, now)
        _failed.discard(case_id)
    except Exception:
        log.exception("deadline of case %s", case_id)
        _failed.add(case_id)


def _turn(case_id: int, now: datetime) -> None:
    """Whatever has come due for a case, unless another worker has it in hand or had."""
    query = select(Case).where(Case.id == case_id, Case.next_nudge_at <= now)
    held = query.with_for_update(skip_locked=True, of=Case).execution_options(populate_existing=True)
    case = db.session.scalar(held)
    if case is None:
        return
    if case.paused_at:
        cases.wake(case, now)
        return
    if case.due_since is None:
        case.next_nudge_at = None
        return
    _climb(case, now)


def _climb(case: Case, now: datetime) -> None:
    clock = timing.of_case(case)
    word, case.nudged = deadlines.word_due(now, case.nudged, clock.at)
    case.next_nudge_at = timing.next_word(case, clock)
    if word:
        _say(case, word, f"{int(clock.since.timestamp())}:{clock.limit.minutes}", now)


def _say(case: Case, word: Word, which: str, now: datetime) -> None:
    """The desk is told seldom of what is not red, however much is late: its queue shows it, and 即将超期 is told there
    alone.
    """
    at_desk = case.due_step in terms.AT_DESK
    if word == Word.SOON and at_desk:
        return
    if word == Word.NUDGE:
        case.nudged_at = now
    people = [] if _is_calling(case) else terms.in_charge(case, now)
    if word == Word.SUPERVISE:
        case.supervised_at = case.supervised_at or now
        people = list({one.id: one for one in (*people, *terms.leaders(case, now))}.values())
    seldom = at_desk and case.severity != Severity.RED
    told = terms.tell_seldom(case, word, people, now) if seldom else terms.tell(case, word, people, now, which)
    cases.record(case, word, None, now, data={"people": [one.name for one in told]} if told else {})


def _is_calling(case: Case) -> bool:
    """An alert is ringing them already, and climbs by itself."""
    waits = case.due_step in (Step.TRIAGE, Step.ACKNOWLEDGE)
    return waits and any(alert.state == AlertState.OPEN for alert in alerting.unanswered(case))

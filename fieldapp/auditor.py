"""The auditor: looks for what our own engine cannot leave behind and yet might, mends what it can, and says so.

It reads first, by partial indexes and never more than a few rows, and takes no lock while nothing is wrong. What it
finds is noted in one row for all workers, so that every desk says it, /metrics counts it and the dead-man is not told.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, update

from fieldapp import alerting, messages, notes, policies, tallies
from fieldapp.db import db, writing
from fieldapp.models import IS_OPEN as CASE_IS_OPEN
from fieldapp.models import Alert, AlertState, Case, Delivery, Purpose
from fieldapp.rules.delivery import WAITING
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import Status
from fieldapp.vitals import IS_OPEN, IS_WAITING, LATE, push_trouble

log = logging.getLogger(__name__)
Mend = Callable[[Any, datetime], None]


class Fault(StrEnum):
    """What should never be."""

    NO_STEP = "no_step"  # an open alert that nothing will ever happen to
    FAR_STEP = "far_step"  # the same in effect: its step lies farther ahead than any ladder reaches
    STEP_LATE = "step_late"  # a step was due and no worker took it
    NO_CALL = "no_call"  # an open alert that called nobody and stands on no red list
    NO_ALERT = "no_alert"  # a new case whose ladder calls people, and nobody was called
    NO_TIME = "no_time"  # a delivery that waits for no moment, or for one it cannot live to see
    LONG_LEASE = "long_lease"  # a delivery taken by a worker until long after any send ends
    LEASE_OVER = "lease_over"  # one whose worker is gone, and no other took it
    DELIVERY_LATE = "delivery_late"  # one that was due and no worker took


CALLS = (Fault.NO_STEP, Fault.FAR_STEP, Fault.STEP_LATE, Fault.NO_CALL, Fault.NO_ALERT)
FOUND = "audit"  # the name of the tally, and of the row that all workers share
SAID_FOR = timedelta(seconds=60)  # also of what was mended at once: a desk that looks up must not have missed it
NOTED_ANEW = timedelta(seconds=20)
MOST = 100
LOOKED_AT = 2000  # alerts whose step is nearest: each comes under this before its step
FARTHEST_STEP = timedelta(days=7)
FARTHEST_SEND = timedelta(days=2)
LONGEST_LEASE = timedelta(minutes=2)


@dataclass(frozen=True)
class Check:
    """One kind of fault: the rows that show it, and what mends one of them, if anything can."""

    fault: Fault
    rows: Callable[[datetime], Sequence[Any]]
    mend: Mend | None = None


def audit(now: datetime) -> Mapping[Fault, int]:
    """Look, note, mend. Gives what was found, up to MOST of each kind."""
    found = [(check, rows) for check in CHECKS if (rows := check.rows(now))]
    db.session.rollback()
    counts = {check.fault: len(rows) for check, rows in found}
    if _is_news(counts, now):
        log.error("audit: %s", ", ".join(f"{fault} {count}" for fault, count in counts.items()))
        with writing():
            _note(counts, now)
    for check, rows in found:
        if check.mend:
            _mend(check.mend, rows, now)
    return counts


def _mend(mend: Mend, rows: Sequence[Any], now: datetime) -> None:
    """Row by row, each in a transaction of its own: one that cannot be helped must not hold up the next."""
    for row in rows:
        try:
            with writing():
                mend(row, now)
        except Exception:
            log.exception("audit: %s not mended", row)


def said(now: datetime) -> dict[Fault, int]:
    """What was found during the last minute, by whichever worker."""
    noted = _noted(notes.read(FOUND))
    fresh = now.timestamp() - SAID_FOR.total_seconds()
    return {fault: count for fault, (count, at) in noted.items() if fresh <= at <= now.timestamp() + 10}


def trouble(now: datetime) -> str | None:
    """What the desk must be told, worst first: "calls:<n>" or "sends:<n>" that do not move, or a push service's no."""
    found = said(now)
    for word, faults in (("calls", CALLS), ("sends", [fault for fault in Fault if fault not in CALLS])):
        if count := sum(found.get(fault, 0) for fault in faults):
            return f"{word}:{count}"
    return push_trouble()


def _is_news(counts: Mapping[Fault, int], now: datetime) -> bool:
    """Whether anything must be written: a fault that stays is noted anew only now and then."""
    if not counts:
        return False
    noted = _noted(notes.read(FOUND))
    db.session.rollback()
    old = now.timestamp() - NOTED_ANEW.total_seconds()
    return any(
        fault in MENDED or fault not in noted or noted[fault][0] != count or noted[fault][1] < old
        for fault, count in counts.items()
    )


def _note(counts: Mapping[Fault, int], now: datetime) -> None:
    """Write what is found now beside what was found a moment ago. What is mended at once is new each time; of what
    stays only the growth is counted.
    """
    row = notes.hold(FOUND)
    before = said(now)
    grown = {f: max(0, count - (0 if f in MENDED else before.get(f, 0))) for f, count in counts.items()}
    tallies.count(FOUND, Counter({str(fault): count for fault, count in grown.items() if count}))
    kept = {fault: seen for fault, seen in _noted(row.value).items() if fault in before}
    kept |= {fault: (count, int(now.timestamp())) for fault, count in counts.items()}
    row.value = json.dumps(kept, separators=(",", ":"))


def _noted(value: str) -> dict[Fault, tuple[int, int]]:
    """What the shared row says: how many of each fault, and when (seconds of the epoch) they were last seen."""
    return {Fault(fault): (count, at) for fault, (count, at) in json.loads(value or "{}").items() if fault in {*Fault}}


def _alerts(*what: ColumnElement[bool]) -> Sequence[Any]:
    return db.session.scalars(select(Alert.id).where(and_(IS_OPEN, *what)).limit(MOST)).all()


def _deliveries(*what: ColumnElement[bool]) -> Sequence[Any]:
    return db.session.scalars(select(Delivery.id).where(and_(IS_WAITING, *what)).limit(MOST)).all()


def _late_deliveries(now: datetime, *what: ColumnElement[bool]) -> Sequence[Any]:
    return _deliveries(Delivery.due_at < now - LATE, Delivery.expires_at > now, *what)


def _late_steps(now: datetime) -> Sequence[Any]:
    looks = select(Alert.id).where(Alert.look_at.is_not(None), Alert.look_at < now - LATE)
    late = {*_alerts(Alert.next_step_at < now - LATE), *db.session.scalars(looks.limit(MOST))}
    return sorted(late)


def _without_calls(now: datetime) -> Sequence[Any]:
    called = select(Delivery.id).where(Delivery.alert_id == Alert.id).exists()
    nearest = and_(IS_OPEN, Alert.unreached_at.is_(None))
    first = select(Alert.id).where(nearest).order_by(Alert.next_step_at).limit(LOOKED_AT)
    return db.session.scalars(select(Alert.id).where(Alert.id.in_(first), ~called).limit(MOST)).all()


def _without_alert(now: datetime) -> Sequence[Any]:
    """New red and yellow cases that called nobody, and not because their town wants it so."""
    kinds = (Case.town_code, Case.severity, Case.category_code)
    wrong: list[int] = []
    for town, severity, category in db.session.execute(select(*kinds).where(_uncalled()).distinct()).all():
        chosen = policies.choose(town, Purpose.INTAKE, severity, category)
        if chosen.policy.calls:
            since = chosen.row.changed_at if chosen.row else None  # before that the town's ladder was another
            wrong += _of_kind(town, severity, category, since)
    return wrong[:MOST]


def _of_kind(town: str, severity: Severity, category: str | None, since: datetime | None) -> Sequence[int]:
    same = and_(_uncalled(), Case.town_code == town, Case.severity == severity, Case.category_code.is_(category)
                if category is None else Case.category_code == category)  # fmt: skip
    query = select(Case.id).where(same).order_by(Case.id).limit(MOST)
    return db.session.scalars(query.where(Case.opened_at >= since) if since else query).all()


def _uncalled() -> ColumnElement[bool]:
    calls = select(Alert.id).where(Alert.case_id == Case.id, Alert.purpose.in_(policies.LADDERS))
    return and_(CASE_IS_OPEN, Case.status == Status.NEW, Case.severity >= Severity.YELLOW, ~calls.exists())


def _step_now(alert_id: UUID, now: datetime) -> None:
    """The next step is due at once; one that another worker has set right meanwhile is left alone."""
    astray = or_(Alert.next_step_at.is_(None), Alert.next_step_at > now + FARTHEST_STEP)
    _set(update(Alert).where(Alert.id == alert_id, Alert.state == AlertState.OPEN, astray).values(next_step_at=now))


def _climb_now(alert_id: UUID, now: datetime) -> None:
    ours = (Alert.id == alert_id, Alert.state == AlertState.OPEN, Alert.unreached_at.is_(None))
    _set(update(Alert).where(*ours).values(next_step_at=now, unreached_at=now))


def _send_now(delivery_id: UUID, now: datetime) -> None:
    ours = (Delivery.id == delivery_id, Delivery.state.in_(WAITING))
    _set(update(Delivery).where(*ours).values(due_at=now, lease_owner=None, lease_until=None, updated_at=now))


def _call_now(case_id: int, now: datetime) -> None:
    case = db.session.scalar(select(Case).where(Case.id == case_id).with_for_update(of=Case))
    if case and db.session.scalar(select(Case.id).where(Case.id == case_id, _uncalled())):
        alerting.raise_on_intake(case, messages.call, now)


def _set(statement: Any) -> None:
    db.session.execute(statement.execution_options(synchronize_session=False))


CHECKS = (
    Check(Fault.NO_STEP, lambda now: _alerts(Alert.next_step_at.is_(None)), _step_now),
    Check(Fault.FAR_STEP, lambda now: _alerts(Alert.next_step_at > now + FARTHEST_STEP), _step_now),
    Check(Fault.STEP_LATE, _late_steps),
    Check(Fault.NO_CALL, _without_calls, _climb_now),
    Check(Fault.NO_ALERT, _without_alert, _call_now),
    Check(
        Fault.NO_TIME,
        lambda now: _deliveries(or_(Delivery.due_at.is_(None), Delivery.due_at > now + FARTHEST_SEND)),
        _send_now,
    ),
    Check(Fault.LONG_LEASE, lambda now: _late_deliveries(now, Delivery.lease_until > now + LONGEST_LEASE), _send_now),
    Check(Fault.LEASE_OVER, lambda now: _late_deliveries(now, Delivery.lease_until < now - LATE)),
    Check(Fault.DELIVERY_LATE, lambda now: _late_deliveries(now, Delivery.lease_until.is_(None))),
)
MENDED = frozenset(check.fault for check in CHECKS if check.mend)

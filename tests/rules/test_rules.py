"""Deadlines, escalation, delivery states, places, severity: each a handful of facts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules import deadlines, delivery, escalation, geo, severity
from fieldapp.rules.deadlines import Step
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.escalation import ON_INTAKE, Rung
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import OPEN, Status

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def test_every_open_status_waits_for_something_and_no_other_does() -> None:
    assert {status for status in Status if deadlines.waits_for(status)} == OPEN


def test_the_defaults_leave_no_gap() -> None:
    assert set(deadlines.DEFAULT_LIMITS) == {(level, step) for level in Severity for step in Step}


def test_an_alert_climbs_to_the_leader_and_then_is_exhausted() -> None:
    ladder = ON_INTAKE[Severity.RED]
    assert escalation.climb(ladder, 0, 5, NOON) == escalation.Step((Rung.ON_CALL,), NOON + timedelta(minutes=5))
    assert escalation.climb(ladder, 1, 5, NOON).groups == (Rung.LEADER,)
    assert escalation.climb(ladder, 2, 5, NOON).exhausted


@given(attempt=st.integers(1, 1000), after=st.none() | st.floats(0, 1e9), jitter=st.floats(0, 1))
def test_a_retry_is_never_at_once_and_never_further_than_an_hour(
    attempt: int, after: float | None, jitter: float
) -> None:
    delay = escalation.retry_delay(attempt, after, jitter)
    assert timedelta(seconds=2) <= delay <= timedelta(hours=1)
    assert delay >= timedelta(seconds=min(after or 0, 3600))


@given(st.lists(st.sampled_from(delivery.RECEIPTS)))
def test_knowledge_of_a_delivery_only_grows(receipts: list[DeliveryState]) -> None:
    state = DeliveryState.ACCEPTED
    for receipt in receipts:
        state = delivery.advance(state, receipt)
    order = [DeliveryState.ACCEPTED, *delivery.RECEIPTS]
    assert order.index(state) == max([0] + [order.index(receipt) for receipt in receipts])


def test_a_receipt_counts_even_before_the_service_answered() -> None:
    assert delivery.advance(DeliveryState.QUEUED, DeliveryState.SHOWN) == DeliveryState.SHOWN


def test_a_stale_fix_from_far_away_is_told_from_the_county() -> None:
    assert geo.in_county(22.9701, 115.3302)
    assert not geo.in_county(39.9042, 116.4074)


def test_severity_by_word() -> None:
    assert [severity.parse(level.word) for level in Severity] == list(Severity)
    with pytest.raises(ValueError, match="green"):
        severity.parse("green")

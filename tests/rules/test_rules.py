"""Deadlines, escalation, delivery states, places, severity: each a handful of facts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.rules import deadlines, delivery, escalation, geo, severity
from fieldapp.rules.deadlines import Step
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.escalation import BadPolicy, Call, Policy, Rung
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import OPEN, Status

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def test_every_open_status_waits_for_something_and_no_other_does() -> None:
    assert {status for status in Status if deadlines.waits_for(status)} == OPEN


def test_the_defaults_leave_no_gap() -> None:
    assert set(deadlines.DEFAULT_LIMITS) == {(level, step) for level in Severity for step in Step}


def test_an_alert_climbs_to_the_leader_begins_anew_and_then_is_exhausted() -> None:
    policy = Policy((Call((Rung.ON_CALL,), 5), Call((Rung.LEADER,), 5)), repeat=1)
    assert [policy.at(rung).who[0] for rung in range(4)] == ["on_call", "leader", "on_call", "leader"]
    assert policy.at(4) is None
    assert [rung for rung in range(5) if policy.round_over(rung)] == [2, 4]


def test_a_policy_that_calls_nobody_has_no_first_step() -> None:
    assert Policy().at(0) is None
    assert not Policy(repeat=3).calls


def test_red_and_yellow_always_call_somebody_and_end_with_the_leader() -> None:
    for (purpose, level), policy in escalation.DEFAULTS.items():
        if (purpose, level) != ("intake", Severity.BLUE):
            assert policy.rungs[-1].who == (Rung.LEADER,)


WHO = st.sampled_from(["on_call", "backup", "desk", "leader", "person:7", "department:3"])
CALLS = st.builds(
    Call, st.lists(WHO, min_size=1, max_size=3).map(tuple), st.none() | st.integers(1, 1440),
    st.lists(WHO, max_size=2).map(tuple), st.lists(st.sampled_from(["webpush", "mail"]), max_size=2).map(tuple),
    st.booleans(),
)  # fmt: skip


@given(st.builds(Policy, st.lists(CALLS, max_size=8).map(tuple), st.integers(0, 10)))
def test_a_policy_is_kept_as_it_was_decided(policy: Policy) -> None:
    escalation.check(policy, ("webpush", "mail"), named=False)
    assert escalation.of_data(policy.as_data()) == policy


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (Call(()), "nobody_chosen"),
        (Call(("everybody",)), "unknown_who"),
        (Call(("named",)), "unknown_who"),
        (Call(("leader",), 0), "minutes_out_of_range"),
        (Call(("leader",), channels=("pigeon",)), "unknown_channel"),
        (Call(("leader",), copied=("person:x",)), "unknown_who"),
    ],
)
def test_a_rung_that_cannot_be_is_refused_by_name(call: Call, why: str) -> None:
    with pytest.raises(BadPolicy) as refusal:
        escalation.check(Policy((Call(("on_call",)), call)), ("webpush",), named=False)
    assert (refusal.value.at, refusal.value.why) == (1, why)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_quiet_hours_end_when_they_say_and_never_hold_longer_than_a_day(start: int, end: int, at: int) -> None:
    now = datetime(2026, 11, 23, at // 60, at % 60, tzinfo=UTC)
    until = escalation.quiet_until(now, start, end)
    inside = (at - start) % 1440 < (end - start) % 1440
    assert (until is not None) == inside
    if until:
        assert timedelta() < until - now <= timedelta(days=1)
        assert until.hour * 60 + until.minute == end


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

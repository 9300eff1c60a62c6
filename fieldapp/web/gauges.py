"""The numbers of /metrics, read from the database when asked: nothing is counted in the memory of one process."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import TextClause, func, select, text
from sqlalchemy.orm import InstrumentedAttribute

from fieldapp import auditor, groups, tallies, vitals
from fieldapp.auditor import Fault
from fieldapp.db import db
from fieldapp.models import IS_OPEN, IS_UNANSWERED, UNANSWERED, Alert, Attachment, Case, Delivery, GroupPost
from fieldapp.rules.delivery import WAITING


class Gauges(Collector):
    """Everything as it stands at `now`. Only what still waits is counted, and running totals are read as they are
    kept, so that asking costs the same beside a million deliveries.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        yield from self._workers()
        yield from self._queues()
        yield from self._audit()
        yield from _totals()

    def _workers(self) -> Iterator[Metric]:
        for kind in (vitals.ALERTS, vitals.PHOTOS):
            age = vitals.worker_age(self._now, kind)
            yield _one(f"fieldapp_{kind}_worker_age_seconds", f"Since the {kind} worker's last sign.", age)
        trouble = len(vitals.gateways_in_trouble())
        yield _one("fieldapp_gateways_in_trouble", "Gateways whose service last refused or did not answer.", trouble)

    def _queues(self) -> Iterator[Metric]:
        now = self._now
        yield _one("fieldapp_open_cases", "Cases not yet over.", _count(Case.id, IS_OPEN))
        yield _by_state("fieldapp_alerts", "Alerts nobody signed.", Alert.state, IS_UNANSWERED, UNANSWERED)
        yield _one("fieldapp_alerts_unreached", "Unanswered alerts on a desk's red list.", vitals.unreached())
        yield _one("fieldapp_alerts_stuck", "Open alerts without a next step in time.", vitals.stuck_alerts(now))
        yield _by_state(
            "fieldapp_deliveries_waiting", "Deliveries not yet sent.", Delivery.state, vitals.IS_WAITING, WAITING
        )
        yield _one("fieldapp_group_posts_waiting", "Lines for groups, not yet sent.",
                   _count(GroupPost.id, groups.WAITS))  # fmt: skip
        yield _labelled(
            "fieldapp_queue_age_seconds", "How long the oldest due one has waited.", "queue",
            {"deliveries": vitals.delivery_age(now), "steps": vitals.step_age(now), "groups": vitals.post_age(now)},
        )  # fmt: skip
        undone = _count(Attachment.id, text("attachments.state = 'received'"))
        yield _one("fieldapp_photos_waiting", "Photos received and not yet published.", undone)

    def _audit(self) -> Iterator[Metric]:
        said = auditor.said(self._now)
        found = {str(fault): said.get(fault, 0) for fault in Fault}
        yield _labelled("fieldapp_audit_findings", "What the audit found in the last minute.", "fault", found)
        ever = CounterMetricFamily("fieldapp_audit_found", "What the audit ever found.", labels=["fault"])
        totals = tallies.totals(auditor.FOUND)
        for fault in Fault:
            ever.add_metric([fault], totals.get(fault, (0, 0.0))[0])
        yield ever


def _totals() -> Iterator[Metric]:
    sends = CounterMetricFamily("fieldapp_sends", "Tries to send, by what came of them.", labels=["channel", "result"])
    for label, (count, _) in sorted(tallies.totals(tallies.SENT).items()):
        sends.add_metric(label.rsplit(" ", 1), count)
    yield sends
    yield _histogram("fieldapp_time_to_shown_seconds", "From a call until a device showed it.", "channel",
                     tallies.SHOWN)  # fmt: skip
    yield _histogram("fieldapp_time_to_acknowledged_seconds", "From an alert until somebody signed.", "severity",
                     tallies.ACKNOWLEDGED)  # fmt: skip


def _histogram(name: str, what: str, label: str, tally: str) -> Metric:
    """From one row per label and bucket, each of which counts what is not in a smaller one."""
    counts: dict[str, Counter[float]] = defaultdict(Counter)
    sums: Counter[str] = Counter()
    for kept, (count, total) in tallies.totals(tally).items():
        value, bucket = kept.rsplit(" ", 1)
        counts[value][float(bucket)] += count
        sums[value] += total  # type: ignore[assignment]
    family = HistogramMetricFamily(name, what, labels=[label])
    for value in sorted(counts):
        family.add_metric([value], buckets=_cumulative(counts[value]), sum_value=sums[value])
    return family


def _cumulative(counts: Counter[float]) -> list[tuple[str, float]]:
    limits = [*map(float, tallies.BUCKETS_S), float("inf")]
    return [(_go(limit), sum(n for bucket, n in counts.items() if bucket <= limit)) for limit in limits]


def _go(limit: float) -> str:
    return "+Inf" if limit == float("inf") else str(limit)


def _one(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _labelled(name: str, what: str, label: str, values: dict[str, float] | dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _by_state(
    name: str, what: str, column: InstrumentedAttribute[str], of: TextClause, states: Iterable[str]
) -> Metric:
    """A line for each state, those of which there are none too."""
    rows = db.session.execute(select(column, func.count()).where(of).group_by(column)).all()
    found = {state: count for state, count in rows}  # noqa: C416  a row is no pair to dict()
    return _labelled(name, what, "state", {str(state): found.get(state, 0) for state in states})


def _count(column: InstrumentedAttribute[object], of: TextClause) -> int:
    return db.session.scalar(select(func.count(column)).where(of)) or 0

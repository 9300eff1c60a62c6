"""Who is called in which order, as a town has decided it; and the running totals that /metrics tells."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import Model, SeverityType, UTCDateTime
from fieldapp.rules.severity import Severity


class EscalationPolicy(Model):
    """The ladder for one purpose and severity of a town (or the county), for one category or for all the others.

    `ladder` is what fieldapp.rules.escalation.Policy.as_data() gives.
    """

    __tablename__ = "policies"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    purpose: Mapped[str] = mapped_column(String(10))
    severity: Mapped[Severity] = mapped_column(SeverityType)
    category_code: Mapped[str] = mapped_column(String(20), default="")  # "": every category without its own
    ladder: Mapped[dict[str, Any]] = mapped_column(JSON)
    changed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (UniqueConstraint("town_code", "purpose", "severity", "category_code"),)


class Tally(Model):
    """How often something happened, and the sum of what was measured (seconds) where something was."""

    __tablename__ = "tallies"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    label: Mapped[str] = mapped_column(String(40), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[float] = mapped_column(Float, default=0.0)

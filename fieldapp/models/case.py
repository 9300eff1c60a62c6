"""Cases, the people and departments sent to them, and the append-only history."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, SeverityType, UTCDateTime
from fieldapp.models.area import Area
from fieldapp.models.settings import Category
from fieldapp.models.user import Department, User
from fieldapp.rules.masking import mask
from fieldapp.rules.severity import Severity
from fieldapp.rules.sources import Source
from fieldapp.rules.workflow import OPEN, Status

IN_HAND = text("returned_at IS NULL AND answered_at IS NULL")
IS_OPEN = text("status IN ({})".format(", ".join(f"'{status}'" for status in sorted(OPEN))))

IS_DONE = text("status IN ({})".format(", ".join(f"'{status}'" for status in sorted(set(Status) - OPEN))))
COMES_UP = text("next_nudge_at IS NOT NULL")
IS_OVER = text("closed_at IS NOT NULL")


class Case(Model):
    """One event at one place, however many reports tell of it."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    town_code: Mapped[str] = mapped_column(String(9))
    area_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    category_code: Mapped[str | None] = mapped_column(ForeignKey("categories.code"))
    severity: Mapped[Severity] = mapped_column(SeverityType)
    status: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(80))
    lat: Mapped[float | None] = mapped_column()
    lon: Mapped[float | None] = mapped_column()
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_step: Mapped[str | None] = mapped_column(String(12))
    due_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_minutes: Mapped[int | None] = mapped_column()  # allowed in all, extensions included
    due_kind: Mapped[str | None] = mapped_column(String(8))
    extended_minutes: Mapped[int] = mapped_column(default=0)  # of the clock that runs now
    asked_minutes: Mapped[int | None] = mapped_column()  # an extension that nobody has answered yet
    paused_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paused_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paused_why: Mapped[str | None] = mapped_column(String(200))
    nudged: Mapped[int] = mapped_column(default=0)  # how many words of the ladder this clock has behind it
    next_nudge_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # the next word, or when a pause is over
    nudged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # 催办 was last said, by hand or by itself
    supervised_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    source: Mapped[str] = mapped_column(String(10), default=Source.PATROL.value, server_default=Source.PATROL.value)
    signals: Mapped[int] = mapped_column(default=1)  # reports telling of it
    reopened: Mapped[int] = mapped_column(default=0)
    satisfied: Mapped[bool | None] = mapped_column()
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    version: Mapped[int] = mapped_column(default=1)

    area: Mapped[Area] = relationship()
    category: Mapped[Category | None] = relationship()
    merged_into: Mapped["Case | None"] = relationship(remote_side=[id])
    assignments: Mapped[list["Assignment"]] = relationship(back_populates="case", order_by="Assignment.id")
    events: Mapped[list["CaseEvent"]] = relationship(back_populates="case", order_by="CaseEvent.id")

    __mapper_args__ = {"version_id_col": version, "version_id_generator": False}
    __table_args__ = (
        # the queue reads only open cases, worst first; partial indexes keep it flat to a million closed ones
        Index(
            "ix_cases_queue",
            "town_code",
            text("severity DESC"),
            "due_at",
            "id",
            "status",  # so that the lanes are counted from the index alone
            "version",
            sqlite_where=IS_OPEN,
            postgresql_where=IS_OPEN,
        ),
        Index("ix_cases_map", "lat", "lon", sqlite_where=IS_OPEN, postgresql_where=IS_OPEN),
        # what is over, for a map of the last weeks: read from the index alone
        Index(
            "ix_cases_over",
            "town_code",
            "closed_at",
            "lat",
            "lon",
            "severity",
            "status",
            sqlite_where=IS_OVER,
            postgresql_where=IS_OVER,
        ),
        # what is done, newest first: any filter is decided from the index alone, a stretch of it at a time
        Index(
            "ix_cases_done",
            "town_code",
            "opened_at",
            "id",
            "area_code",
            "category_code",
            "severity",
            "source",
            "status",
            sqlite_where=IS_DONE,
            postgresql_where=IS_DONE,
        ),
        Index("ix_cases_nudge", "next_nudge_at", sqlite_where=COMES_UP, postgresql_where=COMES_UP),
        Index("ix_cases_changed", "town_code", "changed_at"),
        Index("ix_cases_newest", "town_code", "id"),
    )

    @property
    def heading(self) -> str:
        """The title for where many look on (lists, maps, lock screens, tabs): without numbers of phones and cards."""
        return mask(self.title)

    @property
    def is_open(self) -> bool:
        """True until it is closed, declined or merged."""
        return self.status in OPEN


class Assignment(Model):
    """Somebody sent to a case, timed at each step. A department's assignment names its liaison once one acts."""

    __tablename__ = "assignments"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"), index=True)
    lead: Mapped[bool] = mapped_column(default=False)
    sent_at: Mapped[datetime] = mapped_column(UTCDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    departed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    arrived_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    returned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    case: Mapped[Case] = relationship(back_populates="assignments")
    user: Mapped[User | None] = relationship()
    department: Mapped[Department | None] = relationship()

    __table_args__ = (
        UniqueConstraint("case_id", "user_id"),
        UniqueConstraint("case_id", "department_id", name="uq_assignments_department"),
        # what everybody has in hand is counted from the open cases and this index alone
        Index(
            "ix_assignments_in_hand",
            "case_id",
            "user_id",
            "department_id",
            sqlite_where=IN_HAND,
            postgresql_where=IN_HAND,
        ),
    )

    @property
    def name(self) -> str:
        """Who was sent."""
        return self.user.name if self.user else self.department.name if self.department else ""

    @hybrid_property
    def going_on(self) -> bool:
        """Sent, not given back, and still to report back; in a query too."""
        return self.returned_at is None and self.answered_at is None

    @going_on.inplace.expression
    @classmethod
    def _going_on(cls) -> ColumnElement[bool]:
        return cls.returned_at.is_(None) & cls.answered_at.is_(None)

    @property
    def never_signed(self) -> bool:
        """Sent, not given back, and not once heard of."""
        return self.standing and self.acknowledged_at is None

    @property
    def standing(self) -> bool:
        """True until the person or department gave it back."""
        return self.returned_at is None


class CaseEvent(Model):
    """One line of a case's history. Triggers in the database refuse to change or delete it."""

    __tablename__ = "case_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    action: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # none: the system
    source: Mapped[str | None] = mapped_column(String(12))
    result: Mapped[str | None] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    case: Mapped[Case] = relationship(back_populates="events")
    actor: Mapped[User | None] = relationship()

    __table_args__ = (
        # the audit reads all histories by time, and one officer's
        Index("ix_case_events_at", "at", "id"),
        Index("ix_case_events_actor", "actor_id", "at", "id"),
    )


class CaseCounter(Model):
    """The last case number given out per town and day."""

    __tablename__ = "case_counters"

    town_code: Mapped[str] = mapped_column(String(9), primary_key=True)
    day: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int] = mapped_column()

"""Reports as filed, frozen, and the attachments that follow them."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Float, ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, SeverityType, UTCDateTime
from fieldapp.models.case import Case
from fieldapp.models.user import User
from fieldapp.rules.severity import Severity

CLOCK_IS_OFF_S = 600
OF_CASE, OF_STEP = text("case_id IS NOT NULL"), text("step_id IS NOT NULL")


class Kind(StrEnum):
    """What an attachment is: a report's photo or voice note, or a responder's after-photo."""

    PHOTO = "photo"
    VOICE = "voice"
    AFTER = "after"


class AttachmentState(StrEnum):
    """expected: named in a manifest · received: on disk · ready: published copies stand · unreadable: kept apart."""

    EXPECTED = "expected"
    RECEIVED = "received"
    READY = "ready"
    UNREADABLE = "unreadable"


class Report(Model):
    """What one reporter said, exactly once. `content_hash` freezes it (docs/protocol.md)."""

    __tablename__ = "reports"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    category_code: Mapped[str | None] = mapped_column(ForeignKey("categories.code"))
    severity: Mapped[Severity] = mapped_column(SeverityType)
    area_code: Mapped[str] = mapped_column(ForeignKey("areas.code"))
    lat: Mapped[float | None] = mapped_column(Float)
    lon: Mapped[float | None] = mapped_column(Float)
    accuracy_m: Mapped[float | None] = mapped_column(Float)
    age_s: Mapped[float | None] = mapped_column(Float)
    position_source: Mapped[str | None] = mapped_column(String(10))
    captured_at: Mapped[datetime] = mapped_column(UTCDateTime)
    clock_offset_s: Mapped[float] = mapped_column(Float)  # server minus phone, when it was first received
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    satisfied: Mapped[bool | None] = (
        mapped_column()
    )  # what its reporter said of the outcome; none: not asked, or silent

    owner: Mapped[User] = relationship()
    case: Mapped[Case | None] = relationship()
    attachments: Mapped[list["Attachment"]] = relationship(back_populates="report", order_by="Attachment.position")

    __table_args__ = (Index("ix_reports_owner", "owner_id", "received_at"),)

    @property
    def taken_at(self) -> datetime:
        """When it was seen, as far as can be known: by the phone's clock, put right where that clock was wrong."""
        corrected = self.captured_at + timedelta(seconds=self.clock_offset_s)
        off = abs(self.clock_offset_s) > CLOCK_IS_OFF_S
        return min(corrected if off else self.captured_at, self.received_at)


class Attachment(Model):
    """A file that belongs to a report or, as an after-photo, to a case."""

    __tablename__ = "attachments"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(6), default=Kind.PHOTO)
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey("reports.id"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    step_id: Mapped[UUID | None] = mapped_column(ForeignKey("field_steps.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column()
    media_type: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10), default=AttachmentState.EXPECTED)
    received_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ready_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    width: Mapped[int | None] = mapped_column()
    height: Mapped[int | None] = mapped_column()
    looks: Mapped[str | None] = mapped_column(String(16))  # 64 bits that alike pictures share, see photos.py
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    error: Mapped[str | None] = mapped_column(String(200))

    report: Mapped[Report | None] = relationship(back_populates="attachments")

    __table_args__ = (
        # most have neither; counted among the rest, SQLite would take an index for useless and look through them all
        Index("ix_attachments_case_id", "case_id", sqlite_where=OF_CASE, postgresql_where=OF_CASE),
        Index("ix_attachments_step_id", "step_id", sqlite_where=OF_STEP, postgresql_where=OF_STEP),
        Index(
            "ix_attachments_work",
            "received_at",
            sqlite_where=text("state = 'received'"),
            postgresql_where=text("state = 'received'"),
        ),
    )

"""Steps in the field as phones send them, frozen: what was done, when, and whether the case still asked for it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, UTCDateTime
from fieldapp.models.case import Case
from fieldapp.models.report import Attachment


class StepResult(StrEnum):
    """done: the case took it · late: the case had moved on, so it stands in the history and changed nothing."""

    DONE = "done"
    LATE = "late"


class FieldStep(Model):
    """签收, 出发, 到场 or 处置反馈, exactly once however often a phone sends it. `content_hash` freezes it."""

    __tablename__ = "field_steps"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(20))
    result: Mapped[str] = mapped_column(String(5))
    taken_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)

    case: Mapped[Case] = relationship()
    photos: Mapped[list[Attachment]] = relationship(order_by="Attachment.position")

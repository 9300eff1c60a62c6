"""外来台账: another office's ledger on its way in, and a ledger of ours on its way out."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import Model, UTCDateTime


class LedgerState(StrEnum):
    """draft: looked at, nothing written · running: what was confirmed is being taken in · done: all of it is."""

    DRAFT = "draft"
    RUNNING = "running"
    DONE = "done"


class Ledger(Model):
    """A file that an officer brought. `content` is packed JSON: first the table without its columns of people, then
    the rows that were confirmed, at last those that were not taken. Emptied after a week.
    """

    __tablename__ = "ledgers"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    source: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(8), default=LedgerState.DRAFT)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    faulty: Mapped[bytes] = mapped_column(LargeBinary, default=b"", deferred=True)
    total: Mapped[int] = mapped_column(default=0)  # rows to take in
    done: Mapped[int] = mapped_column(default=0)  # so many of them have been looked at; what was taken is committed
    opened: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        Index(
            "ix_ledgers_running",
            "id",
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_ledgers_town", "town_code", "id"),
    )


class Export(Model):
    """A ledger of ours that an officer took out: which filter, how many rows, whether it came to its end."""

    __tablename__ = "exports"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(8))
    query: Mapped[str] = mapped_column(String(500))
    total: Mapped[int | None] = mapped_column()  # where it could be counted beforehand
    rows: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    beat_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    whole: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (Index("ix_exports_user", "user_id", "id"),)

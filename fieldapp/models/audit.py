"""Who saw and did what. What was done with a case is in its own history; this is all the rest."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, UTCDateTime
from fieldapp.models.user import User

# of a hundred lines some ninety say that something was looked at
SEEN = ("audit_seen", "case_printed", "case_seen", "photo_seen", "voice_seen")
IS_SELDOM = text("action NOT IN ({})".format(", ".join(f"'{action}'" for action in SEEN)))


class AuditEvent(Model):
    """One line of the audit. Triggers in the database refuse to change or delete it."""

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # none: the system
    via: Mapped[str] = mapped_column(String(7))  # session, link or system
    role: Mapped[str | None] = mapped_column(String(10))  # the actor's, at that moment
    town_code: Mapped[str] = mapped_column(String(9))  # whose leader reads it
    action: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(12), default="")
    object: Mapped[str] = mapped_column(String(60), default="")  # a number or an id, never a name
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    request: Mapped[str] = mapped_column(String(12), default="")
    once: Mapped[str | None] = mapped_column(String(32), unique=True)  # the same again this hour is not written

    actor: Mapped[User | None] = relationship()

    __table_args__ = (
        Index("ix_audit_events_town", "town_code", "at", "id"),
        Index("ix_audit_events_actor", "actor_id", "at", "id"),
        Index("ix_audit_events_object", "object", "at", "id"),
        # settings, logins and files taken out are found among themselves, whatever was looked at meanwhile
        Index(
            "ix_audit_events_seldom",
            "town_code",
            "at",
            "id",
            "action",
            "actor_id",
            sqlite_where=IS_SELDOM,
            postgresql_where=IS_SELDOM,
        ),
    )

"""Alerts and their deliveries: the rows are the queue. Subscriptions say which devices a push can reach."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, SeverityType, UTCDateTime
from fieldapp.models.case import Case
from fieldapp.models.channel import Contact
from fieldapp.models.device import Device
from fieldapp.models.user import User
from fieldapp.rules.delivery import WAITING
from fieldapp.rules.severity import Severity

IS_WAITING = text("state IN ({})".format(", ".join(f"'{state.value}'" for state in WAITING)))


IS_PROOF = "purpose = 'proof'"


class Purpose(StrEnum):
    """intake, dispatch and return call people until one acknowledges; answer only tells the reporter.

    drill, proof and notice belong to no case: an exercise, the trial of one person's devices before a shift, and a
    word to somebody about his or her own devices.
    """

    INTAKE = "intake"
    DISPATCH = "dispatch"
    RETURN = "return"
    ANSWER = "answer"
    DRILL = "drill"
    PROOF = "proof"
    NOTICE = "notice"


class AlertState(StrEnum):
    """open climbs its ladder; exhausted has nobody left and stands on the desk's red list; the rest are over."""

    OPEN = "open"
    EXHAUSTED = "exhausted"
    ACKNOWLEDGED = "acknowledged"
    STOPPED = "stopped"
    TOLD = "told"


OF_DRILL = text("drill_id IS NOT NULL")
UNANSWERED = (AlertState.OPEN, AlertState.EXHAUSTED)
IS_UNANSWERED = text("alerts.state IN ('open', 'exhausted')")  # spelt out, or the partial index does not serve


class Alert(Model):
    """One call for people about one case. Timers are absolute times in this row, never in memory."""

    __tablename__ = "alerts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    drill_id: Mapped[int | None] = mapped_column(ForeignKey("drills.id"))
    once: Mapped[str | None] = mapped_column(String(80))  # what must not be raised twice
    town_code: Mapped[str] = mapped_column(String(9), index=True)
    purpose: Mapped[str] = mapped_column(String(10))
    severity: Mapped[Severity] = mapped_column(SeverityType)
    state: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(String(160))
    path: Mapped[str] = mapped_column(String(120))  # the page a tap opens
    raised_at: Mapped[datetime] = mapped_column(UTCDateTime)
    rung: Mapped[int] = mapped_column(default=0)
    policy: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # the ladder as it stood when the alert was raised
    next_step_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    look_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when to check that a device showed it
    unreached_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    case: Mapped[Case | None] = relationship()
    acknowledged_by: Mapped[User | None] = relationship()
    deliveries: Mapped[list["Delivery"]] = relationship(back_populates="alert", order_by="Delivery.created_at")

    __table_args__ = (
        Index("uq_alerts_once", "once", unique=True),
        Index("ix_alerts_drill_id", "drill_id", sqlite_where=OF_DRILL, postgresql_where=OF_DRILL),
        Index("ix_alerts_proof", "raised_at", sqlite_where=text(IS_PROOF), postgresql_where=text(IS_PROOF)),
        Index(
            "ix_alerts_step",
            "next_step_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_alerts_look",
            "look_at",
            sqlite_where=text("look_at IS NOT NULL"),
            postgresql_where=text("look_at IS NOT NULL"),
        ),
        Index(
            "ix_alerts_unanswered",
            "town_code",
            sqlite_where=text("state IN ('open', 'exhausted')"),
            postgresql_where=text("state IN ('open', 'exhausted')"),
        ),
        Index("ix_alerts_raised", "town_code", "raised_at"),
    )


class PushSubscription(Model):
    """A browser's address at a push service, bound to the device that gave it."""

    __tablename__ = "push_subscriptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), index=True)
    endpoint: Mapped[str] = mapped_column(String(1000), unique=True)
    p256dh: Mapped[str] = mapped_column(String(120))
    auth: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    renewed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    disabled_why: Mapped[str | None] = mapped_column(String(120))
    proved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # its owner last tapped a push on it

    device: Mapped[Device] = relationship()


class Delivery(Model):
    """One alert to one person through one channel. A lease (owner, attempt, expiry) guards each try."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alerts.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    subscription_id: Mapped[int | None] = mapped_column(ForeignKey("push_subscriptions.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    rung: Mapped[int] = mapped_column()
    turn: Mapped[int] = mapped_column(default=0)  # the place of this channel in its person's order
    why: Mapped[str] = mapped_column(String(24), default="")  # the group or name in the policy that meant this person
    copied: Mapped[bool] = mapped_column(default=False)  # told beside those who are called: nobody waits for it
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    shown_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    link_hash: Mapped[str | None] = mapped_column(String(64))  # of the code in the one-time link that was sent
    error: Mapped[str | None] = mapped_column(String(200))

    alert: Mapped[Alert] = relationship(back_populates="deliveries")
    user: Mapped[User] = relationship()
    subscription: Mapped[PushSubscription | None] = relationship()
    contact: Mapped[Contact | None] = relationship()

    __table_args__ = (
        UniqueConstraint("alert_id", "user_id", "rung", "subscription_id"),
        Index("uq_deliveries_link", "link_hash", unique=True),
        Index("uq_deliveries_contact", "alert_id", "user_id", "rung", "contact_id", unique=True),
        Index("ix_deliveries_due", "due_at", sqlite_where=IS_WAITING, postgresql_where=IS_WAITING),
    )


class Heartbeat(Model):
    """When each worker last said that it is alive and what ails it, if anything does."""

    __tablename__ = "heartbeats"

    worker: Mapped[str] = mapped_column(String(60), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    trouble: Mapped[str | None] = mapped_column(String(200))

"""Ways to reach people beside web push: a town's gateways, people's own addresses there, and group bots' messages."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, UTCDateTime


class Gateway(Model):
    """A service of a town's that takes messages: its settings are sealed. A group bot is one that has no addresses.

    The lease guards the group bots, each of which sends one bundle at a time and not before `next_at`.
    """

    __tablename__ = "gateways"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(40))
    sealed: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    tested_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    trouble: Mapped[str | None] = mapped_column(String(200))
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Contact(Model):
    """One address of one of the app's own users at a gateway; only its hint is kept readable."""

    __tablename__ = "contacts"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), index=True)
    sealed: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    proved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # its owner last opened a link sent to it
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    disabled_why: Mapped[str | None] = mapped_column(String(120))

    gateway: Mapped[Gateway] = relationship()


class Preference(Model):
    """How one user wants to be called: the order of channels, and quiet hours (minutes of the local day)."""

    __tablename__ = "preferences"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    channels: Mapped[list[str]] = mapped_column(JSON, default=list)
    quiet_from: Mapped[int | None] = mapped_column()
    quiet_to: Mapped[int | None] = mapped_column()


class GroupPost(Model):
    """A line for a group's bot about one alert. Several that wait go out as one message."""

    __tablename__ = "group_posts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"))
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alerts.id"), index=True)
    line: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    error: Mapped[str | None] = mapped_column(String(200))

    gateway: Mapped[Gateway] = relationship()

    __table_args__ = (
        Index(
            "ix_group_posts_waiting",
            "gateway_id",
            sqlite_where=text("state IN ('queued', 'failed-temporary')"),
            postgresql_where=text("state IN ('queued', 'failed-temporary')"),
        ),
    )

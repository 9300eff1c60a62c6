"""Who is on call when: manual turns, rotations, overrides, swaps, holidays, handovers, calendar feeds and drills."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, UTCDateTime
from fieldapp.models.user import User


class OnCall(Model):
    """Who is on call in a town, on which rung, from when until when (none: until taken off)."""

    __tablename__ = "on_call"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    rung: Mapped[str] = mapped_column(String(10))
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship()


class Rotation(Model):
    """A post on a rung of a town that its members hold in turn. Dates and hand-over times are local."""

    __tablename__ = "rotations"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    rung: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(40))
    members: Mapped[list[int]] = mapped_column(JSON)  # ids of users, in the order of their turns
    starts_on: Mapped[date] = mapped_column()
    ends_on: Mapped[date | None] = mapped_column()  # its last day
    cuts: Mapped[list[str]] = mapped_column(JSON)  # hand-over times of a day: ["08:00", "20:00"]
    turn: Mapped[int] = mapped_column(default=1)  # shifts in a row
    days: Mapped[str] = mapped_column(String(10), default="all")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Override(Model):
    """Somebody else (or, on purpose, nobody) holds a rotation for a while; the one made later counts."""

    __tablename__ = "overrides"

    id: Mapped[int] = mapped_column(primary_key=True)
    rotation_id: Mapped[int] = mapped_column(ForeignKey("rotations.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str] = mapped_column(String(80), default="")
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)

    user: Mapped[User | None] = relationship(foreign_keys=[user_id])


class Swap(Model):
    """One person asks another to take a shift, perhaps for one of the other's own in return."""

    __tablename__ = "swaps"

    id: Mapped[int] = mapped_column(primary_key=True)
    rotation_id: Mapped[int] = mapped_column(ForeignKey("rotations.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    back_rotation_id: Mapped[int | None] = mapped_column(ForeignKey("rotations.id"))
    back_starts_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    back_ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    asker_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(80), default="")
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    rotation: Mapped[Rotation] = relationship(foreign_keys=[rotation_id])
    asker: Mapped[User] = relationship(foreign_keys=[asker_id])
    other: Mapped[User] = relationship(foreign_keys=[other_id])


class CalendarDay(Model):
    """A day off that would be a workday, or a make-up workday at a weekend, as the State Council published it."""

    __tablename__ = "calendar_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(4))  # rest or work
    name: Mapped[str] = mapped_column(String(20))


class CalendarYear(Model):
    """A year whose holidays are published, and where they were read."""

    __tablename__ = "calendar_years"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(String(200))
    published_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Handover(Model):
    """What one duty officer left to the next, signed by both. At most one per town waits for its second signature."""

    __tablename__ = "handovers"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    state: Mapped[str] = mapped_column(String(10))  # given, taken or withdrawn
    lines: Mapped[dict[str, Any]] = mapped_column(JSON)  # what was open at that moment
    note: Mapped[str] = mapped_column(Text, default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    giver_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    taker_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    giver: Mapped[User] = relationship(foreign_keys=[giver_id])
    taker: Mapped[User | None] = relationship(foreign_keys=[taker_id])

    __table_args__ = (
        Index(
            "uq_handovers_waiting",
            "town_code",
            unique=True,
            sqlite_where=text("state = 'given'"),
            postgresql_where=text("state = 'given'"),
        ),
    )


class Feed(Model):
    """A secret calendar address: one's own shifts, or the whole town's."""

    __tablename__ = "feeds"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    whole_town: Mapped[bool] = mapped_column(default=False)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship()


class Drill(Model):
    """演练: everybody it names is called as in earnest, and says only that it arrived."""

    __tablename__ = "drills"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    note: Mapped[str] = mapped_column(String(80), default="")
    started_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)

    started_by: Mapped[User] = relationship()

"""What an admin may edit: categories, time limits, and the instance's own facts."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import Lookup, Model, SeverityType
from fieldapp.rules.severity import Severity


class Category(Lookup, Model):
    """A kind of event, two levels. Top ones with a `tile` position are what a patrol taps."""

    __tablename__ = "categories"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("categories.code"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    tile: Mapped[int | None] = mapped_column()
    active: Mapped[bool] = mapped_column(default=True)


class SeverityLabel(Model):
    """What a severity is called beside its colour: 红 · 紧急."""

    __tablename__ = "severities"

    severity: Mapped[Severity] = mapped_column(SeverityType, primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    name_en: Mapped[str] = mapped_column(String(20))


class Limit(Lookup, Model):
    """Minutes allowed for one step at one severity, for one category or (none named) for all that have no own."""

    __tablename__ = "limits"

    severity: Mapped[Severity] = mapped_column(SeverityType, primary_key=True)
    step: Mapped[str] = mapped_column(String(20), primary_key=True)
    category_code: Mapped[str] = mapped_column(String(20), primary_key=True, default="")
    minutes: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(String(8), default="natural")  # or working: office hours of days worked


class Fact(Model):
    """A fact about this instance, such as that it is a demo."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(400))

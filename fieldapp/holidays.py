"""Holidays and make-up workdays: the county's table, year by year, and which years are published."""

from datetime import date, datetime

from sqlalchemy import extract, select

from fieldapp import clock, directory
from fieldapp.db import db
from fieldapp.errors import Invalid, NotAllowed, NotHere
from fieldapp.models import CalendarDay, CalendarYear, User

KINDS = ("rest", "work")
FIRST, LAST = 2020, 2100


def year_of(text: str, now: datetime) -> int:
    """The year asked for, or this one."""
    asked = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else 0
    return asked if FIRST <= asked <= LAST else clock.local(now).year


def days(year: int) -> list[CalendarDay]:
    """The year's days that are not what their weekday says."""
    return list(
        db.session.scalars(
            select(CalendarDay).where(extract("year", CalendarDay.day) == year).order_by(CalendarDay.day)
        )
    )


def published(year: int) -> CalendarYear | None:
    """Where the year was read, or None when it is not published."""
    return db.session.get(CalendarYear, year)


def coming_unpublished(now: datetime) -> list[int]:
    """This year and the next, as far as they are not published."""
    this = clock.local(now).year
    return [year for year in (this, this + 1) if published(year) is None]


def put(admin: User, day: date | None, kind: str, name: str) -> CalendarDay:
    """A day off, or a day worked to make up for one. Raises NotAllowed or Invalid."""
    _check(admin)
    name = " ".join(name.split())
    found = {
        "day": "" if day and FIRST <= day.year <= LAST else "bad_day",
        "kind": "" if kind in KINDS else "unknown",
        "name": "" if 1 <= len(name) <= 20 else "name_needed",
    }
    if wrong := {field: why for field, why in found.items() if why}:
        raise Invalid(wrong)
    assert day
    return db.session.merge(CalendarDay(day=day, kind=kind, name=name))


def remove(admin: User, day: date) -> None:
    """The day is what its weekday says. Raises NotAllowed or NotHere."""
    _check(admin)
    found = db.session.get(CalendarDay, day)
    if found is None:
        raise NotHere(day.isoformat())
    db.session.delete(found)


def publish(admin: User, year: int, source: str, now: datetime) -> None:
    """The year's days are complete, as the source says. Raises NotAllowed or Invalid."""
    _check(admin)
    source = " ".join(source.split())
    if not 2 <= len(source) <= 200:
        raise Invalid({"source": "source_needed"})
    if not days(year):
        raise Invalid({"source": "no_days"})
    db.session.merge(CalendarYear(year=year, source=source, published_at=now))


def unpublish(admin: User, year: int) -> None:
    """The year counts as not published again. Raises NotAllowed."""
    _check(admin)
    found = published(year)
    if found:
        db.session.delete(found)


def _check(admin: User) -> None:
    if not directory.may_edit_county(admin):
        raise NotAllowed("county_only")

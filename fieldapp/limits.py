"""What an admin sets of deadlines beside minutes: of which time they are, limits of single categories, office hours."""

from collections.abc import Mapping

from sqlalchemy import select

from fieldapp import directory, timing
from fieldapp.db import db
from fieldapp.errors import Invalid, NotAllowed, NotHere
from fieldapp.models import Category, Fact, Limit, User
from fieldapp.rules import deadlines
from fieldapp.rules.deadlines import DEFAULT_LIMITS, LONGEST, Kind, Step
from fieldapp.rules.severity import Severity

Key = tuple[Severity, Step]


def kinds() -> dict[Key, Kind]:
    """Of which time each limit for all categories is."""
    rows = db.session.scalars(select(Limit).where(Limit.category_code == ""))
    found = {(row.severity, Step(row.step)): Kind(row.kind) for row in rows}
    return {key: found.get(key, Kind.NATURAL) for key in DEFAULT_LIMITS}


def edit_kinds(admin: User, wanted: Mapping[Key, str]) -> None:
    """Set them. Raises NotAllowed, or Invalid naming every field at fault. The rows are there already."""
    _check_county(admin)
    wrong = {f"{key[0].word}-{key[1]}": why for key, kind in wanted.items() if (why := _wrong_kind(*key, kind))}
    if wrong:
        raise Invalid(wrong)
    db.session.flush()
    for (severity, step), kind in wanted.items():
        db.session.get_one(Limit, (severity, step, "")).kind = kind


def of_categories() -> list[Limit]:
    """The limits of single categories, a category's together, worst first."""
    found = db.session.scalars(select(Limit).where(Limit.category_code != ""))
    order = list(Step)
    return sorted(found, key=lambda row: (row.category_code, -row.severity, order.index(Step(row.step))))


def put(admin: User, category_code: str, severity: Severity, step: Step, minutes: str, kind: str) -> None:
    """A limit of one category, new or otherwise than before. Raises NotAllowed or Invalid."""
    _check_county(admin)
    if db.session.get(Category, category_code) is None:
        raise Invalid({"category": "unknown"})
    allowed = directory.as_minutes(minutes)
    if not 1 <= allowed <= LONGEST.get((severity, step), directory.MOST_MINUTES):
        raise Invalid({"minutes": "too_long_to_wait" if allowed else "minutes"})
    if why := _wrong_kind(severity, step, kind):
        raise Invalid({"kind": why})
    row = db.session.get(Limit, (severity, step, category_code))
    row = row or Limit(severity=severity, step=step, category_code=category_code)
    row.minutes, row.kind = allowed, kind
    db.session.add(row)


def remove(admin: User, category_code: str, severity: Severity, step: Step) -> None:
    """The category has no limit of its own here any more. Raises NotAllowed or NotHere."""
    _check_county(admin)
    row = db.session.get(Limit, (severity, step, category_code)) if category_code else None
    if row is None:
        raise NotHere(category_code)
    db.session.delete(row)


def edit_hours(admin: User, text: str) -> None:
    """Office hours, as people write them. Raises NotAllowed or Invalid."""
    _check_county(admin)
    try:
        written = deadlines.write_hours(deadlines.parse_hours(text))
    except ValueError as error:
        raise Invalid({"hours": "hours"}) from error
    db.session.merge(Fact(name=timing.HOURS, value=written))


def _wrong_kind(severity: Severity, step: Step, kind: str) -> str:
    if kind not in set(Kind):
        return "unknown"
    return "" if kind == Kind.NATURAL or deadlines.may_wait(severity, step) else "always_natural"


def _check_county(admin: User) -> None:
    if not directory.may_edit_county(admin):
        raise NotAllowed("county_only")

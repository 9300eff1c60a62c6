"""Counts by town and kind for the county's analyst: numbers only, small ones suppressed, no way down to a case."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from fieldapp.db import db
from fieldapp.errors import NotAllowed
from fieldapp.models import Area, Case, Category, User
from fieldapp.rules import suppression
from fieldapp.rules.roles import Role
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import Status

PERIOD = timedelta(days=30)
UNSORTED = ""


@dataclass(frozen=True)
class Cell:
    """One count as it may be shown, and the colour its size earns."""

    shown: str
    tone: str | None


@dataclass(frozen=True)
class Line:
    """A town's row: a cell per kind, and last what nobody has sorted yet; `at_least` adds up only what is shown."""

    town: str
    cells: tuple[Cell, ...]
    at_least: int


@dataclass(frozen=True)
class Table:
    """Town by kind of event, and the mix of severities over the whole area in rounded per cent."""

    categories: tuple[Category, ...]
    lines: tuple[Line, ...]
    shares: dict[Severity, int] | None


def by_town_and_category(user: User, now: datetime) -> Table:
    """The last 30 days inside the analyst's area. Raises NotAllowed for any other role."""
    if user.role != Role.ANALYST:
        raise NotAllowed("role")
    categories, counts = _top_categories(), _counts(user, now)
    lines = tuple(_line(town, categories, counts) for town in _towns(user))
    return Table(categories, lines, suppression.shares(_severities(user, now)))


def _line(town: Area, categories: tuple[Category, ...], counts: Counter[tuple[str, str]]) -> Line:
    found = [counts[(town.code, code)] for code in (*(category.code for category in categories), UNSORTED)]
    cells = tuple(_cell(count) for count in found)
    return Line(town.name, cells, suppression.at_least(found))


def _cell(count: int) -> Cell:
    tone = suppression.tone(count)
    return Cell(suppression.shown(count), tone.word if tone else None)


def _counts(user: User, now: datetime) -> Counter[tuple[str, str]]:
    top = func.coalesce(Category.parent_code, Category.code, UNSORTED)
    query = (
        select(Case.town_code, top, func.count())
        .outerjoin(Category, Case.category_code == Category.code)
        .where(_inside(user), _counts_as_event(), Case.opened_at >= now - PERIOD)
        .group_by(Case.town_code, top)
    )
    return Counter({(town, category): count for town, category, count in db.session.execute(query)})


def _severities(user: User, now: datetime) -> dict[Severity, int]:
    query = select(Case.severity, func.count()).where(_inside(user), _counts_as_event(), Case.opened_at >= now - PERIOD)
    found = {severity: count for severity, count in db.session.execute(query.group_by(Case.severity))}  # noqa: C416
    return {severity: found.get(severity, 0) for severity in reversed(Severity)}


def _counts_as_event() -> ColumnElement[bool]:
    """A case merged into another is no second event, and one that was not taken on is none."""
    return Case.status.not_in((Status.MERGED, Status.DECLINED))


def _inside(user: User) -> ColumnElement[bool]:
    return Case.town_code.startswith(user.area_code, autoescape=True)


def _towns(user: User) -> list[Area]:
    inside = Area.code.startswith(user.area_code, autoescape=True)
    return list(db.session.scalars(select(Area).where(Area.level == "town", inside, Area.enabled).order_by(Area.code)))


def _top_categories() -> tuple[Category, ...]:
    query = select(Category).where(Category.parent_code.is_(None), Category.active)
    return tuple(db.session.scalars(query.order_by(Category.tile.is_(None), Category.tile, Category.code)))

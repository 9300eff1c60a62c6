"""Which village or cell a place lies in, by the boundaries that were imported or drawn.

Boundaries are optional for ever: without any, a case belongs to the village its reporter named or works in. They
change rarely and are asked at each report, so a process keeps them and looks every few seconds whether they changed.
"""

from dataclasses import dataclass
from threading import Lock
from time import monotonic

from sqlalchemy import select
from sqlalchemy.orm import undefer

from fieldapp.db import db
from fieldapp.models import VILLAGE, Area, Case, CellKeeper, Fact, User, town_of
from fieldapp.rules import shapes
from fieldapp.rules.shapes import BadShape, Box, Shape

LOOK_EVERY_S = 10
VERSION = "boundaries"  # the fact that counts changes; without it there are none


@dataclass(frozen=True)
class Bounded:
    """A village or cell with its boundary; `box` is looked at first."""

    code: str
    name: str
    box: Box
    shape: Shape


@dataclass(frozen=True)
class Verdict:
    """How a case's place and its village agree: `inside` its boundary, in `another` one, or outside all, where the
    case went to the `nearest` or to the one `chosen` by its reporter.
    """

    how: str
    name: str
    metres: int = 0


@dataclass
class _Kept:
    look_at: float
    version: str | None
    areas: tuple[Bounded, ...]


_kept: dict[tuple[str, str], _Kept] = {}
_guard = Lock()


def bounded(town: str) -> tuple[Bounded, ...]:
    """The town's villages and cells that have a boundary, the cells first."""
    key = (str(db.engine.url), town)
    kept = _kept.get(key)
    if kept is None or kept.look_at <= monotonic():
        version = db.session.scalar(select(Fact.value).where(Fact.name == VERSION))
        areas = kept.areas if kept and kept.version == version else _load(town) if version else ()
        kept = _Kept(monotonic() + LOOK_EVERY_S, version, areas)
        with _guard:
            _kept[key] = kept
    return kept.areas


def changed() -> None:
    """A boundary was written: other processes see it within seconds, this one at once."""
    fact = db.session.get(Fact, VERSION) or Fact(name=VERSION, value="0")
    fact.value = str(int(fact.value) + 1)
    db.session.add(fact)
    forget()


def forget() -> None:
    """Read the boundaries anew when they are next asked for."""
    with _guard:
        _kept.clear()


def place(code: str, lat: float | None, lon: float | None) -> str:
    """The area of a report: by its place where a boundary says so, else `code`, else the nearest village of `code`'s
    town when `code` is only a town. It never leaves the town: who answers does not hang on a line on a map.
    """
    town = town_of(code)
    if lat is None or lon is None or not (areas := bounded(town)):
        return code
    found = _within(areas, lat, lon)
    if found:
        return found.code
    return _nearest(areas, lat, lon)[0].code if code == town else code


def verdict(case: Case) -> Verdict | None:
    """What the case's page says of its place and its village; nothing where there is nothing to compare."""
    if case.lat is None or case.lon is None or not (areas := bounded(case.town_code)):
        return None
    found = _within(areas, case.lat, case.lon)
    if found:
        inside = case.area_code.startswith(found.code) or found.code.startswith(case.area_code)
        return Verdict("inside" if inside else "another", found.name)
    near, metres = _nearest(areas, case.lat, case.lon)
    return Verdict("nearest" if near.code == case.area_code else "chosen", case.area.short_name, round(metres))


def keepers(code: str) -> list[User]:
    """The grid workers of a cell; of a village or town, nobody."""
    if len(code) <= VILLAGE:
        return []
    keeping = select(User).join(CellKeeper, CellKeeper.user_id == User.id).where(CellKeeper.area_code == code)
    return list(db.session.scalars(keeping.where(User.active).order_by(User.name)))


def _within(areas: tuple[Bounded, ...], lat: float, lon: float) -> Bounded | None:
    for area in areas:
        west, south, east, north = area.box
        if west <= lon <= east and south <= lat <= north and shapes.contains(area.shape, lat, lon):
            return area
    return None


def _nearest(areas: tuple[Bounded, ...], lat: float, lon: float) -> tuple[Bounded, float]:
    """The nearest village by its edge; a cell only where no village has a boundary."""
    shortest = min(len(area.code) for area in areas)
    near = sorted((shapes.box_metres_away(area.box, lat, lon), area.code, area) for area in areas)
    best: tuple[Bounded, float] | None = None
    for at_least, code, area in near:
        if best and at_least >= best[1]:
            break
        if len(code) == shortest and (best is None or shapes.metres_away(area.shape, lat, lon) < best[1]):
            best = area, shapes.metres_away(area.shape, lat, lon)
    assert best is not None
    return best


def _load(town: str) -> tuple[Bounded, ...]:
    inside = Area.code.startswith(town, autoescape=True) & Area.level.in_(("village", "cell"))
    query = select(Area).where(inside, Area.enabled, Area.boundary.is_not(None)).options(undefer(Area.boundary))
    found = []
    for area in db.session.scalars(query.order_by(Area.code).execution_options(populate_existing=True)):
        try:
            shape = shapes.parse(area.boundary)
        except BadShape:
            continue  # never written by us; a report must not fail on it
        found.append(Bounded(area.code, area.short_name, shapes.bounds(shape), shape))
    return tuple(sorted(found, key=lambda one: -len(one.code)))

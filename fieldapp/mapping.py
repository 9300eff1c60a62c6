"""The map: what lies in a box, one by one while it is few, counted in a grid when it is many.

Open cases come from their partial index. What is over is shown for the last weeks only, from an index of its own, and
never from more than the newest tens of thousands: the cost does not grow with the years.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from fieldapp import queue, scope
from fieldapp.db import db
from fieldapp.locating import bounded
from fieldapp.models import IS_OPEN, Area, Case, User
from fieldapp.queue import Filter
from fieldapp.rules import geo, shapes
from fieldapp.rules.masking import mask
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import OPEN

ONE_BY_ONE = 300  # points drawn each by itself
MOST_CELLS = 400  # of the grid, when there are more
CLUSTER_PX = 80
ROWS = 50
WEEKS_OVER = 4
NEWEST_OVER = 15_000
FROM_CASES = 2_000  # the newest ones, to guess a village's middle from
NAMES = (selectinload(Case.area), selectinload(Case.category))  # joined, a planner may join before it limits
Bbox = tuple[float, float, float, float]  # west, south, east, north


@dataclass(frozen=True)
class Point:
    """One case on the map."""

    number: str
    title: str
    severity: Severity
    status: str
    lat: float
    lon: float
    place: str
    due_at: datetime | None


@dataclass(frozen=True)
class Cluster:
    """Several that lie close together: how many, the worst of them, where, and the box they fill."""

    count: int
    severity: Severity
    lat: float
    lon: float
    box: Bbox


@dataclass(frozen=True)
class Found:
    """What lies in the box; `since`: of what is over, only what ended after this."""

    total: int
    points: list[Point]
    clusters: list[Cluster]
    since: datetime | None


@dataclass(frozen=True)
class Place:
    """A village or cell to draw: its boundary, else where its name goes, else neither (then it is listed)."""

    code: str
    name: str
    level: str
    boundary: dict[str, Any] | None
    lat: float | None
    lon: float | None


def box(user: User, wanted: Filter, zoom: int, now: datetime) -> Found:
    """What the filter shows inside its `bbox`, for a map at this zoom: never more than some hundred features."""
    query, edge = _matching(user, wanted, now)
    found = _points(query.limit(ONE_BY_ONE + 1))
    if len(found) <= ONE_BY_ONE:
        return Found(len(found), found, [], edge)
    assert wanted.bbox is not None
    total, clusters, single = _clusters(query, _step(wanted.bbox, zoom))
    return Found(total, _points(query.where(Case.id.in_(single))) if single else [], clusters, edge)


def rows(user: User, wanted: Filter, now: datetime) -> list[Case]:
    """The first of them as a list, the worst first; of what is over, the latest."""
    query, edge = _matching(user, wanted, now)
    order = (Case.closed_at.desc(),) if edge else (Case.severity.desc(), Case.due_at, Case.id)
    loaded = query.options(*NAMES).order_by(*order)
    return list(db.session.scalars(loaded.limit(ROWS)))


def unplaced(user: User, wanted: Filter, now: datetime) -> list[Case]:
    """The open ones without a position, which no map shows; the worst first."""
    if is_over(wanted):
        return []
    query = queue.matching(user, replace(wanted, bbox=None), now).where(Case.lat.is_(None))
    loaded = query.options(*NAMES)
    return list(db.session.scalars(loaded.order_by(Case.severity.desc(), Case.due_at, Case.id).limit(ROWS)))


def is_over(wanted: Filter) -> bool:
    """True when the filter asks for what has ended."""
    return wanted.lane == "done" or (wanted.status is not None and wanted.status not in OPEN)


def places(user: User) -> list[Place]:
    """The villages and cells of the user's town, drawn or guessed; a schematic that needs no map below it."""
    inside = Area.code.startswith(user.town_code, autoescape=True) & Area.level.in_(("village", "cell"))
    query = select(Area.code, Area.name, Area.level).where(inside, Area.enabled)
    drawn = {area.code: area.shape for area in bounded(user.town_code)}
    guessed = _middles(user)
    return [_place(*found, drawn, guessed) for found in db.session.execute(query.order_by(Area.code))]


def extent(user: User, known: Sequence[Place]) -> Bbox:
    """What to show first: the boundaries and middles of the town, else its open cases, else the county."""
    spots = [(lon, lat) for lon, lat in ((one.lon, one.lat) for one in known) if lon is not None and lat is not None]
    boxes = [area.box for area in bounded(user.town_code)]
    found = [*_around(user), *spots, *((w, s) for w, s, _, _ in boxes), *((e, n) for _, _, e, n in boxes)]
    inside = [(lon, lat) for lon, lat in found if geo.in_county(lat, lon)]
    if not inside:
        south, west, north, east = geo.COUNTY_BOX
        return west, south, east, north
    lons, lats = zip(*inside, strict=True)
    return min(lons), min(lats), max(lons), max(lats)


def since(user: User, wanted: Filter, now: datetime) -> datetime | None:
    """Of what is over, only what ended after this is shown: the last weeks, in a busy town fewer. None: all."""
    if not is_over(wanted):
        return None
    ended = select(Case.closed_at).where(Case.town_code == user.town_code, Case.closed_at.is_not(None))
    oldest = db.session.scalar(ended.order_by(Case.closed_at.desc()).offset(NEWEST_OVER).limit(1))
    return max(now - timedelta(weeks=WEEKS_OVER), oldest or now - timedelta(weeks=WEEKS_OVER))


def _matching(user: User, wanted: Filter, now: datetime) -> tuple[Select[Case], datetime | None]:
    query, edge = queue.matching(user, wanted, now), since(user, wanted, now)
    return (query.where(Case.closed_at >= edge) if edge else query), edge


def _points(query: Select[Case]) -> list[Point]:
    shown = (Case.number, Case.title, Case.severity, Case.status, Case.lat, Case.lon, Case.area_code, Case.due_at)
    found = db.session.execute(query.with_only_columns(*shown)).all()
    named = select(Area.code, Area.name).where(Area.code.in_({row.area_code for row in found}))
    names = {code: Area.shortened(name) for code, name in db.session.execute(named)}
    return [
        Point(row.number, mask(row.title), row.severity, row.status, row.lat, row.lon, names[row.area_code], row.due_at)
        for row in found
        if row.lat is not None and row.lon is not None
    ]


def _clusters(query: Select[Case], step: float) -> tuple[int, list[Cluster], list[int]]:
    """The grid's cells that hold several, and the ids of those that are alone in theirs."""
    along, up = (func.round(column / step - 0.5) for column in (Case.lon, Case.lat))
    kept = (Case.id, Case.severity, Case.lat, Case.lon, along.label("x"), up.label("y"))
    one = query.with_only_columns(*kept).subquery().c
    lat, lon = one.lat, one.lon
    grid = select(
        func.count(), func.max(one.severity), func.avg(lat), func.avg(lon),
        func.min(lon), func.min(lat), func.max(lon), func.max(lat), func.min(one.id),
    ).group_by(one.x, one.y)  # fmt: skip
    found = db.session.execute(grid).all()
    many = [Cluster(row[0], row[1], row[2], row[3], (row[4], row[5], row[6], row[7])) for row in found if row[0] > 1]
    return sum(row[0] for row in found), many, [row[8] for row in found if row[0] == 1]


def _step(bbox: Bbox, zoom: int) -> float:
    """Degrees along a cell of the grid: anchored, so that clusters stay while the map is moved."""
    west, south, east, north = bbox
    step: float = 360 * CLUSTER_PX / 256 / 2 ** min(max(zoom, 0), 22)
    while ((east - west) / step + 2) * ((north - south) / step + 2) > MOST_CELLS:
        step *= 2
    return step


def _place(
    code: str, name: str, level: str, drawn: dict[str, shapes.Shape], guessed: dict[str, tuple[float, float]]
) -> Place:
    name = Area.shortened(name)
    if code in drawn:
        lon, lat = shapes.middle(drawn[code])
        return Place(code, name, level, shapes.geometry(drawn[code]), lat, lon)
    return Place(code, name, level, None, *(guessed.get(code) or (None, None)))


def _middles(user: User) -> dict[str, tuple[float, float]]:
    """Where the newest cases of each village lie on average."""
    newest = scope.worklist(user).where(Case.lat.is_not(None), Case.lon.is_not(None)).order_by(Case.id.desc())
    one = newest.with_only_columns(Case.area_code, Case.lat, Case.lon).limit(FROM_CASES).subquery().c
    south, west, north, east = geo.COUNTY_BOX
    inside = one.lat.between(south, north) & one.lon.between(west, east)
    query = select(one.area_code, func.avg(one.lat), func.avg(one.lon)).where(inside).group_by(one.area_code)
    return {code: (lat, lon) for code, lat, lon in db.session.execute(query)}


def _around(user: User) -> list[tuple[float, float]]:
    """The corners of the box around the open cases that lie in the county."""
    south, west, north, east = geo.COUNTY_BOX
    inside = Case.lat.between(south, north) & Case.lon.between(west, east)
    edges = (func.min(Case.lon), func.min(Case.lat), func.max(Case.lon), func.max(Case.lat))
    found = db.session.execute(scope.worklist(user).where(IS_OPEN, inside).with_only_columns(*edges)).one()
    left, low, right, high = found
    if left is None or low is None or right is None or high is None:
        return []
    return [(left, low), (right, high)]

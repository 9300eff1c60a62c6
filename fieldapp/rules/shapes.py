"""Boundaries on the ground: read a GeoJSON geometry, tell inside from outside, and say what is wrong with one.

A shape is a list of polygons, a polygon a list of rings (the outer one first, then holes), a ring a list of (lon, lat)
without the closing point. WGS-84 degrees; small enough that a degree of latitude is as long everywhere.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import cos, hypot, isfinite, radians
from typing import Any

from fieldapp.rules.geo import METRES_PER_DEGREE, in_county

Point = tuple[float, float]
Ring = list[Point]
Shape = list[list[Ring]]
Box = tuple[float, float, float, float]  # west, south, east, north

MOST_POINTS = 5_000  # of one boundary: a village drawn to a few metres has some hundred
DECIMALS = 6  # of a degree: 11 cm
MOST_COMPARED = 200_000  # pairs of edges; a drawing made to need more is not worth the wait


class BadShape(ValueError):
    """Why a geometry cannot be a boundary; `reason` is a key for the sentence shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(geometry: Any) -> Shape:
    """A Polygon or MultiPolygon as a shape, rings unclosed and repeated points dropped. Raises BadShape."""
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise BadShape("not_a_polygon")
    found: Any = geometry.get("coordinates")
    polygons: Any = [found] if geometry["type"] == "Polygon" else found
    if not _filled(polygons) or not all(_filled(rings) for rings in polygons):
        raise BadShape("no_points")
    if sum(len(ring) for rings in polygons for ring in rings if isinstance(ring, list)) > MOST_POINTS:
        raise BadShape("too_many_points")
    return [[_ring(ring) for ring in rings] for rings in polygons]


def geometry(shape: Shape) -> dict[str, Any]:
    """The shape as GeoJSON, rings closed."""
    polygons = [[[list(point) for point in [*ring, ring[0]]] for ring in rings] for rings in shape]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def check_county(shape: Shape) -> None:
    """Raises BadShape unless every corner lies in the county's box; says so when lat and lon were exchanged."""
    points = [point for rings in shape for ring in rings for point in ring]
    if all(in_county(lat, lon) for lon, lat in points):
        return
    raise BadShape("exchanged" if all(in_county(lon, lat) for lon, lat in points) else "outside_county")


def bounds(shape: Shape) -> Box:
    """The smallest box around it."""
    lons, lats = zip(*(point for rings in shape for point in rings[0]), strict=True)
    return min(lons), min(lats), max(lons), max(lats)


def contains(shape: Shape, lat: float, lon: float) -> bool:
    """True inside a polygon and in none of its holes. A place right on an edge is on either side of it, not on both
    of two neighbours' (even-odd rule, half-open edges).
    """
    return any(
        _in_ring(rings[0], lat, lon) and not any(_in_ring(hole, lat, lon) for hole in rings[1:]) for rings in shape
    )


def middle(shape: Shape) -> Point:
    """Where to write its name: the centroid of its largest polygon's outer ring, as (lon, lat)."""
    ring = max((rings[0] for rings in shape), key=lambda one: abs(_area(one)))
    area = _area(ring)
    x0, y0 = ring[0]
    if abs(area) < 1e-14:
        return x0, y0
    x = y = 0.0
    for (ax, ay), (bx, by) in _edges([(px - x0, py - y0) for px, py in ring]):
        cross = ax * by - bx * ay
        x, y = x + (ax + bx) * cross, y + (ay + by) * cross
    return x0 + x / (6 * area), y0 + y / (6 * area)


def metres_away(shape: Shape, lat: float, lon: float) -> float:
    """From a place outside to the nearest edge."""
    wide = cos(radians(lat))
    here = 0.0, 0.0
    edges = (edge for rings in shape for ring in rings for edge in _edges(ring))
    flat = ((((ax - lon) * wide, ay - lat), ((bx - lon) * wide, by - lat)) for (ax, ay), (bx, by) in edges)
    return METRES_PER_DEGREE * min(_to_edge(here, a, b) for a, b in flat)


def box_metres_away(box: Box, lat: float, lon: float) -> float:
    """From a place to a box; 0 inside. Never farther than what is in the box."""
    west, south, east, north = box
    up, along = max(south - lat, lat - north, 0.0), max(west - lon, lon - east, 0.0)
    return METRES_PER_DEGREE * hypot(up, along * cos(radians(lat)))


def crosses_itself(shape: Shape) -> bool:
    """True when a ring's edges are found to cross: then what lies inside is not what whoever drew it meant."""
    return any(_crosses(ring) for rings in shape for ring in rings)


def _filled(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _ring(found: Any) -> Ring:
    if not _filled(found):
        raise BadShape("no_points")
    points = [_point(one) for one in found]
    ring = [point for point, before in zip(points, [None, *points[:-1]], strict=True) if point != before]
    if len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    if len(ring) < 3 or all(abs(_side(ring[0], ring[1], point)) < 1e-12 for point in ring[2:]):
        raise BadShape("too_few_points")
    return ring


def _point(found: Any) -> Point:
    plain = isinstance(found, list) and len(found) >= 2
    if not plain or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in found[:2]):
        raise BadShape("not_a_place")
    if not all(isfinite(x) and abs(x) <= 180 for x in found[:2]):
        raise BadShape("not_a_place")
    return round(float(found[0]), DECIMALS), round(float(found[1]), DECIMALS)


def _edges(ring: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    return pairwise([*ring, ring[0]])


def _in_ring(ring: Ring, lat: float, lon: float) -> bool:
    inside = False
    for (ax, ay), (bx, by) in _edges(ring):
        if (ay > lat) != (by > lat) and lon < ax + (lat - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside


def _area(ring: Sequence[Point]) -> float:
    """Signed, in square degrees; taken from its first corner, which keeps the digits."""
    x0, y0 = ring[0]
    return sum((ax - x0) * (by - y0) - (bx - x0) * (ay - y0) for (ax, ay), (bx, by) in _edges(ring)) / 2


def _to_edge(p: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else min(1.0, max(0.0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length))
    return hypot(a[0] + along * dx - p[0], a[1] + along * dy - p[1])


def _crosses(ring: Ring) -> bool:
    """Edges sorted from west to east, so that only those that overlap there are compared."""
    edges = sorted(
        ((min(a[0], b[0]), max(a[0], b[0]), place, a, b) for place, (a, b) in enumerate(_edges(ring))),
        key=lambda edge: edge[0],
    )
    live: list[tuple[float, float, int, Point, Point]] = []
    left = MOST_COMPARED
    for edge in edges:
        live = [other for other in live if other[1] >= edge[0]]
        left -= len(live)
        if left < 0:
            return False
        if any(not _neighbours(edge[2], other[2], len(ring)) and _meet(edge, other) for other in live):
            return True
        live.append(edge)
    return False


def _neighbours(one: int, other: int, count: int) -> bool:
    return (one - other) % count in (1, count - 1)


def _meet(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    a, b, c, d = one[3], one[4], other[3], other[4]
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])

"""Boundaries: inside and outside, holes, what is wrong with a drawing, and the shift that maps in China have."""

from math import atan2, cos, hypot, isclose, pi, radians
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fieldapp.rules import gcj, shapes
from fieldapp.rules.shapes import BadShape, Ring

PLACES = st.tuples(st.floats(22.6, 23.3), st.floats(114.7, 115.7))  # lat, lon in the county's box
CORNERS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=12, unique=True)
SQUARE = [[115.30, 22.95], [115.34, 22.95], [115.34, 22.99], [115.30, 22.99], [115.30, 22.95]]
POND = [[115.31, 22.96], [115.33, 22.96], [115.33, 22.98], [115.31, 22.98], [115.31, 22.96]]


def polygon(*rings: list[Any]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def winding(ring: Ring, lat: float, lon: float) -> float:
    """How often the ring goes round the place: the slow way, by angles."""
    turned = 0.0
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
        turn = atan2(by - lat, bx - lon) - atan2(ay - lat, ax - lon)
        turned += (turn + pi) % (2 * pi) - pi
    return turned / (2 * pi)


@given(CORNERS, st.floats(-1, 21), st.floats(-1, 21))
def test_inside_is_what_a_ring_winds_around_an_odd_number_of_times(
    corners: list[tuple[int, int]], lat: float, lon: float
) -> None:
    ring = [(float(x), float(y)) for x, y in corners]
    assume(shapes.metres_away([[ring]], lat, lon) > 1)  # right on an edge it is on either side
    turns = winding(ring, lat, lon)
    assume(abs(turns - round(turns)) < 1e-6)
    assert shapes.contains([[ring]], lat, lon) == (round(turns) % 2 == 1)


@given(st.floats(0.0001, 0.9999), st.floats(0.0001, 0.9999))
def test_two_neighbours_share_no_place_and_leave_none_out(up: float, along: float) -> None:
    """Cut a square along a slanting line: every place lies in exactly one half."""
    left = [(0.0, 0.0), (0.3, 0.0), (0.7, 1.0), (0.0, 1.0)]
    right = [(0.3, 0.0), (1.0, 0.0), (1.0, 1.0), (0.7, 1.0)]
    assert shapes.contains([[left]], up, along) != shapes.contains([[right]], up, along)


def test_a_pond_in_the_village_is_not_the_village() -> None:
    shape = shapes.parse(polygon(SQUARE, POND))
    assert shapes.contains(shape, 22.955, 115.305) and not shapes.contains(shape, 22.97, 115.32)
    both = shapes.parse({"type": "MultiPolygon", "coordinates": [[SQUARE, POND], [POND]]})
    assert shapes.contains(both, 22.97, 115.32), "an island in the pond belongs to it again"
    assert shapes.parse(shapes.geometry(both)) == both
    assert shapes.bounds(both) == (115.30, 22.95, 115.34, 22.99)


@pytest.mark.parametrize(
    ("geometry", "why"),
    [
        (None, "not_a_polygon"), ({"type": "Point", "coordinates": [115, 23]}, "not_a_polygon"),
        (polygon(), "no_points"), (polygon([]), "no_points"), (polygon(SQUARE[:2]), "too_few_points"),
        (polygon([[115.3, 22.9], [115.4, 23.0], [115.5, 23.1]]), "too_few_points"),
        (polygon([["115.3", 22.9], *SQUARE]), "not_a_place"), (polygon([[float("nan"), 22.9], *SQUARE]), "not_a_place"),
        (polygon([[1e9, 22.9], *SQUARE]), "not_a_place"), (polygon([[True, 22.9], *SQUARE]), "not_a_place"),
        (polygon([[115 + n / 1e5, 22.9] for n in range(6000)]), "too_many_points"),
        (polygon({"a": 1}), "no_points"), ({"type": "Polygon", "coordinates": "x"}, "no_points"),
    ],
)  # fmt: skip
def test_what_is_no_boundary_says_why(geometry: Any, why: str) -> None:
    with pytest.raises(BadShape) as refused:
        shapes.parse(geometry)
    assert refused.value.reason == why


def test_a_drawing_with_lat_and_lon_exchanged_is_told_from_one_elsewhere() -> None:
    shapes.check_county(shapes.parse(polygon(SQUARE)))
    for ring, why in (([[y, x] for x, y in SQUARE], "exchanged"), ([[x + 1, y] for x, y in SQUARE], "outside_county")):
        with pytest.raises(BadShape) as refused:
            shapes.check_county(shapes.parse(polygon(ring)))
        assert refused.value.reason == why


def test_edges_that_cross_are_found_and_a_plain_drawing_has_none() -> None:
    tie = [[115.3, 22.9], [115.4, 23.0], [115.4, 22.9], [115.3, 23.0]]
    assert shapes.crosses_itself(shapes.parse(polygon(tie)))
    star = [[115 + x / 100, 22.9 + y / 100] for x, y in ((0, 3), (9, 3), (1, 9), (5, 0), (8, 9))]
    assert shapes.crosses_itself(shapes.parse(polygon(star)))
    assert not shapes.crosses_itself(shapes.parse(polygon(SQUARE, POND)))


@given(PLACES)
def test_the_nearest_edge_is_as_far_as_it_looks(place: tuple[float, float]) -> None:
    lat, lon = place
    shape = shapes.parse(polygon(SQUARE))
    south, west = max(22.95 - lat, lat - 22.99, 0), max(115.30 - lon, lon - 115.34, 0)
    assume(south or west)
    away = hypot(south, west * cos(radians(lat))) * 111_195
    assert abs(shapes.metres_away(shape, lat, lon) - away) < 1 + away / 1000
    slanted = shapes.parse(polygon([[115.30, 22.95], [115.34, 22.97], [115.32, 22.99]]))
    box = shapes.box_metres_away(shapes.bounds(slanted), lat, lon)
    assert box <= shapes.metres_away(slanted, lat, lon) + 0.001, "what is skipped for its box is never the nearest"


def test_the_name_is_written_in_the_middle() -> None:
    lon, lat = shapes.middle(shapes.parse(polygon(SQUARE)))
    assert isclose(lon, 115.32, abs_tol=1e-9) and isclose(lat, 22.97, abs_tol=1e-9)


@given(PLACES)
def test_there_and_back_is_the_same_place_to_a_millimetre(place: tuple[float, float]) -> None:
    lat, lon = gcj.from_gcj(*gcj.to_gcj(*place))
    assert hypot(lat - place[0], lon - place[1]) * 111_195 < 0.001


def test_the_shift_is_the_one_that_published_maps_have() -> None:
    """What gcoord 1.0.7 gives, and the 578 m measured in the county's seat."""
    lat, lon = gcj.to_gcj(22.97, 115.33)
    assert hypot(lat - 22.96736534843966, lon - 115.33487397596764) < 1e-9
    assert 570 < hypot(lat - 22.97, (lon - 115.33) * cos(radians(22.97))) * 111_195 < 590
    assert gcj.to_gcj(51.5, -0.12) == (51.5, -0.12), "outside China nothing is shifted"

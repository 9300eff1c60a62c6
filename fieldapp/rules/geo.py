"""Places on the ground: whether a position is believable, and how far two are apart. WGS-84 degrees."""

from math import cos, hypot, radians

# The county with a margin; a position outside is kept but marked, because it is more often a stale fix.
COUNTY_BOX = (22.6, 114.7, 23.3, 115.7)  # south, west, north, east
METRES_PER_DEGREE = 111_195


def in_county(lat: float, lon: float) -> bool:
    """True inside the county's box with its margin."""
    south, west, north, east = COUNTY_BOX
    return south <= lat <= north and west <= lon <= east


def metres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """How far two places are apart: flat, which is exact to a metre where only some hundred metres matter."""
    north = (other_lat - lat) * METRES_PER_DEGREE
    east = (other_lon - lon) * METRES_PER_DEGREE * cos(radians((lat + other_lat) / 2))
    return hypot(north, east)

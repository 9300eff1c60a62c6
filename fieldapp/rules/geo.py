"""Places on the ground: whether a position is believable. WGS-84 degrees."""

# The county with a margin; a position outside is kept but marked, because it is more often a stale fix.
COUNTY_BOX = (22.6, 114.7, 23.3, 115.7)  # south, west, north, east


def in_county(lat: float, lon: float) -> bool:
    """True inside the county's box with its margin."""
    south, west, north, east = COUNTY_BOX
    return south <= lat <= north and west <= lon <= east

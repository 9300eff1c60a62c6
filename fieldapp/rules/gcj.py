"""GCJ-02, the shifted coordinates that maps published in mainland China must use. Degrees; the record is WGS-84.

The formula is the one every open implementation shares (gcoord, eviltransform); what a phone's page draws with comes
from gcoord, and both agree to a centimetre. There is no closed inverse: it is found by correcting a guess.
"""

from math import cos, pi, sin, sqrt

AXIS = 6378245.0  # Krasovsky 1940
FLATTENING = 0.00669342162296594323
CHINA = (0.8293, 72.004, 55.8271, 137.8347)  # south, west, north, east: outside nothing is shifted
ROUNDS = 4  # each leaves less than a hundredth of the error before it


def to_gcj(lat: float, lon: float) -> tuple[float, float]:
    """Where a map in GCJ-02 draws a WGS-84 place."""
    south, west, north, east = CHINA
    if not (south <= lat <= north and west <= lon <= east):
        return lat, lon
    up, right = _shift(lat, lon)
    return lat + up, lon + right


def from_gcj(lat: float, lon: float) -> tuple[float, float]:
    """The WGS-84 place that a map in GCJ-02 draws here, to far less than a metre."""
    guess_lat, guess_lon = lat, lon
    for _ in range(ROUNDS):
        drawn_lat, drawn_lon = to_gcj(guess_lat, guess_lon)
        guess_lat, guess_lon = guess_lat + lat - drawn_lat, guess_lon + lon - drawn_lon
    return guess_lat, guess_lon


def _shift(lat: float, lon: float) -> tuple[float, float]:
    """How far north and east the drawing lies, in degrees."""
    y, x = lat - 35.0, lon - 105.0
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + _waves(x)
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi) + 160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + _waves(x)
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi) + 150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    bent = 1 - FLATTENING * sin(lat / 180 * pi) ** 2
    along = AXIS * (1 - FLATTENING) / (bent * sqrt(bent)) * pi
    across = AXIS / sqrt(bent) * cos(lat / 180 * pi) * pi
    return north * 180 / along, east * 180 / across


def _waves(x: float) -> float:
    return (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3

"""Where reports come from: our own phones, and the 五情 feeds that a town receives besides."""

from enum import StrEnum


class Source(StrEnum):
    """The way a case came in. Stored with it; never changes."""

    PATROL = "patrol"
    HOTLINE = "hotline"
    VISIT = "visit"
    POLICE = "police"
    OPINION = "opinion"
    PUBLIC = "public"
    OTHER = "other"

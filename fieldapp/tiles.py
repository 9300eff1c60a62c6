"""The background of the maps: the deployer's own tile service, with the words that the law wants beside it, or none.

Tiles are never kept, bundled or fetched by the server: the officers' browsers ask the service that is named here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from sqlalchemy import select

from fieldapp import directory
from fieldapp.db import db
from fieldapp.errors import Invalid, NotAllowed
from fieldapp.models import Fact, User

PREFIX = "tiles_"
LONGEST = 400
DEEPEST = 20
HOST = re.compile(r"https?://[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:\d{1,5})?", re.IGNORECASE)
SHIFTS = ("wgs84", "gcj02")


@dataclass(frozen=True)
class Tiles:
    """One tile service. `labels` is a second layer above the first; `parts` fill in {s}; `approval` is the 审图号."""

    url: str = ""
    labels: str = ""
    parts: str = ""
    attribution: str = ""
    approval: str = ""
    low: str = "1"
    high: str = "18"
    shift: str = "wgs84"

    @property
    def hosts(self) -> list[str]:
        """Every origin that the page may load pictures from."""
        found = {_origin(address, part) for address in (self.url, self.labels) for part in self.parts or " " if address}
        return sorted(found)


NAMES = tuple(field.name for field in fields(Tiles))


def current() -> Tiles:
    """The tiles in force; without an address there are none."""
    found = db.session.execute(select(Fact.name, Fact.value).where(Fact.name.in_([PREFIX + name for name in NAMES])))
    return Tiles(**{name.removeprefix(PREFIX): value for name, value in found})


def edit(admin: User, form: Mapping[str, str]) -> None:
    """Set them for the whole county; an empty address takes them away. Raises NotAllowed, or Invalid by field."""
    if not directory.may_edit_county(admin):
        raise NotAllowed("county_only")
    wanted = Tiles(**{name: form.get(name, "").strip() for name in NAMES})
    if errors := _wrong(wanted):
        raise Invalid(errors)
    for name in NAMES:
        db.session.merge(Fact(name=PREFIX + name, value=getattr(wanted, name)))


def _wrong(tiles: Tiles) -> dict[str, str]:
    errors = {name: "too_long" for name in NAMES if len(getattr(tiles, name)) > LONGEST}
    if not re.fullmatch(r"[a-z0-9]{0,16}", tiles.parts):
        errors["parts"] = "tile_parts"
    for name in ("url", "labels"):
        if (address := getattr(tiles, name)) and (why := _wrong_address(address, tiles.parts)):
            errors[name] = why
    if not tiles.url:
        return errors | ({"labels": "tile_url_first"} if tiles.labels else {})
    if not tiles.attribution:
        errors["attribution"] = "tile_source_needed"
    if not _levels(tiles):
        errors["high"] = "tile_levels"
    if tiles.shift not in SHIFTS:
        errors["shift"] = "unknown"
    return errors


def _wrong_address(address: str, parts: str) -> str | None:
    if any(mark not in address for mark in ("{z}", "{x}", "{y}")):
        return "tile_marks"
    if set(re.findall(r"{(\w*)}", address)) - {"s", "z", "x", "y"} or ("{s}" in address) > bool(parts):
        return "tile_parts"
    if re.search(r"[\s\"'<>\\]", address) or not HOST.fullmatch(_origin(address, (parts or " ")[0])):
        return "tile_address"
    return None


def _origin(address: str, part: str) -> str:
    """Scheme and host, which is all that the content policy names; nothing for what is no address."""
    try:
        found = urlsplit(address.replace("{s}", part.strip()))
    except ValueError:
        return ""
    return f"{found.scheme}://{found.netloc}".lower()


def _levels(tiles: Tiles) -> bool:
    both = (tiles.low, tiles.high)
    return all(re.fullmatch(r"[0-9]{1,2}", text) for text in both) and int(both[0]) <= int(both[1]) <= DEEPEST

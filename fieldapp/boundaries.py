"""What an admin does with boundaries: bring them in from a file, draw them, and give cells to grid workers."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import undefer

from fieldapp import locating
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import Area, CellKeeper, User
from fieldapp.rules import gcj, shapes
from fieldapp.rules.roles import Role
from fieldapp.rules.shapes import BadShape, Shape

MOST_BYTES = 5 * 1024 * 1024
MOST_FEATURES = 500
MOST_POINTS = 100_000  # each is a bracket in the file
CELL = re.compile(r"[0-9]{15}")
CODES = ("code", "CODE", "区划代码", "编码", "adcode", "XZQDM")
NAMES = ("name", "NAME", "名称", "村名", "XZQMC")
SHIFTS = ("wgs84", "gcj02")
BOUNDED = ("village", "cell")


@dataclass(frozen=True)
class Mapping:
    """Which properties hold code and name (empty: the usual ones), and in which coordinates the file is."""

    code: str = ""
    name: str = ""
    shift: str = "wgs84"


@dataclass(frozen=True)
class Line:
    """What would become of one feature: the area it fits, or why none does. `crossing`: taken, but look at it."""

    place: int
    said: str  # what the file calls it
    code: str = ""
    name: str = ""
    new_cell: bool = False
    had_one: bool = False
    points: int = 0
    crossing: bool = False
    error: str = ""
    boundary: dict[str, Any] | None = None


@dataclass(frozen=True)
class Drawn:
    """A boundary that was checked, and whose it is."""

    code: str
    name: str
    boundary: dict[str, Any]


def areas(admin: User) -> list[Area]:
    """The villages and cells inside the admin's area, boundaries included; a cell after its village."""
    return list(db.session.scalars(_areas(admin).options(undefer(Area.boundary)).order_by(Area.code)))


def area(admin: User, code: str) -> Area:
    """One of them. Raises NotHere."""
    found = db.session.scalar(_areas(admin).where(Area.code == code).options(undefer(Area.boundary)))
    if found is None:
        raise NotHere(code)
    return found


def preview(admin: User, data: bytes, mapping: Mapping) -> list[Line]:
    """Each feature of a GeoJSON FeatureCollection with what would become of it; nothing is written. Raises Invalid."""
    if len(data) > MOST_BYTES:
        raise Invalid({"file": "file_too_large"})
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Invalid({"file": "not_geojson"}) from error
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list) or not features:
        raise Invalid({"file": "not_geojson"})
    if len(features) > MOST_FEATURES or data.count(b"[") > MOST_POINTS + 3 * MOST_FEATURES:
        raise Invalid({"file": "too_many"})
    known, seen = _Known(areas(admin)), set[str]()
    lines = []
    for place, feature in enumerate(features, start=1):
        line = _line(place, feature, mapping, known)
        lines.append(_refused(line, "twice_in_file") if line.code in seen and not line.error else line)
        seen |= {line.code} - {""}
    return lines


def previewed(text: str) -> list[Drawn]:
    """What a preview found good, as it came back from the page, checked again. Raises Invalid."""
    try:
        wanted = json.loads(text)
        rows = [(str(one["code"]), str(one.get("name") or ""), one["boundary"]) for one in wanted]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid({"file": "not_geojson"}) from error
    if not 0 < len(rows) <= MOST_FEATURES:
        raise Invalid({"file": "too_many" if rows else "no_file"})
    return [Drawn(code, name, shapes.geometry(_checked(boundary))) for code, name, boundary in rows]


def take(admin: User, drawn: Sequence[Drawn]) -> None:
    """Write these boundaries, with the cells that are not there yet. All of it or nothing. Raises Invalid."""
    known = {one.code: one for one in areas(admin)}
    for one in drawn:
        target = known.get(one.code) or _new_cell(known, one.code, one.name)
        target.boundary = one.boundary
    locating.changed()


def draw(admin: User, code: str, text: str) -> bool:
    """Set an area's boundary from corners, one "lat, lon" a line, or take it away with none at all; True when its
    edges cross. Raises Invalid or NotHere.
    """
    target = area(admin, code)
    shape = _checked({"type": "Polygon", "coordinates": [_corners(text)]}) if text.strip() else None
    target.boundary = shapes.geometry(shape) if shape else None
    locating.changed()
    return bool(shape and shapes.crosses_itself(shape))


def add_cell(admin: User, village: str, digits: str, name: str) -> Area:
    """A new cell of a village: its code and three digits. Raises Invalid or NotHere."""
    parent = area(admin, village)
    if parent.level != "village" or not re.fullmatch(r"[0-9]{3}", digits):
        raise Invalid({"digits": "cell_digits"})
    known = {one.code: one for one in areas(admin)}
    if village + digits in known:
        raise Invalid({"digits": "cell_taken"})
    return _new_cell(known, village + digits, name)


def keep(admin: User, code: str, user_ids: Iterable[int]) -> None:
    """Exactly these grid workers keep the cell. Raises Invalid or NotHere."""
    target = area(admin, code)
    able, wanted = {one.id for one in grid_workers(admin)}, set(user_ids)
    if target.level != "cell" or not wanted <= able:
        raise Invalid({"keepers": "unknown"})
    db.session.execute(delete(CellKeeper).where(CellKeeper.area_code == code))
    db.session.add_all(CellKeeper(area_code=code, user_id=user_id) for user_id in sorted(wanted))


def grid_workers(admin: User) -> list[User]:
    """The grid workers inside the admin's area."""
    inside = User.area_code.startswith(admin.area_code, autoescape=True)
    return list(db.session.scalars(select(User).where(inside, User.active, User.role == Role.GRID).order_by(User.name)))


def keepers(admin: User) -> dict[str, set[int]]:
    """Who keeps which cell of the admin's area: code to user ids."""
    found: dict[str, set[int]] = {}
    inside = CellKeeper.area_code.startswith(admin.area_code, autoescape=True)
    for row in db.session.execute(select(CellKeeper.area_code, CellKeeper.user_id).where(inside)):
        found.setdefault(row.area_code, set()).add(row.user_id)
    return found


class _Known:
    """The areas a feature may mean, by code and by what they are called."""

    def __init__(self, found: Sequence[Area]) -> None:
        self.by_code = {one.code: one for one in found}
        self.by_name: dict[str, list[Area]] = {}
        for one in found:
            for name in {one.name, one.short_name}:
                self.by_name.setdefault(name, []).append(one)


def _line(place: int, feature: Any, mapping: Mapping, known: _Known) -> Line:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    has = properties if isinstance(properties, dict) else {}
    code, name = _property(has, mapping.code, CODES), _property(has, mapping.name, NAMES)
    line = Line(place, name or code)
    try:
        shape = shapes.parse(feature.get("geometry") if isinstance(feature, dict) else None)
        shape = _unshifted(shape) if mapping.shift == "gcj02" else shape
        shapes.check_county(shape)
    except BadShape as error:
        return _refused(line, error.reason)
    found = known.by_code.get(code)
    if found is None and CELL.fullmatch(code) and code[:12] in known.by_code:
        return _taken(line, shape, code, name or _cell_name(known.by_code[code[:12]], code), None)
    if found is None:
        same = known.by_name.get(name, [])
        if len(same) != 1:
            return _refused(line, "several_so_called" if same else "no_such_area")
        found = same[0]
    return _taken(line, shape, found.code, found.short_name, found)


def _taken(line: Line, shape: Shape, code: str, name: str, found: Area | None) -> Line:
    points = sum(len(ring) for rings in shape for ring in rings)
    had_one, crossing = bool(found and found.boundary), shapes.crosses_itself(shape)
    return Line(line.place, line.said, code, name, found is None, had_one, points, crossing, "", shapes.geometry(shape))


def _refused(line: Line, why: str) -> Line:
    return Line(line.place, line.said, error=why)


def _property(has: dict[str, Any], named: str, usual: Sequence[str]) -> str:
    value = next((has[key] for key in ((named,) if named else usual) if has.get(key) not in (None, "")), "")
    return " ".join(str(value).split())[:60] if isinstance(value, str | int) else ""


def _unshifted(shape: Shape) -> Shape:
    def back(lon: float, lat: float) -> tuple[float, float]:
        lat, lon = gcj.from_gcj(lat, lon)
        return round(lon, shapes.DECIMALS), round(lat, shapes.DECIMALS)

    return [[[back(*point) for point in ring] for ring in rings] for rings in shape]


def _checked(boundary: Any) -> Shape:
    try:
        shape = shapes.parse(boundary)
        shapes.check_county(shape)
    except BadShape as error:
        raise Invalid({"boundary": error.reason}) from error
    return shape


def _corners(text: str) -> list[list[float]]:
    try:
        pairs = [
            [float(part) for part in line.replace("，", ",").split(",")] for line in text.split("\n") if line.strip()
        ]
        return [[lon, lat] for lat, lon in pairs]
    except ValueError as error:
        raise Invalid({"boundary": "not_corners"}) from error


def _new_cell(known: dict[str, Area], code: str, name: str) -> Area:
    village = known.get(code[:12])
    if not CELL.fullmatch(code) or village is None or village.level != "village":
        raise Invalid({"boundary": "no_such_area"})
    name = " ".join(name.split()) or _cell_name(village, code)
    if len(name) > 60:
        raise Invalid({"name": "too_long"})
    cell = Area(code=code, name=name, parent_code=village.code, level="cell", enabled=True)
    db.session.add(cell)
    known[code] = cell
    return cell


def _cell_name(village: Area, code: str) -> str:
    return f"{village.short_name}第{int(code[12:])}网格"


def _areas(admin: User) -> Select[Area]:
    inside = Area.code.startswith(admin.area_code, autoescape=True)
    return select(Area).where(inside, Area.level.in_(BOUNDED), Area.enabled)

"""The admin's side of the map: the tile service, boundaries from a file or by hand, and who keeps which cell."""

import json
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import boundaries, directory, mapping, tiles
from fieldapp.boundaries import Line, Mapping
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.models import Area
from fieldapp.rules import shapes
from fieldapp.rules.roles import Role
from fieldapp.web import map_words
from fieldapp.web.maps import background, with_tiles
from fieldapp.web.security import for_roles, limiter, user

bp = Blueprint("map_admin", __name__, url_prefix="/admin")
MOST_FORM = 3 * boundaries.MOST_BYTES  # what was previewed comes back as text, escaped
HANDLES = 200  # corners that can be dragged; a boundary with more was not drawn by hand


@bp.get("/map")
@for_roles(Role.ADMIN)
def tile_settings() -> ResponseReturnValue:
    """The tile service in force."""
    return _tiles(vars(tiles.current()))


@bp.post("/map")
@for_roles(Role.ADMIN)
def edit_tiles() -> ResponseReturnValue:
    """Another one, or none."""
    try:
        with writing():
            tiles.edit(user(), request.form)
    except Invalid as error:
        return _tiles(request.form, map_words.field_errors(error.errors)), 422
    return redirect("/admin/map?saved=1", 303)


@bp.get("/boundaries")
@for_roles(Role.ADMIN)
def show() -> ResponseReturnValue:
    """Every village and cell, what is known of its boundary, and who keeps it."""
    return _page()


@bp.post("/boundaries/preview")
@for_roles(Role.ADMIN)
@limiter.limit("20 per minute")
def preview() -> ResponseReturnValue:
    """What would become of each feature of a file; nothing is written."""
    request.max_content_length = boundaries.MOST_BYTES + 64 * 1024
    form, file = request.form, request.files.get("file")
    shift = form.get("shift", "") if form.get("shift") in boundaries.SHIFTS else "wgs84"
    wanted = Mapping(form.get("code", "").strip(), form.get("name", "").strip(), shift)
    try:
        if file is None or not file.filename:
            raise Invalid({"file": "no_file"})
        lines = boundaries.preview(user(), file.read(), wanted)
    except Invalid as error:
        return _page(map_words.field_errors(error.errors)), 422
    good = [_kept(line) for line in lines if not line.error]
    return render_template("admin/boundaries_preview.html", lines=lines, good=len(good), kept=json.dumps(good))


@bp.post("/boundaries/import")
@for_roles(Role.ADMIN)
@limiter.limit("20 per minute")
def take() -> ResponseReturnValue:
    """Write what was previewed, all of it."""
    request.max_content_length = request.max_form_memory_size = MOST_FORM
    text = request.form.get("kept", "")
    try:
        drawn = boundaries.previewed(text)
        with writing():
            boundaries.take(user(), drawn)
    except Invalid as error:
        return _page(map_words.field_errors(error.errors)), 422
    return redirect("/admin/boundaries?saved=1", 303)


@bp.get("/boundaries/<area_code>")
@for_roles(Role.ADMIN)
def one(area_code: str) -> ResponseReturnValue:
    """One area: its boundary to draw, its cells, or its keepers."""
    return _one(boundaries.area(user(), area_code))


@bp.post("/boundaries/<area_code>")
@for_roles(Role.ADMIN)
def draw(area_code: str) -> ResponseReturnValue:
    """Another boundary, or none."""
    corners = request.form.get("corners", "")[: 40 * shapes.MOST_POINTS]
    try:
        with writing():
            crossing = boundaries.draw(user(), area_code, corners)
    except Invalid as error:
        return _one(boundaries.area(user(), area_code), map_words.field_errors(error.errors), corners), 422
    return redirect(f"/admin/boundaries/{area_code}?saved={'crossing' if crossing else 1}", 303)


@bp.post("/boundaries/<area_code>/cells")
@for_roles(Role.ADMIN)
def add_cell(area_code: str) -> ResponseReturnValue:
    """A new cell of a village."""
    form = request.form
    try:
        with writing():
            cell = boundaries.add_cell(user(), area_code, form.get("digits", "").strip(), form.get("name", "")).code
    except Invalid as error:
        return _one(boundaries.area(user(), area_code), map_words.field_errors(error.errors)), 422
    return redirect(f"/admin/boundaries/{cell}?saved=1", 303)


@bp.post("/boundaries/<area_code>/keepers")
@for_roles(Role.ADMIN)
def keep(area_code: str) -> ResponseReturnValue:
    """Who keeps the cell."""
    try:
        with writing():
            boundaries.keep(user(), area_code, request.form.getlist("keepers", int))
    except Invalid as error:
        return _one(boundaries.area(user(), area_code), map_words.field_errors(error.errors)), 422
    return redirect(f"/admin/boundaries/{area_code}?saved=1", 303)


def _tiles(shown: Any, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "admin/map.html", tiles=shown, errors=errors or {}, saved=request.args.get("saved"),
        may_edit=directory.may_edit_county(user()),
    )  # fmt: skip


def _page(errors: dict[str, str] | None = None) -> str:
    return render_template(
        "admin/boundaries.html", areas=boundaries.areas(user()), keepers=boundaries.keepers(user()),
        people={person.id: person.name for person in boundaries.grid_workers(user())},
        errors=errors or {}, saved=request.args.get("saved"),
    )  # fmt: skip


def _one(area: Area, errors: dict[str, str] | None = None, typed: str | None = None) -> Response:
    corners = _corners(area)
    return with_tiles(
        render_template(
            "admin/boundary.html", area=area, errors=errors or {}, saved=request.args.get("saved"),
            corners=typed if typed is not None else corners, by_hand=bool(corners) or not area.boundary,
            people=boundaries.grid_workers(user()), keeping=boundaries.keepers(user()).get(area.code, set()),
            cells=[one for one in boundaries.areas(user()) if one.parent_code == area.code],
            config={"tiles": background(), "view": _view(area), "others": _others(area), "own": area.boundary},
        )
    )  # fmt: skip


def _kept(line: Line) -> dict[str, Any]:
    return {"code": line.code, "name": line.name, "boundary": line.boundary}


def _corners(area: Area) -> str:
    """The corners as text, where the boundary is simple enough to have been drawn by hand."""
    shape = shapes.parse(area.boundary) if area.boundary else []
    if len(shape) != 1 or len(shape[0]) != 1 or len(shape[0][0]) > HANDLES:
        return ""
    return "\n".join(f"{lat:.6f}, {lon:.6f}" for lon, lat in shape[0][0])


def _others(area: Area) -> list[dict[str, Any]]:
    """The boundaries around it, to draw along."""
    near = [one for one in boundaries.areas(user()) if one.boundary and one.code != area.code]
    same = [one for one in near if one.code[:9] == area.code[:9]]
    return [{"name": one.short_name, "level": one.level, "boundary": one.boundary} for one in same]


def _view(area: Area) -> mapping.Bbox:
    if area.boundary:
        return shapes.bounds(shapes.parse(area.boundary))
    return mapping.extent(user(), mapping.places(user()))

"""The desk's map: the page, what lies in a box of it, the same as a list, and the villages drawn below."""

from dataclasses import asdict
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import cases, clock, mapping, queue, scope, tiles
from fieldapp.clock import rfc3339
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.mapping import Place
from fieldapp.queue import Filter
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web import words
from fieldapp.web.api import read_filter
from fieldapp.web.security import CSP, for_roles, settings, touch_device, user
from fieldapp.web.shared import Shared

bp = Blueprint("maps", __name__, url_prefix="/desk/map")

OWN_FIELDS = ("lane", "severity", "area", "q")  # what the form on the page asks; the rest goes along unseen
NOT_A_FILTER = ("bbox", "zoom", "case", "total")
_places: Shared[list[Place]] = Shared(seconds=30)


@bp.get("")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """The map, at one case when the address names it."""
    touch_device()
    kept = [(name, value) for name, value in request.args.items() if name not in (*OWN_FIELDS, *NOT_A_FILTER)]
    return with_tiles(
        render_template(
            "desk/map.html", wanted=read_filter(), kept=kept, villages=list(db.session.scalars(scope.villages(user()))),
            lanes=list(queue.LANES), config=_config(), drawn=_drawn(),
        )
    )  # fmt: skip


@bp.get("/box")
@for_roles(*WORKS_DESK)
def box() -> ResponseReturnValue:
    """Points and clusters as JSON."""
    found = mapping.box(user(), _wanted(), request.args.get("zoom", 12, int), clock.now())
    return jsonify(
        total=found.total, since=rfc3339(found.since),
        points=[_point(point) for point in found.points],
        clusters=[asdict(one) | {"severity": one.severity.word} for one in found.clusters],
    )  # fmt: skip


@bp.get("/list")
@for_roles(*WORKS_DESK)
def rows() -> ResponseReturnValue:
    """The same as a list that needs no pointer; those without a place below it."""
    now, wanted = clock.now(), _wanted()
    query = urlencode([(name, value) for name, value in request.args.items() if name not in NOT_A_FILTER])
    return render_template(
        "desk/_map_list.html", rows=mapping.rows(user(), wanted, now), now=now, query=query,
        unplaced=mapping.unplaced(user(), wanted, now), most=mapping.ROWS, since=mapping.since(user(), wanted, now),
        total=request.args.get("total", 0, int),
    )  # fmt: skip


@bp.get("/places")
@for_roles(*WORKS_DESK)
def places() -> ResponseReturnValue:
    """The town's villages and cells."""
    return jsonify(places=[asdict(place) for place in town_places()])


def town_places() -> list[Place]:
    """Worked out once for all desks of a town."""
    if settings().testing:
        return mapping.places(user())
    return _places.get(user().town_code, lambda: mapping.places(user()))


def with_tiles(page: str) -> Response:
    """A page with a map on it: pictures may come from the tile service that is set, and from nowhere else."""
    answer = make_response(page)
    hosts = " ".join(tiles.current().hosts)
    answer.headers["Content-Security-Policy"] = CSP.replace("img-src 'self'", f"img-src 'self' {hosts}".rstrip())
    return answer


def background() -> dict[str, Any]:
    """The tile service as the scripts want it."""
    return asdict(tiles.current())


def _config() -> dict[str, Any]:
    view = mapping.extent(user(), town_places())
    return {"tiles": background(), "town": user().area.short_name, "view": view, "case": _case()}


def _drawn() -> dict[str, bool]:
    """What the legend has to explain of places."""
    known = town_places()
    drawn = {one.level: True for one in known if one.boundary}
    return drawn | {
        "town": "village" in drawn and not tiles.current().url,
        "guessed": any(one.boundary is None and one.lat is not None for one in known),
    }


def _case() -> dict[str, Any] | None:
    """The case to open at, when it has a place and is the desk's to see."""
    number = request.args.get("case", "")
    try:
        case = cases.load(user(), number) if number else None
    except NotHere:
        return None
    if case is None or case.lat is None or case.lon is None:
        return None
    return {"number": case.number, "lat": case.lat, "lon": case.lon}


def _wanted() -> Filter:
    wanted = read_filter()
    bbox = wanted.bbox
    if bbox is None or not all(isfinite(edge) and abs(edge) <= 1000 for edge in bbox) or bbox[0] >= bbox[2]:
        raise Invalid({"bbox": "out_of_range"})
    return wanted


def _point(point: mapping.Point) -> dict[str, Any]:
    return asdict(point) | {
        "severity": point.severity.word, "due_at": rfc3339(point.due_at), "status": str(words.STATUS[point.status])
    }  # fmt: skip

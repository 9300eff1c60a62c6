"""我的视图 on the desk: save the filter that is on, rename, remove."""

from urllib.parse import parse_qs, urlencode

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, saved_views
from fieldapp.db import writing
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web import filters
from fieldapp.web.security import for_roles, user

bp = Blueprint("saved_views", __name__, url_prefix="/desk/views")


@bp.post("")
@for_roles(*WORKS_DESK)
def save() -> ResponseReturnValue:
    """Keep the filter under a name, and stay where it is on."""
    query = _cleaned(request.form.get("query", ""))
    with writing():
        saved_views.save(user(), request.form.get("name", ""), query, clock.now())
    return redirect(f"/desk?{query}".rstrip("?"), 303)


@bp.post("/<int:view_id>/name")
@for_roles(*WORKS_DESK)
def rename(view_id: int) -> ResponseReturnValue:
    """Another name."""
    with writing():
        query = saved_views.rename(user(), view_id, request.form.get("name", "")).query
    return redirect(f"/desk?{query}".rstrip("?"), 303)


@bp.post("/<int:view_id>/removal")
@for_roles(*WORKS_DESK)
def remove(view_id: int) -> ResponseReturnValue:
    """Not needed any more."""
    with writing():
        saved_views.remove(user(), view_id)
    return redirect("/desk", 303)


def _cleaned(query: str) -> str:
    """Only what is a filter, whatever was sent."""
    asked = parse_qs(query, max_num_fields=50) if len(query) < 2000 else {}
    return urlencode({name: asked[name][0] for name in filters.NAMES if name in asked})

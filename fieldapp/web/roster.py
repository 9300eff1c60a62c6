"""The roster: who is on call now, and whether a push can reach them."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, roster
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web import words
from fieldapp.web.security import for_roles, user

bp = Blueprint("roster", __name__)
HOURS = (8, 12, 24)


@bp.get("/desk/roster")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """Both rungs, and who could be put on them."""
    return _page()


@bp.post("/desk/roster")
@for_roles(*WORKS_DESK)
def put_on() -> ResponseReturnValue:
    """Put somebody on call from now on."""
    try:
        rung, user_id, hours = _read()
        with writing():
            roster.put_on(user(), rung, user_id, hours, clock.now())
    except Invalid as error:
        return _page(" ".join(words.field_errors(error.errors).values())), 422
    return redirect("/desk/roster", 303)


@bp.post("/desk/roster/<int:entry_id>/end")
@for_roles(*WORKS_DESK)
def take_off(entry_id: int) -> ResponseReturnValue:
    """End somebody's turn now."""
    with writing():
        roster.take_off(user(), entry_id, clock.now())
    return redirect("/desk/roster", 303)


def _page(error: str = "") -> str:
    now = clock.now()
    groups = [(rung, roster.turns(user(), rung, now), roster.free(user(), rung, now)) for rung in roster.RUNGS]
    return render_template("desk/roster.html", groups=groups, now=now, hours=HOURS, error=error)


def _read() -> tuple[Rung, int, int | None]:
    form = request.form
    if form.get("rung") not in {rung.value for rung in roster.RUNGS}:
        raise Invalid({"rung": "unknown"})
    if not form.get("user", "").isascii() or not form.get("user", "").isdigit():
        raise Invalid({"user": "not_free"})
    hours = form.get("hours", "")
    return Rung(form["rung"]), int(form["user"]), int(hours) if hours.isascii() and hours.isdigit() else None

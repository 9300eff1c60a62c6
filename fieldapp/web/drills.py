"""演练 for a whole township: start one, watch who answers, read the report."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, drills
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web import channel_words, words
from fieldapp.web.security import for_roles, user

bp = Blueprint("drills", __name__, url_prefix="/desk/drills")


@bp.get("")
@for_roles(*WORKS_DESK)
def home() -> ResponseReturnValue:
    """Those there were, and a form for the next."""
    return _home()


@bp.post("")
@for_roles(*WORKS_DESK)
def start() -> ResponseReturnValue:
    """Call everybody, once it was said how many that is and somebody said yes."""
    text, now = request.form.get("minutes", ""), clock.now()
    minutes = int(text) if text.isdecimal() and len(text) < 4 else 0
    try:
        if request.form.get("sure") != "yes":
            drills.may_start(user(), minutes, now)
            return _home(asked=minutes)
        with writing():
            drill = drills.start(user(), request.form.get("note", ""), minutes, now)
        return redirect(f"/desk/drills/{drill.id}", 303)
    except Invalid as error:
        return _home(" ".join(words.field_errors(error.errors).values())), 422


@bp.get("/<int:drill_id>")
@for_roles(*WORKS_DESK)
def show(drill_id: int) -> ResponseReturnValue:
    """Who answered, how fast, by which channel; asked again by the page while the drill runs."""
    result = drills.result(drills.find(user(), drill_id), clock.now())
    partial = request.headers.get("HX-Request")
    return render_template(
        "desk/_drill.html" if partial else "desk/drill.html",
        result=result,
        drill=result.drill,
        channels=channel_words.PLAIN,
    )


@bp.post("/<int:drill_id>/end")
@for_roles(*WORKS_DESK)
def end(drill_id: int) -> ResponseReturnValue:
    """Over before its time."""
    with writing():
        drills.end(user(), drill_id, clock.now())
    return redirect(f"/desk/drills/{drill_id}", 303)


def _home(error: str = "", asked: int = 0) -> str:
    """`asked`: the minutes of a drill that is about to start, if somebody says yes."""
    now = clock.now()
    return render_template(
        "desk/drills.html", drills=drills.of_town(user()), minutes=drills.MINUTES, error=error, now=now,
        note=request.form.get("note", ""), asked=asked, people=drills.would_call(user(), now) if asked else (0, 0),
    )  # fmt: skip

"""交接班 on one page: what is open, a note, and two signatures; to read on the screen and to print."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, handovers
from fieldapp.db import writing
from fieldapp.errors import Conflict
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web import roster_words
from fieldapp.web.security import for_roles, user

bp = Blueprint("handovers", __name__, url_prefix="/desk/handover")


@bp.get("")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """What waits to be taken, or else what is open now, to be given."""
    return _page()


@bp.get("/<int:handover_id>")
@for_roles(*WORKS_DESK)
def one(handover_id: int) -> ResponseReturnValue:
    """A handover as it was signed."""
    found = handovers.load(user(), handover_id)
    return render_template("desk/handover_one.html", handover=found, sheet=found.lines, say=roster_words)


@bp.post("")
@for_roles(*WORKS_DESK)
def give() -> ResponseReturnValue:
    """The giver's signature."""
    try:
        with writing():
            handovers.give(user(), request.form.get("note", ""), clock.now())
    except Conflict as error:
        return _page(error.reason), 409
    return redirect("/desk/handover", 303)


@bp.post("/<int:handover_id>/taking")
@for_roles(*WORKS_DESK)
def take(handover_id: int) -> ResponseReturnValue:
    """The taker's signature."""
    try:
        with writing():
            handovers.take(user(), handover_id, request.form.get("answer", ""), clock.now())
    except Conflict as error:
        return _page(error.reason), 409
    return redirect(f"/desk/handover/{handover_id}", 303)


@bp.post("/<int:handover_id>/withdrawal")
@for_roles(*WORKS_DESK)
def withdraw(handover_id: int) -> ResponseReturnValue:
    """The giver takes it back."""
    try:
        with writing():
            handovers.withdraw(user(), handover_id)
    except Conflict as error:
        return _page(error.reason), 409
    return redirect("/desk/handover", 303)


def _page(refused: str = "") -> str:
    now, waiting = clock.now(), handovers.waiting(user())
    return render_template(
        "desk/handover.html", waiting=waiting, sheet=waiting.lines if waiting else handovers.sheet(user(), now),
        past=handovers.latest(user()), error=roster_words.reason(refused) if refused else "", say=roster_words,
        typed=request.form,
    )  # fmt: skip

"""The desk asks somebody on the roster for a tap, to know whether he or she can be reached."""

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from fieldapp import clock, drills, proofs
from fieldapp.db import writing
from fieldapp.errors import NotHere
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web.security import for_roles, user

bp = Blueprint("proofs", __name__, url_prefix="/desk/proofs")


@bp.post("/<int:user_id>")
@for_roles(*WORKS_DESK)
def ask(user_id: int) -> ResponseReturnValue:
    """Now; twice within a minute is once."""
    with writing():
        person = drills.participant(user(), user_id)
        if person is None:
            raise NotHere(str(user_id))
        proofs.ask_now(person, clock.now())
    return redirect("/desk/roster", 303)

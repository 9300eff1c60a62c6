"""What an officer takes away from a case: one sheet of paper, and the code that leads to its public page."""

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from fieldapp import cases, clock, progress
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.workflow import Part
from fieldapp.web import sheet
from fieldapp.web.invitations import qr
from fieldapp.web.security import for_roles, settings, user

bp = Blueprint("hands", __name__, url_prefix="/desk/cases")


@bp.get("/<number>/print")
@for_roles(*WORKS_DESK)
def paper(number: str) -> ResponseReturnValue:
    """One A4 page."""
    case = cases.load_whole(user(), number, Part.DESK)
    return render_template("desk/print.html", **sheet.of(case), code=qr(_link(case.number)), printed_at=clock.now())


@bp.get("/<number>/code")
@for_roles(*WORKS_DESK)
def code(number: str) -> ResponseReturnValue:
    """一案一码, to be photographed or sent on."""
    case = cases.load_whole(user(), number, Part.DESK)
    link = _link(case.number)
    return render_template("desk/code.html", case=case, link=link, code=qr(link))


def _link(number: str) -> str:
    return settings().base_url + progress.path(str(current_app.config["SECRET_KEY"]), number)

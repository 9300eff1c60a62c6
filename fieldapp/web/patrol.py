"""The patrol's pages: one shell for everybody, so that a phone can keep it; what is personal comes as data."""

from flask import Blueprint, Response, make_response, render_template

from fieldapp.web.invitations import qr
from fieldapp.web.security import settings

bp = Blueprint("patrol", __name__)


@bp.get("/")
def home() -> Response:
    """The one big button, and what became of one's reports."""
    return _shell("patrol/home.html")


@bp.get("/report")
def report() -> Response:
    """A new report."""
    return _shell("patrol/report.html")


@bp.get("/reports")
def reports() -> Response:
    """One's own reports, sent and waiting."""
    return _shell("patrol/reports.html")


@bp.get("/story")
def story() -> Response:
    """What became of one report."""
    return _shell("patrol/story.html")


@bp.get("/phone")
def phone() -> Response:
    """Whether this phone can do what a report needs, each thing with a real test."""
    return _shell("patrol/phone.html")


@bp.get("/guide")
def guide() -> Response:
    """How to use it, on one page, with the code that leads here: to read, and to print for a volunteer."""
    return _shell("patrol/guide.html", code=qr(f"{settings().base_url}/"))


@bp.get("/inapp")
def inapp() -> Response:
    """What is said on a page inside WeChat and the like; fetched only there, so that no other phone carries it."""
    return _shell("patrol/_inapp.html")


def _shell(template: str, **values: object) -> Response:
    answer = make_response(render_template(template, **values))
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Vary"] = "Cookie"
    return answer

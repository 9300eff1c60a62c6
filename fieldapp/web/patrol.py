"""The patrol's pages: one shell for everybody, so that a phone can keep it; what is personal comes as data."""

from flask import Blueprint, Response, make_response, render_template

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


def _shell(template: str) -> Response:
    answer = make_response(render_template(template))
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Vary"] = "Cookie"
    return answer

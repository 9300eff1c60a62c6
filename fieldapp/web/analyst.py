"""The county's analyst: counts by town and kind. No names, no cases, no way down to either."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from fieldapp import analysis, clock
from fieldapp.rules import suppression
from fieldapp.rules.roles import Role
from fieldapp.web.security import for_roles, touch_device, user

bp = Blueprint("analyst", __name__)


@bp.get("/analysis")
@for_roles(Role.ANALYST)
def home() -> ResponseReturnValue:
    """The last 30 days."""
    touch_device()
    now = clock.now()
    table = analysis.by_town_and_category(user(), now)
    return render_template(
        "analyst/index.html", table=table, since=now - analysis.PERIOD, now=now,
        tones=suppression.TONES, threshold=suppression.THRESHOLD,
    )  # fmt: skip

"""What is known around here, for the phone to offer 我也看到了. It tells of things at places, and never of people."""

from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from fieldapp import clock, nearby
from fieldapp.nearby import Known
from fieldapp.rules.roles import FILES_REPORTS
from fieldapp.web.security import for_roles, user

bp = Blueprint("nearby", __name__)
DECIMALS = 4  # of a degree: about 11 m


@bp.get("/api/nearby")
@for_roles(*FILES_REPORTS)
def list_known() -> ResponseReturnValue:
    """Open cases of one's own town that are of public things, for the phone to keep."""
    now = clock.now()
    return jsonify(items=[_item(one) for one in nearby.known(user(), now)], at=clock.rfc3339(now))


def _item(one: Known) -> dict[str, Any]:
    return {
        "number": one.number, "category": one.category, "signals": one.signals, "status": one.status,
        "lat": round(one.lat or 0, DECIMALS), "lon": round(one.lon or 0, DECIMALS),
        "opened_at": clock.rfc3339(one.opened_at),
    }  # fmt: skip

"""Steps in the field, as phones send them from their queue (docs/protocol.md)."""

from uuid import UUID

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from flask_login import login_required

from fieldapp import clock, steps
from fieldapp.db import writing
from fieldapp.web.api import read_json
from fieldapp.web.security import settings, user

bp = Blueprint("steps", __name__)


@bp.put("/api/cases/<number>/steps/<uuid:step_id>")
@login_required
def put_step(number: str, step_id: UUID) -> ResponseReturnValue:
    """Take a step, once."""
    body = read_json()
    with writing():
        step, fresh = steps.submit(user(), number, step_id, body, settings().max_photo_bytes, clock.now())
        receipt = steps.receipt(step)
    return jsonify(receipt), 201 if fresh else 200

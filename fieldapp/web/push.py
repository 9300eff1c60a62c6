"""Push from the browser's side: the key, the device's address, and the receipts that make delivery known."""

import hmac
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, jsonify
from flask.typing import ResponseReturnValue
from flask_login import login_required

from fieldapp import accounts, alerting, clock, verbs
from fieldapp.channels import webpush
from fieldapp.db import db, writing
from fieldapp.errors import Invalid, NotAllowed, NotHere
from fieldapp.models import Delivery, PushSubscription
from fieldapp.rules.delivery import RECEIPTS, DeliveryState
from fieldapp.web.api import read_json
from fieldapp.web.security import device, failed, limiter, settings

bp = Blueprint("push", __name__, url_prefix="/api")


@bp.get("/push/key")
@login_required
def key() -> ResponseReturnValue:
    """The key a browser subscribes with."""
    return jsonify(key=webpush.public_key(settings().instance))


@bp.post("/push/subscriptions")
@login_required
def subscribe() -> ResponseReturnValue:
    """The browser's own subscription JSON; sent again at every start of the app."""
    body = read_json()
    endpoint, keys = body.get("endpoint"), body.get("keys")
    keys = keys if isinstance(keys, dict) else {}
    p256dh, auth = str(keys.get("p256dh", "")), str(keys.get("auth", ""))
    if not isinstance(endpoint, str) or not webpush.endpoint_allowed(
        endpoint, settings().push_hosts, settings().push_allow_loopback
    ):
        raise Invalid({"endpoint": "endpoint"})
    if not webpush.keys_valid(p256dh, auth):
        raise Invalid({"keys": "invalid"})
    with writing():
        fresh = alerting.subscribe(device(), endpoint, p256dh, auth, clock.now())
    return jsonify(endpoint=endpoint), 201 if fresh else 200


@bp.delete("/push/subscriptions")
@login_required
def unsubscribe() -> ResponseReturnValue:
    """Stop pushing to this device."""
    with writing():
        mine = db.select(PushSubscription).where(PushSubscription.device_id == device().id)
        for subscription in db.session.scalars(mine):
            alerting.disable(subscription, "switched_off", clock.now())
    return Response(status=204)


@bp.post("/deliveries/<uuid:delivery_id>/receipts")
@limiter.limit("60 per minute", deduct_when=failed)
def receipt(delivery_id: UUID) -> ResponseReturnValue:
    """What a device says became of a push. The token in it is the proof; no session is needed."""
    body = read_json()
    state = _state(body)
    with writing():
        delivery = db.session.get(Delivery, delivery_id)
        if delivery is None:
            raise NotHere(str(delivery_id))
        if not hmac.compare_digest(str(body.get("token", "")).encode(errors="replace"), _token(delivery_id).encode()):
            raise NotAllowed("token")
        _take(delivery, state)
    return Response(status=204)


def _take(delivery: Delivery, state: DeliveryState) -> None:
    """Note the receipt; a signature signs the case itself."""
    now = clock.now()
    if state == DeliveryState.ACKNOWLEDGED:
        verbs.sign(delivery, now)
    alerting.take_receipt(delivery, state, now)


def _state(body: dict[str, Any]) -> DeliveryState:
    try:
        state = DeliveryState(str(body.get("state")))
    except ValueError as error:
        raise Invalid({"state": "unknown"}) from error
    if state not in RECEIPTS:
        raise Invalid({"state": "unknown"})
    return state


def _token(delivery_id: UUID) -> str:
    return accounts.receipt_token(current_app.config["SECRET_KEY"], delivery_id)

"""Push from the browser's side: the key, the device's address, and the receipts that make delivery known."""

import hmac
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, jsonify
from flask.typing import ResponseReturnValue
from flask_login import login_required

from fieldapp import accounts, addresses, alerting, clock, trial, verbs
from fieldapp.channels import webpush
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.models import Delivery, PushSubscription
from fieldapp.rules.delivery import RECEIPTS, DeliveryState
from fieldapp.web.api import read_json
from fieldapp.web.problems import problem
from fieldapp.web.security import device, failed, limiter, settings
from fieldapp.web.tongue import chosen
from fieldapp.web.tongue import say as _

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
        fresh = addresses.subscribe(device(), endpoint, p256dh, auth, clock.now())
    return jsonify(endpoint=endpoint), 201 if fresh else 200


@bp.delete("/push/subscriptions")
@login_required
def unsubscribe() -> ResponseReturnValue:
    """Stop pushing to this device."""
    with writing():
        mine = db.select(PushSubscription).where(PushSubscription.device_id == device().id)
        for subscription in db.session.scalars(mine):
            addresses.disable(subscription, "switched_off", clock.now())
    return Response(status=204)


def _this_device() -> str:
    """Each phone has its own tries: a whole office may share one address."""
    return f"device {device().id}"


@bp.post("/push/test")
@login_required
@limiter.limit("5 per minute", key_func=_this_device)
def try_out() -> ResponseReturnValue:
    """Push to this very device, now. 202 says only that the push service took it; the phone sees the rest."""
    pushes = trial.pushes_to(device(), _trial_words())
    if not pushes:
        raise Conflict("endpoint_dead")
    db.session.rollback()  # nobody's connection waits for a push service
    errors = trial.send(pushes, settings())
    with writing():
        dead = trial.retire_dead(pushes, errors, clock.now())
    if None in errors:
        return jsonify(sent=errors.count(None)), 202
    if dead:
        raise Conflict("endpoint_dead")
    return problem(424, "push_service", detail=_("推送服务没有接收，可能是网络的问题。过几分钟再试。"))


def _trial_words() -> trial.Words:
    lang = "en" if chosen() == "en" else "zh-CN"
    return trial.Words(_("测试提醒"), _("看到这一条，提醒就能用。"), f"{settings().base_url}/phone", lang)


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

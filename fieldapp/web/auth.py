"""Logging in and out, enrolling a phone by invitation, and the devices one is logged in on."""

import logging
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from fieldapp import accounts, clock
from fieldapp.db import writing
from fieldapp.errors import Invalid, NotAllowed
from fieldapp.rules.roles import Role
from fieldapp.web import words
from fieldapp.web.language import local_path
from fieldapp.web.security import device, device_label, failed, forget, limiter, remember, user

log = logging.getLogger(__name__)
bp = Blueprint("auth", __name__)

HOME = {
    Role.DUTY: "/desk", Role.LEADER: "/desk", Role.RESPONDER: "/tasks", Role.LIAISON: "/tasks",
    Role.ANALYST: "/analysis", Role.ADMIN: "/admin",
}  # fmt: skip


def open_session(username: str, password: str, answer: Response) -> Response:
    """Log in and give the cookie with `answer`. Raises NotAllowed("login") or Locked; failures are counted."""
    user_id, matches = accounts.password_matches(username, password)
    refusal = None
    with writing():
        try:
            found, token = accounts.log_in(user_id, matches, device_label(), clock.now())
            found_id = found.id
        except NotAllowed as error:  # kept until the count of failures is committed
            refusal = error
    if refusal:
        log.warning("login refused (%s) for account %s from %s", refusal.reason, user_id, request.remote_addr)
        raise refusal
    log.info("login of account %s from %s", found_id, request.remote_addr)
    return remember(answer, token, found_id, int(accounts.OFFICER_SESSION.total_seconds()))


def close_session() -> None:
    """Log this device out and stop pushing to it."""
    with writing():
        accounts.revoke(user(), device().id, clock.now())


@bp.get("/login")
def login_form() -> ResponseReturnValue:
    """The form, or straight on for somebody who is logged in."""
    if current_user.is_authenticated:
        return redirect(_home())
    return _form()


@bp.post("/login")
@limiter.limit("30 per minute", deduct_when=failed)
def log_in() -> ResponseReturnValue:
    """Name and password; a refusal comes back on the same form, with a sentence."""
    username = request.form.get("username", "")
    try:
        answer = make_response(redirect(local_path(request.form.get("next") or "/")))
        return open_session(username, request.form.get("password", ""), answer)
    except accounts.Locked as error:
        return _form(username, words.locked(error.until)), 429
    except NotAllowed as error:
        return _form(username, words.reason(error.reason)), 401


@bp.post("/logout")
@login_required
def log_out() -> ResponseReturnValue:
    """End this device's session."""
    close_session()
    return forget(make_response(redirect("/login")))


@bp.get("/invite/<token>")
@limiter.limit("30 per minute", deduct_when=failed)
def invitation(token: str) -> ResponseReturnValue:
    """What an invitation's QR code opens: one button for a volunteer, a password for an officer."""
    found = accounts.open_invitation(token, clock.now())
    if found is None:
        return render_template("auth/invitation_over.html"), 410
    return render_template("auth/invitation.html", invitation=found, password=accounts.needs_password(found.role))


@bp.post("/invite/<token>")
@limiter.limit("30 per minute", deduct_when=failed)
def accept(token: str) -> ResponseReturnValue:
    """Use it: this device is enrolled."""
    try:
        with writing():
            found, cookie = accounts.accept_invitation(token, device_label(), clock.now(), request.form.get("password"))
            role, found_id = found.role, found.id
    except Invalid as error:
        waiting = accounts.open_invitation(token, clock.now())
        sentence = " ".join(words.field_errors(error.errors).values())
        return render_template("auth/invitation.html", invitation=waiting, password=True, error=sentence), 422
    except NotAllowed:
        return render_template("auth/invitation_over.html"), 410
    answer = make_response(redirect(HOME.get(Role(role), "/")))
    log.info("account %s enrolled a device from %s", found_id, request.remote_addr)
    return remember(answer, cookie, found_id, int(accounts.enrolled_session(role).total_seconds()))


@bp.get("/devices")
@login_required
def devices() -> ResponseReturnValue:
    """Where one is logged in, and one's password."""
    return _devices()


@bp.post("/password")
@limiter.limit("10 per minute", deduct_when=failed)
@login_required
def change_password() -> ResponseReturnValue:
    """Another password; every other device is logged out."""
    old, new = request.form.get("old", ""), request.form.get("new", "")
    try:
        with writing():
            accounts.change_password(user(), old, new, device(), clock.now())
    except Invalid as error:
        return _devices(" ".join(words.field_errors(error.errors).values())), 422
    log.info("account %s changed its password", user().id)
    return redirect("/devices?changed=1", 303)


@bp.post("/devices/<int:device_id>/revocation")
@login_required
def revoke(device_id: int) -> ResponseReturnValue:
    """Log one device out."""
    this = device().id == device_id
    with writing():
        accounts.revoke(user(), device_id, clock.now())
    answer = make_response(redirect("/login" if this else "/devices"))
    return forget(answer) if this else answer


@bp.post("/devices/revocation")
@login_required
def revoke_all() -> ResponseReturnValue:
    """Log out everywhere."""
    with writing():
        accounts.revoke_all(user(), clock.now())
    return forget(make_response(redirect("/login")))


def _form(username: str = "", error: str = "") -> str:
    return render_template("auth/login.html", username=username, error=error, next=_next())


def _devices(error: str = "") -> str:
    found, changed = accounts.devices(user(), clock.now()), request.args.get("changed")
    return render_template(
        "auth/devices.html", devices=found, this=device(), home=_home(), error=error, changed=changed
    )


def _next() -> str:
    asked = request.form.get("next") or request.args.get("next") or "/"
    return local_path(asked) if not urlsplit(asked).netloc else "/"


def _home() -> str:
    return HOME.get(Role(user().role), "/")

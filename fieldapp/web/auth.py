"""Logging in and out, enrolling a phone by invitation, and the devices one is logged in on."""

import logging

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from fieldapp import accounts, clock, passwords
from fieldapp.db import writing
from fieldapp.errors import Invalid, NotAllowed
from fieldapp.rules.roles import Role
from fieldapp.web import auditing, words
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
    address = request.remote_addr or ""
    passwords.refuse_if_locked(username, address, clock.now())
    proof = passwords.check(username, password)
    try:
        with writing():
            _end_old_session()
            found, token = accounts.log_in(proof, device_label(), clock.now())
            found_id = found.id
            passwords.forget_failures(username, address)
            auditing.note("login", found)
    except NotAllowed:
        with writing():
            passwords.count_failure(username, address, clock.now())
            auditing.failed_login(proof.user_id)
        log.warning("login refused for account %s from %s", proof.user_id, address)
        raise
    log.info("login of account %s from %s", found_id, address)
    return remember(answer, token, found_id)


def _end_old_session() -> None:
    """Whoever was logged in on this browser before is not any more."""
    if current_user.is_authenticated:
        accounts.revoke(user(), device().id, clock.now())


def close_session() -> None:
    """Log this device out and stop pushing to it."""
    with writing():
        accounts.revoke(user(), device().id, clock.now())


@bp.get("/login")
def login_form() -> ResponseReturnValue:
    """The form, or straight on to the page asked for (else one's own first page) for somebody who is logged in."""
    if current_user.is_authenticated:
        asked = _next()
        return redirect(asked if asked != "/" else _home())
    return _form()


@bp.post("/login")
@limiter.limit("30 per minute", deduct_when=failed)
def log_in() -> ResponseReturnValue:
    """Name and password; a refusal comes back on the same form, with a sentence."""
    username = request.form.get("username", "")
    try:
        answer = make_response(redirect(_next()))
        return open_session(username, request.form.get("password", ""), answer)
    except passwords.Locked as error:
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
        password_hash = _chosen_password(token)
        with writing():
            _end_old_session()
            found, cookie = accounts.accept_invitation(
                token, device_label(), clock.now(), password_hash, request.form.get("username", "")
            )
            role, found_id = found.role, found.id
            auditing.note("enrolled", found)
    except Invalid as error:
        return _choose_again(token, error), 422
    except NotAllowed:
        return render_template("auth/invitation_over.html"), 410
    answer = make_response(redirect(HOME.get(Role(role), "/")))
    log.info("account %s enrolled a device from %s", found_id, request.remote_addr)
    return remember(answer, cookie, found_id)


@bp.get("/devices")
@login_required
def devices() -> ResponseReturnValue:
    """Where one is logged in, and one's password."""
    return _devices()


@bp.post("/password")
@limiter.limit("10 per minute")
@login_required
def change_password() -> ResponseReturnValue:
    """Another password; every other device is logged out."""
    old, new = request.form.get("old", ""), request.form.get("new", "")
    try:
        proof, new_hash = passwords.check(user().username, old), passwords.hashed(new, user().username, user().name)
        with writing():
            accounts.change_password(user(), proof, new_hash, device(), clock.now())
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


def _chosen_password(token: str) -> str | None:
    """The hash of the password an officer chose for this invitation; none where none is needed."""
    found = accounts.open_invitation(token, clock.now())
    if found is None or not accounts.needs_password(found.role):
        return None
    username = found.user.username if found.user else ""
    return passwords.hashed(request.form.get("password", ""), username, found.name)


def _choose_again(token: str, error: Invalid) -> str:
    """The same form with a sentence, and with the name that was typed."""
    sentence = " ".join(words.field_errors(error.errors).values())
    return render_template(
        "auth/invitation.html", invitation=accounts.open_invitation(token, clock.now()), password=True,
        username=request.form.get("username", ""), error=sentence,
    )  # fmt: skip


def _form(username: str = "", error: str = "") -> str:
    return render_template("auth/login.html", username=username, error=error, next=_next())


def _devices(error: str = "") -> str:
    found, changed = accounts.devices(user(), clock.now()), request.args.get("changed")
    return render_template(
        "auth/devices.html", devices=found, this=device(), home=_home(), error=error, changed=changed
    )


def _next() -> str:
    """The page on this site that was asked for before the login."""
    return local_path(request.form.get("next") or request.args.get("next") or "/")


def _home() -> str:
    return HOME.get(Role(user().role), "/")

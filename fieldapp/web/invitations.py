"""Invitations: a name and a role become a QR code, so that a volunteer never types anything."""

import io
import re
import secrets

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from fieldapp import accounts, clock, directory, invitations
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.models import Invitation
from fieldapp.rules.roles import INVITES
from fieldapp.web import words
from fieldapp.web.security import for_roles, settings, user

bp = Blueprint("invitations", __name__)

SHOWN = "fieldapp_shown"  # the cookie with the keys of the last forms whose code this browser has shown
KEPT = 10
KEY = re.compile(r"[\w-]{1,40}", re.ASCII)


@bp.get("/desk/invitations")
@for_roles(*INVITES)
def show() -> ResponseReturnValue:
    """The form and the open invitations."""
    return _page()


@bp.post("/desk/invitations")
@for_roles(*INVITES)
def make() -> ResponseReturnValue:
    """A new invitation; its code is shown this once and kept nowhere."""
    if shown_before():
        return shown_already()
    form = request.form
    department = form.get("department", "")
    try:
        with writing():
            made, token = invitations.make(
                user(), form.get("name", ""), form.get("role", ""), form.get("area_code", ""),
                int(department) if department.isascii() and department.isdigit() else None, clock.now(),
            )  # fmt: skip
    except Invalid as error:
        return _page(words.field_errors(error.errors)), 422
    return once(made, token)


@bp.post("/desk/invitations/new-phone")
@for_roles(*INVITES)
def new_phone() -> ResponseReturnValue:
    """A code that logs another phone into a volunteer's own account, with all that waits there under that name."""
    if shown_before():
        return shown_already()
    chosen = request.form.get("user", "")
    with writing():
        person = invitations.volunteer(user(), int(chosen) if chosen.isascii() and chosen.isdigit() else 0)
        made, token = invitations.for_new_phone(user(), person, clock.now())
    return once(made, token)


@bp.post("/desk/invitations/<int:invitation_id>/revocation")
@for_roles(*INVITES)
def withdraw(invitation_id: int) -> ResponseReturnValue:
    """The link stops working."""
    with writing():
        invitations.withdraw(user(), invitation_id, clock.now())
    return redirect("/desk/invitations", 303)


def once(invitation: Invitation, token: str) -> Response:
    """The page with the QR code and the link, shown right after making it and never again."""
    link = f"{settings().base_url}/invite/{token}"
    password = accounts.needs_password(invitation.role)
    page = render_template(
        "desk/invitation_made.html", invitation=invitation, link=link, code=qr(link), password=password
    )
    answer, keys = make_response(page), ".".join((*_shown_keys(), _key())[-KEPT:])
    answer.set_cookie(
        SHOWN, keys, max_age=86400, path="/", secure=settings().secure_cookies, httponly=True, samesite="Strict"
    )
    return answer


def new_key() -> str:
    """A hidden field for a form that makes an invitation, so that sending the same form again makes no second one.

    The code can be shown only in the answer to the form itself (its token is kept nowhere), so a reload sends it again.
    """
    return secrets.token_urlsafe(9)


def shown_before() -> bool:
    """True when this browser has had the code of this very form already."""
    return bool(_key()) and _key() in _shown_keys()


def shown_already() -> ResponseReturnValue:
    """The invitations, with a sentence why there is no new one, and the open ones to withdraw."""
    return _page(again=True), 409


def qr(link: str) -> Markup:
    """The link as inline SVG without style attributes, so that the content policy lets it stand."""
    import segno  # its writers cost every start a twentieth of a second

    out = io.BytesIO()
    segno.make(link, error="m").save(
        out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=3, dark="#000", light="#fff",
        svgclass="qr", lineclass=None, nl=False,
    )  # fmt: skip
    return Markup(out.getvalue().decode())  # noqa: S704  (segno's own markup; the link is only drawn)


def _key() -> str:
    found = KEY.fullmatch(request.form.get("key", ""))
    return found[0] if found else ""


def _shown_keys() -> list[str]:
    return [key for key in request.cookies.get(SHOWN, "").split(".") if KEY.fullmatch(key)]


def _page(errors: dict[str, str] | None = None, again: bool = False) -> str:
    now = clock.now()
    return render_template(
        "desk/invitations.html", errors=errors or {}, again=again, key=new_key(), now=now,
        form={} if again else request.form, open_ones=invitations.open_ones(user(), now),
        roles=invitations.roles_for(user()), areas=invitations.areas_for(user()),
        volunteers=invitations.volunteers(user()),
        departments=[d for d in directory.departments(user()) if d.active],
    )  # fmt: skip

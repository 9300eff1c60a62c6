"""Invitations: a name and a role become a QR code, so that a volunteer never types anything."""

import io

import segno
from flask import Blueprint, redirect, render_template, request
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


@bp.get("/desk/invitations")
@for_roles(*INVITES)
def show() -> ResponseReturnValue:
    """The form and the open invitations."""
    return _page()


@bp.post("/desk/invitations")
@for_roles(*INVITES)
def make() -> ResponseReturnValue:
    """A new invitation; its code is shown this once and kept nowhere."""
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


@bp.post("/desk/invitations/<int:invitation_id>/revocation")
@for_roles(*INVITES)
def withdraw(invitation_id: int) -> ResponseReturnValue:
    """The link stops working."""
    with writing():
        invitations.withdraw(user(), invitation_id, clock.now())
    return redirect("/desk/invitations", 303)


def once(invitation: Invitation, token: str) -> str:
    """The page with the QR code and the link, shown right after making it and never again."""
    link = f"{settings().base_url}/invite/{token}"
    password = accounts.needs_password(invitation.role)
    return render_template(
        "desk/invitation_made.html", invitation=invitation, link=link, code=qr(link), password=password
    )


def qr(link: str) -> Markup:
    """The link as inline SVG without style attributes, so that the content policy lets it stand."""
    out = io.BytesIO()
    segno.make(link, error="m").save(
        out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=3, dark="#000", light="#fff",
        svgclass="qr", lineclass=None, nl=False,
    )  # fmt: skip
    return Markup(out.getvalue().decode())  # noqa: S704  (segno's own markup; the link is only drawn)


def _page(errors: dict[str, str] | None = None) -> str:
    now = clock.now()
    return render_template(
        "desk/invitations.html", errors=errors or {}, form=request.form, open_ones=invitations.open_ones(user(), now),
        roles=invitations.roles_for(user()), areas=invitations.areas_for(user()), now=now,
        departments=[d for d in directory.departments(user()) if d.active],
    )  # fmt: skip

"""The admin's accounts: roles, switching off, and a new phone for somebody who lost the old one."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, directory, invitations
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules.roles import Role
from fieldapp.web import words
from fieldapp.web.invitations import once
from fieldapp.web.security import for_roles, user

bp = Blueprint("accounts_admin", __name__, url_prefix="/admin/accounts")


@bp.get("")
@for_roles(Role.ADMIN)
def show() -> ResponseReturnValue:
    """The accounts of one's own area."""
    return _page()


@bp.post("/<int:user_id>")
@for_roles(Role.ADMIN)
def edit(user_id: int) -> ResponseReturnValue:
    """Another role, on or off; switching off logs every device out."""
    form = request.form
    try:
        with writing():
            directory.edit_person(user(), user_id, form.get("role", ""), form.get("active") == "1", clock.now())
    except Invalid as error:
        return _page(user_id, " ".join(words.field_errors(error.errors).values())), 422
    return redirect(f"/admin/accounts?saved={user_id}#account-{user_id}", 303)


@bp.post("/<int:user_id>/invitations")
@for_roles(Role.ADMIN)
def new_phone(user_id: int) -> ResponseReturnValue:
    """A QR code that logs a new phone into this account."""
    with writing():
        made, token = invitations.for_new_phone(user(), directory.person(user(), user_id), clock.now())
    return once(made, token)


def _page(wrong: int = 0, error: str = "") -> str:
    words_asked = request.args.get("q", "").strip()
    return render_template(
        "admin/accounts.html", people=directory.people(user(), words_asked), q=words_asked, roles=list(Role),
        wrong=wrong, error=error, saved=request.args.get("saved"), me=user(),
    )  # fmt: skip

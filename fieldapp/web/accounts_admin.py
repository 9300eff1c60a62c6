"""The admin's accounts: roles, switching off, and a new phone for somebody who lost the old one."""

from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, directory, invitations
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules.roles import Role
from fieldapp.web import words
from fieldapp.web.invitations import new_key, once, shown_already, shown_before
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
        return _page(user_id, words.field_errors(error.errors)), 422
    query = urlencode({"saved": user_id} | ({"q": _asked()} if _asked() else {}))
    return redirect(f"/admin/accounts?{query}#account-{user_id}", 303)


@bp.post("/<int:user_id>/invitations")
@for_roles(Role.ADMIN)
def new_phone(user_id: int) -> ResponseReturnValue:
    """A QR code that logs a new phone into this account."""
    if shown_before():
        return shown_already()
    with writing():
        made, token = invitations.for_new_phone(user(), directory.person(user(), user_id), clock.now())
    return once(made, token)


def _asked() -> str:
    return request.args.get("q", "").strip()


def _page(wrong: int = 0, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "admin/accounts.html", people=directory.people(user(), _asked()), q=_asked(), roles=list(Role), wrong=wrong,
        errors=errors or {}, spot=f"account-{wrong}", saved=request.args.get("saved"), me=user(), key=new_key(),
    )  # fmt: skip

"""派单规则: which department or person is suggested for a kind of event in an area."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, directory, suggestions
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules.roles import Role
from fieldapp.web import words
from fieldapp.web.security import for_roles, user

bp = Blueprint("dispatch_rules", __name__, url_prefix="/admin/dispatch")


@bp.get("")
@for_roles(Role.ADMIN)
def show() -> ResponseReturnValue:
    """The table."""
    return _page()


@bp.post("")
@for_roles(Role.ADMIN)
def add() -> ResponseReturnValue:
    """Another line."""
    return _put(0)


@bp.post("/<int:rule_id>")
@for_roles(Role.ADMIN)
def edit(rule_id: int) -> ResponseReturnValue:
    """The same line otherwise."""
    return _put(rule_id)


@bp.post("/<int:rule_id>/removal")
@for_roles(Role.ADMIN)
def remove(rule_id: int) -> ResponseReturnValue:
    """Take a line out; what was sent by it stays sent."""
    with writing():
        suggestions.remove(user(), rule_id)
    return redirect("/admin/dispatch?saved=1", 303)


def _put(rule_id: int) -> ResponseReturnValue:
    form = request.form
    try:
        with writing():
            made = suggestions.put(
                user(), rule_id, form.get("category", ""), form.get("area", ""), form.get("to", ""), clock.now()
            ).id
    except Invalid as error:
        return _page(rule_id, words.field_errors(error.errors)), 422
    return redirect(f"/admin/dispatch?saved={made}#rule-{made}", 303)


def _page(wrong: int = -1, errors: dict[str, str] | None = None) -> str:
    offers = [(suggestions.key_of(one), one) for one in suggestions.targets(user())]
    return render_template(
        "admin/dispatch.html", rules=suggestions.rules(user()), categories=directory.categories(active=True),
        areas=suggestions.areas(user()), offers=offers, key_of=suggestions.key_of, wrong=wrong, errors=errors or {},
        typed=request.form, saved=request.args.get("saved"), spot=f"rule-{wrong}",
    )  # fmt: skip

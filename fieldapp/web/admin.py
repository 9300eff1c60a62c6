"""The admin's settings: kinds of events, areas and departments. Accounts are in accounts_admin."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import directory
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules.roles import Role
from fieldapp.web import words
from fieldapp.web.security import for_roles, user

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("")
@for_roles(Role.ADMIN)
def home() -> ResponseReturnValue:
    """The kinds of events."""
    return _categories()


@bp.post("/categories/<code>")
@for_roles(Role.ADMIN)
def edit_category(code: str) -> ResponseReturnValue:
    """Rename a kind, place or put it away."""
    form = request.form
    try:
        tile, active = _tile(form.get("tile", "")), form.get("active") == "1"
        with writing():
            directory.edit_category(user(), code, form.get("name", ""), form.get("name_en", ""), tile, active)
    except Invalid as error:
        return _categories(code, words.field_errors(error.errors)), 422
    return redirect(f"/admin?saved={code}#category-{code}", 303)


@bp.get("/areas")
@for_roles(Role.ADMIN)
def areas() -> ResponseReturnValue:
    """Which of the areas inside one's own are on."""
    return _areas()


@bp.post("/areas")
@for_roles(Role.ADMIN)
def switch_areas() -> ResponseReturnValue:
    """Exactly the ticked ones are on."""
    try:
        with writing():
            directory.switch_areas(user(), set(request.form.getlist("enabled")))
    except Invalid as error:
        return _areas(words.field_errors(error.errors)), 422
    return redirect("/admin/areas?saved=1", 303)


@bp.get("/departments")
@for_roles(Role.ADMIN)
def departments() -> ResponseReturnValue:
    """The departments that can be whistled for."""
    return _departments()


@bp.post("/departments")
@for_roles(Role.ADMIN)
def add_department() -> ResponseReturnValue:
    """A new one."""
    try:
        with writing():
            directory.add_department(user(), request.form.get("name", ""))
    except Invalid as error:
        return _departments(0, words.field_errors(error.errors)), 422
    return redirect("/admin/departments?saved=1", 303)


@bp.post("/departments/<int:department_id>")
@for_roles(Role.ADMIN)
def edit_department(department_id: int) -> ResponseReturnValue:
    """Rename it or put it away."""
    form = request.form
    try:
        with writing():
            directory.edit_department(user(), department_id, form.get("name", ""), form.get("active") == "1")
    except Invalid as error:
        return _departments(department_id, words.field_errors(error.errors)), 422
    return redirect(f"/admin/departments?saved={department_id}#department-{department_id}", 303)


def _categories(wrong: str = "", errors: dict[str, str] | None = None) -> str:
    return render_template(
        "admin/categories.html", categories=directory.categories(), wrong=wrong, errors=errors or {},
        spot=f"category-{wrong}", typed=request.form, saved=request.args.get("saved"),
        may_edit=directory.may_edit_county(user()),
    )  # fmt: skip


def _areas(errors: dict[str, str] | None = None) -> str:
    return render_template(
        "admin/areas.html", areas=directory.areas(user()), saved=request.args.get("saved"), errors=errors or {}
    )


def _departments(wrong: int = -1, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "admin/departments.html", departments=directory.departments(user()), wrong=wrong, errors=errors or {},
        spot=f"department-{wrong}", typed=request.form, saved=request.args.get("saved"),
    )  # fmt: skip


def _tile(text: str) -> int | None:
    text = text.strip()
    if text and not (text.isascii() and text.isdigit()):
        raise Invalid({"tile": "not_a_number"})
    return int(text) if text else None

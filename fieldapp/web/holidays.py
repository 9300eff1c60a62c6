"""Holidays and make-up workdays: the county's table, year by year."""

from datetime import date

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, directory, holidays
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules.roles import Role
from fieldapp.web import roster_words
from fieldapp.web.security import for_roles, user

bp = Blueprint("holidays", __name__, url_prefix="/admin/holidays")


@bp.get("")
@for_roles(Role.ADMIN)
def show() -> ResponseReturnValue:
    """A year's days."""
    return _page(holidays.year_of(request.args.get("year", ""), clock.now()))


@bp.post("")
@for_roles(Role.ADMIN)
def put() -> ResponseReturnValue:
    """A day off or a make-up workday."""
    form, day = request.form, _day(request.form.get("day", ""))
    try:
        with writing():
            holidays.put(user(), day, form.get("kind", ""), form.get("name", ""))
    except Invalid as error:
        year = day.year if day else holidays.year_of(form.get("year", ""), clock.now())
        return _page(year, error.errors), 422
    return redirect(f"/admin/holidays?year={day.year if day else ''}&saved=1", 303)


@bp.post("/<day>/removal")
@for_roles(Role.ADMIN)
def remove(day: str) -> ResponseReturnValue:
    """The day is what its weekday says."""
    found = _day(day)
    with writing():
        holidays.remove(user(), found or date.max)
    return redirect(f"/admin/holidays?year={found.year if found else ''}&saved=1", 303)


@bp.post("/years")
@for_roles(Role.ADMIN)
def publish() -> ResponseReturnValue:
    """The year is complete and published, or is not after all."""
    form = request.form
    year = holidays.year_of(form.get("year", ""), clock.now())
    try:
        with writing():
            if form.get("published") == "0":
                holidays.unpublish(user(), year)
            else:
                holidays.publish(user(), year, form.get("source", ""), clock.now())
    except Invalid as error:
        return _page(year, error.errors), 422
    return redirect(f"/admin/holidays?year={year}&saved=1", 303)


def _page(year: int, errors: dict[str, str] | None = None) -> str:
    now = clock.now()
    return render_template(
        "admin/holidays.html", year=year, days=holidays.days(year), published=holidays.published(year),
        coming=holidays.coming_unpublished(now), errors=roster_words.field_errors(errors or {}), say=roster_words,
        spot="holiday-form", typed=request.form, saved=request.args.get("saved"),
        may_edit=directory.may_edit_county(user()),
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

"""管理 → 时限: minutes per severity and step, of which time, for single categories, and the office hours."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, directory, limits, timing
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules import deadlines
from fieldapp.rules import severity as severities
from fieldapp.rules.deadlines import Step
from fieldapp.rules.roles import Role
from fieldapp.rules.severity import Severity
from fieldapp.web import term_words, words
from fieldapp.web.security import for_roles, user

bp = Blueprint("limits", __name__, url_prefix="/admin/limits")
COLUMNS = ("name", "name_en", *Step, *(f"{step}-kind" for step in Step))


@bp.get("")
@for_roles(Role.ADMIN)
def show() -> ResponseReturnValue:
    """What holds now, and what each severity is called."""
    return _page(_texts())


@bp.post("")
@for_roles(Role.ADMIN)
def edit() -> ResponseReturnValue:
    """Change them, all or none."""
    texts = {key: request.form.get(key, "") for level in Severity for key in (f"{level.word}-{c}" for c in COLUMNS)}
    texts = {key: text or ("natural" if key.endswith("-kind") else "") for key, text in texts.items()}
    try:
        with writing():
            directory.edit_limits(user(), {key: texts[_name(*key)] for key in _cells()})
            limits.edit_kinds(user(), {key: texts[f"{_name(*key)}-kind"] for key in _cells()})
            directory.edit_severity_labels(
                user(), {level: (texts[f"{level.word}-name"], texts[f"{level.word}-name_en"]) for level in Severity}
            )
    except Invalid as error:
        return _page(texts, words.field_errors(error.errors), f"limit-{next(iter(error.errors))}"), 422
    return redirect("/admin/limits?saved=1", 303)


@bp.post("/categories")
@for_roles(Role.ADMIN)
def put() -> ResponseReturnValue:
    """A limit of one category."""
    form = request.form
    try:
        severity, step = _which()
        with writing():
            limits.put(
                user(), form.get("category", ""), severity, step, form.get("minutes", ""), form.get("kind", "natural")
            )
    except Invalid as error:
        return _page(_texts(), words.field_errors(error.errors), "own-limits"), 422
    return redirect("/admin/limits?saved=1#own-limits", 303)


@bp.post("/categories/removal")
@for_roles(Role.ADMIN)
def remove() -> ResponseReturnValue:
    """The one for all holds for this category again."""
    try:
        severity, step = _which()
    except Invalid as error:
        return _page(_texts(), words.field_errors(error.errors), "own-limits"), 422
    with writing():
        limits.remove(user(), request.form.get("category", ""), severity, step)
    return redirect("/admin/limits?saved=1#own-limits", 303)


@bp.post("/hours")
@for_roles(Role.ADMIN)
def hours() -> ResponseReturnValue:
    """When the office is open."""
    text = request.form.get("hours", "")
    try:
        with writing():
            limits.edit_hours(user(), text)
    except Invalid as error:
        return _page(_texts(), words.field_errors(error.errors), "office-hours", text), 422
    return redirect("/admin/limits?saved=1#office-hours", 303)


def _page(texts: dict[str, str], errors: dict[str, str] | None = None, spot: str = "", typed: str = "") -> str:
    office, now = timing.office(), clock.now()
    names = {one.code: one for one in directory.categories()}
    own = [(row, names[row.category_code], term_words.example(row, names[row.category_code], office, now))
           for row in limits.of_categories() if row.category_code in names]  # fmt: skip
    return render_template(
        "admin/limits.html", texts=texts, errors=errors or {}, spot=spot, steps=list(Step), kinds=term_words.KIND,
        levels=[severity.word for severity in reversed(Severity)], may_edit=directory.may_edit_county(user()),
        may_wait=lambda level, step: deadlines.may_wait(severities.parse(level), step), own=own,
        hours=typed or deadlines.write_hours(office.hours), categories=directory.categories(active=True),
        examples=[term_words.usual_example(step, texts, office, now) for step in Step], typed=request.form,
        saved=request.args.get("saved"),
    )  # fmt: skip


def _texts() -> dict[str, str]:
    texts = {_name(*key): str(minutes) for key, minutes in directory.limits().items()}
    texts |= {f"{_name(*key)}-kind": kind for key, kind in limits.kinds().items()}
    for severity, label in directory.severity_labels().items():
        texts |= {f"{severity.word}-name": label.name, f"{severity.word}-name_en": label.name_en}
    return texts


def _cells() -> list[tuple[Severity, Step]]:
    return [(severity, step) for severity in reversed(Severity) for step in Step]


def _name(severity: Severity, step: Step) -> str:
    return f"{severity.word}-{step}"


def _which() -> tuple[Severity, Step]:
    form = request.form
    try:
        return severities.parse(form.get("severity", "")), Step(form.get("step", ""))
    except ValueError as error:
        raise Invalid({"category": "unknown"}) from error

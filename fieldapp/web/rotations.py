"""Forms for rotations: a post that its members hold in turn."""

from datetime import date, timedelta

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, oncall, roster, rotations
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.models import Rotation
from fieldapp.rotations import Draft
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.roster import Days
from fieldapp.web import roster_words
from fieldapp.web.security import for_roles, user

bp = Blueprint("rotations", __name__, url_prefix="/desk/rotations")
PLACES = 4  # how many places the form offers at least


@bp.get("/new")
@for_roles(*WORKS_DESK)
def new() -> ResponseReturnValue:
    """An empty form."""
    rung = request.args.get("rung", "")
    rung = rung if rung in set(roster.RUNGS) else Rung.ON_CALL.value
    tomorrow = clock.local(clock.now()).date() + timedelta(days=1)
    return _form(Draft(rung, str(roster_words.RUNG[rung]), [], tomorrow, None, ["08:00"], 1, Days.ALL))


@bp.post("")
@for_roles(*WORKS_DESK)
def make() -> ResponseReturnValue:
    """A new rotation."""
    draft = _read()
    try:
        with writing():
            row = rotations.make(user(), draft, clock.now())
    except Invalid as error:
        return _form(draft, None, error.errors), 422
    return redirect(_week_of(row.starts_on), 303)


@bp.get("/<int:rotation_id>")
@for_roles(*WORKS_DESK)
def show(rotation_id: int) -> ResponseReturnValue:
    """A rotation as it is, to change from a day on."""
    row = rotations.find(user(), rotation_id)
    tomorrow = clock.local(clock.now()).date() + timedelta(days=1)
    starts_on = max(row.starts_on, tomorrow)
    return _form(
        Draft(row.rung, row.name, row.members, starts_on, row.ends_on, row.cuts, row.turn, row.days), row
    )  # fmt: skip


@bp.post("/<int:rotation_id>")
@for_roles(*WORKS_DESK)
def change(rotation_id: int) -> ResponseReturnValue:
    """Change it from the given day on."""
    draft = _read()
    try:
        with writing():
            row = rotations.change(user(), rotation_id, draft, clock.now())
    except Invalid as error:
        return _form(draft, rotations.find(user(), rotation_id), error.errors), 422
    return redirect(_week_of(row.starts_on), 303)


@bp.post("/<int:rotation_id>/end")
@for_roles(*WORKS_DESK)
def end(rotation_id: int) -> ResponseReturnValue:
    """Its last day."""
    last = _day(request.form.get("ends_on", ""))
    try:
        with writing():
            rotations.end(user(), rotation_id, last, clock.now())
    except Invalid as error:
        row = rotations.find(user(), rotation_id)
        draft = Draft(row.rung, row.name, row.members, row.starts_on, row.ends_on, row.cuts, row.turn, row.days)
        return _form(draft, row, error.errors), 422
    return redirect("/desk/roster", 303)


def _form(draft: Draft, row: Rotation | None = None, errors: dict[str, str] | None = None) -> str:
    rung = Rung(draft.rung) if draft.rung in set(roster.RUNGS) else Rung.ON_CALL
    people = {one.id: one for choice in roster.RUNGS for one in roster.people(user(), choice)}.values()
    places = min(max(PLACES, len(oncall.able(user().town_code, rung)), len(draft.members) + 1), rotations.MOST_MEMBERS)
    return render_template(
        "desk/rotation.html", draft=draft, row=row, people=people, places=places, days=list(Days), say=roster_words,
        errors=roster_words.field_errors(errors or {}), rungs=list(roster.RUNGS), cuts=rotations.MOST_CUTS,
        today=clock.local(clock.now()).date(), most_turn=rotations.MOST_TURN,
    )  # fmt: skip


def _read() -> Draft:
    form = request.form
    return Draft(
        form.get("rung", ""), form.get("name", ""), [_number(text) for text in form.getlist("member") if text],
        _day(form.get("starts_on", "")), _day(form.get("ends_on", "")), [cut for cut in form.getlist("cut") if cut],
        _number(form.get("turn", "")), form.get("days", ""),
    )  # fmt: skip


def _number(text: str) -> int:
    """What was typed, or 0, which no rule takes."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _week_of(day: date) -> str:
    return f"/desk/roster?week={day.isoformat()}#week"

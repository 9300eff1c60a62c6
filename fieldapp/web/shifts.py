"""One shift on the desk: who holds it, who stands in, and changing it against another."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, newcomers, oncall, roster, rotations
from fieldapp.db import writing
from fieldapp.errors import Conflict, Invalid, NotHere
from fieldapp.models import Override, Rotation
from fieldapp.oncall import Stand
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.roster import Shift
from fieldapp.web import roster_words
from fieldapp.web.security import for_roles, user

bp = Blueprint("shifts", __name__, url_prefix="/desk")
AROUND = timedelta(weeks=4)
LATEST = 2**32  # seconds; beyond it no calendar goes


@bp.get("/shifts/<int:rotation_id>/<int:start>")
@for_roles(*WORKS_DESK)
def show(rotation_id: int, start: int) -> ResponseReturnValue:
    """The shift, and what can be done with it."""
    return _page(rotation_id, start)


@bp.post("/shifts/<int:rotation_id>/<int:start>/stand-in")
@for_roles(*WORKS_DESK)
def stand_in(rotation_id: int, start: int) -> ResponseReturnValue:
    """Somebody else, or nobody, for the given span."""
    form, (_, shift) = request.form, rotations.shift(user(), rotation_id, moment(start))
    chosen = form.get("user", "")
    try:
        span = _wall(form.get("starts_at", ""), shift.starts_at), _wall(form.get("ends_at", ""), shift.ends_at)
        holder = None if chosen == "nobody" else int(chosen) if chosen.isascii() and chosen.isdigit() else 0
        with writing():
            rotations.stand_in(
                user(), rotation_id, span, holder, form.get("note", ""), clock.now(), newcomers.call
            )  # fmt: skip
    except Invalid as error:
        return _page(rotation_id, start, " ".join(roster_words.field_errors(error.errors).values())), 422
    return redirect(_week_of(span[0]), 303)


@bp.post("/exchanges")
@for_roles(*WORKS_DESK)
def exchange() -> ResponseReturnValue:
    """Two shifts change their holders; each is named by its post and beginning, as in 3-1764057600."""
    one, other = place(request.form.get("one", "")), place(request.form.get("other", ""))
    try:
        with writing():
            rotations.exchange(user(), one, other, clock.now(), newcomers.call)
    except Conflict as error:
        return _page(one[0], int(one[1].timestamp()), roster_words.reason(error.reason)), 409
    return redirect(_week_of(one[1]), 303)


@bp.post("/overrides/<int:override_id>/end")
@for_roles(*WORKS_DESK)
def take_back(override_id: int) -> ResponseReturnValue:
    """As if nobody stood in, from now on."""
    with writing():
        rotations.take_back(user(), override_id, clock.now())
    return redirect("/desk/roster", 303)


def moment(seconds: int) -> datetime:
    """The beginning of a shift as it stands in an address. Raises NotHere."""
    if not 0 < seconds < LATEST:
        raise NotHere(str(seconds))
    return datetime.fromtimestamp(seconds, UTC)


def place(text: str) -> tuple[int, datetime]:
    """A post and a beginning as a form names them. Raises NotHere."""
    post, _, start = text.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 11 for part in (post, start)):
        raise NotHere(text)
    return int(post), moment(int(start))


def _page(rotation_id: int, start: int, error: str = "") -> str:
    row, shift = rotations.shift(user(), rotation_id, moment(start))
    now, rung = clock.now(), Rung(row.rung)
    return render_template(
        "desk/shift.html", row=row, shift=shift, now=now, error=error, say=roster_words, start=start,
        people=roster.people(user(), rung), over=shift.ends_at <= now, others=_others(row, shift, now),
        changes=_changes(row, shift), typed=request.form,
        names={person.id: person.name for person in roster.people(user(), rung)},
    )  # fmt: skip


def _others(row: Rotation, shift: Shift, now: datetime) -> list[tuple[Rotation, Shift]]:
    """The shifts of other people that this one could be changed against."""
    stands: list[Stand] = oncall.stands(row.town_code, Rung(row.rung), now, now + AROUND)
    found = [(stand.rotation, other) for stand in stands for other in stand.shifts if other.starts_at > now]
    return [(post, other) for post, other in found if other.holder and other.holder != shift.holder]


def _changes(row: Rotation, shift: Shift) -> list[Override]:
    return rotations.overrides(row, shift.starts_at, shift.ends_at)


def _wall(text: str, otherwise: datetime) -> datetime:
    """A local time as a form gives it."""
    if not text:
        return otherwise
    try:
        return datetime.fromisoformat(text).replace(tzinfo=clock.LOCAL)
    except ValueError as error:
        raise Invalid({"ends_at": "bad_span"}) from error


def _week_of(at: datetime) -> str:
    return f"/desk/roster?week={clock.local(at).date().isoformat()}#week"

"""The roster: who is on call now, a week at a glance, and the gaps before they come."""

from datetime import date, timedelta

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, feeds, handovers, newcomers, oncall, proofs, roster
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.models import User
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web import roster_words
from fieldapp.web.security import for_roles, settings, user
from fieldapp.web.shared import Shared
from fieldapp.web.tongue import chosen

bp = Blueprint("roster", __name__)
HOURS = (8, 12, 24)
SOON = timedelta(hours=24)
FURTHEST = timedelta(days=366)

_lines: Shared[str] = Shared(seconds=5)  # every desk of a town asks each half minute, and reads the same


@bp.get("/desk/roster")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """Every rung now and over a week, and who could be put on."""
    return _page()


@bp.get("/desk/on-call")
@for_roles(*WORKS_DESK)
def on_call() -> ResponseReturnValue:
    """A line for the desk: who would be called now, whether they are in reach, and a gap within the next day."""
    waiting = handovers.waiting(user())
    given = waiting.giver if waiting and waiting.giver_id != user().id else None
    if settings().testing:
        return _line(given)
    key = (user().town_code, chosen(), given.id if given else None)
    return _lines.get(key, lambda: _line(given))


def _line(given: User | None) -> str:
    now, town = clock.now(), user().town_code
    standing = [(rung, oncall.holders(town, rung, now)) for rung in roster.RUNGS]
    everybody = list({person.id: person for _rung, people in standing for person in people}.values())
    soon = [(rung, hole) for rung, hole in roster.gaps_ahead(user(), now) if hole.starts_at < now + SOON]
    return render_template(
        "desk/_on_call.html",
        given=given,
        standing=standing,
        reach=proofs.standing(everybody, now),
        gaps=soon,
        say=roster_words,
    )


@bp.post("/desk/roster")
@for_roles(*WORKS_DESK)
def put_on() -> ResponseReturnValue:
    """Put somebody on call from now on."""
    try:
        rung, user_id, hours = _read()
        with writing():
            roster.put_on(user(), rung, user_id, hours, clock.now(), newcomers.call)
    except Invalid as error:
        return _page(" ".join(roster_words.field_errors(error.errors).values())), 422
    return redirect("/desk/roster", 303)


@bp.post("/desk/roster/<int:entry_id>/end")
@for_roles(*WORKS_DESK)
def take_off(entry_id: int) -> ResponseReturnValue:
    """End somebody's turn now."""
    with writing():
        roster.take_off(user(), entry_id, clock.now())
    return redirect("/desk/roster", 303)


def _page(error: str = "") -> str:
    now = clock.now()
    monday, rungs = _monday(clock.local(now).date()), list(roster.RUNGS)
    groups = [(rung, roster.turns(user(), rung, now), roster.free(user(), rung, now)) for rung in rungs]
    on = {turn.user.id: turn.user for _rung, turns, _free in groups for turn in turns}
    return render_template(
        "desk/roster.html", now=now, today=clock.local(now).date(), hours=HOURS, error=error, say=roster_words,
        groups=groups, reach=proofs.standing(list(on.values()), now),
        gaps=roster.gaps_ahead(user(), now),
        weak=roster.weak_ahead(user(), now), twice=roster.twice_ahead(user(), now),
        unpublished=roster.unpublished(now), monday=monday,
        before=monday - timedelta(days=7), after=monday + timedelta(days=7),
        week=roster.week(user(), monday, now), names=_names(),
        rotations=oncall.rotations(user().town_code, None, now), feed=feeds.current(user(), whole_town=True),
    )  # fmt: skip


def _names() -> dict[int, str]:
    return {person.id: person.name for rung in roster.RUNGS for person in roster.people(user(), rung)}


def _monday(today: date) -> date:
    """The Monday of the week asked for; of this one when the address makes no sense."""
    try:
        asked = date.fromisoformat(request.args.get("week", ""))
    except ValueError:
        asked = today
    if abs(asked - today) > FURTHEST:
        asked = today
    return asked - timedelta(days=asked.weekday())


def _read() -> tuple[Rung, int, int | None]:
    form = request.form
    if form.get("rung") not in {rung.value for rung in roster.RUNGS}:
        raise Invalid({"rung": "unknown"})
    if not form.get("user", "").isascii() or not form.get("user", "").isdigit():
        raise Invalid({"user": "not_free"})
    hours = form.get("hours", "")
    return Rung(form["rung"]), int(form["user"]), int(hours) if hours.isascii() and hours.isdigit() else None

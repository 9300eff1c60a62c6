"""我的班: one's own shifts on the phone, asking a colleague to take one, and answering when asked."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, feeds, newcomers, oncall, roster, swaps
from fieldapp.db import writing
from fieldapp.errors import Conflict, Invalid
from fieldapp.models import User
from fieldapp.rules.roles import Role
from fieldapp.web import roster_words
from fieldapp.web.security import for_roles, user
from fieldapp.web.shifts import moment, place

bp = Blueprint("swaps", __name__, url_prefix="/roster")
STANDS = (Role.RESPONDER, Role.GRID, Role.LEADER)
SAID = frozenset({"asked", "agreed", "declined", "withdrawn", "over", "answered"})


@bp.get("")
@for_roles(*STANDS)
def show() -> ResponseReturnValue:
    """One's own shifts for four weeks, and what was asked."""
    now, said = clock.now(), request.args.get("said", "")
    return render_template(
        "roster/index.html", now=now, shifts=swaps.own_shifts(user(), now), swaps=swaps.of(user(), now),
        say=roster_words, said=said if said in SAID else "", feed=feeds.current(user(), whole_town=False),
        by_hand=_by_hand(user()), unpublished=roster.unpublished(now),
    )  # fmt: skip


@bp.get("/swaps/new")
@for_roles(*STANDS)
def new() -> ResponseReturnValue:
    """Whom to ask for one shift, and what to give in return."""
    return _form()


@bp.get("/swaps/<int:swap_id>")
@for_roles(*STANDS)
def one(swap_id: int) -> ResponseReturnValue:
    """One question, where the message about it leads."""
    return render_template("roster/swap.html", swap=swaps.one(user(), swap_id), now=clock.now(), say=roster_words)


@bp.post("/swaps")
@for_roles(*STANDS)
def ask() -> ResponseReturnValue:
    """Ask."""
    form = request.form
    other, _, back = form.get("with", "").partition(":")
    try:
        with writing():
            swaps.ask(
                user(), place(form.get("shift", "")), int(other) if other.isascii() and other.isdigit() else 0,
                place(back) if back else None, form.get("note", ""), clock.now(),
            )  # fmt: skip
    except Invalid as error:
        return _form(" ".join(roster_words.field_errors(error.errors).values())), 422
    except Conflict as error:
        return _form(roster_words.reason(error.reason)), 409
    return redirect("/roster?said=asked#swaps", 303)


@bp.post("/swaps/<int:swap_id>/agreement")
@for_roles(*STANDS)
def agree(swap_id: int) -> ResponseReturnValue:
    """The shift is mine from now on."""
    try:
        with writing():
            agreed = swaps.agree(user(), swap_id, clock.now(), newcomers.call)
    except Conflict:
        return redirect("/roster?said=answered#swaps", 303)
    return redirect(f"/roster?said={'agreed' if agreed else 'over'}#swaps", 303)


@bp.post("/swaps/<int:swap_id>/refusal")
@for_roles(*STANDS)
def decline(swap_id: int) -> ResponseReturnValue:
    """I would rather not."""
    try:
        with writing():
            swaps.decline(user(), swap_id, clock.now())
    except Conflict:
        return redirect("/roster?said=answered#swaps", 303)
    return redirect("/roster?said=declined#swaps", 303)


@bp.post("/swaps/<int:swap_id>/withdrawal")
@for_roles(*STANDS)
def withdraw(swap_id: int) -> ResponseReturnValue:
    """I need it no longer."""
    try:
        with writing():
            swaps.withdraw(user(), swap_id, clock.now())
    except Conflict:
        return redirect("/roster?said=answered#swaps", 303)
    return redirect("/roster?said=withdrawn#swaps", 303)


def _form(error: str = "") -> str:
    now, wanted = clock.now(), request.values.get("shift", "")
    post, starts_at = place(wanted)
    row, shift = swaps.own_shift(user(), (post, moment(int(starts_at.timestamp()))), now)
    return render_template(
        "roster/ask.html", row=row, shift=shift, partners=swaps.partners(user(), row, now), say=roster_words,
        wanted=wanted, error=error, typed=request.form,
    )  # fmt: skip


def _by_hand(person: User) -> list[object]:
    """The turns that the desk put this person on by hand, now."""
    rungs = [rung for rung, roles in oncall.STANDS_ON.items() if person.role in roles]
    now = clock.now()
    return [
        turn for rung in rungs for turn in oncall.by_hand(person.town_code, rung, now, now) if turn.user_id == person.id
    ]

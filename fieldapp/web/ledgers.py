"""外来台账 at the desk: bring a file, name its columns, look at every row, confirm, and see it come in."""

import re
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from fieldapp import clock, directory, ledgers
from fieldapp.db import writing
from fieldapp.errors import Conflict, Invalid
from fieldapp.models import Ledger, LedgerState
from fieldapp.rules import ledger as tables
from fieldapp.rules import sheets
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web import ledger_words
from fieldapp.web.security import for_roles, limiter, user
from fieldapp.web.tongue import chosen

bp = Blueprint("ledgers", __name__, url_prefix="/desk/ledgers")
FORM_AROUND = 64 * 1024
FIRST_ROWS, FIRST_FAULTS = 6, 100


@bp.get("")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """The form, what may come in and what not, and the last files."""
    return _page()


@bp.post("")
@for_roles(*WORKS_DESK)
@limiter.limit("30 per hour")
def bring() -> ResponseReturnValue:
    """Read a file; nothing becomes a case yet."""
    request.max_content_length = ledgers.MOST_BYTES + FORM_AROUND
    try:
        file = request.files.get("file")
    except RequestEntityTooLarge:
        return _page("ledger_large"), 413
    if file is None or not file.filename:
        return _page("no_file"), 422
    data = file.read(ledgers.MOST_BYTES + 1)
    if len(data) > ledgers.MOST_BYTES:
        return _page("ledger_large"), 413
    try:
        read = ledgers.read(user(), data, file.filename, request.form.get("source", ""), clock.now())
    except Invalid as error:
        return _page(next(iter(error.errors.values()))), 422
    with writing():
        made = ledgers.bring(read)
    return redirect(f"/desk/ledgers/{made}", 303)


@bp.get("/<int:ledger_id>")
@for_roles(*WORKS_DESK)
def one(ledger_id: int) -> ResponseReturnValue:
    """While it is only looked at: its columns and every row. Afterwards: how far it is, and what was not taken."""
    return _one(ledgers.one(user(), ledger_id))


@bp.post("/<int:ledger_id>/columns")
@for_roles(*WORKS_DESK)
@limiter.limit("60 per minute")
def name_columns(ledger_id: int) -> ResponseReturnValue:
    """Which column is what."""
    said = {name: request.form.get(name, "") for name in tables.FIELDS}
    columns = {name: int(place) for name, place in said.items() if re.fullmatch("[0-9]{1,2}", place)}
    with writing():
        ledgers.name_columns(user(), ledger_id, columns, request.form.get("shift") == "gcj02")
    return redirect(f"/desk/ledgers/{ledger_id}", 303)


@bp.post("/<int:ledger_id>/confirmation")
@for_roles(*WORKS_DESK)
@limiter.limit("30 per hour")
def confirm(ledger_id: int) -> ResponseReturnValue:
    """Take in what was shown as good; the worker does it."""
    form = request.form
    if form.get("calling") and not form.get("sure"):
        return _one(ledgers.one(user(), ledger_id), "ledger_sure"), 422
    try:
        ready = ledgers.ready(user(), ledger_id, clock.now())
        with writing():
            ledgers.confirm(user(), ready, form.get("mark", ""), clock.now())
    except Conflict as error:
        return _one(ledgers.one(user(), ledger_id), error.reason), 409
    except Invalid as error:
        return _one(ledgers.one(user(), ledger_id), next(iter(error.errors.values()))), 422
    return redirect(f"/desk/ledgers/{ledger_id}", 303)


@bp.post("/<int:ledger_id>/removal")
@for_roles(*WORKS_DESK)
def remove(ledger_id: int) -> ResponseReturnValue:
    """Not this one after all."""
    with writing():
        ledgers.remove(user(), ledger_id)
    return redirect("/desk/ledgers", 303)


@bp.get("/<int:ledger_id>/progress")
@for_roles(*WORKS_DESK)
def progress(ledger_id: int) -> ResponseReturnValue:
    """How far it is."""
    found = ledgers.one(user(), ledger_id)
    return jsonify(state=found.state, done=found.done, total=found.total)


@bp.get("/<int:ledger_id>/faulty.csv")
@for_roles(*WORKS_DESK)
def faulty(ledger_id: int) -> ResponseReturnValue:
    """The rows that were not taken, each with why, to be put right and brought again."""
    found = ledgers.one(user(), ledger_id)
    if found.state == LedgerState.DRAFT:
        heads = ledgers.table(found).heads
        rows = [[*line.cells, line.problem] for line in ledgers.look(user(), found, clock.now()).lines if line.problem]
    else:
        heads, rows = ledgers.faulty(found)
    said = ([*row[:-1], ledger_words.problem(row[-1])] for row in rows)
    answer = Response(b"".join(sheets.csv_file([*heads, ledger_words.problem_head()], said)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="ledger-{found.id}-faulty.csv"'
    return answer


def _page(refused: str | None = None) -> str:
    return render_template(
        "desk/ledgers.html", refused=refused, ledgers=ledgers.of_town(user()), sources=ledgers.SOURCES,
        picked=request.form.get("source", ""), says=ledger_words,
    )  # fmt: skip


def _one(found: Ledger, refused: str | None = None) -> str:
    if found.state != LedgerState.DRAFT:
        faults = ledgers.faulty(found)[1]
        return render_template(
            "desk/ledger_done.html", ledger=found, faults=len(faults), refused=refused, says=ledger_words,
            left=ledger_words.left_out(row[-1] for row in faults),
        )  # fmt: skip
    return render_template("desk/ledger_look.html", **_look(found), ledger=found, refused=refused, says=ledger_words)


def _kinds() -> dict[str, str]:
    """The names of all kinds of events, by their codes."""
    english = chosen() == "en"
    return {kind.code: kind.name_en if english else kind.name for kind in directory.categories()}


def _look(found: Ledger) -> dict[str, Any]:
    table, checked = ledgers.table(found), ledgers.look(user(), found, clock.now())
    bad = [line for line in checked.lines if line.problem]
    first = sorted(checked.good, key=lambda line: not line.calls)
    return {
        "table": table, "columns": found.settings["columns"], "gcj": found.settings["gcj"], "fields": tables.FIELDS,
        "good": len(checked.good), "first": first[:FIRST_ROWS], "bad": bad[:FIRST_FAULTS], "faults": len(bad),
        "mark": checked.mark, "calling": checked.calling, "notices": ledger_words.notices(checked.good),
        "left": ledger_words.left_out(line.problem for line in bad), "kinds": _kinds(),
    }  # fmt: skip

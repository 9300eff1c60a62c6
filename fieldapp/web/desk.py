"""The duty desk: the queue, the open case, one verb at a time, and the pulse that keeps both alive for a shift."""

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import cases, clock, pulse, queue
from fieldapp.db import db
from fieldapp.errors import NotHere
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.workflow import Part
from fieldapp.web import case_page, transitions
from fieldapp.web.api import read_filter
from fieldapp.web.operations import SILENT_AFTER, push_trouble, worker_age
from fieldapp.web.security import for_roles, settings, touch_device, user
from fieldapp.web.shared import Shared
from fieldapp.web.tongue import chosen

bp = Blueprint("desk", __name__)

FILTERS = ("lane", "q", "area", "severity")

# both hold nothing personal: every officer of a town sees the same queue
_pulses: Shared[pulse.Pulse] = Shared(seconds=0.5)
_worklists: Shared[str] = Shared(seconds=5)


@bp.get("/desk")
@for_roles(*WORKS_DESK)
def home() -> ResponseReturnValue:
    """Lanes, the queue, and no case open yet."""
    touch_device()
    return render_template("desk/index.html", **_worklist())


@bp.get("/desk/queue")
@for_roles(*WORKS_DESK)
def worklist() -> ResponseReturnValue:
    """The lanes and the queue again; with a cursor, the rows that follow.

    A refresh after a pulse names the mark it saw: all who saw the same one may share an answer made after it.
    """
    template = "desk/_rows.html" if request.args.get("cursor") else "desk/_worklist.html"
    if not request.args.get("mark") or settings().testing:
        return render_template(template, **_worklist())
    key = (user().town_code, chosen(), request.query_string)
    return _worklists.get(key, lambda: render_template(template, **_worklist()))


@bp.get("/desk/pulse")
@for_roles(*WORKS_DESK)
def beat() -> ResponseReturnValue:
    """Has anything changed? Asked every two seconds; 304 when nothing has."""
    now = clock.now()
    taken, age = _pulse(now), worker_age(now, "alerts")
    body = {
        "mark": taken.mark, "newest": taken.newest, "reds": taken.reds, "unreached": taken.counts["unreached"],
        "counts": taken.counts, "worker_age_s": round(min(age, 1e6)), "trouble": push_trouble(),
        "case": _open_case_mark(),
    }  # fmt: skip
    answer = make_response(jsonify(body))
    answer.set_etag(_tag(body, age), weak=True)
    return answer.make_conditional(request)


@bp.get("/desk/cases/<number>")
@for_roles(*WORKS_DESK)
def case(number: str) -> ResponseReturnValue:
    """One case: the right column for htmx, the whole desk around it for a browser going there."""
    return _case(number)


@bp.post("/desk/cases/<number>/transitions")
@for_roles(*WORKS_DESK)
def transition(number: str) -> ResponseReturnValue:
    """Take one action; a refusal comes back on the same case, with a sentence and what was typed."""
    sent = transitions.typed()
    refusal = transitions.attempt(number, sent, Part.DESK)
    if refusal:
        return _case(number, sent, refusal), refusal.status
    if not request.headers.get("HX-Request"):
        return redirect(f"/desk/cases/{number}", 303)
    answer = make_response(_case(number))
    answer.headers["HX-Trigger"] = "desk:changed"
    return answer


def _pulse(now: datetime) -> pulse.Pulse:
    if settings().testing:
        return pulse.take(user(), now)
    return _pulses.get(user().town_code, lambda: pulse.take(user(), now))


def _case(number: str, sent: transitions.Typed | None = None, refusal: transitions.Refusal | None = None) -> str:
    shown = case_page.for_desk(user(), cases.load_whole(user(), number, Part.DESK), sent, refusal)
    if request.headers.get("HX-Request"):
        return render_template("desk/_case.html", **shown)
    return render_template("desk/index.html", **(_worklist() | shown))


def _worklist() -> dict[str, Any]:
    """What lanes and queue show for this request's filter."""
    now, wanted = clock.now(), read_filter()
    found, cursor = queue.page(user(), wanted, request.args.get("cursor", ""), _limit(), now)
    counts = queue.counts(user(), now)
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    return {
        "now": now, "rows": found, "cursor": cursor, "counts": counts, "wanted": wanted, "query": urlencode(asked),
        "open_cases": sum(counts[lane] for lane in ("triage", "in_hand", "verify")),
        "unreached": queue.unreached_numbers(found), "lanes": list(queue.LANES), "median": _median(now),
    }  # fmt: skip


def _median(now: datetime) -> float | None:
    midnight = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return queue.minutes_to_acknowledge(user(), midnight)


def _limit() -> int:
    """A refresh asks for as many rows as are on the screen, so that nobody's place in the list is lost."""
    text = request.args.get("limit", "")
    return min(max(int(text), queue.PAGE), queue.MOST) if text.isascii() and text.isdigit() else queue.PAGE


def _open_case_mark() -> str | None:
    number = request.args.get("case")
    if not number:
        return None
    try:
        return pulse.of_case(cases.load(user(), number))
    except NotHere:
        return None
    finally:
        db.session.rollback()  # only read; give the snapshot back at once


def _tag(body: dict[str, Any], age: float) -> str:
    """The worker's age counts only while it is silent, or every answer would differ from the last."""
    silent = int(age // 5) if age > SILENT_AFTER.total_seconds() else 0
    lasting = {name: value for name, value in body.items() if name != "worker_age_s"}
    return hashlib.sha256(repr((lasting, silent)).encode()).hexdigest()[:24]

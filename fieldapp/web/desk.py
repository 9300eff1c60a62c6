"""The duty desk: the queue, the open case, one verb at a time, and the pulse that keeps both alive for a shift."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, jsonify, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from fieldapp import auditor, cases, clock, directory, pulse, queue, saved_views, search, vitals
from fieldapp.db import db
from fieldapp.errors import NotHere
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.workflow import Part
from fieldapp.web import auditing, case_page, dispatching, filters, transitions
from fieldapp.web.packed import alike
from fieldapp.web.security import for_roles, settings, touch_device, user
from fieldapp.web.shared import Shared
from fieldapp.web.tongue import chosen

bp = Blueprint("desk", __name__)

COUNTDOWN_S = 10  # how old a countdown may be when it arrives; the page counts on by itself

Beat = tuple[pulse.Pulse, float, str | None]  # with the worker's age in seconds, and what it found amiss

# both hold nothing personal: every officer of a town sees the same queue
_pulses: Shared[Beat] = Shared(seconds=0.5)
_worklists: Shared[str] = Shared(seconds=COUNTDOWN_S)


@bp.get("/desk")
@for_roles(*WORKS_DESK)
def home() -> ResponseReturnValue:
    """Lanes, the queue, and no case open yet."""
    touch_device()
    listed = Markup(_shared("desk/_worklist.html"))  # noqa: S704  our own template
    return render_template("desk/index.html", listed=listed, **around())


@bp.get("/desk/queue")
@for_roles(*WORKS_DESK)
def worklist() -> ResponseReturnValue:
    """The lanes and the queue again; with a cursor, the rows that follow."""
    shown = alike(_shared("desk/_rows.html" if request.args.get("cursor") else "desk/_worklist.html"))
    return _moved(shown) if request.args.get("moved") else shown


@bp.get("/desk/pulse")
@for_roles(*WORKS_DESK)
def beat() -> ResponseReturnValue:
    """Has anything changed? Asked every two seconds; 304 when nothing has."""
    now = clock.now()
    taken, age, trouble = _pulse(now)
    body = {
        "mark": taken.mark, "newest": taken.newest, "reds": taken.reds, "unreached": taken.counts["unreached"],
        "counts": taken.counts, "worker_age_s": round(min(age, 1e6)), "trouble": trouble,
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
    """Take one action; a refusal comes back on the same case, with a sentence and what was typed. From another case's
    page, which it was about, the answer is that page.
    """
    sent, back = transitions.typed(), request.form.get("back", "")
    refusal = transitions.attempt(number, sent, Part.DESK)
    from_there = back != number and back in sent.to
    shown = back if from_there else number
    if refusal:
        return _case(shown, None if from_there else sent, refusal), refusal.status
    if not request.headers.get("HX-Request"):
        return redirect(f"/desk/cases/{shown}?{_query()}".rstrip("?"), 303)
    answer = make_response(_case(shown))
    answer.headers["HX-Trigger"] = "desk:changed"
    return answer


def _shared(template: str) -> str:
    """Officers who ask for the same while nothing changed share one answer: the town's mark, taken now, is its key."""
    mark, window = pulse.take(user(), clock.now()).mark, int(clock.now().timestamp()) // COUNTDOWN_S
    key = (user().town_code, chosen(), template, request.query_string, mark, window)
    return _worklists.get(key, lambda: render_template(template, **_worklist()))


def _pulse(now: datetime) -> Beat:
    def take() -> Beat:
        return pulse.take(user(), now), vitals.worker_age(now, vitals.ALERTS), auditor.trouble(now)

    return take() if settings().testing else _pulses.get(user().town_code, take)


def _case(number: str, sent: transitions.Typed | None = None, refusal: transitions.Refusal | None = None) -> str:
    shown = case_page.for_desk(user(), cases.load_whole(user(), number, Part.DESK), sent, refusal)
    if request.headers.get("HX-Request"):
        return render_template("desk/_case.html", **shown, query=_query())
    listed = _shared("desk/_worklist.html").replace(
        f'data-number="{number}"', f'data-number="{number}" aria-current="true"'
    )
    return render_template("desk/index.html", **shown, listed=Markup(listed), query=_query(), **around(shown))  # noqa: S704


def around(known: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """What stands about lanes, queue and case: the officer's own views, and what can be done with many at once; what
    an open case's page already `known` is not asked again.
    """
    return {
        "views": saved_views.of(user()), **dispatching.of_town(user(), known, clock.now()),
        "bulk_kinds": known.get("categories") or directory.categories(active=True),
    }  # fmt: skip


def whole(**shown: Any) -> str:
    """The desk without a case open, with more `shown` on it."""
    return render_template("desk/index.html", **_worklist(), **around(), **shown)


def _worklist() -> dict[str, Any]:
    """What lanes and queue show for this request's filter."""
    now = clock.now()
    wanted, wrong = filters.read(request.args)
    page = _page(wanted, request.args.get("cursor", ""), now)
    counts = queue.standing(user(), now).lanes
    return {
        **page, "now": now, "chips": filters.chips(user(), wanted, request.args), "complaint": filters.complaint(wrong),
        "choices": filters.choices(user()), "narrowed": _query("lane", "q"), "unfiltered": _query(*filters.CHIPS),
        "kept": [(name, request.args[name]) for name in filters.CHIPS if request.args.get(name)],
        "counts": counts, "wanted": wanted, "query": _query(),
        "open_cases": sum(counts[lane] for lane in ("triage", "in_hand", "verify")),
        "unreached": queue.silent(page["rows"]), "lanes": list(queue.LANES), "median": _median(now),
    }  # fmt: skip


def _page(wanted: queue.Filter, cursor: str, now: datetime) -> dict[str, Any]:
    """One page of the lane. Words are looked for in all lanes: among the open cases, then among those that are over."""
    if wanted.words:
        found = search.find(user(), wanted.words, cursor, _limit(), now, queue.narrowing(wanted))
        auditing.found(len(found.hits))
        hits = {hit.case.id: hit for hit in found.hits}
        return {"rows": [hit.case for hit in found.hits], "hits": hits, "cursor": found.cursor, "whole": found.whole}
    rows, more = queue.page(user(), wanted, cursor, _limit(), now)
    return {"rows": rows, "cursor": more, "back_to": queue.looked_back_to(more, rows, _limit())}


def _query(*without: str) -> str:
    """The filter asked for, to go with every link from here."""
    return urlencode({n: request.args[n] for n in filters.NAMES if request.args.get(n) and n not in without})


def _moved(shown: str) -> ResponseReturnValue:
    """Another lane or search: the address bar follows, and keeps the open case, so that a reload shows the same."""
    path = urlsplit(request.headers.get("HX-Current-URL", "")).path
    kept = path if path.startswith("/desk/cases/") else "/desk"
    return shown, 200, {"HX-Push-Url": f"{kept}?{_query()}".rstrip("?")}


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
    silent = int(age // 5) if age > vitals.SILENT_AFTER[vitals.ALERTS].total_seconds() else 0
    lasting = {name: value for name, value in body.items() if name != "worker_age_s"}
    return hashlib.sha256(repr((lasting, silent)).encode()).hexdigest()[:24]

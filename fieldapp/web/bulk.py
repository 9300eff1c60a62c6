"""Many cases at once: one form, a result in words for each, and 撤销 for what can be taken back."""

from collections import defaultdict
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import bulk, clock
from fieldapp.bulk import Picked, Result
from fieldapp.cases import Ask
from fieldapp.errors import Conflict, Invalid
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.rules.workflow import Refused
from fieldapp.web import desk, dispatching, transitions, words
from fieldapp.web.security import for_roles, limiter, user
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

bp = Blueprint("bulk", __name__, url_prefix="/desk/bulk")

DONE = {
    "accept": _("%(n)s 件已受理"), "classify": _("%(n)s 件已研判"), "dispatch": _("%(n)s 件已派出"),
    "nudge": _("%(n)s 件已催办"), "verify": _("%(n)s 件已核查通过"), "close": _("%(n)s 件已办结"),
    "decline": _("%(n)s 件已不予受理"),
}  # fmt: skip


@bp.post("")
@for_roles(*WORKS_DESK)
@limiter.limit("60 per minute")
def act() -> ResponseReturnValue:
    """One verb on all that are picked."""
    sent = transitions.typed()
    try:
        ask = Ask.of(sent.note, sent.to, sent.category, sent.severity)
        found = bulk.run(user(), sent.action, _picked(), ask, clock.now())
    except Invalid as error:
        return _refused(error)
    told = _told(found, str(DONE[sent.action]))
    if sent.action == "dispatch" and told["changed"]:
        told["sentence"] += _not_reached(ask)
    return _answer(action=sent.action, can_undo=sent.action in bulk.CAN_UNDO, **told)


@bp.get("/to")
@for_roles(*WORKS_DESK)
def to() -> str:
    """Whom they can be sent to, with who is out of reach now."""
    return render_template("desk/_bulk_to.html", **dispatching.of_town(user(), {}, clock.now()))


@bp.post("/undo")
@for_roles(*WORKS_DESK)
@limiter.limit("60 per minute")
def undo() -> ResponseReturnValue:
    """撤销 of what was just done."""
    try:
        found = bulk.undo(user(), request.form.get("action", ""), _picked(), clock.now())
    except Invalid as error:
        return _refused(error)
    return _answer(**_told(found, gettext("%(n)s 件已撤销")))


def _not_reached(ask: Ask) -> str:
    """What sending does not do by itself: whoever nothing reaches has to be told."""
    names = dispatching.out_of_reach(user(), ask.to, clock.now())
    return gettext("；现在叫不到：%(names)s，请打电话", names=gettext("、").join(names)) if names else ""


def _picked() -> list[Picked]:
    """Each as number:version."""
    pairs = [text.rpartition(":") for text in request.form.getlist("case")]
    if not all(version.isascii() and version.isdigit() and len(version) < 10 for _number, _colon, version in pairs):
        raise Invalid({"case": "not_a_number"})
    return [Picked(number, int(version)) for number, _colon, version in pairs]


def _told(found: list[Result], done: str) -> dict[str, Any]:
    """How many were done, and of the others how many were not for the same reason, with their numbers."""
    changed = [result for result in found if result.why is None]
    unchanged = defaultdict(list)
    for result in found:
        if result.why is not None:
            unchanged[_why(result)].append(result.number)
    # the words are looked up first and filled in here: a number in them must not make each a phrase of its own
    sentence = (done % {"n": len(changed)}) if changed else ""
    return {"sentence": sentence, "changed": changed, "unchanged": _unchanged(unchanged, bool(changed))}


def _unchanged(found: dict[str, list[str]], some_changed: bool) -> list[tuple[str, list[str]]]:
    """One sentence for each reason, with the numbers: what is true of all that were picked is said of all at once."""
    alone = len(found) == 1 and not some_changed
    said = gettext("%(n)s 件都没有变：%(why)s") if alone else gettext("%(n)s 件没有变：%(why)s")
    one = gettext("这件没有变：%(why)s") if alone else said
    return [((one if len(them) == 1 else said) % {"n": len(them), "why": why}, them) for why, them in found.items()]


def _why(result: Result) -> str:
    error = result.why
    if isinstance(error, Refused):
        return words.refused(error)
    if isinstance(error, Conflict) and error.reason != "stale":
        return words.reason(error.reason)
    if isinstance(error, Invalid):
        return " ".join(words.field_errors(error.errors).values())
    if result.by:
        return gettext("%(name)s刚处理过", name=result.by)
    return words.reason("stale" if isinstance(error, Conflict) else "not_here")


def _refused(error: Invalid) -> ResponseReturnValue:
    return _answer(sentence=" ".join(words.field_errors(error.errors).values())), 422


def _answer(**shown: Any) -> Response | str:
    told = {"changed": [], "unchanged": [], "can_undo": False, "action": ""} | shown
    if not request.headers.get("HX-Request"):
        return desk.whole(bulk_done=told)
    answer = make_response(render_template("desk/_bulk_done.html", bulk_done=told))
    answer.headers["HX-Trigger"] = "desk:changed"
    return answer

"""One-time links: the 签收 page without a login, for one person and one alert. Opening it does nothing by itself:
robots that preview links open them too. The page's own script says that it was opened, a press of the button signs.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template
from flask.typing import ResponseReturnValue

from fieldapp import accounts, alerting, cases, clock, drills, links, scope, verbs
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.models import AlertState, Attachment, AttachmentState, Delivery, Kind
from fieldapp.photos import SIZES
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.workflow import Part, Refused
from fieldapp.web import case_page, transitions, words
from fieldapp.web.problems import status_of
from fieldapp.web.security import failed, limiter
from fieldapp.web.uploads import published

bp = Blueprint("links", __name__)
STEPS = frozenset({"depart", "arrive", "report_outcome", "return"})


def of_link(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Hand the view the delivery behind its code, or answer that the link is over. Wrong codes are counted."""

    @wraps(view)
    @limiter.limit("30 per minute", deduct_when=failed)
    def opened(code: str, **more: Any) -> ResponseReturnValue:
        delivery = links.find(code, clock.now())
        if delivery is None or not alerting.may_sign(delivery, clock.now()):
            return _over(code)
        try:
            return view(delivery, code, **more)
        except (NotHere, NotAllowed):
            return _over(code)

    return opened


def _over(code: str) -> ResponseReturnValue:
    """It opens nothing any more. Who was called in a drill is told what became of it: that is nobody's secret."""
    found = links.ever(code)
    if found is not None and drills.ended(found.alert, clock.now()):
        return render_template("links/drill_over.html", alert=found.alert)
    return render_template("links/over.html"), 404


@bp.get("/r/<code>")
@of_link
def show(delivery: Delivery, code: str) -> ResponseReturnValue:
    """What it is, where, and the one big thing to do. What only tells leads to its page, which asks for a login."""
    if delivery.alert.state == AlertState.TOLD:
        return redirect(delivery.alert.path)
    return _page(delivery, code)


@bp.post("/r/<code>/signature")
@of_link
def sign(delivery: Delivery, code: str) -> ResponseReturnValue:
    """签收, or 我收到了 in a drill."""
    now = clock.now()
    try:
        with writing():
            verbs.sign(delivery, now)
            alerting.take_receipt(delivery, DeliveryState.ACKNOWLEDGED, now)
    except Conflict as error:
        return _page(delivery, code, refusal=words.reason(error.reason)), 409
    except Refused as error:
        return _page(delivery, code, refusal=words.refused(error)), status_of(error)
    return redirect(f"/r/{code}", 303)


@bp.post("/r/<code>/steps")
@of_link
def step(delivery: Delivery, code: str) -> ResponseReturnValue:
    """出发, 到场, 处置反馈 or 我去不了, as the person who was sent the link."""
    sent = transitions.typed()
    if sent.action not in STEPS or delivery.alert.case is None:
        raise Invalid({"action": "unknown"})
    refusal = transitions.attempt(delivery.alert.case.number, sent, Part.ASSIGNEE, actor=delivery.user)
    if refusal:
        return _page(delivery, code, sent, refusal.sentence), refusal.status
    if sent.action == "return":
        return render_template("links/given_back.html")
    return redirect(f"/r/{code}", 303)


@bp.get("/r/<code>/photos/<uuid:file_id>/<size>")
@of_link
def photo(delivery: Delivery, code: str, file_id: UUID, size: str) -> ResponseReturnValue:
    """A picture of this case, for whoever may open the link."""
    wanted = scope.attachments(delivery.user).where(Attachment.id == file_id)
    found = db.session.scalar(wanted)
    case = delivery.alert.case
    if found is None or case is None or size not in SIZES or not _of_case(found, case.id):
        raise NotHere(str(file_id))
    return published(found, size)


def _of_case(found: Attachment, case_id: int) -> bool:
    in_report = found.report is not None and found.report.case_id == case_id
    return found.kind == Kind.PHOTO and found.state == AttachmentState.READY and (found.case_id == case_id or in_report)


def _page(delivery: Delivery, code: str, sent: transitions.Typed | None = None, refusal: str | None = None) -> str:
    shown: dict[str, Any] = {
        "delivery": delivery, "alert": delivery.alert, "code": code, "refusal": refusal, "person": delivery.user,
        "token": accounts.receipt_token(current_app.config["SECRET_KEY"], delivery.id),
    }  # fmt: skip
    if drills.ended(delivery.alert, clock.now()):
        return render_template("links/drill_over.html", alert=delivery.alert)
    if delivery.alert.case is None:
        return render_template("links/drill.html", **shown)
    case = cases.load_whole(delivery.user, delivery.alert.case.number)
    if not cases.parts(delivery.user, case) & {Part.ASSIGNEE, Part.DESK}:
        raise NotHere(code)
    shown |= case_page.for_task(delivery.user, case, sent)
    shown["photos"] = [_here(code, one) for report in shown["reports"] for one in shown["photos_of"][report.id]]
    shown["signed"] = delivery.state == DeliveryState.ACKNOWLEDGED
    return render_template("links/case.html", **shown | {"refusal": refusal})


def _here(code: str, photo: dict[str, Any]) -> dict[str, Any]:
    """The picture's addresses under this link, since its own ask for a login."""
    if photo["url"] is None:
        return photo
    return photo | {"url": f"/r/{code}{photo['url']}", "thumb_url": f"/r/{code}{photo['thumb_url']}"}

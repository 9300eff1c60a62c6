"""One-time links: the 签收 page without a login, for one person and one alert. Opening it does nothing by itself:
robots that preview links open them too. The page's own script says that it was opened, a press of the button signs.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template
from flask.typing import ResponseReturnValue

from fieldapp import accounts, alerting, cases, clock, drills, duties, links, response, scope, verbs
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.models import AlertState, Attachment, AttachmentState, Delivery, Kind, Purpose
from fieldapp.photos import SIZES
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.workflow import Part, Refused
from fieldapp.web import auditing, case_page, transitions, views, words
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
            return over(code)
        auditing.seen_by_link(delivery)
        try:
            return view(delivery, code, **more)
        except (NotHere, NotAllowed):
            return over(code)

    return opened


def over(code: str) -> ResponseReturnValue:
    """It opens nothing any more. Who holds a right code is told why; a wrong one is told the same as any other. Who was
    called in a drill is told what became of it: that is nobody's secret.
    """
    found = links.ever(code)
    if found is not None and drills.ended(found.alert, clock.now()):
        return render_template("links/drill_over.html", alert=found.alert)
    why = "" if found is None else "expired" if links.expired(found, clock.now()) else "moved"
    return render_template("links/over.html", why=why, seat=found is not None and found.user.seat), 404


def check(delivery: Delivery) -> None:
    """Raises NotHere unless the link's case is still its person's. A department's seat that gave a case back and is
    sent to it again has another link: the first one is over for good.
    """
    case, person = delivery.alert.case, delivery.user
    if case is None or not cases.parts(person, case) & {Part.ASSIGNEE, Part.DESK}:
        raise NotHere("link")
    if person.seat and delivery.alert.purpose == Purpose.DISPATCH:
        mine = duties.assignment_of(case, person)
        if mine is None or mine.sent_at > delivery.created_at:
            raise NotHere("link")


@bp.get("/r/<code>")
@of_link
def show(delivery: Delivery, code: str) -> ResponseReturnValue:
    """What it is, where, and the one big thing to do. What only tells leads to its page, which asks for a login."""
    if delivery.alert.state == AlertState.TOLD:
        if delivery.user.seat:  # it has nowhere to log in
            return render_template("links/told.html", alert=delivery.alert)
        return redirect(delivery.alert.path)
    return page(delivery, code)


@bp.post("/r/<code>/signature")
@of_link
def sign(delivery: Delivery, code: str) -> ResponseReturnValue:
    """签收, or 我收到了 in a drill."""
    now = clock.now()
    if delivery.alert.case is not None:
        check(delivery)
    try:
        with writing():
            verbs.sign(delivery, now)
            alerting.take_receipt(delivery, DeliveryState.ACKNOWLEDGED, now)
    except Conflict as error:
        return page(delivery, code, refusal=words.reason(error.reason)), 409
    except Refused as error:
        return page(delivery, code, refusal=words.refused(error)), status_of(error)
    return redirect(f"/r/{code}", 303)


@bp.post("/r/<code>/steps")
@of_link
def step(delivery: Delivery, code: str) -> ResponseReturnValue:
    """出发, 到场, 处置反馈 or 我去不了, as the person who was sent the link."""
    sent = transitions.typed()
    if sent.action not in STEPS or delivery.alert.case is None:
        raise Invalid({"action": "unknown"})
    check(delivery)
    if response.has_done(delivery.alert.case, delivery.user, sent.action):
        return redirect(f"/r/{code}", 303)  # pressed twice
    refusal = transitions.attempt(delivery.alert.case.number, sent, Part.ASSIGNEE, actor=delivery.user)
    if refusal:
        return page(delivery, code, sent, refusal.sentence), refusal.status
    if sent.action == "return":
        return render_template("links/given_back.html")
    return redirect(f"/r/{code}", 303)


@bp.get("/r/<code>/photos/<uuid:file_id>/<size>")
@of_link
def photo(delivery: Delivery, code: str, file_id: UUID, size: str) -> ResponseReturnValue:
    """A picture of this case, for whoever may open the link."""
    if delivery.alert.case is not None:
        check(delivery)
    wanted = scope.attachments(delivery.user).where(Attachment.id == file_id)
    found = db.session.scalar(wanted)
    case = delivery.alert.case
    if found is None or case is None or size not in SIZES or not _of_case(found, case.id, delivery.user_id):
        raise NotHere(str(file_id))
    return published(found, size)


def _of_case(found: Attachment, case_id: int, user_id: int) -> bool:
    """A report's picture, or one that was taken afterwards by the link's own person."""
    in_report = found.report is not None and found.report.case_id == case_id
    reported = found.kind == Kind.PHOTO and (found.case_id == case_id or in_report)
    own = found.kind == Kind.AFTER and found.case_id == case_id and found.owner_id == user_id
    return found.state == AttachmentState.READY and (reported or own)


def page(
    delivery: Delivery, code: str, sent: transitions.Typed | None = None, refusal: str | None = None, told: str = "",
    not_taken: Sequence[tuple[str, str]] = (),
) -> str:  # fmt: skip
    """What the link shows: `told` says what has just become of an answer, `not_taken` which of its photos failed."""
    shown: dict[str, Any] = {
        "delivery": delivery, "alert": delivery.alert, "code": code, "refusal": refusal, "person": delivery.user,
        "token": accounts.receipt_token(current_app.config["SECRET_KEY"], delivery.id),
    }  # fmt: skip
    if drills.ended(delivery.alert, clock.now()):
        return render_template("links/drill_over.html", alert=delivery.alert)
    if delivery.alert.case is None:
        return render_template("links/drill.html", **shown)
    case = cases.load_whole(delivery.user, delivery.alert.case.number)
    check(delivery)
    shown |= case_page.for_task(delivery.user, case, sent)
    shown["photos"] = [_here(code, one) for report in shown["reports"] for one in shown["photos_of"][report.id]]
    shown["own_photos"] = [
        _here(code, views.photo(a)) for a in cases.after_photos(case) if a.owner_id == delivery.user_id
    ]
    shown["signed"] = delivery.state == DeliveryState.ACKNOWLEDGED
    shown |= {"told": told, "not_taken": not_taken}
    return render_template("links/case.html", **shown | {"refusal": refusal})


def _here(code: str, photo: dict[str, Any]) -> dict[str, Any]:
    """The picture's addresses under this link, since its own ask for a login."""
    if photo["url"] is None:
        return photo
    return photo | {"url": f"/r/{code}{photo['url']}", "thumb_url": f"/r/{code}{photo['thumb_url']}"}

"""/c/<token>: how far a case is, for whoever holds its code. No login, no names, no words of anybody's."""

from flask import Blueprint, Response, current_app, make_response, render_template
from flask.typing import ResponseReturnValue

from fieldapp import progress
from fieldapp.web import words
from fieldapp.web.security import failed, limiter
from fieldapp.web.tongue import later as _

bp = Blueprint("public", __name__)

STATUS = {**words.STATUS_FOR_REPORTER, "declined": _("没有受理")}
# what comes after each state, for who knows nothing of how a centre works
NEXT = {
    "new": _("值班人员会先看一看，再决定怎么办。"),
    "accepted": _("接下来会派人去办。"),
    "dispatched": _("正在等办事的人签收。"),
    "acknowledged": _("办事的人已经接手，接下来会去现场。"),
    "en_route": _("办事的人正在赶去现场。"),
    "on_scene": _("正在现场处理。"),
    "answered": _("接下来中心会核查有没有办好。"),
    "verified": _("核查过了，接下来就办结。"),
    "closed": _("不用再等什么。如果又出现问题，请再报一次。"),
    "declined": _("如果还有问题，请再报一次，或拨打 12345。"),
    "merged": _("和另一件一起办。"),
}  # fmt: skip


@bp.get("/c/<token>")
@limiter.limit("300 per minute")
@limiter.limit("30 per minute", deduct_when=failed)
def show(token: str) -> ResponseReturnValue:
    """The page; whatever is not a right token gets one and the same answer."""
    found = progress.find(str(current_app.config["SECRET_KEY"]), token)
    if found is None:
        return _unlisted(render_template("public/unknown.html"), 404)
    return _unlisted(render_template("public/progress.html", shown=found, status=STATUS, follows=NEXT), 200)


def _unlisted(page: str, status: int) -> Response:
    """In no search engine and in no cache."""
    answer = make_response(page, status)
    answer.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer

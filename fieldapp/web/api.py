"""The JSON contract (docs/protocol.md): session, reports, cases, receipts."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import login_required
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from fieldapp import accounts, cases, clock, intake, queue, scope, verbs
from fieldapp.cases import Ask
from fieldapp.db import db, writing
from fieldapp.errors import Invalid
from fieldapp.models import Category, Report
from fieldapp.rules import submission
from fieldapp.rules.roles import Role
from fieldapp.web import auth, filters, views
from fieldapp.web.security import failed, for_roles, forget, limiter, settings, touch_device, user
from fieldapp.web.tongue import chosen

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.post("/session")
@limiter.limit("30 per minute", deduct_when=failed)
def log_in() -> ResponseReturnValue:
    """Name and password for a cookie."""
    body = read_json()
    return auth.open_session(str(body.get("username", "")), str(body.get("password", "")), Response(status=204))


@bp.delete("/session")
@login_required
def log_out() -> ResponseReturnValue:
    """End this device's session."""
    auth.close_session()
    return forget(Response(status=204))


@bp.get("/me")
@login_required
def me() -> ResponseReturnValue:
    """Who this device belongs to."""
    touch_device()
    me = user()
    return jsonify(
        id=me.id, username=me.username, name=me.name, role=me.role, area_code=me.area_code,
        town=me.town_code, area_name=me.area.short_name, demo=accounts.is_demo(), language=chosen(),
    )  # fmt: skip


@bp.get("/form")
@login_required
def form() -> ResponseReturnValue:
    """What the report form offers, for the phone to keep."""
    tiles = select(Category).where(Category.active, Category.tile.is_not(None)).order_by(Category.tile).limit(9)
    english = chosen() == "en"
    return jsonify(
        categories=[{"code": c.code, "name": c.name_en if english else c.name} for c in db.session.scalars(tiles)],
        villages=[{"code": v.code, "name": v.short_name} for v in db.session.scalars(scope.villages(user()))],
        max_photos=submission.MAX_PHOTOS,
        max_photo_bytes=settings().max_photo_bytes,
    )


@bp.put("/reports/<uuid:report_id>")
@login_required
def put_report(report_id: UUID) -> ResponseReturnValue:
    """Take a report, once."""
    body = read_json()
    with writing():
        report, fresh = intake.submit(user(), report_id, body, settings().max_photo_bytes, clock.now())
        receipt = intake.receipt(report)
    return jsonify(receipt), 201 if fresh else 200


@bp.get("/reports/<uuid:report_id>")
@login_required
def get_report(report_id: UUID) -> ResponseReturnValue:
    """One's own report: the receipt and the story."""
    return jsonify(views.report_whole(intake.own_report(user(), report_id), user()))


@bp.get("/reports")
@login_required
def list_reports() -> ResponseReturnValue:
    """One's own reports, the newest first."""
    query = scope.reports(user()).order_by(Report.received_at.desc()).limit(50)
    loaded = query.options(selectinload(Report.attachments), joinedload(Report.case))
    return jsonify(items=[views.report_line(report) for report in db.session.scalars(loaded)])


@bp.get("/cases")
@login_required
def list_cases() -> ResponseReturnValue:
    """The queue within one's scope, worst first."""
    limit = _whole("limit", queue.PAGE, queue.MOST)
    found, cursor = queue.page(user(), read_filter(), request.args.get("cursor", ""), limit, clock.now())
    return jsonify(items=views.case_rows(found, user()), next_cursor=cursor)


@bp.get("/cases/<number>")
@login_required
def get_case(number: str) -> ResponseReturnValue:
    """One case, as this user may see it."""
    return jsonify(views.case_whole(cases.load_whole(user(), number), user()))


@bp.post("/cases/<number>/transitions")
@for_roles(*(set(Role) - cases.SIGHTLESS))
def transition(number: str) -> ResponseReturnValue:
    """Take one action on a case that is still at the version shown."""
    body = read_json()
    version = body.get("version")
    if not isinstance(version, int):
        raise Invalid({"version": "not_a_number"})
    with writing():
        case = verbs.perform(user(), number, str(body.get("action", "")), _ask(body), version, clock.now())
    return jsonify(views.case_whole(case, user()))  # shown once more, even to somebody who just gave it back


def read_json() -> dict[str, Any]:
    """The JSON object of a request, read whole before any transaction. Raises Invalid."""
    try:
        body = request.get_json(force=True, silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        raise Invalid({"body": "not_an_object"})
    return body


def read_filter() -> queue.Filter:
    """The queue's filter from the query string. Raises Invalid."""
    wanted, wrong = filters.read(request.args)
    if wrong:
        raise Invalid(dict.fromkeys(wrong, "unknown"))
    return wanted


def _ask(body: dict[str, Any]) -> Ask:
    to = body.get("to")
    names = to if isinstance(to, list) else [] if to in (None, "") else [to]
    fields = ("note", "category", "severity", "term")
    note, category, severity, term = (str(body.get(field) or "") for field in fields)
    return Ask.of(note, [str(name) for name in names], category, severity, term)


def _whole(name: str, default: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise Invalid({name: "not_a_number"})
    return min(int(text), most)

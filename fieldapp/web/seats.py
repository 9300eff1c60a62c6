"""部门值班: the addresses at which a department is reached, nobody's account. Each counts once proved."""

from flask import Blueprint, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, contacts, directory, gateways, seats
from fieldapp.channels import Permanent
from fieldapp.channels.message import Message
from fieldapp.channels.pasted import TAKEN_APART
from fieldapp.db import db, writing
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import Contact, User
from fieldapp.rules.roles import Role
from fieldapp.web import channel_words
from fieldapp.web.contacts import note_try
from fieldapp.web.security import for_roles, limiter, settings, user
from fieldapp.web.tongue import say as _

bp = Blueprint("seats", __name__, url_prefix="/admin/departments/<int:department_id>/contacts")


@bp.get("")
@for_roles(Role.ADMIN)
def show(department_id: int) -> ResponseReturnValue:
    """How this department is reached."""
    return _page(department_id)


@bp.post("")
@for_roles(Role.ADMIN)
def add(department_id: int) -> ResponseReturnValue:
    """Another address of the department's."""
    text, address = request.form.get("gateway_id", ""), request.form.get("address", "")
    gateway_id = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    try:
        with writing():
            seat = seats.of(user(), department_id, clock.now())
            made = contacts.add(seat, gateway_id, address, settings(), clock.now()).id
            seats.settle(seat, clock.now())
    except Invalid as error:
        return _page(department_id, wrong=gateway_id, errors=error.errors), 422
    return redirect(f"/admin/departments/{department_id}/contacts?added={made}#contact-{made}", 303)


@bp.post("/<int:contact_id>/removal")
@for_roles(Role.ADMIN)
def remove(department_id: int, contact_id: int) -> ResponseReturnValue:
    """Not reached there any more; links that were sent there are over."""
    with writing():
        seat = _seat(department_id)
        contacts.remove(seat, contact_id, clock.now())
        db.session.flush()
        seats.settle(seat, clock.now())
    return redirect(f"/admin/departments/{department_id}/contacts?saved=1", 303)


@bp.post("/<int:contact_id>/test")
@limiter.limit("10 per minute")
@for_roles(Role.ADMIN)
def try_out(department_id: int, contact_id: int) -> ResponseReturnValue:
    """Send a message there now; who reads it at the department presses 收到了, and from then on the address counts."""
    with writing():
        seat = _seat(department_id)
        contacts.one(seat, contact_id)
        may_try = contacts.may_try(seat, clock.now())
    if not may_try:
        return _page(department_id, tried=contact_id, outcome=_("今天已经试了很多次，请明天再试。")), 429
    seat = _seat(department_id)
    found = contacts.one(seat, contact_id)
    kind, opened, gateway_id = found.gateway.kind, gateways.opened(found.gateway, settings()), found.gateway_id
    address, message = contacts.address_of(found, settings()), _words(seat, found)
    usable = found.disabled_at is None and found.gateway.active
    db.session.rollback()  # nobody's connection waits for a gateway
    error = gateways.attempt(kind, opened, address, message, settings()) if usable else Permanent("bad_address")
    note_try(gateway_id, contact_id, error)
    return _page(department_id, tried=contact_id, outcome=channel_words.outcome(error), took=error is None)


def _seat(department_id: int) -> User:
    found = seats.of_town(user()).get(department_id)
    if found is None:
        raise NotHere(str(department_id))
    return found


def _words(seat: User, contact: Contact) -> Message:
    token = contacts.proof(str(current_app.config["SECRET_KEY"]), contact, clock.now())
    body = _("%(name)s，这是一条测试。收到了就打开链接，点一下“收到了”。", name=seat.name)
    link = f"{settings().base_url}/reminders/prove/{token}"
    return Message(_("随手报：测试提醒"), body, link, _("测试"), user().area.short_name, token, urgent=False)


def _page(
    department_id: int, wrong: int = 0, errors: dict[str, str] | None = None, tried: int = 0, outcome: str = "",
    took: bool = False,
) -> str:  # fmt: skip
    department = next((one for one in directory.departments(user()) if one.id == department_id), None)
    if department is None:
        raise NotHere(str(department_id))
    seat = seats.of_town(user()).get(department_id)
    return render_template(
        "admin/seat.html", department=department, contacts=contacts.of(seat) if seat else [], wrong=wrong,
        gateways=contacts.open_gateways(user()), errors=channel_words.field_errors(errors or {}), typed=request.form,
        say=channel_words, tried=tried, outcome=outcome, took=took, taken_apart=TAKEN_APART,
        saved=request.args.get("saved"), added=request.args.get("added"), spot=f"address-{wrong}",
    )  # fmt: skip

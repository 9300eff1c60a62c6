"""怎样叫我: a person's own ways to be called, their order and quiet hours; and the page that proves an address."""

from collections.abc import Sequence

from flask import Blueprint, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from fieldapp import clock, contacts, gateways
from fieldapp.addresses import WEBPUSH
from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.channels.message import Message
from fieldapp.channels.pasted import TAKEN_APART
from fieldapp.db import db, writing
from fieldapp.errors import Invalid
from fieldapp.models import Contact, User
from fieldapp.rules.roles import Role
from fieldapp.web import channel_words
from fieldapp.web.auth import HOME
from fieldapp.web.security import failed, for_roles, limiter, settings, user
from fieldapp.web.tongue import say as _

bp = Blueprint("contacts", __name__)
REACHED = (Role.PATROL, Role.GRID, Role.RESPONDER, Role.DUTY, Role.LEADER, Role.LIAISON)


def _this_user() -> str:
    """Each person has his or her own tries: a whole office may share one address, and a text message costs money."""
    return f"user {current_user.get_id()}"


@bp.app_template_global("hangs_on_devices")
def hangs_on_devices(device_ids: Sequence[int]) -> bool:
    """True when nothing would call the reader any more once these devices are logged out."""
    return contacts.hangs_on_devices(user(), device_ids, clock.now())


@bp.get("/reminders")
@for_roles(*REACHED)
def show() -> ResponseReturnValue:
    """How I am called."""
    return _page()


@bp.post("/reminders/contacts")
@for_roles(*REACHED)
def add() -> ResponseReturnValue:
    """Another address of mine."""
    form = request.form
    try:
        with writing():
            made = contacts.add(user(), _number("gateway_id"), form.get("address", ""), settings(), clock.now()).id
    except Invalid as error:
        return _page(wrong=_number("gateway_id"), errors=error.errors), 422
    return redirect(f"/reminders?added={made}#contact-{made}", 303)


@bp.post("/reminders/contacts/<int:contact_id>/removal")
@for_roles(*REACHED)
def remove(contact_id: int) -> ResponseReturnValue:
    """Not there any more."""
    with writing():
        contacts.remove(user(), contact_id, clock.now())
    return redirect("/reminders?saved=1", 303)


@bp.post("/reminders/contacts/<int:contact_id>/test")
@limiter.limit("5 per minute", key_func=_this_user)
@for_roles(*REACHED)
def try_out(contact_id: int) -> ResponseReturnValue:
    """Send a message there now; the link in it proves the address once its owner opens it."""
    with writing():
        contacts.one(user(), contact_id)
        may_try = contacts.may_try(user(), clock.now())
    if not may_try:
        return _page(tried=contact_id, outcome=_("今天已经试了很多次，请明天再试。")), 429
    found = contacts.one(user(), contact_id)
    kind, gateway_id, opened = found.gateway.kind, found.gateway_id, gateways.opened(found.gateway, settings())
    address, message = contacts.address_of(found, settings()), _words(found)
    usable = found.disabled_at is None and found.gateway.active
    db.session.rollback()  # nobody's connection waits for a gateway
    error = gateways.attempt(kind, opened, address, message, settings()) if usable else Permanent("bad_address")
    note_try(gateway_id, contact_id, error)
    return _page(tried=contact_id, outcome=channel_words.outcome(error), took=error is None)


@bp.post("/reminders/order")
@for_roles(*REACHED)
def order() -> ResponseReturnValue:
    """Sooner or later."""
    kind = request.form.get("kind", "")
    with writing():
        contacts.move(user(), kind, -1 if request.form.get("steps") == "-1" else 1)
    return redirect(f"/reminders?moved={kind}#way-{kind}", 303)


@bp.post("/reminders/quiet")
@for_roles(*REACHED)
def quiet() -> ResponseReturnValue:
    """Hours in which only what is red calls me."""
    form = request.form
    try:
        with writing():
            contacts.set_quiet(user(), form.get("begins", ""), form.get("ends", ""))
    except Invalid as error:
        return _page(errors=error.errors), 422
    return redirect("/reminders?saved=1#quiet", 303)


@bp.get("/reminders/prove/<token>")
@limiter.limit("30 per minute", deduct_when=failed)
def proof(token: str) -> ResponseReturnValue:
    """What the link in a try opens. It proves nothing yet: mail and chat programs open links by themselves."""
    found = contacts.proved_by(_key(), token, clock.now())
    if found is None:
        return render_template("reminders/over.html"), 410
    return _prove(found, token, False)


@bp.get("/r/<int:contact_id>-<int:sent_on>-<mac>")
def short(contact_id: int, sent_on: int, mac: str) -> ResponseReturnValue:
    """The same in a text message, whose template holds the fixed part of one-time links and no other."""
    return redirect(f"/reminders/prove/{contact_id}-{sent_on}-{mac}")


@bp.post("/reminders/prove/<token>")
@limiter.limit("30 per minute", deduct_when=failed)
def prove(token: str) -> ResponseReturnValue:
    """A person pressed: it came."""
    with writing():
        proved = contacts.prove(_key(), token, clock.now())
    if not proved:
        return render_template("reminders/over.html"), 410
    found = contacts.proved_by(_key(), token, clock.now())
    return _prove(found, token, True)


def _prove(contact: Contact | None, token: str, proved: bool) -> str:
    owner = db.session.get(User, contact.user_id) if contact else None
    return render_template(
        "reminders/prove.html", contact=contact, token=token, say=channel_words, proved=proved,
        seat=owner is not None and owner.seat,
    )  # fmt: skip


def note_try(gateway_id: int, contact_id: int, error: Temporary | Permanent | None) -> None:
    """What a try showed about the gateway, or about the address."""
    with writing():
        if isinstance(error, Gone):
            contacts.note(contact_id, str(error), clock.now())
        elif error is None or (isinstance(error, Permanent) and error.ours):
            gateways.note(gateway_id, error, clock.now())


def _words(contact: Contact) -> Message:
    token = contacts.proof(_key(), contact, clock.now())
    body = _("%(name)s，这是一条测试。收到了就打开链接，点一下“收到了”。", name=user().name)
    link = f"{settings().base_url}/reminders/prove/{token}"
    return Message(_("随手报：测试提醒"), body, link, _("测试"), user().area.short_name, token, urgent=False)


def _page(
    wrong: int = 0, errors: dict[str, str] | None = None, tried: int = 0, outcome: str = "", took: bool = False
) -> str:
    begins, ends = contacts.quiet(user())
    form, working = request.form, contacts.working(user(), clock.now())
    return render_template(
        "reminders/index.html", ways=contacts.in_order(user()), gateways=contacts.open_gateways(user()),
        devices=sum(len(found) for kind, found in working if kind == WEBPUSH), working=working,
        last=sum(len(found) for _kind, found in working) == 1, taken_apart=TAKEN_APART,
        home=HOME.get(Role(user().role), "/"),
        begins=form.get("begins", begins), ends=form.get("ends", ends), wrong=wrong, typed=form,
        errors=channel_words.field_errors(errors or {}), say=channel_words, tried=tried, outcome=outcome, took=took,
        saved=request.args.get("saved"), added=request.args.get("added"), moved=request.args.get("moved"),
    )  # fmt: skip


def _number(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _key() -> str:
    return str(current_app.config["SECRET_KEY"])

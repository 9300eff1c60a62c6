"""The ways to reach people, as the town's admin sets them up: accounts at other services, each with a real test."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, gateways
from fieldapp.channels import Permanent, Temporary
from fieldapp.channels.kinds import GROUPS, KINDS, PERSONAL
from fieldapp.channels.message import Message
from fieldapp.channels.pasted import TAKEN_APART
from fieldapp.db import db, writing
from fieldapp.errors import Invalid
from fieldapp.rules.roles import Role
from fieldapp.web import channel_words
from fieldapp.web.security import for_roles, limiter, settings, user
from fieldapp.web.tongue import say as _

bp = Blueprint("gateways", __name__, url_prefix="/admin/channels")


@bp.get("")
@for_roles(Role.ADMIN)
def show() -> ResponseReturnValue:
    """The town's channels; `add` opens the form for another of a kind."""
    return _page()


@bp.post("")
@for_roles(Role.ADMIN)
def make() -> ResponseReturnValue:
    """Another one."""
    form, kind = request.form, request.form.get("kind", "")
    try:
        with writing():
            made = gateways.make(user(), kind, form.get("name", ""), _typed(kind), settings(), clock.now()).id
    except Invalid as error:
        return _page(wrong=kind, errors=error.errors), 422
    return redirect(f"/admin/channels?saved={made}#channel-{made}", 303)


@bp.post("/<int:gateway_id>")
@for_roles(Role.ADMIN)
def edit(gateway_id: int) -> ResponseReturnValue:
    """Other settings; a secret left empty stays."""
    try:
        with writing():
            typed = _typed(gateways.one(user(), gateway_id).kind)
            gateways.edit(user(), gateway_id, request.form.get("name", ""), typed, settings())
    except Invalid as error:
        return _page(wrong=str(gateway_id), errors=error.errors), 422
    return redirect(f"/admin/channels?saved={gateway_id}#channel-{gateway_id}", 303)


@bp.post("/<int:gateway_id>/active")
@for_roles(Role.ADMIN)
def switch(gateway_id: int) -> ResponseReturnValue:
    """Put it away, or take it up again."""
    with writing():
        gateways.switch(user(), gateway_id, request.form.get("active") == "1")
    return redirect(f"/admin/channels?saved={gateway_id}#channel-{gateway_id}", 303)


@bp.post("/<int:gateway_id>/test")
@limiter.limit("10 per minute")
@for_roles(Role.ADMIN)
def try_out(gateway_id: int) -> ResponseReturnValue:
    """Send a message through it now, to an address typed for this, and say what the service answered."""
    found = gateways.one(user(), gateway_id)
    try:
        address = gateways.address(found, request.form.get("address", ""), settings())
    except Invalid as error:
        return _page(wrong=str(gateway_id), errors=error.errors), 422
    kind, opened = found.kind, gateways.opened(found, settings())
    message = _words()
    db.session.rollback()  # nobody's connection waits for a gateway
    said = gateways.attempt(kind, opened, address, message, settings())
    if said is None or (isinstance(said, Permanent) and said.ours) or isinstance(said, Temporary):
        with writing():
            gateways.note(gateway_id, said, clock.now())
    return _page(tried=gateway_id, outcome=channel_words.outcome(said), took=said is None)


def _words() -> Message:
    title, body = _("随手报：这是一条测试"), _("管理员在试这个渠道能不能用，不用处理。")
    return Message(title, body, f"{settings().base_url}/", _("测试"), user().area.short_name, "test", urgent=False)


def _typed(kind: str) -> dict[str, str]:
    fields = KINDS[kind].fields if kind in KINDS else ()
    return {field.name: request.form.get(f"setting-{field.name}", "")[:300] for field in fields}


def _page(
    wrong: str = "", errors: dict[str, str] | None = None, tried: int = 0, outcome: str = "", took: bool = False
) -> str:
    found = gateways.of_town(user())
    adding = wrong if wrong in KINDS else request.args.get("add", "")
    return render_template(
        "admin/channels.html", gateways=found, shown={one.id: gateways.shown(one, settings()) for one in found},
        kinds=KINDS, groups=GROUPS, personal=PERSONAL, adding=adding if adding in KINDS else "", wrong=wrong,
        errors=channel_words.field_errors(errors or {}), typed=request.form, say=channel_words, tried=tried,
        outcome=outcome, took=took, taken_apart=TAKEN_APART, users=gateways.users(user()),
        saved=request.args.get("saved"), base_url=settings().base_url,
        spot="channel-new" if wrong in KINDS else f"channel-{wrong}",
    )  # fmt: skip

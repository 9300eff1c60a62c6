"""Taking down who saw and did what: a change with the change itself, in its own transaction, so that neither is there
without the other; what was looked at before it is shown, once an hour for each person and thing.
"""

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from flask import Flask, Response, current_app, g, has_request_context, request
from flask_login import current_user
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import MultiDict

from fieldapp import audit, clock
from fieldapp.audit import Actor
from fieldapp.db import db, writing
from fieldapp.models import Delivery, User, town_of
from fieldapp.rules.roles import Role
from fieldapp.web.watched import ALL, CHANGES, SEARCHES, SEEN, Watched

log = logging.getLogger(__name__)
MOST = 1500  # characters of what a form said


@dataclass
class Note:
    """A line that waits for the transaction it belongs to."""

    actor: Actor
    action: str
    kind: str
    about: str
    data: dict[str, Any]
    town_code: str = ""


def init_app(app: Flask) -> None:
    """Listen to what is asked, answered and committed."""
    app.before_request(_before)
    app.after_request(_after)
    if not event.contains(db.session, "before_commit", _with_the_change):
        event.listen(db.session, "before_commit", _with_the_change)


def note(action: str, user: User, kind: str = "", about: str = "", **data: Any) -> None:
    """One line more, in the transaction that is committed next."""
    _waiting().append(Note(Actor.of(user), action, kind, about, data))


def seen_by_link(delivery: Delivery) -> None:
    """This request comes by a one-time link: whose it is, and which case it is about."""
    g.by_link = Actor.of(delivery.user, "link")
    g.link_about = delivery.alert.case.number if delivery.alert.case else ""


def found(number: int) -> None:
    """How many a search came to; what was looked for is nobody's business."""
    g.found = number


def failed_login(user_id: int | None) -> None:
    """A wrong password for an account there is. A name that nobody has is not taken down: it may be a password."""
    person = db.session.get(User, user_id) if user_id else None
    if person:
        note("login_failed", person)


def request_id() -> str:
    """What the lines of one request have in common."""
    if "request_id" not in g:
        g.request_id = uuid4().hex[:12]
    return str(g.request_id)


def _waiting() -> list[Note]:
    if "audit_waiting" not in g:
        g.audit_waiting = []
    return g.audit_waiting  # type: ignore[no-any-return]


def _before() -> None:
    """Who changes it is read before the change, which may end the session or the account."""
    watched = CHANGES.get(request.endpoint or "") if request.method != "GET" else None
    if watched and current_user.is_authenticated:
        actor = Actor.of(current_user)
        _waiting().append(
            Note(actor, watched.action, watched.kind, _about(watched), _said(watched), _town(watched, actor))
        )


def _with_the_change(session: Any) -> None:
    if not has_request_context() or not g.get("audit_waiting"):
        return
    waiting, g.audit_waiting = g.audit_waiting, []
    for one in waiting:
        audit.write(
            one.actor, one.action, one.kind, one.about, one.data, now=clock.now(), town_code=one.town_code,
            request=request_id(),
        )  # fmt: skip


def _after(response: Response) -> Response:
    """What is about to be shown. A database that cannot be written to hides no case from whoever is to help: then the
    line goes to the log instead.
    """
    if request.method != "GET" or response.status_code not in (200, 206):
        return response
    try:
        for watched, once in _looked_at():
            _take_down(watched, once)
    except (SQLAlchemyError, OSError):
        log.exception("not in the audit: %s saw %r (%s)", g.get("audit_actor"), request.path, request_id())
        db.session.rollback()
    return response


def _looked_at() -> list[tuple[Watched, str]]:
    """What this request shows, each with what makes it the same as an hour's earlier ones."""
    endpoint, looked = request.endpoint or "", []
    if endpoint in SEEN and (request.view_args or {}).get("size") != "thumb":
        looked.append((SEEN[endpoint], _about(SEEN[endpoint])))
    if endpoint in SEARCHES and request.args.get("q"):
        looked.append((Watched("searched"), request.args["q"]))
    return looked if looked and _actor() else []


def _take_down(watched: Watched, same: str) -> None:
    actor, now = _actor(), clock.now()
    assert actor is not None
    once = _once(actor, watched.action, same, now)
    if audit.is_written(once):
        return
    about, data = _what(watched, same)
    with writing():
        audit.write(actor, watched.action, watched.kind, about, data, now=now, request=request_id(), once=once)


def _actor() -> Actor | None:
    """Whoever works here. Volunteers see their own reports alone, on every visit: no audit's matter, and no cost."""
    if "audit_actor" not in g:
        person = g.get("by_link")
        if person is None and current_user.is_authenticated and current_user.role != Role.PATROL:
            person = Actor.of(current_user)
        g.audit_actor = person
    return g.audit_actor  # type: ignore[no-any-return]


def _once(actor: Actor, action: str, same: str, now: datetime) -> str:
    """Keyed, so that nobody can find out from it what was looked for."""
    text = f"audit:{actor.id}:{actor.via}:{action}:{same}:{now:%Y%m%d%H}"
    return hmac.new(current_app.config["SECRET_KEY"].encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def _what(watched: Watched, same: str) -> tuple[str, dict[str, Any]]:
    """Which case it was, and of it which file; of a search only what it came to."""
    if watched.action == "searched":
        return "", {"found": g.found} if "found" in g else {}
    if watched.kind == "file":
        return audit.case_of_file(UUID(same)), {"file": same}
    return same, {}


def _about(watched: Watched) -> str:
    if "by_link" in g and watched.kind == "case":
        return str(g.link_about)
    return str((request.view_args or {}).get(watched.named, "")) if watched.named else ""


def _said(watched: Watched) -> dict[str, Any]:
    """What was chosen in a form of choices; nothing that somebody wrote."""
    form = _form()
    wanted = list(form) if ALL in watched.fields else watched.fields
    values = {name: form.getlist(name) or request.args.getlist(name) for name in wanted}
    said = {name: _short(each) for name, each in values.items() if any(each)}
    return said if len(json.dumps(said)) <= MOST else {"fields": len(said)}


def _short(values: list[str]) -> str | list[str]:
    cut = [value[:60] for value in values[:20]]
    return cut[0] if len(cut) == 1 else cut


def _town(watched: Watched, actor: Actor) -> str:
    """Whose it is that changes: a county's admin works in towns whose leaders shall read of it."""
    view_args: Mapping[str, Any] = request.view_args or {}
    if watched.kind == "user":
        id_ = str(view_args.get("user_id") or _form().get("user", ""))
        person = db.session.get(User, int(id_)) if id_.isascii() and id_.isdigit() and len(id_) < 10 else None
        return person.town_code if person else actor.town_code
    area = str(view_args.get("area_code") or _form().get("area_code", ""))
    return town_of(area) if area.startswith(actor.town_code) else actor.town_code


def _form() -> MultiDict[str, str]:
    """A form without files. One with files is a stream that its own page reads, and nobody before it."""
    return request.form if request.mimetype == "application/x-www-form-urlencoded" else MultiDict()

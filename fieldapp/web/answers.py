"""处置反馈 by a one-time link: words and photos from a plain form, by a department that has no account here.

It goes through the same steps as a phone's. The page carries the step's id, so that a double tap reports once; what
says something else is one more word about the same work.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from fieldapp import clock, links, steps
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid
from fieldapp.models import Delivery, FieldStep, StepResult, User
from fieldapp.rules import submission
from fieldapp.web import multipart, pictures, words
from fieldapp.web.links import check, of_link, over, page
from fieldapp.web.multipart import Picked
from fieldapp.web.pictures import Refused
from fieldapp.web.security import limiter, settings
from fieldapp.web.tongue import say as _
from fieldapp.web.transitions import Typed
from fieldapp.web.uploads import store

bp = Blueprint("answers", __name__)
MOST_TIMES = 3  # the bytes of all photos that can be taken: so much is read, for what was typed comes with it
MOST_TRIES = 5


@bp.post("/r/<code>/outcome")
@limiter.limit("20 per minute")
@of_link
def outcome(delivery: Delivery, code: str) -> ResponseReturnValue:
    """What was done, with photos; the answer says what became of it, also when it came twice or late."""
    check(delivery)
    db.session.rollback()  # no transaction is open while a phone on 2G sends
    most, photos = settings().max_photo_bytes, submission.MAX_PHOTOS
    folder, length = store().root / "incoming", MOST_TIMES * submission.MAX_PHOTOS * most
    with multipart.read(folder, most, photos, length) as (form, files):
        taken, refused = pictures.sort(files)
        note = form.get("note", "").replace("\r\n", "\n").strip() or (_("见照片") if taken else "")
        return _answer(code, _uuid(form.get("step", "")), note, taken, refused)


def _answer(code: str, wanted: UUID, note: str, taken: Sequence[Picked], refused: Refused) -> ResponseReturnValue:
    """The link may have ended while the photos were on their way; then what came is still in the history."""
    delivery = links.find(code, clock.now())
    if delivery is None or delivery.alert.case is None:
        return over(code)
    actor, number = delivery.user, delivery.alert.case.number
    try:
        step_id, result = _send(actor, number, wanted, note, taken, clock.now())
    except Invalid as error:
        sentence = " ".join(words.field_errors(error.errors).values())
        return page(delivery, code, Typed("report_outcome", note), sentence, not_taken=refused), 422
    attach = lambda file_id, upload: steps.attach(step_id, file_id, upload, clock.now())  # noqa: E731
    refused = pictures.keep(step_id, taken, attach) + refused
    told = (
        _("✓ 反馈收到了。") if result == StepResult.DONE else _("收到了，记在这件事的历史里。这时它已经不等您反馈了。")
    )
    return page(delivery, code, told=told, not_taken=refused)


def _send(
    actor: User, number: str, wanted: UUID, note: str, taken: Sequence[Picked], now: datetime
) -> tuple[UUID, str]:
    """Take the step once, whatever is sent twice; its id and what became of it. Raises Invalid."""
    step_id = wanted
    for _try in range(MOST_TRIES):
        earlier = db.session.scalar(select(FieldStep.taken_at).where(FieldStep.id == step_id))
        body = _body(actor, step_id, note, taken, earlier or now) | {"client_now": clock.rfc3339(now)}
        try:
            with writing():
                step, _fresh = steps.submit(actor, number, step_id, body, settings().max_photo_bytes, now)
                return step_id, step.result
        except Conflict:
            if earlier is None:
                continue  # its twin was faster: seen now, and then it is the same
        step_id = uuid5(step_id, _print(note, taken))
    raise Conflict("other_content")


def _body(actor: User, step_id: UUID, note: str, taken: Sequence[Picked], at: datetime) -> dict[str, Any]:
    ids = [str(pictures.id_of(step_id, place, one)) for place, one in enumerate(taken)]
    manifest = [{"id": i, "sha256": one.sha256, "bytes": one.size} for i, one in zip(ids, taken, strict=True)]
    return {
        "owner": actor.id, "action": "report_outcome", "note": note, "taken_at": clock.rfc3339(at), "photos": manifest,
    }  # fmt: skip


def _print(note: str, taken: Sequence[Picked]) -> str:
    """Tells other content apart."""
    return hashlib.sha256(json.dumps([note, [one.sha256 for one in taken]]).encode()).hexdigest()


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()

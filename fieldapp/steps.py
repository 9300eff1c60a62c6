"""Steps in the field: 签收, 出发, 到场, 处置反馈 as phones send them, once, in order, and after the fact.

A phone without a network keeps a step and sends it later (docs/protocol.md). By then the case may have moved on: the
step is then written into its history as late, with its words and photos, and changes nothing else.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from fieldapp import cases, intake, response, verbs
from fieldapp.cases import Ask
from fieldapp.db import db
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.intake import Expected
from fieldapp.models import (
    Alert,
    Assignment,
    Attachment,
    AttachmentState,
    Case,
    Delivery,
    FieldStep,
    Kind,
    Purpose,
    StepResult,
    User,
)
from fieldapp.photos import Upload
from fieldapp.rules import submission
from fieldapp.rules.roles import IS_CALLED
from fieldapp.rules.submission import Item, StepSubmission
from fieldapp.rules.workflow import BEGINS_ANEW, Part, Refused, Status

CHECKED = (Status.ANSWERED, Status.VERIFIED)  # from there the desk sends back what is not enough
MOST_MERGES = 100  # one into the next; more is no chain that a desk made
GIVES_AWAY = ("return", "step_back", "transfer", "hand_on")


def submit(
    actor: User, number: str, step_id: UUID, body: dict[str, Any], max_bytes: int, now: datetime
) -> tuple[FieldStep, bool]:
    """Take a step; the second value is True when it is new, False when the same content is here already.

    Raises NotAllowed, NotHere for who never was called to this case, Invalid, or Conflict when this id came before
    with other content or from somebody else.
    """
    if isinstance(body.get("owner"), int) and body["owner"] != actor.id:
        raise Invalid({"owner": "other_user"})  # before anything else: whoever is logged in now, it is not theirs
    digest = intake.content_hash(body)
    here = db.session.get(FieldStep, step_id)
    if here is not None:
        return _same(here, actor, number, digest), False
    if not actor.plays(IS_CALLED):
        raise NotAllowed("role")
    try:
        parsed = submission.parse_step(body, max_bytes)
    except submission.BadSubmission as error:
        raise Invalid(error.errors) from error
    if parsed.owner != actor.id:
        raise Invalid({"owner": "other_user"})
    case = _load(actor, number)
    here = db.session.get(FieldStep, step_id)  # somebody may have been faster while we waited for the case
    if here is not None:
        return _same(here, actor, number, digest), False
    return _take(case, actor, step_id, digest, parsed, now), True


def receipt(step: FieldStep) -> dict[str, Any]:
    """What the phone needs to know before it may forget anything, and whether the case took the step."""
    photos = intake.split(step.photos, Kind.AFTER)
    return {
        "id": str(step.id), "content_hash": step.content_hash, "photos": photos,
        "voices": {"received": [], "missing": []}, "complete": not photos["missing"], "result": step.result,
        "status": step.case.status,
    }  # fmt: skip


def expected_photo(actor: User, step_id: UUID, file_id: UUID) -> Expected:
    """What the step said of a photo. Raises NotHere when no own step named it."""
    found = db.session.get(Attachment, file_id)
    if found is None or (found.step_id, found.owner_id) != (step_id, actor.id):
        raise NotHere(str(file_id))
    return Expected(found.kind, found.sha256, found.bytes, found.state != AttachmentState.EXPECTED)


def attach(step_id: UUID, file_id: UUID, upload: Upload, now: datetime) -> tuple[FieldStep, bool]:
    """Note that an expected photo is on disk; True when it is new. Case and step are held meanwhile, in this order."""
    shown_in = select(Attachment.case_id).where(Attachment.id == file_id).scalar_subquery()
    case = db.session.scalars(cases.locked(select(Case).where(Case.id == shown_in))).one()
    query = select(FieldStep).where(FieldStep.id == step_id).options(selectinload(FieldStep.photos))
    held = query.with_for_update(of=FieldStep).execution_options(populate_existing=True)
    step = db.session.scalars(held).one()
    photo = next(one for one in step.photos if one.id == file_id)
    if not intake.arrived(photo, upload, now):
        return step, False
    cases.record(case, "after_photo", step.actor_id, now, data={"photo": str(file_id)})
    return step, True


def _same(step: FieldStep, actor: User, number: str, digest: str) -> FieldStep:
    if (step.actor_id, step.case.number, step.content_hash) != (actor.id, number, digest):
        raise Conflict("other_content")
    return step


def _load(actor: User, number: str) -> Case:
    """The case, held. Also one that the actor has given back or that went on to others: what was done is not lost."""
    query = select(Case).where(Case.number == number, Case.town_code == actor.town_code)
    case = db.session.scalar(cases.locked(query))
    if case is None or not _was_ever_called(actor, case):
        raise NotHere(number)
    return case


def _was_ever_called(actor: User, case: Case) -> bool:
    mine = [Assignment.user_id == actor.id]
    if actor.speaks_for:
        mine.append(Assignment.department_id == actor.speaks_for)
    sent = select(Assignment.id).where(Assignment.case_id == case.id, or_(*mine))
    alerted = select(Delivery.id).join(Alert).where(
        Alert.case_id == case.id, Delivery.user_id == actor.id, Alert.purpose != Purpose.ANSWER
    )  # fmt: skip
    return db.session.scalar(sent.limit(1)) is not None or db.session.scalar(alerted.limit(1)) is not None


def _take(case: Case, actor: User, step_id: UUID, digest: str, parsed: StepSubmission, now: datetime) -> FieldStep:
    taken_at = min(parsed.taken_at + (now - parsed.client_now), now)  # by our clock, whatever the phone's says
    ask = Ask(note=parsed.note, taken_at=taken_at)
    step = FieldStep(
        id=step_id, case_id=case.id, actor_id=actor.id, content_hash=digest, action=parsed.action,
        result=_perform(case, actor, parsed.action, ask, now), taken_at=taken_at, received_at=now,
    )  # fmt: skip
    db.session.add(step)
    db.session.flush()
    _expect_photos(step, case, parsed.photos)
    return step


def _perform(case: Case, actor: User, action: str, ask: Ask, now: datetime) -> StepResult:
    """The step itself, where the case still asks for it; one taken before the case began anew is not about this try."""
    if Part.ASSIGNEE in cases.parts(actor, case) and not _is_of_another_try(case, actor, ask.taken_at):
        if response.has_done(case, actor, action):
            return StepResult.DONE
        try:
            verbs.VERBS[action](case, actor, ask, now)
        except Refused:
            pass
        else:
            return StepResult.DONE
    told = {"from": case.number} if case.merged_into else {}
    data = {"step": action} | told | ask.when(now)
    cases.record(_where_it_went(case), "late_step", actor.id, now, note=ask.note, data=data)
    return StepResult.LATE


def _is_of_another_try(case: Case, actor: User, taken_at: datetime | None) -> bool:
    """The case began anew after the step was taken, or the desk sent it back, or the actor had given it away."""
    since = [event for event in case.events if taken_at and event.at > taken_at]
    return any(
        event.action in BEGINS_ANEW
        or (event.action == "return" and event.source in CHECKED)
        or (event.action in GIVES_AWAY and event.actor_id == actor.id)
        for event in since
    )


def _where_it_went(case: Case) -> Case:
    """The case whose page is read now, held: after a merge, or several, nobody looks at one that was merged."""
    last = case.id
    for _ in range(MOST_MERGES):
        into = db.session.scalar(select(Case.merged_into_id).where(Case.id == last))
        if into is None:
            break
        last = into
    return case if last == case.id else db.session.scalars(cases.locked(select(Case).where(Case.id == last))).one()


def _expect_photos(step: FieldStep, case: Case, items: tuple[Item, ...]) -> None:
    shown_in = _where_it_went(case)
    photos = [
        Attachment(id=item.id, kind=Kind.AFTER, case_id=shown_in.id, step_id=step.id, owner_id=step.actor_id,
                   position=position, sha256=item.sha256, bytes=item.bytes)
        for position, item in enumerate(items)
    ]  # fmt: skip
    intake.expect(photos)
    set_committed_value(step, "photos", photos)

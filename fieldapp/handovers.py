"""交接班: what is open, left by one duty officer to the next and signed by both."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from fieldapp import oncall, proofs, queue, roster
from fieldapp.clock import rfc3339
from fieldapp.db import db
from fieldapp.errors import Conflict, NotHere
from fieldapp.models import Area, Case, Handover, Rotation, User
from fieldapp.queue import MOST, Filter
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roster import Shift

LANES = ("triage", "in_hand", "verify")
GIVEN, TAKEN, WITHDRAWN = "given", "taken", "withdrawn"
LISTED = 30
MOST_WORDS = 2000


def sheet(user: User, now: datetime) -> dict[str, Any]:
    """What is open in the town at this instant, as plain data that stays as it was signed; times are RFC 3339."""
    unreached = queue.page(user, Filter("unreached"), "", MOST, now)[0]
    return {
        "at": rfc3339(now),
        "lanes": [{"lane": lane, **_lane(user, lane, now)} for lane in LANES],
        "unreached": [_case(case, now) for case in unreached],
        "on_call": [{"rung": rung, "people": _people(user, rung, now)} for rung in roster.RUNGS],
        "next": [line for rung in roster.RUNGS for line in _next(user, rung, now)],
        "gaps": [_span(rung, hole.starts_at, hole.ends_at) for rung, hole in roster.gaps_ahead(user, now)],
        "by_hand": [
            _span(weak.rung, *span) for weak in roster.weak_ahead(user, now) if weak.why == "by_hand"
            for span in weak.spans
        ],
    }  # fmt: skip


def waiting(user: User) -> Handover | None:
    """The one that was given and not yet taken."""
    return db.session.scalar(_of_town(user).where(Handover.state == GIVEN))


def latest(user: User) -> list[Handover]:
    """Those of the town, the latest first."""
    return list(db.session.scalars(_of_town(user).order_by(Handover.id.desc()).limit(LISTED)))


def load(user: User, handover_id: int) -> Handover:
    """One of the town's. Raises NotHere."""
    found = db.session.scalar(_of_town(user).where(Handover.id == handover_id))
    if found is None:
        raise NotHere(str(handover_id))
    return found


def give(user: User, note: str, now: datetime) -> Handover:
    """The giver's signature under what is open now. Raises Conflict while another one waits to be taken."""
    db.session.get(Area, user.town_code, with_for_update=True)
    if waiting(user) is not None:
        raise Conflict("handover_waits")
    made = Handover(
        town_code=user.town_code, state=GIVEN, lines=sheet(user, now), note=note.strip()[:MOST_WORDS],
        giver_id=user.id, given_at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def take(user: User, handover_id: int, answer: str, now: datetime) -> None:
    """The taker's signature; somebody else's than the giver's. Raises NotHere or Conflict."""
    found = _lock(user, handover_id)
    if found.giver_id == user.id:
        raise Conflict("own_handover")
    found.state, found.taker_id, found.taken_at = TAKEN, user.id, now
    found.answer = answer.strip()[:MOST_WORDS]


def withdraw(user: User, handover_id: int) -> None:
    """The giver was too early; what was written stays in the list. Raises NotHere or Conflict."""
    found = _lock(user, handover_id)
    if found.giver_id != user.id:
        raise Conflict("not_giver")
    found.state = WITHDRAWN


def _lock(user: User, handover_id: int) -> Handover:
    query = select(Handover).where(Handover.id == handover_id, Handover.town_code == user.town_code)
    found = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotHere(str(handover_id))
    if found.state != GIVEN:
        raise Conflict("handover_over")
    return found


def _of_town(user: User) -> Select[Handover]:
    loaded = (joinedload(Handover.giver), joinedload(Handover.taker))
    return select(Handover).where(Handover.town_code == user.town_code).options(*loaded)


def _lane(user: User, lane: str, now: datetime) -> dict[str, Any]:
    found, more = queue.page(user, Filter(lane), "", MOST, now)
    return {"cases": [_case(case, now) for case in found], "more": more is not None}


def _case(case: Case, now: datetime) -> dict[str, Any]:
    return {
        "number": case.number, "title": case.heading, "status": case.status, "severity": case.severity.word,
        "due_at": rfc3339(case.due_at), "late": bool(case.due_at and case.due_at < now),
    }  # fmt: skip


def _people(user: User, rung: Rung, now: datetime) -> list[dict[str, Any]]:
    found = oncall.holders(user.town_code, rung, now)
    standing = proofs.standing(found, now)
    return [{"name": person.name, "reach": standing[person.id]} for person in found]


def _next(user: User, rung: Rung, now: datetime) -> list[dict[str, Any]]:
    return [_one_next(rung, row, shift, now) for row, shift in roster.handovers_ahead(user, rung, now)]


def _one_next(rung: Rung, row: Rotation, shift: Shift, now: datetime) -> dict[str, Any]:
    person = db.session.get_one(User, shift.holder) if shift.holder else None
    return {
        "rung": rung, "post": row.name, "at": rfc3339(shift.starts_at), "gap": shift.gap,
        "name": person.name if person else None,
        "reach": proofs.standing([person], now)[person.id] if person else None,
    }  # fmt: skip


def _span(rung: Rung, since: datetime, until: datetime) -> dict[str, Any]:
    return {"rung": rung, "from": rfc3339(since), "until": rfc3339(until)}

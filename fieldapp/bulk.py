"""One verb on many cases, each in a transaction of its own, and what of it can be taken back for a few minutes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from fieldapp import alerting, cases, messages, triage, verbs
from fieldapp.cases import Ask
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotHere
from fieldapp.models import Alert, Case, CaseEvent, User
from fieldapp.rules import severity as severities
from fieldapp.rules.workflow import Part, Refused

MOST = 200
UNDO_FOR = timedelta(minutes=5)
VERBS = ("accept", "classify", "dispatch", "nudge", "verify", "close", "decline")
CAN_UNDO = ("accept", "classify")  # ADR 0025 says why not the others


@dataclass(frozen=True)
class Picked:
    """A case as it was shown."""

    number: str
    version: int


@dataclass(frozen=True)
class Result:
    """What became of one of them: `why` is nothing when it was done; `by` is who was there before, when stale."""

    number: str
    version: int
    why: Exception | None = None
    by: str = ""


def run(actor: User, action: str, picked: Sequence[Picked], ask: Ask, now: datetime) -> list[Result]:
    """The verb on each, in the order given. Raises Invalid for another verb, for none picked or for too many."""
    if action not in VERBS:
        raise Invalid({"action": "unknown"})

    def do(one: Picked) -> Case:
        return verbs.perform(actor, one.number, action, ask, one.version, now, Part.DESK)

    return list(_each(_checked(picked), do, actor))


def undo(actor: User, action: str, picked: Sequence[Picked], now: datetime) -> list[Result]:
    """Take back what `run` did, of each case that nothing has happened to since. Raises Invalid like `run`."""
    if action not in CAN_UNDO:
        raise Invalid({"action": "unknown"})
    back = {"accept": _unaccept, "classify": _classify_back}[action]

    def do(one: Picked) -> Case:
        case = cases.load(actor, one.number, lock=True)
        cases.check_part(actor, case, Part.DESK)
        cases.check_version(case, one.version)
        back(case, _done_by(actor, case, action, now), actor, now)
        return case

    return list(_each(_checked(picked), do, actor))


def _checked(picked: Sequence[Picked]) -> list[Picked]:
    if not picked:
        raise Invalid({"case": "none_picked"})
    if len(picked) > MOST:
        raise Invalid({"case": "too_many_picked"})
    return list({one.number: one for one in picked}.values())


def _each(picked: Sequence[Picked], do: Callable[[Picked], Case], actor: User) -> Iterator[Result]:
    """One that is refused changes nothing and holds none of the others up."""
    for one in picked:
        try:
            with writing():
                case = do(one)
                db.session.flush()
                result = Result(one.number, case.version)
            yield result
        except (Conflict, StaleDataError) as error:
            yield Result(one.number, one.version, error, _who_was_there(actor, one.number))
        except (Refused, Invalid, NotHere) as error:
            yield Result(one.number, one.version, error)


def _who_was_there(actor: User, number: str) -> str:
    """The last person in the history of a case of this desk."""
    case = cases.load(actor, number)
    query = select(CaseEvent).where(CaseEvent.case_id == case.id, CaseEvent.actor_id.is_not(None))
    last = db.session.scalars(query.order_by(CaseEvent.id.desc()).limit(1)).first()
    return last.actor.name if last and last.actor else ""


def _done_by(actor: User, case: Case, action: str, now: datetime) -> CaseEvent:
    """The line of history that is taken back. Raises Conflict when it is somebody else's, or too long ago."""
    query = select(CaseEvent).where(CaseEvent.case_id == case.id, CaseEvent.action == action)
    entry = db.session.scalars(query.order_by(CaseEvent.id.desc()).limit(1)).first()
    if entry is None or entry.actor_id != actor.id or now - entry.at > UNDO_FOR:
        raise Conflict("undo_over")
    return entry


def _unaccept(case: Case, entry: CaseEvent, actor: User, now: datetime) -> None:
    """The case waits again; whoever's call the acceptance had answered is called anew, or nobody would be."""
    cases.apply(case, "unaccept", actor, now)
    answered = select(Alert.id).where(Alert.case_id == case.id, Alert.acknowledged_at == entry.at)
    if db.session.scalars(answered.limit(1)).first() is not None:
        alerting.raise_on_intake(case, messages.call, now)


def _classify_back(case: Case, entry: CaseEvent, actor: User, now: datetime) -> None:
    before = entry.data["before"]
    triage.reclassify(case, actor, before["category"], severities.parse(before["severity"]), messages.UNDONE, now)

"""Cases: give one its number, apply one transition, and write what happened to its history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql.dml import ReturningInsert

from fieldapp import clock, scope, search, timing
from fieldapp.db import db, insert
from fieldapp.errors import Conflict, Invalid, NotAllowed, NotHere
from fieldapp.models import (
    TOWN,
    Area,
    Attachment,
    AttachmentState,
    Case,
    CaseCounter,
    CaseEvent,
    Category,
    FieldStep,
    Kind,
    Limit,
    Report,
    StepResult,
    User,
    town_of,
)
from fieldapp.rules import deadlines, workflow
from fieldapp.rules import severity as severities
from fieldapp.rules.deadlines import DEFAULT_LIMITS, Step
from fieldapp.rules.roles import IS_CALLED, WORKS_DESK, Role
from fieldapp.rules.severity import Severity
from fieldapp.rules.workflow import Arrow, Part, Status


@dataclass(frozen=True)
class Ask:
    """What comes with an action: the words, whom or what it points at, and a new classification."""

    note: str = ""
    to: tuple[str, ...] = ()
    category: str | None = None
    severity: Severity | None = None
    term: str = ""  # until which day it is put aside, or how many minutes more are asked for
    taken_at: datetime | None = None  # when it was done, where that was long before it could be told

    def when(self, now: datetime) -> dict[str, Any]:
        """What the history says of the moment, when that is not `now`."""
        told_late = self.taken_at is not None and now - self.taken_at > TOLD_LATE
        return {"taken_at": clock.rfc3339(self.taken_at)} if told_late else {}

    @classmethod
    def of(cls, note: str, to: Iterable[str], category: str, severity: str, term: str = "") -> "Ask":
        """From what a person or program sent: held to lengths, without what no database takes."""
        clean = [text.replace("\x00", "").strip() for text in (note, category, *to)]
        if any(len(text) > longest for text, longest in zip(clean, (2000, 20, *[60] * 50), strict=False)):
            raise Invalid({"note": "too_long"})
        if len(clean) > 52:
            raise Invalid({"to": "too_many"})
        try:
            level = severities.parse(severity) if severity else None
        except ValueError as error:
            raise Invalid({"severity": "unknown"}) from error
        return cls(clean[0], tuple(name for name in clean[2:] if name), clean[1] or None, level, term.strip()[:20])


TOLD_LATE = timedelta(minutes=2)
TITLE_LENGTH = 24
# chosen by a verb, never asked for by name
INTERNAL = frozenset({"unaccept", "step_back", "restore", "hand_on", "assist_outcome"})
SIGHTLESS = frozenset({Role.ANALYST, Role.ADMIN})  # see counts and settings, never a case


def minutes_for(severity: Severity, step: Step) -> int:
    """The limit for one step of every category, as natural minutes: an alarm never waits for office hours."""
    row = db.session.get(Limit, (severity, step, ""))
    return row.minutes if row else DEFAULT_LIMITS[(severity, step)]


def open_case(report: Report, now: datetime, town: str = "") -> Case:
    """A new case for a report, in the town of the report's area unless one is given, waiting for triage."""
    town = town or _town_that_answers(report)
    case = Case(
        number=_next_number(town, now),
        town_code=town,
        area_code=report.area_code,
        category_code=report.category_code,
        severity=report.severity,
        status=Status.NEW,
        title=title_of(report),
        lat=report.lat,
        lon=report.lon,
        opened_at=now,
        changed_at=now,
        version=1,
    )
    _run_clock(case, now)
    insert(case)
    record(case, "report", report.owner_id, now, result=Status.NEW, data={"report": str(report.id)})
    search.opened(case, [report.text])
    return case


def title_of(report: Report) -> str:
    """A line to know the case by: the first words, else the kind, else that there is only a picture or a voice."""
    words = " ".join(report.text.split())
    if words:
        return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "…"
    category = db.session.get(Category, report.category_code) if report.category_code else None  # kept by the session
    return category.name if category else "未说明,请看照片或听录音"


def load(user: User, number: str, lock: bool = False) -> Case:
    """The case by its number, if the user may open it; `lock` holds it until the end of the transaction.

    Raises NotAllowed for roles that never open cases, NotHere for all that is not theirs.
    """
    query = scope.case(user, number)
    return _found(user, number, locked(query) if lock else query)


def _found(user: User, number: str, query: Select[Case]) -> Case:
    if user.plays(SIGHTLESS):
        raise NotAllowed("role")
    case = db.session.scalars(query).unique().one_or_none()
    if case is None:
        raise NotHere(number)
    return case


def locked(query: Select[Case]) -> Select[Case]:
    """The same, held until the end of the transaction and read anew: what was seen before the lock may be old."""
    return query.with_for_update(of=Case).execution_options(populate_existing=True)


def hold(user: User, numbers: Sequence[str]) -> None:
    """Lock several cases in one fixed order before anything else is: two who merge crosswise do not wait for ever."""
    query = select(Case.id).where(Case.number.in_(numbers), Case.town_code == user.town_code)
    db.session.scalars(query.order_by(Case.id).with_for_update()).all()


def check_part(user: User, case: Case, *wanted: Part) -> None:
    """Raises NotHere unless the user plays one of these parts: who only reported a case never opens its pages."""
    at_own_desk = Part.DESK in wanted and scope.works_desk(user, case)
    if not at_own_desk and not parts(user, case) & set(wanted):
        raise NotHere(case.number)


def load_whole(user: User, number: str, *wanted: Part) -> Case:
    """The case with all that its page shows, for a user who plays one of the `wanted` parts (none named: any)."""
    whole = scope.case(user, number).options(
        joinedload(Case.area), joinedload(Case.category),
        selectinload(Case.events).joinedload(CaseEvent.actor), selectinload(Case.assignments),
    )  # fmt: skip
    case = _found(user, number, whole.execution_options(populate_existing=True))
    if wanted:
        check_part(user, case, *wanted)
    return case


def parts(user: User, case: Case) -> frozenset[Part]:
    """The parts this user plays in this case."""
    same = Case.id == case.id
    may = user.plays(IS_CALLED)  # of anybody else it makes no part
    called = may and db.session.scalar(select(Case.id).where(same, scope.was_called(user, case.id))) is not None
    reporter = db.session.scalar(select(Case.id).where(same, scope.has_reported(user, case.id))) is not None
    return scope.parts(user, case, called, reporter)


def worked_on(user: User, found: Sequence[Case]) -> set[int]:
    """Of these cases, the ids of those the user sees whole, and not only as a reporter."""
    if user.plays(WORKS_DESK) and all(case.town_code == user.town_code for case in found):
        return {case.id for case in found}
    query = select(Case.id).where(Case.id.in_([case.id for case in found]), scope.works_on(user))
    return set(db.session.scalars(query))


def actions(user: User, case: Case) -> list[str]:
    """What this user may do now, in the table's order."""
    arrows = workflow.available(Status(case.status), parts(user, case))
    found = dict.fromkeys(arrow.action for arrow in arrows if arrow.action not in INTERNAL)
    return [action for action in found if _makes_sense(action, case)]


def _makes_sense(action: str, case: Case) -> bool:
    """Of the clock's verbs only those that fit how it stands: what is put aside can be resumed, not put aside again."""
    fits = {
        "park": not case.paused_at, "resume": bool(case.paused_at), "ask_extension": case.asked_minutes is None,
        "grant": case.asked_minutes is not None, "refuse": case.asked_minutes is not None,
        "split": case.signals > 1,
    }  # fmt: skip
    return fits.get(action, True)


def check_version(case: Case, version: int) -> None:
    """Raises Conflict("stale") when somebody changed the case since this version was shown."""
    if case.version != version:
        raise Conflict("stale")


def apply(
    case: Case,
    action: str,
    actor: User,
    now: datetime,
    *,
    note: str = "",
    has_target: bool = False,
    data: dict[str, Any] | None = None,
) -> Arrow:
    """Take one arrow: the new status, the clock that runs for it, and one line of history.

    Raises Refused (see rules/workflow.py) and changes nothing when the arrow is not there.
    """
    mine = parts(actor, case)
    arrow = workflow.step(action, Status(case.status), mine, note, has_target)
    record(case, action, actor.id, now, note=note, source=case.status, result=arrow.result, data=data)
    move(case, arrow.result, now)
    return arrow


def move(case: Case, result: Status, now: datetime) -> None:
    """Put a case into a status and start the clock that runs there; the line of history is the caller's."""
    case.version += 1
    if case.status == result:
        return
    wake(case, now)
    case.status = result
    case.closed_at = now if result not in workflow.OPEN else None
    _run_clock(case, now)


def record(
    case: Case,
    action: str,
    actor_id: int | None,
    now: datetime,
    *,
    note: str = "",
    source: str | None = None,
    result: str | None = None,
    data: dict[str, Any] | None = None,
) -> CaseEvent:
    """Append one line to the history; `actor_id` None means the system itself. Counts as a change of the case."""
    event = CaseEvent(
        case_id=case.id, at=now, action=action, actor_id=actor_id, note=note.strip(),
        source=source, result=result, data=data or {},
    )  # fmt: skip
    insert(event)
    if case.changed_at != now:
        case.changed_at = now
    return event


def reclock(case: Case, now: datetime) -> None:
    """Work the deadline out again after severity or category changed; what is being waited for keeps its start."""
    case.due_since = case.due_since or now
    if case.due_step:
        timing.take_limit(case)


def wake(case: Case, now: datetime) -> None:
    """挂账 ends by itself: at its date, because the case goes on, or because somebody is called."""
    if case.paused_at:
        record(case, timing.GOES_ON, None, now)
        timing.go_on(case)


def reporters(case: Case) -> list[tuple[User, str]]:
    """Everybody whose report tells of this case, each once, with the title of his or her own report.

    After a merge a case goes by the first report's words, which are not for the other reporters to read. Another
    office, whose ledger a report came with, is nobody to tell.
    """
    query = select(Report).join(Report.owner).where(Report.case_id == case.id, ~User.seat).order_by(Report.received_at)
    titles: dict[int, tuple[User, str]] = {}
    for report in db.session.scalars(query.options(joinedload(Report.owner))):
        titles.setdefault(report.owner_id, (report.owner, title_of(report)))
    return list(titles.values())


def after_photos(case: Case, told: bool = False) -> list[Attachment]:
    """The photos taken after the work was done, in the order they were taken; `told`: only those a reporter is shown,
    which are here and belong to what was done in time.
    """
    query = select(Attachment).where(Attachment.case_id == case.id, Attachment.kind == Kind.AFTER)
    if told:
        late = select(FieldStep.id).where(FieldStep.result == StepResult.LATE, FieldStep.id == Attachment.step_id)
        query = query.where(Attachment.state != AttachmentState.EXPECTED, ~late.exists())
    return list(db.session.scalars(query.order_by(Attachment.received_at, Attachment.id)))


def case_reports(case_ids: Iterable[int]) -> list[Report]:
    """The reports of these cases with their attachments, earliest first."""
    query = select(Report).where(Report.case_id.in_(case_ids)).order_by(Report.received_at)
    return list(db.session.scalars(query.options(selectinload(Report.attachments))))


def _town_that_answers(report: Report) -> str:
    """The town of the place; where nobody sits at a desk there, the reporter's own: no report lands before nobody."""
    place, own = town_of(report.area_code), town_of(report.owner.area_code)
    if place == own or (_has_desk(place) and db.session.get_one(Area, place).enabled) or len(own) < TOWN:
        return place
    return own


def _has_desk(town: str) -> bool:
    desk = select(User.id).where(User.active, User.role.in_(WORKS_DESK), User.area_code.startswith(town))
    return db.session.scalar(desk.limit(1)) is not None


def _run_clock(case: Case, now: datetime) -> None:
    step = deadlines.waits_for(Status(case.status))
    if step is None or step != case.due_step:
        timing.start(case, step, now)


def _next_number(town_code: str, now: datetime) -> str:
    """HC-20261123-007: the town's letters, the local day, a count that two transactions never share."""
    day = clock.local(now).strftime("%Y%m%d")
    last = db.session.scalar(_count_up(db.engine.dialect.name), {"town_code": town_code, "day": day, "last": 1})
    town = db.session.get_one(Area, town_code)  # kept by the session, which soon wants its name too
    return f"{town.letters or 'HF'}-{day}-{last:03d}"


@lru_cache
def _count_up(dialect: str) -> ReturningInsert[int]:
    insert_into = postgresql.insert if dialect == "postgresql" else sqlite.insert
    upsert = insert_into(CaseCounter).on_conflict_do_update(
        index_elements=["town_code", "day"], set_={"last": CaseCounter.last + 1}
    )
    return upsert.returning(CaseCounter.last)

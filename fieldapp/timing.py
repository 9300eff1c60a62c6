"""The clock of a case: which limit it runs by, when it is due, when it stands, and when the next word is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import String, cast, literal, select, union_all

from fieldapp.clock import LOCAL
from fieldapp.db import db
from fieldapp.models import CalendarDay, CalendarYear, Case, CaseEvent, Category, Fact, Limit
from fieldapp.rules import deadlines
from fieldapp.rules.calendar import Calendar
from fieldapp.rules.deadlines import DEFAULT_LIMITS, Kind, Office, Pause, Step, Word
from fieldapp.rules.severity import Severity

HOURS = "office_hours"  # the fact that keeps them
STOPS, GOES_ON = "park", "resume"


def limit_for(severity: Severity, step: Step, category_code: str | None) -> deadlines.Limit:
    """The limit in force: the category's own before its parent's before the one for all."""
    category = db.session.get(Category, category_code) if category_code else None
    codes = deadlines.lineage(category_code, category.parent_code if category else None)
    query = select(Limit).where(Limit.severity == severity, Limit.step == step, Limit.category_code.in_(codes))
    found = {row.category_code: row for row in db.session.scalars(query)}
    row = next((found[code] for code in codes if code in found), None)
    if row is None:
        return deadlines.Limit(DEFAULT_LIMITS[(severity, step)])
    kind = Kind(row.kind) if deadlines.may_wait(severity, step) else Kind.NATURAL
    return deadlines.Limit(row.minutes, kind)


def office() -> Office:
    """Office hours and holidays, in one statement."""
    days = select(CalendarDay.kind.label("what"), cast(CalendarDay.day, String).label("value"))
    years = select(literal("year"), cast(CalendarYear.year, String))
    hours = select(literal("hours"), Fact.value).where(Fact.name == HOURS)
    found: dict[str, list[str]] = {"rest": [], "work": [], "year": [], "hours": []}
    for what, value in db.session.execute(union_all(days, years, hours)):
        found[what].append(value)
    rest, work = (frozenset(map(date.fromisoformat, found[kind])) for kind in ("rest", "work"))
    written = found["hours"] and found["hours"][0]
    open_ = deadlines.parse_hours(written) if written else deadlines.HAIFENG_HOURS
    return Office(Calendar(rest, work, frozenset(map(int, found["year"]))), open_, LOCAL)


@dataclass(frozen=True)
class Clock:
    """All that the clock of a case runs by."""

    since: datetime
    limit: deadlines.Limit
    office: Office
    pauses: Sequence[Pause]

    def after(self, minutes: int) -> datetime:
        """When so many minutes of its time have run."""
        return deadlines.due_at(self.since, minutes, self.limit.kind, self.office, self.pauses)

    @property
    def due(self) -> datetime:
        """When all that is allowed has run."""
        return self.after(self.limit.minutes)

    def at(self, word: Word) -> datetime:
        """When a word of the ladder is to be said."""
        return self.after(deadlines.minutes_until(word, self.limit.minutes))


def of_case(case: Case, pauses: Sequence[Pause] | None = None) -> Clock:
    """The clock that runs for a case; its pauses are looked up in the history unless they are given."""
    assert case.due_since
    limit = deadlines.Limit(_allowed(case), Kind(case.due_kind or Kind.NATURAL))
    open_ = office() if limit.kind == Kind.WORKING else Office()
    return Clock(case.due_since, limit, open_, _pauses(case) if pauses is None else pauses)


def start(case: Case, step: Step | None, now: datetime) -> None:
    """A new clock for what is waited for from now on; none when nothing is."""
    case.due_step, case.due_since = step, now if step else None
    case.extended_minutes, case.asked_minutes, case.nudged = 0, None, 0
    case.due_at = case.due_minutes = case.due_kind = case.next_nudge_at = case.nudged_at = None
    if step:
        take_limit(case, ())
    else:
        case.supervised_at = None


def take_limit(case: Case, pauses: Sequence[Pause] | None = None) -> None:
    """The limit of the case as it is now; what was granted in addition stays granted, and when
    it is another limit than before, the ladder begins anew.
    """
    limit = limit_for(case.severity, Step(case.due_step or ""), case.category_code)
    allowed = limit.minutes + (case.extended_minutes or 0)
    if (allowed, limit.kind) != (case.due_minutes, case.due_kind):
        case.due_minutes, case.due_kind, case.nudged = allowed, limit.kind, 0
    _wind(case, pauses)


def extend(case: Case, minutes: int) -> None:
    """So much longer than before; the words before the end may be said again."""
    case.due_minutes, case.due_kind = _allowed(case) + minutes, case.due_kind or Kind.NATURAL
    case.extended_minutes += minutes
    case.asked_minutes, case.nudged, case.nudged_at = None, 0, None
    _wind(case)


def stand(case: Case, why: str, now: datetime, until: datetime) -> None:
    """挂账: the clock stands from now; by itself it goes on at `until`. The history must say so already."""
    case.due_minutes = _allowed(case)
    case.paused_at, case.paused_until, case.paused_why = now, until, why[:200]
    _wind(case)


def go_on(case: Case) -> None:
    """The clock runs again. The history must say so already."""
    case.paused_at = case.paused_until = case.paused_why = None
    if case.due_step:
        _wind(case)


def next_word(case: Case, clock: Clock) -> datetime | None:
    """When the next word of the ladder is to be said; None when all are."""
    word = deadlines.next_word(case.nudged or 0)
    return clock.at(word) if word else None


def _wind(case: Case, pauses: Sequence[Pause] | None = None) -> None:
    """Work out from limit and pauses when it is due, and when the next word or the end of a pause comes."""
    running = of_case(case, pauses)
    case.due_at = running.due
    case.next_nudge_at = case.paused_until or next_word(case, running)


def _allowed(case: Case) -> int:
    """Minutes; of a clock from before they were kept, those between its two ends."""
    if case.due_minutes is None and case.due_at and case.due_since:
        return max(1, round((case.due_at - case.due_since) / timedelta(minutes=1)))
    return case.due_minutes or 1


def _pauses(case: Case) -> list[Pause]:
    """The stretches this clock stood, from the history; a pause that still lasts ends at its date."""
    what = CaseEvent.action.in_((STOPS, GOES_ON))
    query = select(CaseEvent).where(CaseEvent.case_id == case.id, what, CaseEvent.at >= case.due_since)
    found: list[Pause] = []
    for entry in db.session.scalars(query.order_by(CaseEvent.id)):
        if entry.action == STOPS:
            found.append(Pause(entry.at, datetime.fromisoformat(entry.data["until"])))
        elif found:
            found[-1] = Pause(found[-1].since, min(found[-1].until, entry.at))
    return found

"""The verbs of the clock: 挂账, 恢复, 延期 asked and answered, 催办, 督办. And who must keep a deadline."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from fieldapp import addresses, alerting, cases, clock, messages, reach, timing, triage
from fieldapp.cases import Ask
from fieldapp.db import db
from fieldapp.errors import Conflict, Invalid
from fieldapp.models import Assignment, Case, CaseEvent, Purpose, User
from fieldapp.rules.deadlines import Step, Word
from fieldapp.rules.escalation import Call, Rung
from fieldapp.rules.roles import Role
from fieldapp.rules.workflow import Refused, Status

BACK_AT = time(8)  # of the day until which a case is put aside
USUAL_DAYS, MOST_DAYS = 30, 180  # nothing is put aside for ever
MOST_MINUTES = 60 * 24 * 60
AT_DESK = frozenset({Step.TRIAGE, Step.VERIFY})


def park(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """挂账: it waits for another, and its clock stands; by itself it comes back. Never while those who were sent are
    called; a call for somebody to look at it ends with the desk's decision.
    """
    if case.paused_at:
        raise Conflict("parked")
    if any(alert.purpose == Purpose.DISPATCH for alert in alerting.unanswered(case)):
        raise Conflict("still_calling")
    until = _until(ask.term, now)
    cases.apply(case, "park", actor, now, note=ask.note, data={"until": clock.rfc3339(until)})
    alerting.stop(case, now)
    timing.stand(case, ask.note.strip(), now, until)


def resume(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """恢复: the clock runs again."""
    if not case.paused_at:
        raise Conflict("not_parked")
    cases.apply(case, "resume", actor, now, note=ask.note)
    timing.go_on(case)


def ask_extension(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """延期申请: who holds the case asks for so many minutes more, and says why."""
    if case.asked_minutes is not None:
        raise Conflict("asked_already")
    minutes = _minutes(ask.term)
    cases.apply(case, "ask_extension", actor, now, note=ask.note, data={"minutes": minutes})
    case.asked_minutes = minutes


def grant(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """同意延期: so many minutes more as were asked for, or as the desk says; from the second time on by the leader."""
    asker = _asker(case, actor, "grant")
    minutes = _minutes(ask.term) if ask.term else case.asked_minutes or 0
    cases.apply(case, "grant", actor, now, note=ask.note, data={"minutes": minutes})
    timing.extend(case, minutes)
    _answer(case, asker, True, ask.note, now)


def refuse(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """不同意延期, and why."""
    asker = _asker(case, actor, "refuse")
    cases.apply(case, "refuse", actor, now, note=ask.note)
    case.asked_minutes = None
    _answer(case, asker, False, ask.note, now)


def nudge(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """催办, by hand: a word to who must keep the deadline."""
    people = _besides(actor, in_charge(case, now))
    cases.apply(case, "nudge", actor, now, note=ask.note, data=_whom(people, now))
    case.nudged_at = now
    tell(case, Word.NUDGE, people, now, str(case.version), ask.note)


def supervise(case: Case, actor: User, ask: Ask, now: datetime) -> None:
    """督办, by hand: a word to them and to the leader, and it stands on the case until it is over."""
    people = _besides(actor, [*in_charge(case, now), *leaders(case, now)])
    cases.apply(case, "supervise", actor, now, note=ask.note, data=_whom(people, now))
    case.supervised_at = now
    tell(case, Word.SUPERVISE, people, now, str(case.version), ask.note)


def in_charge(case: Case, now: datetime) -> list[User]:
    """Who must keep the deadline that runs: the lead of those who were sent, or the desk."""
    if case.due_step in AT_DESK:
        return desk(case, now)
    leads = [one for one in case.assignments if one.going_on and one.lead]
    return [user for one in leads for user in _people(one)] or triage.holders(case) or desk(case, now)


def desk(case: Case, now: datetime) -> list[User]:
    """Who sits at the desk."""
    return [meant.user for meant in reach.whom(case.town_code, Call((Rung.DESK,)), now)]


def leaders(case: Case, now: datetime) -> list[User]:
    """Who leads now."""
    return [meant.user for meant in reach.whom(case.town_code, Call((Rung.LEADER,)), now)]


def tell(case: Case, word: Word, people: Iterable[User], now: datetime, which: str, note: str = "") -> list[User]:
    """A word of the ladder to each of these people, once for the same `which`; who of them is told it now."""
    message = messages.term(case, word, note)
    return [user for user in people if _notice(case, user, message, f"term:{case.id}:{word}:{which}:{user.id}", now)]


def tell_seldom(case: Case, word: Word, people: Iterable[User], now: datetime) -> list[User]:
    """The same, to each one word of its kind and severity in ten minutes, however much is late: the queue shows it."""
    message, when = messages.desk_late(case, word), f"{word}:{case.severity.word}:{int(now.timestamp()) // 600}"
    return [user for user in people if _notice(case, user, message, f"late:{user.id}:{when}", now)]


def _notice(case: Case, user: User, message: alerting.Message, once: str, now: datetime) -> bool:
    lasts = alerting.ANSWER_HORIZON
    return alerting.raise_to(user, Purpose.NOTICE, message, now, once, lasts, severity=case.severity) is not None


def _answer(case: Case, asker: User | None, granted: bool, note: str, now: datetime) -> None:
    if asker:
        once = f"extension:{case.id}:{case.version}"
        _notice(case, asker, messages.extension(case, granted, note), once, now)


def _asker(case: Case, actor: User, action: str) -> User | None:
    """Who asked last. Raises Conflict when nobody did, Refused for who may not answer this one."""
    if case.asked_minutes is None:
        raise Conflict("not_asked")
    asked = select(CaseEvent).where(CaseEvent.case_id == case.id, CaseEvent.action == "ask_extension")
    entry = db.session.scalars(asked.order_by(CaseEvent.id.desc()).limit(1)).first()
    asker = db.session.get(User, entry.actor_id) if entry and entry.actor_id else None
    if asker is actor:
        raise Refused("own_request", action, Status(case.status))
    if case.extended_minutes and actor.role != Role.LEADER:
        raise Refused("leader_only", action, Status(case.status))
    return asker


def _until(text: str, now: datetime) -> datetime:
    """The morning of the day it comes back."""
    today = clock.local(now).date()
    try:
        day = date.fromisoformat(text) if text else today + timedelta(days=USUAL_DAYS)
    except ValueError as error:
        raise Invalid({"term": "not_a_day"}) from error
    if not today < day <= today + timedelta(days=MOST_DAYS):
        raise Invalid({"term": "not_so_long"})
    return datetime.combine(day, BACK_AT, clock.LOCAL)


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_MINUTES):
        raise Invalid({"term": "how_long"})
    return int(text)


def _people(one: Assignment) -> list[User]:
    if one.user:
        return [one.user] if one.user.active else []
    return reach.liaisons(one.department) if one.department else []


def _whom(people: Iterable[User], now: datetime) -> dict[str, list[str]]:
    """Who is told, and whom of them no word can reach: the desk had better telephone."""
    people = list(people)
    ways = addresses.ways(people, now)
    silent = [one.name for one in people if not ways[one.id].by_kind]
    return {"people": [one.name for one in people]} | ({"unreachable": silent} if silent else {})


def _besides(actor: User, people: Iterable[User]) -> list[User]:
    return list({user.id: user for user in people if user.id != actor.id}.values())

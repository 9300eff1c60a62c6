"""Who saw and did what: written beside the work, only ever added to, and read by whoever answers for it.

What was done with a case stands in the case's own history already. Reading joins the two; nothing is written twice.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from fieldapp import scope
from fieldapp.db import db, insert, insert_once
from fieldapp.models import IS_SELDOM, SEEN, Attachment, AuditEvent, Case, CaseEvent, Report, User
from fieldapp.rules.roles import Role

PAGE = 50
STAMP = "%Y%m%dT%H%M%S.%f"
DONE = "done"  # what was done with cases: their own histories
# what the leader may ask for, and the actions that are meant
GROUPS: Mapping[str, tuple[str, ...]] = {
    "seen": SEEN,
    "searched": ("searched",),
    DONE: (),
    "moved": ("exported", "imported", "audit_exported"),
    "sessions": ("login", "login_failed", "enrolled", "logout", "revoked", "revoked_all", "password"),
    "settings": ("settings", "account", "invitation", "new_phone", "policy", "limits", "roster", "department",
                 "channel", "map", "dispatch_rule", "holidays", "drill", "handover", "reminders"),
    "links": ("link_opened",),
}  # fmt: skip
BY_SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """Whoever did it, as he or she was at that moment."""

    id: int | None
    role: str | None
    town_code: str
    via: str = "session"

    @classmethod
    def of(cls, user: User, via: str = "session") -> "Actor":
        """This user, now."""
        return cls(user.id, user.role, user.town_code, via)


@dataclass(frozen=True)
class Wanted:
    """What the leader asks for; the days are instants, the end not included."""

    since: datetime
    until: datetime
    who: str = ""  # a user's id, or the system
    what: str = ""
    number: str = ""


@dataclass(frozen=True, order=True)
class Line:
    """One line as it is shown, in the order of the keys."""

    at: datetime
    stream: int
    id: int
    event: AuditEvent | CaseEvent = field(compare=False)

    @property
    def key(self) -> str:
        """Where the page after this line begins."""
        return f"{self.at.astimezone(UTC).strftime(STAMP)}_{self.stream}_{self.id}"


def write(
    actor: Actor, action: str, kind: str = "", about: str = "", data: dict[str, Any] | None = None, *,
    now: datetime, town_code: str = "", request: str = "", once: str | None = None,
) -> None:  # fmt: skip
    """Add one line within the running transaction; with `once`, unless the same is there already."""
    row = AuditEvent(
        at=now, actor_id=actor.id, via=actor.via, role=actor.role, town_code=town_code or actor.town_code,
        action=action, kind=kind, object=about[:60], data=data or {}, request=request, once=once,
    )  # fmt: skip
    if once:
        insert_once(row, "once")
    else:
        insert(row)


def is_written(once: str) -> bool:
    """The same was written this hour."""
    return db.session.scalar(select(AuditEvent.id).where(AuditEvent.once == once)) is not None


def case_of_file(file_id: UUID) -> str:
    """The number of the case that a file belongs to."""
    number = select(Case.number).where(Case.id == func.coalesce(Attachment.case_id, Report.case_id))
    file = Attachment.id == file_id
    query = number.select_from(Attachment).outerjoin(Report, Attachment.report_id == Report.id).join(Case, true())
    return db.session.scalar(query.where(file)) or ""


def page(user: User, wanted: Wanted, cursor: str = "", limit: int = PAGE) -> tuple[list[Line], str]:
    """The newest first, and where the next page begins."""
    after = _read(cursor)
    queries = ((n, query) for n, query in enumerate(_streams(user, wanted)) if query is not None)
    streams = [_lines(query, n, after, limit + 1) for n, query in queries]
    found = list(islice(heapq.merge(*streams, reverse=True), limit + 1))
    return found[:limit], found[limit - 1].key if len(found) > limit else ""


def stretches(user_id: int, wanted: Wanted) -> Iterator[list[Line]]:
    """All of it, a stretch at a time, so that a year costs no memory; no snapshot is held while somebody's slow line
    takes a stretch.
    """
    cursor = ""
    while True:
        found, cursor = page(db.session.get_one(User, user_id), wanted, cursor, 500)
        yield found
        db.session.rollback()
        db.session.expunge_all()
        if not cursor:
            return


def names(lines: list[Line]) -> dict[str, str]:
    """The names of the accounts that lines are about, by the id as text."""
    ids = {int(of) for line in lines if (of := _account(line.event))}
    query = select(User.id, User.name).where(User.id.in_(ids))
    return {str(id_): name for id_, name in db.session.execute(query)} if ids else {}


def _account(event: AuditEvent | CaseEvent) -> str:
    of = event.object if isinstance(event, AuditEvent) and event.kind == "user" else ""
    return of if of.isascii() and of.isdigit() else ""


def people(user: User) -> list[User]:
    """Whose doings may be asked for: the officers of the town. Patrols only report, and that is no audit's matter."""
    query = scope.people(user).where(User.role != Role.PATROL, ~User.seat).order_by(User.role, User.name)
    return list(db.session.scalars(query))


def _streams(user: User, wanted: Wanted) -> list[Select[Any] | None]:
    """The places it is read from; each is served in order by an index of its own."""
    # written so, one case's few lines are not looked for among all of the town
    town = func.coalesce(AuditEvent.town_code, "") if wanted.number else AuditEvent.town_code
    own = town == user.town_code
    settings = and_(IS_SELDOM, AuditEvent.action.in_((*GROUPS["settings"], *GROUPS["sessions"])))
    if user.role != Role.LEADER:  # an admin answers for settings and accounts, and sees what came of his or her own
        mine = and_(AuditEvent.actor_id == user.id, AuditEvent.town_code != user.town_code)
        return [None, _audit(and_(own, settings), wanted), _audit(and_(mine, settings), wanted)]
    county = and_(town == user.town_code[:6], IS_SELDOM, AuditEvent.action.in_(GROUPS["settings"]))
    return [_histories(user, wanted), _audit(own, wanted), _audit(county, wanted, seldom=True)]


def _audit(within: ColumnElement[bool], wanted: Wanted, seldom: bool = False) -> Select[Any] | None:
    """`seldom`: whatever is asked for is of the few lines that IS_SELDOM's index has."""
    if wanted.what == DONE:
        return None
    query = select(AuditEvent).where(within, AuditEvent.at >= wanted.since, AuditEvent.at < wanted.until)
    if wanted.what:
        query = query.where(AuditEvent.action.in_(GROUPS.get(wanted.what, ())))
    if wanted.what not in ("", "seen"):
        query, seldom = query.where(IS_SELDOM), True
    if wanted.number:
        query = query.where(AuditEvent.object == wanted.number)
    # all that one officer looked at is more than all that is seldom: written so, the index of actors does not serve
    actor = AuditEvent.actor_id + 0 if seldom else AuditEvent.actor_id
    return query.where(_by(actor, wanted.who)).options(joinedload(AuditEvent.actor))


def _histories(user: User, wanted: Wanted) -> Select[Any] | None:
    if wanted.what not in ("", DONE):
        return None
    query = select(CaseEvent).where(CaseEvent.at >= wanted.since, CaseEvent.at < wanted.until)
    if wanted.number:
        one = select(Case.id).where(Case.number == wanted.number, Case.town_code == user.town_code)
        query = query.where(CaseEvent.case_id == one.scalar_subquery())
    else:  # asked of each event: a join lets the database begin with all the cases of the town
        town = select(Case.town_code).where(Case.id == CaseEvent.case_id).correlate(CaseEvent)
        query = query.where(town.scalar_subquery() == user.town_code)
    loaded = (joinedload(CaseEvent.actor), joinedload(CaseEvent.case))
    return query.where(_by(CaseEvent.actor_id, wanted.who)).options(*loaded)


def _by(actor: ColumnElement[int | None] | InstrumentedAttribute[int | None], who: str) -> ColumnElement[bool]:
    if not who:
        return true()
    if who == BY_SYSTEM:
        return actor.is_(None)
    return actor == int(who) if who.isascii() and who.isdigit() and len(who) < 10 else false()


def _lines(query: Select[Any], stream: int, after: tuple[datetime, int, int] | None, limit: int) -> list[Line]:
    of = CaseEvent if stream == 0 else AuditEvent
    if after:
        at, last, id_ = after
        same = of.id < id_ if stream == last else true() if stream < last else false()
        query = query.where(of.at <= at, or_(of.at < at, same))
    rows = db.session.scalars(query.order_by(of.at.desc(), of.id.desc()).limit(limit))
    return [Line(row.at, stream, row.id, row) for row in rows]


def _read(cursor: str) -> tuple[datetime, int, int] | None:
    """A cursor that somebody changed by hand begins anew."""
    try:
        at, stream, id_ = cursor.split("_")
        return datetime.strptime(at, STAMP).replace(tzinfo=UTC), int(stream), int(id_)
    except (ValueError, OverflowError):
        return None

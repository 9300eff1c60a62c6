"""Suggestions whom to send: the rules of the town, who is on call, whose grid it is, and what each has in hand.

Nothing here sends anybody; an officer does, and may choose otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from fieldapp import addresses, proofs, reach, scope
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import (
    IS_OPEN,
    TOWN,
    Area,
    Assignment,
    Case,
    CaseEvent,
    Category,
    CellKeeper,
    Department,
    DispatchRule,
    User,
)
from fieldapp.rules import suggestion
from fieldapp.rules.reachability import Reach
from fieldapp.rules.roles import IS_CALLED, Role
from fieldapp.rules.suggestion import Reason, Rule, Somebody
from fieldapp.rules.workflow import BEGINS_ANEW, IN_HAND

MOST_RULES = 500
NEAREST = (Reach.REACHABLE, Reach.UNPROVED, Reach.UNREACHABLE)
Load = dict[str, int]


@dataclass(frozen=True)
class InReach:
    """Whether somebody who can be sent can be reached now, and whether there is any address to try."""

    reach: Reach
    addressed: bool


Ways = dict[str, InReach]  # by the key of forms


@dataclass(frozen=True)
class Suggestion:
    """Somebody suggested. `rule`: the line of the table that says so; `able`: there is a way to reach them now."""

    key: str
    one: User | Department
    reason: Reason
    picked: bool
    lead: bool
    load: int
    able: bool
    rule: DispatchRule | None = None
    place: Area | None = None  # the area a grid worker is for
    gave_back: bool = False  # had this case before


def key_of(one: User | Department) -> str:
    """How forms name somebody who can be sent."""
    return f"department:{one.id}" if isinstance(one, Department) else str(one.id)


def loads(town_code: str) -> Load:
    """How many open cases everybody of a town has in hand now, by the key of forms; who has none is left out."""
    # from the open cases of the partial index, which are few; a department's assignments of all times are not
    query = (
        select(Assignment.user_id, Assignment.department_id, func.count())
        .select_from(Case)
        .join(Assignment, Assignment.case_id == Case.id)
        .where(Case.town_code == town_code, IS_OPEN, Case.status.in_(IN_HAND))
        .where(Assignment.going_on)
        .group_by(Assignment.user_id, Assignment.department_id)
    )
    found = db.session.execute(query)
    return {f"department:{office}" if person is None else str(person): n for person, office, n in found}


def in_reach(people: Sequence[User], departments: Sequence[Department], now: datetime) -> Ways:
    """What is known of the ways to each of these, by the key of forms; a department is as near as the nearest who
    speaks for it. As many statements for all of them as for one.
    """
    speak = reach.speakers(departments)
    whom = {key_of(one): [one] for one in people} | {key_of(one): speak[one.id] for one in departments}
    ways = addresses.ways({one.id: one for each in whom.values() for one in each}.values(), now)
    known = proofs.by_ways(ways, now)
    return {
        key: InReach(
            min((known[one.id] for one in each), key=NEAREST.index, default=Reach.UNREACHABLE),
            any(ways[one.id].by_kind for one in each),
        )
        for key, each in whom.items()
    }


def for_case(case: Case, load: Load, on_call: Sequence[User], known: Ways, now: datetime) -> list[Suggestion]:
    """Who is suggested for a case, best first; `on_call` are those on call in its town now, and of whom it is `known`
    whether there is a way to them nobody is asked again.
    """
    line = _line(case)
    target = (line.department or line.user) if line else None
    worker, place = _worker(case, load)
    everybody = {key_of(one): one for one in (target, worker, *on_call) if one is not None}
    able = {key for key in everybody if key in known and known[key].addressed}
    able |= set(_able({key: one for key, one in everybody.items() if key not in known}, now))
    back = _gave_back(case)
    picks = suggestion.suggest(
        case.severity, key_of(target) if target else None,
        [Somebody(key_of(one), load=load.get(key_of(one), 0)) for one in on_call],
        Somebody(key_of(worker)) if worker else None, frozenset(able), back,
    )  # fmt: skip
    return [
        Suggestion(
            pick.key, everybody[pick.key], pick.reason, pick.picked, pick.lead, load.get(pick.key, 0),
            pick.key in able, line if pick.reason == Reason.RULE else None,
            place if pick.reason == Reason.GRID else None, pick.key in back,
        )
        for pick in picks
    ]  # fmt: skip


def rules(admin: User) -> list[DispatchRule]:
    """The lines of the admin's town, by kind and area."""
    ordered = _rules(admin.town_code).order_by(
        DispatchRule.category_code.is_(None), DispatchRule.category_code, DispatchRule.area_code, DispatchRule.id
    )
    return list(db.session.scalars(ordered))


def put(admin: User, rule_id: int, category: str, area: str, target: str, now: datetime) -> DispatchRule:
    """Another line (`rule_id` 0), or the same one otherwise. Raises Invalid, or NotHere for another town's."""
    if len(admin.town_code) < TOWN:
        raise Invalid({"to": "town_needed"})
    db.session.get(Area, admin.town_code, with_for_update={"key_share": True})
    kind, place = _category(category), _area(admin, area)
    others = [rule for rule in rules(admin) if rule.id != rule_id]
    if any((rule.category_code, rule.area_code) == (kind, place) for rule in others):
        raise Invalid({"category": "rule_known"})
    if len(others) >= MOST_RULES:
        raise Invalid({"category": "too_many"})
    found = one(admin, rule_id) if rule_id else DispatchRule(town_code=admin.town_code, created_at=now)
    found.category_code, found.area_code = kind, place
    found.department_id, found.user_id = _target(admin, target)
    db.session.add(found)
    db.session.flush()
    return found


def remove(admin: User, rule_id: int) -> None:
    """Take a line out. Raises NotHere."""
    db.session.delete(one(admin, rule_id))


def one(admin: User, rule_id: int) -> DispatchRule:
    """One line of the admin's town. Raises NotHere."""
    found = db.session.scalar(_rules(admin.town_code).where(DispatchRule.id == rule_id))
    if found is None:
        raise NotHere(str(rule_id))
    return found


def areas(admin: User) -> list[Area]:
    """The areas a line can be for: the villages and cells of the town."""
    inside = Area.code.startswith(admin.town_code, autoescape=True) & (func.length(Area.code) > TOWN)
    return list(db.session.scalars(select(Area).where(inside, Area.enabled).order_by(Area.code)))


def targets(admin: User) -> Sequence[User | Department]:
    """Whom a line can name: departments, then people who are called by name."""
    departments = scope.departments(admin).where(Department.active).order_by(Department.name)
    called = IS_CALLED - {Role.LIAISON}
    people = scope.people(admin).where(User.active, User.role.in_(called)).order_by(User.name)
    return [*db.session.scalars(departments), *db.session.scalars(people)]


def _rules(town_code: str) -> Select[DispatchRule]:
    loaded = (joinedload(DispatchRule.department), joinedload(DispatchRule.user), joinedload(DispatchRule.area))
    return select(DispatchRule).where(DispatchRule.town_code == town_code).options(*loaded)


def _line(case: Case) -> DispatchRule | None:
    """The most particular line whose department or person can still be sent."""
    usable = {rule.id: rule for rule in db.session.scalars(_rules(case.town_code)) if _usable(rule)}
    known = [
        Rule(rule.id, key_of(rule.department or rule.user), rule.category_code, rule.area_code or "")  # type: ignore[arg-type]
        for rule in usable.values()
    ]
    kind = db.session.get(Category, case.category_code) if case.category_code else None
    found = suggestion.best(known, case.category_code, kind.parent_code if kind else None, case.area_code)
    return usable[found.id] if found else None


def _usable(rule: DispatchRule) -> bool:
    if rule.department:
        return rule.department.active
    return rule.user is not None and rule.user.active and rule.user.plays(IS_CALLED)


def _worker(case: Case, load: Load) -> tuple[User | None, Area | None]:
    """The grid worker of the case's cell or village, or of the one nearest around or inside it, and that area."""
    own = User.area_code.startswith(case.town_code, autoescape=True) & (User.role == Role.GRID)
    workers = {key_of(worker): worker for worker in db.session.scalars(select(User).where(User.active, own))}
    inside = CellKeeper.area_code.startswith(case.town_code, autoescape=True)
    kept = [(str(row.user_id), row.area_code) for row in db.session.scalars(select(CellKeeper).where(inside))]
    places = [*kept, *((key, worker.area_code) for key, worker in workers.items())]
    # who is for the whole town is nearest to nothing
    within = [Somebody(k, area, load.get(k, 0)) for k, area in places if k in workers and len(area) > TOWN]
    found = suggestion.nearest(within, case.area_code)
    return (workers[found.key], db.session.get(Area, found.area)) if found else (None, None)


def _gave_back(case: Case) -> frozenset[str]:
    """Who gave the case back or handed it on since it last began anew."""
    anew = (CaseEvent.case_id == case.id) & CaseEvent.action.in_(BEGINS_ANEW)
    begun = db.session.scalar(select(func.max(CaseEvent.at)).where(anew))
    left = [a for a in case.assignments if a.returned_at and (begun is None or a.returned_at > begun)]
    return frozenset(key_of(one) for a in left if (one := a.user or a.department))


def _able(everybody: dict[str, User | Department], now: datetime) -> Iterable[str]:
    """Whom an alert would reach now by any way at all, a department by whoever speaks for it."""
    if not everybody:
        return ()
    people = {k: reach.liaisons(one) if isinstance(one, Department) else [one] for k, one in everybody.items()}
    ways = addresses.ways({person.id: person for found in people.values() for person in found}.values(), now)
    return (key for key, found in people.items() if any(ways[person.id].by_kind for person in found))


def _category(code: str) -> str | None:
    if code and db.session.get(Category, code) is None:
        raise Invalid({"category": "unknown"})
    return code or None


def _area(admin: User, code: str) -> str | None:
    if code and code not in {area.code for area in areas(admin)}:
        raise Invalid({"area": "unknown"})
    return code or None


def _target(admin: User, target: str) -> tuple[int | None, int | None]:
    prefix, _, number = target.rpartition("department:")
    if not (number.isascii() and number.isdigit() and len(number) < 10) or prefix:
        raise Invalid({"to": "target_unknown"})
    if number != target:
        query = scope.departments(admin).where(Department.active, Department.id == int(number))
    else:
        query = scope.people(admin).where(User.active, User.role.in_(IS_CALLED), User.id == int(number))  # type: ignore[assignment]
    if db.session.scalar(query) is None:
        raise Invalid({"to": "target_unknown"})
    return (int(number), None) if number != target else (None, int(number))

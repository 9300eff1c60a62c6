"""What an admin edits: kinds of events, time limits, areas, departments and accounts."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Select, func, select

from fieldapp import accounts, response, roster, scope
from fieldapp.db import db
from fieldapp.errors import Invalid, NotAllowed, NotHere
from fieldapp.models import TOWN, Area, Category, Department, Limit, SeverityLabel, User
from fieldapp.rules.deadlines import DEFAULT_LIMITS, LONGEST, Step
from fieldapp.rules.roles import Role
from fieldapp.rules.severity import Severity

MOST_MINUTES = 100_000
MOST_TILES = 9


def categories(active: bool = False) -> list[Category]:
    """All kinds of events (or the active ones), each top one followed by its finer ones."""
    found = list(db.session.scalars(select(Category).order_by(Category.tile.is_(None), Category.tile, Category.code)))
    finer: dict[str | None, list[Category]] = {}
    for category in found:
        finer.setdefault(category.parent_code, []).append(category)
    ordered = [one for top in finer.get(None, []) for one in (top, *finer.get(top.code, []))]
    return [category for category in ordered if category.active or not active]


def may_edit_county(admin: User) -> bool:
    """Kinds, limits and names of severities are the whole county's: its own admins edit them, a town's only while
    there is none.
    """
    if len(admin.area_code) < TOWN:
        return True
    county = (User.role == Role.ADMIN) & (func.length(User.area_code) < TOWN)
    return db.session.scalar(select(User.id).where(User.active, county).limit(1)) is None


def edit_category(admin: User, code: str, name: str, english: str, tile: int | None, active: bool) -> None:
    """Rename a kind, place its tile, or put it away; cases that have it keep it.

    Raises Invalid, NotHere or NotAllowed.
    """
    _check_county(admin)
    category = db.session.get(Category, code)
    if category is None:
        raise NotHere(code)
    _check_tile(code, tile, active)
    category.name, category.name_en = _word("name", name, 40), _word("name_en", english, 60)
    category.active, category.tile = active, None if category.parent_code else tile


def edit_limits(admin: User, minutes: Mapping[tuple[Severity, Step], str]) -> None:
    """Set the minutes allowed per severity and step. Raises NotAllowed, or Invalid naming every field at fault."""
    _check_county(admin)
    wrong = {
        f"{severity.word}-{step}": "minutes" if not as_minutes(text) else "too_long_to_wait"
        for (severity, step), text in minutes.items()
        if not 1 <= as_minutes(text) <= LONGEST.get((severity, step), MOST_MINUTES)
    }
    if wrong:
        raise Invalid(wrong)
    rows = {(row.severity, Step(row.step)): row for row in db.session.scalars(_for_all())}
    for key, text in minutes.items():
        row = rows.get(key) or Limit(severity=key[0], step=key[1], category_code="", kind="natural")
        row.minutes = as_minutes(text)
        db.session.add(row)


def limits() -> dict[tuple[Severity, Step], int]:
    """The limits in force, defaults filled in."""
    rows = db.session.scalars(_for_all())
    return dict(DEFAULT_LIMITS) | {(row.severity, Step(row.step)): row.minutes for row in rows}


def severity_labels() -> dict[Severity, SeverityLabel]:
    """What each severity is called beside its colour."""
    return {label.severity: label for label in db.session.scalars(select(SeverityLabel))}


def edit_severity_labels(admin: User, names: Mapping[Severity, tuple[str, str]]) -> None:
    """Call severities otherwise, in Chinese and English. Raises NotAllowed, or Invalid naming every field at fault."""
    _check_county(admin)
    labels = severity_labels()
    wrong: dict[str, str] = {}
    for severity, both in names.items():
        for field, text in zip(("name", "name_en"), both, strict=True):
            try:
                setattr(labels[severity], field, _word(f"{severity.word}-{field}", text, 20))
            except Invalid as error:
                wrong |= error.errors
    if wrong:
        raise Invalid(wrong)


def areas(admin: User) -> list[Area]:
    """The areas right inside the admin's: the county's towns, or a town's villages."""
    return list(db.session.scalars(select(Area).where(Area.parent_code == admin.area_code).order_by(Area.code)))


def switch_areas(admin: User, enabled: set[str]) -> None:
    """Exactly these of the admin's areas are on; at least one. Raises Invalid."""
    if not enabled & {area.code for area in areas(admin)}:
        raise Invalid({"enabled": "none_left"})
    for area in areas(admin):
        area.enabled = area.code in enabled


def departments(admin: User) -> list[Department]:
    """The departments of the admin's town."""
    return list(db.session.scalars(scope.departments(admin).order_by(Department.id)))


def add_department(admin: User, name: str) -> None:
    """A new department that can be whistled for. Raises Invalid."""
    town = db.session.get(Area, admin.town_code)
    if town is None or town.level != "town":
        raise Invalid({"name": "town_needed"})
    db.session.add(Department(town_code=town.code, name=_free_name(admin, name), active=True))


def edit_department(admin: User, department_id: int, name: str, active: bool) -> None:
    """Rename a department or put it away. Raises Invalid, or NotHere for another town's."""
    department = db.session.scalar(scope.departments(admin).where(Department.id == department_id))
    if department is None:
        raise NotHere(str(department_id))
    department.name, department.active = _free_name(admin, name, besides=department_id), active
    for seat in db.session.scalars(select(User).where(User.seat, User.department_id == department_id)):
        seat.name = f"{department.name}值班"[:60]


def people(admin: User, words: str = "") -> list[User]:
    """The accounts inside the admin's area, the active ones first."""
    query = _people(admin)
    if words:
        query = query.where(User.name.contains(words, autoescape=True) | User.username.contains(words, autoescape=True))
    return list(db.session.scalars(query.order_by(User.active.desc(), User.role, User.name).limit(300)))


def person(admin: User, user_id: int) -> User:
    """One account inside the admin's area. Raises NotHere."""
    found = db.session.scalar(_people(admin).where(User.id == user_id))
    if found is None:
        raise NotHere(str(user_id))
    return found


def edit_person(admin: User, user_id: int, role: str, active: bool, now: datetime) -> None:
    """Change a role, or disable an account and log all its devices out. Nobody locks himself out. Raises Invalid."""
    found = _both_held(admin, user_id)
    if found.id == admin.id and (not active or role != found.role):
        raise Invalid({"account": "own_account"})
    if role not in set(Role):
        raise Invalid({"role": "unknown"})
    if role == Role.LIAISON and found.department_id is None:
        raise Invalid({"role": "liaison_by_invitation"})
    accounts.check_fits(role, found.area_code)
    if role != found.role or (found.active and not active):
        _leave(found, now)
    found.role, found.active = role, active
    if role != Role.LIAISON:
        found.department_id = None


def _both_held(admin: User, user_id: int) -> User:
    """The person, locked together with the admin, so that two admins cannot switch each other off at once."""
    both = select(User).where(User.id.in_([admin.id, user_id])).order_by(User.id).with_for_update()
    db.session.scalars(both.execution_options(populate_existing=True)).all()
    if not (admin.active and admin.role == Role.ADMIN):
        raise NotAllowed("role")
    return person(admin, user_id)


def _leave(person: User, now: datetime) -> None:
    """Nothing waits for somebody who is gone or plays another role now: sessions, turns, invitations and cases end."""
    accounts.revoke_all(person, now)
    accounts.revoke_invitations(person, now)
    roster.end_all(person, now)
    response.leaves(person, now)


def _people(admin: User) -> Select[User]:
    """All but the departments' seats, which are no accounts: their addresses stand with the departments."""
    return select(User).where(User.area_code.startswith(admin.area_code, autoescape=True), ~User.seat)


def _check_county(admin: User) -> None:
    if not may_edit_county(admin):
        raise NotAllowed("county_only")


def _for_all() -> Select[Limit]:
    """The limits of all categories that have none of their own."""
    return select(Limit).where(Limit.category_code == "")


def _check_tile(code: str, tile: int | None, active: bool) -> None:
    if tile is None:
        return
    if not 1 <= tile <= 99:
        raise Invalid({"tile": "out_of_range"})
    others = (
        select(func.count())
        .select_from(Category)
        .where(Category.active, Category.tile.is_not(None), Category.code != code)
    )
    if active and (db.session.scalar(others) or 0) >= MOST_TILES:
        raise Invalid({"tile": "too_many_tiles"})


def _free_name(admin: User, name: str, besides: int = 0) -> str:
    name = _word("name", name, 60)
    same = scope.departments(admin).where(Department.name == name, Department.id != besides)
    if db.session.scalar(same) is not None:
        raise Invalid({"name": "name_taken"})
    return name


def _word(field: str, text: str, longest: int) -> str:
    text = " ".join(text.split())
    if not text:
        raise Invalid({field: "word_needed"})
    if len(text) > longest:
        raise Invalid({field: "too_long"})
    return text


def as_minutes(text: str) -> int:
    """The minutes in `text`, 0 when it is no whole number that can be taken."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= MOST_MINUTES else 0

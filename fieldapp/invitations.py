"""The invitations of an area: making one for a newcomer or a new phone, listing and withdrawing open ones."""

from datetime import datetime

from sqlalchemy import Select, select

from fieldapp import accounts, scope
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import Area, Department, Invitation, User
from fieldapp.rules.roles import ENROLS_WITHOUT_PASSWORD, Role


def roles_for(by: User) -> tuple[Role, ...]:
    """The roles this user may invite to."""
    return tuple(Role) if by.role == Role.ADMIN else ENROLS_WITHOUT_PASSWORD


def areas_for(by: User) -> list[Area]:
    """Where an invited person may belong: the town and its villages; towns only for the county's admin."""
    reach = reach_of(by)
    inside = select(Area).where(Area.enabled, Area.code.startswith(reach, autoescape=True)).order_by(Area.code)
    if len(reach) < 9:
        inside = inside.where(Area.level != "village")
    return list(db.session.scalars(inside))


def make(
    by: User, name: str, role: str, area_code: str, department_id: int | None, now: datetime
) -> tuple[Invitation, str]:
    """A one-time invitation and its token. A liaison needs the department he or she speaks for. Raises Invalid."""
    department = _department(by, department_id) if role == Role.LIAISON else None
    invitation, token = accounts.invite(by, name, role, area_code, now)
    invitation.department_id = department.id if department else None
    db.session.flush()
    return invitation, token


def for_new_phone(by: User, person: User, now: datetime) -> tuple[Invitation, str]:
    """An invitation that logs a new device into an existing account. Raises NotAllowed for a role above one's own."""
    invitation, token = accounts.invite(by, person.name, person.role, person.area_code, now, user=person)
    db.session.flush()
    return invitation, token


def volunteers(by: User) -> list[User]:
    """Those inside the user's reach who enrolled a phone without a password, and need a code for another one."""
    mine = User.area_code.startswith(reach_of(by), autoescape=True) & User.role.in_(ENROLS_WITHOUT_PASSWORD)
    return list(db.session.scalars(select(User).where(User.active, mine).order_by(User.role, User.name)))


def volunteer(by: User, user_id: int) -> User:
    """One of them. Raises NotHere."""
    found = next((person for person in volunteers(by) if person.id == user_id), None)
    if found is None:
        raise NotHere(str(user_id))
    return found


def open_ones(by: User, now: datetime) -> list[Invitation]:
    """Those of the user's area that can still be used, the latest first."""
    return list(db.session.scalars(_open(by, now).order_by(Invitation.created_at.desc())))


def withdraw(by: User, invitation_id: int, now: datetime) -> None:
    """Its link stops working. Raises NotHere for another area's."""
    found = db.session.scalar(_open(by, now).where(Invitation.id == invitation_id))
    if found is None:
        raise NotHere(str(invitation_id))
    found.revoked_at = now


def reach_of(by: User) -> str:
    """The code prefix inside which this user handles accounts."""
    return by.area_code if by.role == Role.ADMIN else by.town_code


def _open(by: User, now: datetime) -> Select[Invitation]:
    unused = Invitation.used_at.is_(None) & Invitation.revoked_at.is_(None) & (Invitation.expires_at > now)
    mine = Invitation.area_code.startswith(reach_of(by), autoescape=True)
    query = select(Invitation).where(unused, mine)
    return query if by.role == Role.ADMIN else query.where(Invitation.role.in_(ENROLS_WITHOUT_PASSWORD))


def _department(by: User, department_id: int | None) -> Department:
    found = db.session.scalar(scope.departments(by).where(Department.id == department_id, Department.active))
    if found is None:
        raise Invalid({"department": "department_needed"})
    return found

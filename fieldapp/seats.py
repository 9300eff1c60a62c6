"""部门值班: a department's duty seat, which is a function and nobody's account (ADR 27).

It has addresses of its own at the town's gateways, so that a whistle reaches the department, and answers by the link
that comes with it. It never logs in. It is in use while it has an address.
"""

import secrets
from datetime import datetime

from sqlalchemy import select

from fieldapp import response, scope
from fieldapp.db import db
from fieldapp.errors import NotHere
from fieldapp.models import Contact, Department, User
from fieldapp.rules.roles import Role

SUFFIX = "值班"


def of_town(admin: User) -> dict[int, User]:
    """The seats of the admin's town, by department."""
    query = scope.people(admin).where(User.seat, User.department_id.is_not(None))
    return {seat.department_id: seat for seat in db.session.scalars(query) if seat.department_id}


def of(admin: User, department_id: int, now: datetime) -> User:
    """The seat of one of the town's departments, made when it is first wanted. Raises NotHere."""
    held = scope.departments(admin).where(Department.id == department_id).with_for_update()
    department = db.session.scalar(held)
    if department is None:
        raise NotHere(str(department_id))
    found = db.session.scalar(select(User).where(User.seat, User.department_id == department_id))
    if found is None:
        found = User(
            username=f"seat-{secrets.token_hex(6)}", name="", role=Role.LIAISON, area_code=department.town_code,
            department_id=department.id, password_hash=None, active=False, seat=True, created_at=now,
        )  # fmt: skip
        db.session.add(found)
    found.name = f"{department.name}{SUFFIX}"[:60]
    db.session.flush()
    return found


def settle(seat: User, now: datetime) -> None:
    """In use while it has an address that was not given up. What it held when the last one went is not left with it."""
    was, live = seat.active, select(Contact.id).where(Contact.user_id == seat.id, Contact.disabled_at.is_(None))
    seat.active = db.session.scalar(live.limit(1)) is not None
    if was and not seat.active:
        response.leaves(seat, now)

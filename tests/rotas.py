"""Rotations for tests: posts that have run for some days, with the next hand-over twelve hours away."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select

from fieldapp import clock, oncall
from fieldapp.db import db, writing
from fieldapp.models import Rotation, User
from tests.world import World

TOWN = "441521115"


def ids(world: World, *usernames: str) -> list[int]:
    with world.app.app_context():
        found = {user.username: user.id for user in db.session.scalars(select(User))}
        return [found[name] for name in usernames]


@cache
def far_cut() -> str:
    """A time of hand-over twelve hours from now, so that none happens while a test runs."""
    return f"{(clock.local(clock.now()) + timedelta(hours=12)).hour:02d}:00"


def rota(world: World, *usernames: str, rung: str = "on_call", name: str = "备勤", **more: Any) -> int:
    """A post that these people hold in turn since three days ago; the id."""
    members = ids(world, *usernames)
    starts_on = clock.local(clock.now()).date() - timedelta(days=3)
    values = {
        "town_code": TOWN, "rung": rung, "name": name, "members": members, "starts_on": starts_on, "ends_on": None,
        "cuts": [far_cut()], "turn": 1, "days": "all", "created_at": clock.now(),
    } | more  # fmt: skip
    with world.app.app_context(), writing():
        made = Rotation(**values)
        db.session.add(made)
        db.session.flush()
        return made.id


def no_demo_rotations(world: World) -> None:
    with world.app.app_context(), writing():
        for row in db.session.scalars(select(Rotation)):
            db.session.delete(row)


def starts(world: World, rotation_id: int, holder: str, running: bool = False) -> list[datetime]:
    """When the holder's shifts of a post begin: the one that runs first if asked for, else those to come."""
    with world.app.app_context():
        row, now = db.session.get_one(Rotation, rotation_id), clock.now()
        holder_id = db.session.scalars(select(User.id).where(User.username == holder)).one()
        (stand,) = [
            stand for stand in oncall.stands(row.town_code, row.rung, now - timedelta(days=3), now + timedelta(days=20))
            if stand.rotation.id == rotation_id
        ]  # fmt: skip
        mine = [shift for shift in stand.shifts if shift.holder == holder_id and shift.ends_at > now]
        return [shift.starts_at for shift in mine if (shift.starts_at <= now) == running]


def named(rotation_id: int, at: datetime) -> str:
    """A shift as forms name it."""
    return f"{rotation_id}-{int(at.timestamp())}"

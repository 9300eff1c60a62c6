"""Who works in each town, and where its villages lie: made up, the same at every filling."""

import hashlib
import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from math import cos, radians, sin
from typing import Any

from sqlalchemy import select

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import Area, Department, User
from fieldapp.rules.geo import COUNTY_BOX
from fieldapp.rules.roles import Role
from fieldapp.seed import DEMO_TOWN

AT_DEMO_TOWN = 0.4  # of everything
DEMO_CENTRE = (22.97, 115.33)
CREW = {Role.PATROL: 6, Role.RESPONDER: 3, Role.DUTY: 1, Role.LEADER: 1}
SURNAMES = "陈林黄吴李张刘蔡郑杨许叶王曾罗庄"
GIVEN = ("志强", "丽华", "建国", "秀英", "海生", "伟明", "玉珍", "国庆", "小燕", "文辉", "春梅", "耀祖", "阿妹", "德福")


@dataclass(frozen=True)
class Village:
    code: str
    name: str
    lat: float
    lon: float


@dataclass(frozen=True)
class Person:
    id: int
    quoted: str  # the name as JSON writes it


@dataclass
class Town:
    code: str
    letters: str
    villages: list[Village]
    people: dict[str, list[Person]] = field(default_factory=lambda: defaultdict(list))
    department: tuple[int, str, Person] | None = None  # its id, its quoted name, who speaks for it


def towns() -> list[Town]:
    """All towns in use, with enough people to do the work; who is missing is made."""
    with writing():
        found = [_town(area) for area in db.session.scalars(_enabled())]
        for town in found:
            _staff(town)
    return found


def weights(found: list[Town]) -> list[float]:
    """The benches' town has much, the others share the rest by their size."""
    others = sum(len(town.villages) for town in found if town.code != DEMO_TOWN)
    return [
        AT_DEMO_TOWN if town.code == DEMO_TOWN else (1 - AT_DEMO_TOWN) * len(town.villages) / others for town in found
    ]


def near(village: Village, chance: random.Random) -> tuple[float, float]:
    """Somewhere in it, seldom at its edge."""
    return round(village.lat + chance.gauss(0, 0.004), 6), round(village.lon + chance.gauss(0, 0.004), 6)


def _enabled() -> Any:
    return select(Area).where(Area.level == "town", Area.enabled).order_by(Area.code)


def _town(area: Area) -> Town:
    south, west, north, east = COUNTY_BOX
    away = _fraction(area.code, "lat"), _fraction(area.code, "lon")
    centre = (south + 0.15 + away[0] * (north - south - 0.3), west + 0.2 + away[1] * (east - west - 0.4))
    if area.code == DEMO_TOWN:
        centre = DEMO_CENTRE
    inside = select(Area).where(Area.parent_code == area.code, Area.enabled).order_by(Area.code)
    return Town(area.code, area.letters or "HF", [_village(one, centre) for one in db.session.scalars(inside)])


def _village(area: Area, centre: tuple[float, float]) -> Village:
    turn, far = _fraction(area.code, "turn") * 6.283, 0.01 + 0.05 * _fraction(area.code, "far")
    lat = centre[0] + far * sin(turn)
    return Village(area.code, area.short_name, lat, centre[1] + far * cos(turn) / cos(radians(lat)))


def _fraction(code: str, what: str) -> float:
    """The same number from 0 to 1 for the same place, always."""
    return int(hashlib.sha256(f"{code} {what}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def _staff(town: Town) -> None:
    query = select(User).where(User.area_code.startswith(town.code), User.active, ~User.seat).order_by(User.id)
    here = list(db.session.scalars(query))
    for role, count in CREW.items():
        here += [_hired(town, role, at) for at in range(sum(one.role == role for one in here), count)]
    db.session.flush()
    for one in here:
        town.people[one.role].append(Person(one.id, json.dumps(one.name)))
    department = db.session.scalar(select(Department).where(Department.town_code == town.code, Department.active))
    speaker = next((one for one in here if department and one.speaks_for == department.id), None)
    if department and speaker:
        town.department = department.id, json.dumps(department.name), Person(speaker.id, json.dumps(speaker.name))


def _hired(town: Town, role: Role, at: int) -> User:
    """Without a password: nobody logs in as one of these."""
    chance = random.Random(f"{town.code} {role} {at}")
    one = User(
        username=f"{role.value}-{town.code}-{at}", name=chance.choice(SURNAMES) + chance.choice(GIVEN), role=role,
        area_code=chance.choice(town.villages).code if role == Role.PATROL else town.code, created_at=clock.now(),
        active=True, seat=False,
    )  # fmt: skip
    db.session.add(one)
    return one

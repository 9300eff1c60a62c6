"""Every route x every role x own and other town: who gets in, and who does not.

The table names every route of the app; a new route without a line here fails. "In" means that the guard let the
request through (it may still be refused for what it says); "out" is 401, 403, 404 or the way to the login.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from fieldapp import clock
from fieldapp.db import db, writing
from fieldapp.models import (
    Area,
    CalendarDay,
    Contact,
    Department,
    Device,
    Gateway,
    Handover,
    Invitation,
    OnCall,
    Override,
    Rotation,
    Swap,
    User,
)
from fieldapp.rules.roles import Role
from fieldapp.web.auth import HOME
from tests.pictures import jpeg_with_everything
from tests.recordings import tone
from tests.rotas import named, rota, starts
from tests.world import HEADERS, World, manifest

# persons of 海城镇 in their part of one case, and one of every role in 附城镇 who has none
OWN = {
    "nobody": None, "vik": "patrol", "wes": "patrol", "gia": "grid", "ada": "responder", "ben": "responder",
    "dora": "duty", "lea": "leader", "lin": "liaison", "ana": "analyst", "root": "admin",
}  # fmt: skip
OTHER = {f"other-{role.value}": role.value for role in Role}
EVERYONE = set(OWN) | set(OTHER)
USERS = EVERYONE - {"nobody"}


def having(*roles: str) -> set[str]:
    return {name for name, role in (OWN | OTHER).items() if role in roles}


FILERS = having("patrol", "grid", "responder", "duty", "leader")
CALLED = having("responder", "grid", "liaison", "leader")
DESK = having("duty", "leader")
STANDS = having("responder", "grid", "leader")
INVITERS = having("duty", "leader", "admin")
ADMINS = having("admin")
REACHED = USERS - having("analyst", "admin")
CASE_READERS = USERS - having("analyst", "admin")
SEES_CASE = {"vik", "ada", "dora", "lea", "lin"}

WHO: dict[str, set[str]] = {
    "GET /": EVERYONE, "GET /report": EVERYONE, "GET /reports": EVERYONE, "GET /story": EVERYONE,
    "GET /phone": EVERYONE, "GET /guide": EVERYONE, "GET /inapp": EVERYONE, "POST /api/push/test": USERS,
    "GET /offline": EVERYONE, "GET /sw.js": EVERYONE, "GET /manifest.webmanifest": EVERYONE,
    "GET /static/<version>/<path:name>": EVERYONE, "GET /login": EVERYONE, "POST /language": EVERYONE,
    "GET /healthz": EVERYONE, "GET /readyz": EVERYONE, "GET /metrics": EVERYONE,
    "GET /invite/<token>": EVERYONE, "POST /invite/<token>": EVERYONE,
    "POST /login": set(), "POST /api/session": set(),  # with a wrong password
    "POST /api/deliveries/<uuid:delivery_id>/receipts": set(),  # with a wrong token
    "DELETE /api/session": USERS, "POST /logout": USERS, "POST /devices/revocation": USERS,
    "GET /devices": USERS, "POST /password": USERS, "POST /devices/<int:device_id>/revocation": USERS,
    "GET /api/me": USERS, "GET /api/form": USERS, "GET /api/reports": USERS, "GET /api/push/key": USERS,
    "POST /api/push/subscriptions": USERS, "DELETE /api/push/subscriptions": USERS,
    "PUT /api/reports/<uuid:report_id>": FILERS, "GET /api/nearby": FILERS, "POST /report": FILERS,
    "GET /api/reports/<uuid:report_id>": {"vik"},
    "PUT /api/reports/<uuid:report_id>/photos/<uuid:file_id>": {"vik"},
    "PUT /api/reports/<uuid:report_id>/voices/<uuid:file_id>": {"vik"},
    "GET /photos/<uuid:file_id>/<size>": SEES_CASE, "GET /voices/<uuid:file_id>": SEES_CASE,
    "GET /api/cases": CASE_READERS,
    "GET /api/cases/<number>": SEES_CASE, "POST /api/cases/<number>/transitions": SEES_CASE,
    "PUT /api/cases/<number>/steps/<uuid:step_id>": {"ada", "lin"},
    "PUT /api/cases/<number>/steps/<uuid:step_id>/photos/<uuid:file_id>": {"ada"},
    "GET /tasks": CALLED,
    "GET /tasks/<number>": {"ada", "lin", "lea"} | having("duty"),  # a duty officer is led on to the desk
    "GET /tasks/<number>/called": {"ada", "lin", "lea"}, "POST /tasks/<number>/transitions": {"ada", "lin", "lea"},
    "GET /desk": DESK, "GET /desk/queue": DESK, "GET /desk/pulse": DESK, "GET /desk/on-call": DESK,
    "GET /desk/roster": DESK, "POST /desk/roster": DESK, "POST /desk/roster/<int:entry_id>/end": {"dora", "lea"},
    "GET /desk/cases/<number>": {"dora", "lea"}, "POST /desk/cases/<number>/transitions": {"dora", "lea"},
    "GET /desk/import": DESK, "POST /desk/import": DESK,
    "GET /desk/invitations": INVITERS, "POST /desk/invitations": INVITERS,
    "POST /desk/invitations/new-phone": {"dora", "lea", "root"},
    "POST /desk/invitations/<int:invitation_id>/revocation": {"dora", "lea", "root"},
    "GET /desk/rotations/new": DESK, "POST /desk/rotations": DESK,
    "GET /desk/rotations/<int:rotation_id>": {"dora", "lea"}, "POST /desk/rotations/<int:rotation_id>": {"dora", "lea"},
    "POST /desk/rotations/<int:rotation_id>/end": {"dora", "lea"},
    "GET /desk/shifts/<int:rotation_id>/<int:start>": {"dora", "lea"},
    "POST /desk/shifts/<int:rotation_id>/<int:start>/stand-in": {"dora", "lea"},
    "POST /desk/exchanges": {"dora", "lea"}, "POST /desk/overrides/<int:override_id>/end": {"dora", "lea"},
    "GET /desk/handover": DESK, "POST /desk/handover": DESK, "GET /desk/handover/<int:handover_id>": {"dora", "lea"},
    "POST /desk/handover/<int:handover_id>/taking": {"dora", "lea"},
    "POST /desk/handover/<int:handover_id>/withdrawal": {"dora", "lea"},
    "GET /roster": STANDS, "GET /roster/swaps/new": {"ada"}, "POST /roster/swaps": {"ada"},  # with a shift of ada's
    "GET /roster/swaps/<int:swap_id>": {"ada", "ben"},
    "POST /roster/swaps/<int:swap_id>/agreement": {"ben"}, "POST /roster/swaps/<int:swap_id>/refusal": {"ben"},
    "POST /roster/swaps/<int:swap_id>/withdrawal": {"ada"},
    "POST /roster/feeds": STANDS | having("duty"), "POST /roster/feeds/end": STANDS | having("duty"),
    "GET /ics/<token>.ics": set(),  # with a wrong token
    # with a wrong code; what a right one opens, and for how long, is in tests/scenarios/test_other_channels.py
    "GET /r/<code>": set(), "POST /r/<code>/signature": set(), "POST /r/<code>/steps": set(),
    "GET /r/<code>/photos/<uuid:file_id>/<size>": set(),
    "GET /desk/drills": DESK, "POST /desk/drills": DESK, "GET /desk/drills/<int:drill_id>": {"dora", "lea"},
    "POST /desk/drills/<int:drill_id>/end": {"dora", "lea"}, "POST /desk/proofs/<int:user_id>": {"dora", "lea"},
    "GET /admin/holidays": ADMINS, "POST /admin/holidays": ADMINS, "POST /admin/holidays/years": ADMINS,
    "POST /admin/holidays/<day>/removal": ADMINS,
    "GET /admin/policies": ADMINS, "GET /desk/policies": DESK,
    "GET /admin/policies/edit": ADMINS, "POST /admin/policies/edit": ADMINS,
    "GET /analysis": having("analyst"), "GET /desk/measures": DESK | having("analyst"),
    "GET /desk/heartbeat": DESK | having("analyst", "admin"),
    "GET /admin": ADMINS, "POST /admin/categories/<code>": ADMINS, "GET /admin/limits": ADMINS,
    "POST /admin/limits": ADMINS, "GET /admin/areas": ADMINS, "POST /admin/areas": ADMINS,
    "GET /admin/departments": ADMINS, "POST /admin/departments": ADMINS,
    "POST /admin/departments/<int:department_id>": {"root"},
    "GET /admin/channels": ADMINS, "POST /admin/channels": ADMINS, "POST /admin/channels/<int:gateway_id>": {"root"},
    "POST /admin/channels/<int:gateway_id>/active": {"root"}, "POST /admin/channels/<int:gateway_id>/test": {"root"},
    "GET /reminders": REACHED, "POST /reminders/order": REACHED, "POST /reminders/quiet": REACHED,
    "POST /reminders/contacts": REACHED & set(OWN),  # at a gateway of their town
    "POST /reminders/contacts/<int:contact_id>/test": {"ada"},
    "POST /reminders/contacts/<int:contact_id>/removal": {"ada"},
    "GET /reminders/prove/<token>": EVERYONE, "POST /reminders/prove/<token>": EVERYONE,  # with a wrong token
    "GET /r/<int:contact_id>-<int:sent_on>-<mac>": EVERYONE,
    "GET /admin/accounts": ADMINS, "POST /admin/accounts/<int:user_id>": {"root"},
    "POST /admin/accounts/<int:user_id>/invitations": {"root"},
}  # fmt: skip


@dataclass
class Town:
    """The world with one case in it, and what fills the addresses."""

    world: World
    values: dict[str, Any]

    def path(self, rule: str, method: str) -> str:
        new = {"PUT " + NEW_REPORT: {"report_id": uuid4()}, "PUT " + NEW_STEP: {"step_id": uuid4()}}
        values = self.values | new.get(f"{method} {rule}", {})
        for name in ("uuid:report_id", "uuid:step_id", "uuid:file_id", "uuid:delivery_id", "int:device_id",
                     "int:entry_id", "int:invitation_id", "int:department_id", "int:user_id", "int:rotation_id",
                     "int:start", "int:override_id", "int:handover_id", "int:swap_id", "int:gateway_id",
                     "int:contact_id", "int:sent_on", "int:drill_id", "path:name"):  # fmt: skip
            rule = rule.replace(f"<{name}>", str(values[name.split(":")[1]]))
        for name in ("number", "size", "token", "code", "version", "name", "day", "mac"):
            rule = rule.replace(f"<{name}>", str(values[name]))
        return rule


ENDS_SESSIONS = ("session", "logout", "revocation", "password", "new-phone", "accounts", "invite")
NEW_REPORT = "/api/reports/<uuid:report_id>"
NEW_STEP = "/api/cases/<number>/steps/<uuid:step_id>"


@pytest.fixture
def town(world: World, tmp_path: Path) -> Town:
    """A case of vik's, sent to ada and to lin's department; ben, wes and gia have no part in it."""
    _people_of_every_role(world)
    voice = tone(tmp_path / "note")
    body = world.vik.report("井盖", photos=(photo := jpeg_with_everything(),)) | {"voices": [manifest(voice)]}
    report = uuid4()
    world.vik.put(f"/api/reports/{report}", json=body)
    photo_id, voice_id = body["photos"][0]["id"], body["voices"][0]["id"]
    world.vik.put(f"/api/reports/{report}/photos/{photo_id}", data=photo)
    world.vik.put(f"/api/reports/{report}/voices/{voice_id}", data=voice)
    world.develop()
    number = world.vik.get(f"/api/reports/{report}").json["case_number"]
    world.dora.must("dispatch", number, to=["ada", "市政管理所"])
    world.ada.must("acknowledge", number)
    step, after = uuid4(), manifest(photo)
    done = world.ada.step("arrive", photos=[after])
    assert world.ada.put(f"/api/cases/{number}/steps/{step}", json=done).status_code == 201
    delivery = world.dora.case(number)["alerts"][0]["deliveries"][0]["id"]
    invited = {"name": "某人", "role": "patrol", "area_code": "441521115004"}
    assert world.dora.post("/desk/invitations", data=invited).status_code == 200
    with world.app.app_context():
        values = {
            "step_id": step, "after": after["id"],
            "report_id": report, "file_id": photo_id, "voice": voice_id, "number": number, "size": "thumb",
            "delivery_id": delivery, "token": "wrong", "code": "fire", "version": "x", "name": "css/base.css",
            "device_id": db.session.scalars(select(Device.id)).first(),
            "entry_id": db.session.scalars(select(OnCall.id)).first(),
            "invitation_id": db.session.scalars(select(Invitation.id)).first(),
            "department_id": db.session.scalars(select(Department.id)).first(),
            "user_id": db.session.scalars(select(User.id).where(User.username == "ben")).first(),
        }  # fmt: skip
    drill = (
        world.dora.post("/desk/drills", data={"minutes": "10", "sure": "yes"}).headers["Location"].rpartition("/")[2]
    )
    return Town(world, values | _roster(world) | _channels(world) | {"drill_id": int(drill)})


def _channels(world: World) -> dict[str, Any]:
    """A gateway of the town's that nobody answers at, and ada's address there."""
    bark = {"kind": "bark", "name": "Bark", "setting-server": "127.0.0.1:9"}
    made = world.root.post("/admin/channels", data=bark).headers["Location"].rpartition("-")[2]
    address = {"gateway_id": made, "address": "A" * 22}
    contact = world.ada.post("/reminders/contacts", data=address).headers["Location"].rpartition("-")[2]
    return {"gateway_id": int(made), "contact_id": int(contact), "sent_on": 1, "mac": "0"}


def _roster(world: World) -> dict[str, Any]:
    """A post of ada's; somebody stands in now; ada asks ben to take a shift; dora has handed over."""
    post = rota(world, "ada")
    one, other, asked = starts(world, post, "ada")[:3]
    ask = {"shift": named(post, asked), "with": world.ben.id}
    assert world.ada.post("/roster/swaps", data=ask).status_code == 303
    assert world.dora.post("/desk/handover").status_code == 303
    running = int(starts(world, post, "ada", running=True)[0].timestamp())
    stand_in = {"user": world.ben.id, "note": "now"}
    assert world.dora.post(f"/desk/shifts/{post}/{running}/stand-in", data=stand_in).status_code == 303
    with world.app.app_context():
        override, swap = db.session.scalars(select(Override.id)).one(), db.session.scalars(select(Swap.id)).one()
        handover = db.session.scalars(select(Handover.id)).one()
    return {
        "rotation_id": post, "start": int(one.timestamp()), "one": named(post, one), "other": named(post, other),
        "override_id": override, "swap_id": swap, "handover_id": handover, "day": "2026-10-01",
    }  # fmt: skip


def routes(app: Flask) -> list[tuple[str, str]]:
    return sorted(
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def test_every_route_has_its_line(app: Flask) -> None:
    assert {f"{method} {rule}" for method, rule in routes(app)} == set(WHO)


@pytest.mark.onedb  # 2,500 requests; what a door asks of the database is asked on both by the tests of each door
def test_every_role_at_every_door(town: Town) -> None:
    wrong = []
    for method, rule in routes(town.world.app):
        for name in sorted(EVERYONE):
            status, location = _knock(town, name, method, rule)
            out = status in (401, 403, 404) or (status == 302 and location.startswith("/login?next"))
            if out == (name in WHO[f"{method} {rule}"]) or (status >= 500 and rule != "/readyz"):
                wrong.append(f"{name} {method} {rule}: {status}")
    assert not wrong, "\n".join(wrong)


class Links(HTMLParser):
    """The addresses that a page shows to somebody of this role."""

    def __init__(self, role: str, page: str) -> None:
        super().__init__()
        self.role, self.page, self.found = role, page, set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = dict(attrs)
        if tag != "a" or "hidden" in had or self.role in (had.get("data-not-for") or "").split():
            return
        to = urlsplit(urljoin(f"http://localhost{self.page}", had.get("href") or ""))
        if to.netloc == "localhost":
            self.found.add(to._replace(scheme="", netloc="", fragment="").geturl())


@pytest.mark.onedb
@pytest.mark.parametrize("name", sorted(set(OWN) - {"nobody"}))
def test_every_link_that_somebody_sees_opens_for_him_or_her(town: Town, name: str) -> None:
    person, role = town.world.person(name), str(OWN[name])
    known, wrong = {"/": "", "/?stay=1": "", "/phone": "", HOME.get(Role(role), "/"): ""}, []
    looked: set[str] = set()
    for _ in range(3):
        for path in sorted(set(known) - looked):
            looked.add(path)
            answer = person.get(path, follow_redirects=True)
            if answer.status_code >= 400 or answer.request.path == "/login":
                wrong.append(f"{known[path]} -> {path}: {answer.status_code}")
            elif answer.mimetype == "text/html":
                page = Links(role, answer.request.full_path)
                page.feed(answer.text)
                known |= dict.fromkeys(page.found - set(known), path)
    assert not wrong and len(looked) > 4, "\n".join(wrong)


def test_an_officer_of_another_town_cannot_tell_a_case_from_none(town: Town) -> None:
    number = town.values["number"]
    real = town.world.otto.get(f"/api/cases/{number}")
    none = town.world.otto.get("/api/cases/HC-20200101-999")
    assert (real.status_code, real.json) == (none.status_code, none.json)
    assert town.world.otto.get("/api/cases").json["items"] == []


def test_a_patrol_reads_no_officers_name_and_no_other_reporter(town: Town) -> None:
    number = town.values["number"]
    second = town.world.person("wes").files("井盖也坏了,我叫王五")
    town.world.dora.must("merge", second.number, to=number)
    shown = town.world.vik.get(f"/api/cases/{number}").text
    for name in ("陈安", "吴朵", "林敏", "王五", "wes"):
        assert name not in shown
    photos = [p["id"] for p in town.world.dora.case(number)["photos"]]
    assert town.world.person("wes").get(f"/photos/{photos[0]}/thumb").status_code == 404


def _knock(town: Town, name: str, method: str, rule: str) -> tuple[int, str]:
    path = town.path(rule, method)
    if "voices" in rule:
        path = path.replace(str(town.values["file_id"]), str(town.values["voice"]))
    if "steps" in rule:
        path = path.replace(str(town.values["file_id"]), str(town.values["after"]))
    client = town.world.app.test_client() if name == "nobody" else town.world.person(name).client
    request = {"headers": HEADERS} | _body(town, name, method, rule)
    answer = client.open(path, method=method, buffered=True, **request)
    if method != "GET" and answer.status_code < 400:
        _as_if_untouched(town)
    if any(word in rule for word in ENDS_SESSIONS) and method != "GET":
        town.world._people.clear()  # log in anew for the next knock
    return answer.status_code, answer.headers.get("Location", "")


def _body(town: Town, name: str, method: str, rule: str) -> dict[str, Any]:
    if rule == NEW_REPORT and method == "PUT" and name != "nobody":
        return {"json": town.world.person(name).report("x")}
    made: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
        ("POST", "/api/session"): lambda: {"json": {"username": f"nobody-{name}", "password": "wrong"}},
        ("POST", "/desk/invitations"): lambda: {
            "data": {"name": "某人", "role": "patrol", "area_code": town.world.person(name).get("/api/me").json["town"]}
            if name != "nobody" else {},
        },
        ("POST", "/desk/invitations/new-phone"): lambda: {"data": {"user": town.values["user_id"]}},
        ("POST", "/login"): lambda: {"data": {"username": f"nobody-{name}", "password": "wrong"}},
        ("POST", "/api/deliveries/<uuid:delivery_id>/receipts"): lambda: {"json": {"state": "shown", "token": "x"}},
        ("POST", "/api/cases/<number>/transitions"): lambda: {"json": {"action": "accept", "version": 0}},
        ("POST", "/tasks/<number>/transitions"): lambda: {"data": {"action": "acknowledge", "version": 0}},
        ("POST", "/desk/cases/<number>/transitions"): lambda: {"data": {"action": "accept", "version": 0}},
        ("POST", "/desk/exchanges"): lambda: {"data": {"one": town.values["one"], "other": town.values["other"]}},
        ("GET", "/roster/swaps/new"): lambda: {"query_string": {"shift": town.values["one"]}},
        ("POST", "/roster/swaps"): lambda: {"data": {"shift": town.values["one"]}},
        ("POST", "/admin/channels"): lambda: {"data": {"kind": "bark", "name": name}},
        ("POST", "/reminders/contacts"): lambda: {"data": {"gateway_id": town.values["gateway_id"]}},
        ("POST", "/reminders/order"): lambda: {"data": {"kind": "webpush"}},
        ("PUT", NEW_STEP): lambda: {"json": town.world.person(name).step("arrive") if name != "nobody" else {}},
    }  # fmt: skip
    return made.get((method, rule), dict)()


def _as_if_untouched(town: Town) -> None:
    """What this caller ended stands again for the next."""
    with town.world.app.app_context(), writing():
        db.session.get_one(Invitation, town.values["invitation_id"]).revoked_at = None
        db.session.get_one(OnCall, town.values["entry_id"]).ends_at = None
        db.session.get_one(Override, town.values["override_id"]).ends_at = clock.now() + timedelta(hours=1)
        db.session.get_one(Rotation, town.values["rotation_id"]).ends_on = None
        db.session.get_one(Swap, town.values["swap_id"]).state = "asked"
        db.session.get_one(Gateway, town.values["gateway_id"]).active = True
        contact = db.session.get_one(Contact, town.values["contact_id"])
        contact.disabled_at = contact.disabled_why = None
        db.session.merge(CalendarDay(day=date.fromisoformat(town.values["day"]), kind="rest", name="国庆节"))


def _people_of_every_role(world: World) -> None:
    with world.app.app_context(), writing():
        vik = db.session.scalars(select(User).where(User.username == "vik")).one()
        town = db.session.get_one(Area, "441521119")
        new = {"wes": ("patrol", "441521115004"), "gia": ("grid", "441521115004")}
        new |= {name: (role, town.code) for name, role in OTHER.items()}
        for name, (role, area) in new.items():
            db.session.add(
                User(
                    username=name, name=name, role=role, area_code=area, created_at=clock.now(),
                    password_hash=vik.password_hash,
                )
            )  # fmt: skip

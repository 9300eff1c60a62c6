"""Every route x every role x own and other town: who gets in, and who does not.

The table names every route of the app; a new route without a line here fails. "In" means that the guard let the
request through (it may still be refused for what it says); "out" is 401, 403, 404 or the way to the login.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from html.parser import HTMLParser
from io import BytesIO
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
from tests.web.roads import EVERYONE, OTHER, OWN, SEAT, WHO
from tests.world import HEADERS, World, manifest


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
                     "int:contact_id", "int:sent_on", "int:drill_id", "int:rule_id",
                     "int:view_id", "int:ledger_id", "path:name"):  # fmt: skip
            rule = rule.replace(f"<{name}>", str(values[name.split(":")[1]]))
        for name in ("number", "size", "token", "code", "version", "name", "day", "mac", "area_code", "kind"):
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
            "area_code": "441521115004",
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
    rule = world.root.post("/admin/dispatch", data={"to": "department:1"}).headers["Location"].rpartition("-")[2]
    world.dora.post("/desk/views", data={"name": "热线", "query": "source=hotline"})
    view = world.dora.get("/desk").text.split("/desk/views/")[1].split("/")[0]
    file = {"file": (BytesIO(b"text,id\nx,1\n"), "x.csv"), "source": "hotline"}
    ledger = world.dora.post("/desk/ledgers", data=file).headers["Location"].rpartition("/")[2]
    more = {"kind": "csv", "ledger_id": int(ledger), "drill_id": int(drill), "rule_id": int(rule), "view_id": int(view)}
    return Town(world, values | _roster(world) | _channels(world) | more)


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
        ("POST", SEAT): lambda: {"data": {"gateway_id": town.values["gateway_id"], "address": "?"}},
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

"""Writes only from our own pages, headers on every answer, and errors that tell a stranger nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from fieldapp.config import Settings
from tests.world import World

pytestmark = pytest.mark.onedb


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"X-Requested-With": "fieldapp"}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://evil.example", "X-Requested-With": "fieldapp"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "X-Requested-With": "fieldapp"}, False),
    ],
)
def test_a_write_must_come_from_our_own_pages(world: World, headers: dict[str, str], allowed: bool) -> None:
    world.vik.get("/api/me")
    answer = world.vik.client.delete("/api/push/subscriptions", headers=headers)
    assert answer.status_code == (204 if allowed else 403)


def test_login_from_another_site_is_refused(app: Flask) -> None:
    answer = app.test_client().post(
        "/login", data={"username": "dora", "password": "demo"}, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/", "/login", "/api/me", "/nowhere", "/sw.js", "/manifest.webmanifest"])
def test_every_answer_carries_the_headers(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Cache-Control" in headers


def test_api_errors_are_problem_documents(world: World) -> None:
    for answer in (world.app.test_client().get("/api/me"), world.vik.get("/api/nowhere"), world.vik.put("/api/me")):
        assert answer.mimetype == "application/problem+json"
        assert answer.json["status"] == answer.status_code
        assert answer.json["title"] and answer.json["detail"]


def test_a_page_for_strangers_leads_to_the_login(app: Flask) -> None:
    answer = app.test_client().get("/desk?lane=overdue")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/desk%3Flane%3Doverdue"


def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    answer = world.vik.put("/api/reports/0193a3a0-0000-7000-8000-000000000001", data=b"{" + b" " * 300_000)
    assert answer.status_code == 413


def test_files_outside_the_static_folder_stay_there(app: Flask) -> None:
    for path in ("/static/x/../../wsgi.py", "/static/x/%2e%2e/wsgi.py", "/static/x/..%2f..%2fwsgi.py"):
        assert app.test_client().get(path).status_code == 404


def test_the_instance_stops_a_flood_of_logins(settings: Settings, start_again: Callable[[Settings], Flask]) -> None:
    client = start_again(replace(settings, rate_limits=True)).test_client()
    codes = [client.post("/api/session", json={"username": f"x{n}", "password": ""}).status_code for n in range(31)]
    assert codes[:30] == [401] * 30
    assert codes[30] == 429


def test_the_language_is_switched_and_stays(app: Flask) -> None:
    client = app.test_client()
    assert 'lang="zh-CN"' in client.get("/login").text
    client.post("/language", data={"language": "en", "next": "/login"}, headers={"X-Requested-With": "fieldapp"})
    page = client.get("/login").text
    assert 'lang="en"' in page
    assert "Log in" in page


def test_a_demo_says_so_on_every_page(world: World) -> None:
    for person, path in (("vik", "/"), ("vik", "/report"), ("dora", "/desk"), ("ada", "/tasks"), ("root", "/admin")):
        assert "演示" in world.person(person).get(path).text, path
    assert "演示" in world.app.test_client().get("/login").text

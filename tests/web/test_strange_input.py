"""Input that no database, text or clock takes is refused with a problem document; it is never a crash, nor lost."""

import pytest

from tests.world import HEADERS, World

pytestmark = pytest.mark.onedb  # what pages say is the same on both

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "position",
    [{"lat": 10**400, "lon": 1}, {"lat": 1, "lon": 1, "accuracy_m": 10**400}, {"lat": float("1e308") * 10, "lon": 1}],
)
def test_numbers_without_end_are_named_by_field(world: World, position: dict[str, float]) -> None:
    body = world.vik.report("x", position={"accuracy_m": 1, "age_s": 1, "source": "gps"} | position)
    answer = world.vik.put("/api/reports/0198f1de-0000-7000-8000-000000000001", json=body)
    assert answer.status_code == 422 and "position" in answer.json["errors"]


@pytest.mark.parametrize(
    "when", ["9999-12-31T23:00:00+00:00", "0001-01-01T00:00:00+00:00", "1970-01-01T00:00:00+08:00"]
)
def test_a_clock_that_is_anywhere_loses_no_report_and_breaks_no_page(world: World, when: str) -> None:
    number = world.vik.files("着火", captured_at=when).number
    assert world.dora.get(f"/desk/cases/{number}").status_code == 200
    assert world.dora.get(f"/api/cases/{number}").status_code == 200
    assert world.vik.get("/api/reports").status_code == 200


def test_a_phone_two_days_ahead_is_put_right(world: World) -> None:
    ahead = {"captured_at": "2027-01-01T00:00:00+00:00", "client_now": "2027-01-01T00:01:00+00:00"}
    world.vik.files("着火", **ahead)
    (line,) = world.vik.get("/api/reports").json["items"]
    assert line["captured_at"] < line["updated_at"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/cases?q=a%00b", "/api/cases?area=%00", "/api/cases?limit=" + "9" * 5000, "/api/cases/a%00b",
        "/api/cases?cursor=" + "W" * 4000, "/api/cases?cursor=WzEsICIyMDI2LTExLTI0VDEwOjAwOjAwIiwgMV0",
        "/api/cases?bbox=nan,nan,nan,nan", "/desk/cases/%00", "/invite/%00",
    ],
)  # fmt: skip
def test_no_address_crashes_the_server(world: World, path: str) -> None:
    assert world.dora.get(path).status_code < 500


def test_no_body_crashes_the_server(world: World) -> None:
    anybody = world.app.test_client()
    answers = [
        anybody.post("/api/session", json={"username": "a\x00b", "password": "x"}),
        anybody.post("/api/session", data='{"username": "\\ud800", "password": "\\ud800"}'),
        anybody.post("/api/session", data=DEEP),
        world.vik.put("/api/reports/0198f1de-0000-7000-8000-000000000001", data=DEEP),
        world.dora.post("/desk/roster/99999999999999999999/end"),
        world.dora.post("/desk/invitations", data={"name": "a\x00b", "role": "patrol", "area_code": "441521115"}),
    ]
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []


def test_a_receipts_token_may_be_any_text(world: World) -> None:
    world.ada.carries_phone()
    world.vik.files("电线", severity="red")
    world.work()
    push = world.phones["ada"].expects("电线")
    push["data"]["token"] = "é\ud800"
    body = '{"state": "shown", "token": "é\\ud800"}'.encode()
    answer = world.app.test_client().post(f"/api/deliveries/{push['data']['delivery']}/receipts", data=body)
    assert answer.status_code == 403


@pytest.mark.parametrize("target", ["/\t/evil.example/x", "/\n/evil.example", "/\\evil.example", "//evil.example"])
def test_the_language_switch_leads_nowhere_else(world: World, target: str) -> None:
    answer = world.app.test_client().post("/language", data={"language": "en", "next": target}, headers=HEADERS)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    "origin", ["null", "http://localhost:81", "https://localhost", "ftp://localhost", "http://localhost.evil"]
)
def test_a_write_from_any_other_origin_is_refused(world: World, origin: str) -> None:
    assert world.vik.client.post("/logout", headers={"Origin": origin}).status_code == 403
    assert world.vik.client.post("/logout", headers={"Origin": "http://localhost"}).status_code == 302

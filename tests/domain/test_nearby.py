"""我也看到了: one more report joins an open case, whatever the desk does to that case meanwhile; none is ever lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select, text, update

from fieldapp import clock, nearby
from fieldapp.db import db, writing
from fieldapp.models import Alert, Case, Report, User
from tests.pictures import jpeg_with_everything
from tests.world import HEADERS, Filed, Person, World

HERE = {"lat": 22.9700, "lon": 115.3300, "accuracy_m": 12, "age_s": 1, "source": "gps"}
BESIDE = HERE | {"lat": 22.9709}  # 100 m north
FAR = HERE | {"lat": 22.9730}  # 333 m north


@pytest.fixture
def hole(world: World) -> Filed:
    """An open manhole in 海城镇 that vik has reported."""
    return world.vik.files("井盖没了", category="facility", position=HERE)


@pytest.fixture
def gia(world: World) -> Person:
    """Another patrol of the same town."""
    return patrol(world, "gia", "441521115004")


def patrol(world: World, name: str, area: str) -> Person:
    with world.app.app_context(), writing():
        vik = db.session.scalars(select(User).where(User.username == "vik")).one()
        db.session.add(
            User(username=name, name=f"{name}的名字", role="patrol", area_code=area, created_at=clock.now(),
                 password_hash=vik.password_hash)
        )  # fmt: skip
    return world.person(name)


def sees(person: Person, number: str, words: str = "我也看到了", **more: Any) -> Filed:
    return person.files(words, **({"seen_case": number, "position": BESIDE} | more))


def cases_in(world: World) -> int:
    with world.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Case)) or 0


def joins(world: World, filed: Filed, case: Filed) -> bool:
    joined = filed.number == case.number
    assert cases_in(world) == (1 if joined else 2), "one case each, and never none"
    return joined


def test_a_second_pair_of_eyes_is_a_second_signal_and_no_second_case(world: World, hole: Filed, gia: Person) -> None:
    second = sees(gia, hole.number, photos=(jpeg_with_everything(width=300, height=200),))
    assert joins(world, second, hole)
    case = world.dora.case(hole.number)
    assert case["signals"] == 2
    assert [report["reporter"] for report in case["reports"]] == ["林阿伯", "gia的名字"]
    assert len(case["photos"]) == 1
    assert ("joined", "gia的名字") in [(event["action"], event["by"]) for event in case["history"]]


def test_both_hear_what_became_of_it_each_under_the_own_words(world: World, hole: Filed, gia: Person) -> None:
    gia.carries_phone()
    world.vik.carries_phone()
    second = sees(gia, hole.number, "路中间有个洞")
    world.dora.must("accept", hole.number)
    world.dora.must("close", hole.number, note="已盖上")
    world.work()
    for name, own, others in (("vik", "井盖没了", "路中间"), ("gia", "路中间有个洞", "井盖没了")):
        said = [push["title"] + push["body"] for push in world.phones[name].inbox]
        assert any("已办结" in words and own in words for words in said), said
        assert not any(others in words for words in said), said
    story = gia.get(f"/api/reports/{second.id}").json
    assert story["actions"] == ["confirm", "dispute"]
    assert "别人已经报了这件事，加上您的，一起办" in [event["words"] for event in story["history"]]
    assert "井盖没了" not in str(story) and "林阿伯" not in str(story)
    assert "joined" not in [e["action"] for e in world.vik.get(f"/api/reports/{hole.id}").json["history"]]


def test_words_are_not_needed(world: World, hole: Filed, gia: Person) -> None:
    assert joins(world, sees(gia, hole.number, ""), hole)
    assert gia.put(f"/api/reports/{uuid4()}", json=gia.report("")).status_code == 422


def test_the_same_again_is_the_same_signal(world: World, hole: Filed, gia: Person) -> None:
    second = sees(gia, hole.number)
    assert gia.put(f"/api/reports/{second.id}", json=second.body).status_code == 200
    assert world.dora.case(hole.number)["signals"] == 2


def close(world: World, hole: Filed) -> None:
    world.dora.must("accept", hole.number)
    world.dora.must("close", hole.number, note="已盖上")


def classify_as(category: str) -> Callable[[World, Filed], None]:
    def classify(world: World, hole: Filed) -> None:
        world.dora.must("classify", hole.number, category=category)

    return classify


def grow_old(world: World, hole: Filed) -> None:
    with world.app.app_context(), writing():
        db.session.execute(update(Case).values(opened_at=clock.now() - timedelta(days=12)))


def lose_its_place(world: World, hole: Filed) -> None:
    with world.app.app_context(), writing():
        db.session.execute(update(Case).values(lat=None, lon=None))


@pytest.mark.parametrize(
    "meanwhile", [close, classify_as("dispute"), classify_as("fire"), classify_as("other"), grow_old, lose_its_place]
)
def test_what_is_over_or_not_to_be_told_of_is_not_joined(
    world: World, hole: Filed, gia: Person, meanwhile: Callable[[World, Filed], None]
) -> None:
    meanwhile(world, hole)
    second = sees(gia, hole.number)
    assert not joins(world, second, hole)
    history = world.dora.case(second.number)["history"]
    assert any(event["action"] == "apart" and hole.number in event["words"] for event in history)
    told = gia.get(f"/api/reports/{second.id}").json["history"]
    assert "您看到的那件已经办完，或者离得远，这一条单独办" in [event["words"] for event in told]


@pytest.mark.parametrize(
    ("said", "joined"),
    [
        ({"position": FAR}, False),
        ({"position": None}, True),
        ({"position": BESIDE}, True),
        ({"seen_case": "HC-20200101-999"}, False),
        ({"seen_case": None}, False),
        ({"seen_case": ""}, False),
    ],
)
def test_only_what_is_near_and_known_is_joined(
    world: World, hole: Filed, gia: Person, said: dict[str, Any], joined: bool
) -> None:
    assert joins(world, sees(gia, hole.number, **said), hole) is joined


def test_somebody_of_another_town_opens_a_case_there(world: World, hole: Filed) -> None:
    olga = patrol(world, "olga", "441521119")
    assert not joins(world, sees(olga, hole.number), hole)
    assert world.dora.case(hole.number)["signals"] == 1


@pytest.mark.parametrize("nonsense", ["x" * 21, 7, ["HC"], "HC\x00"])
def test_nonsense_is_refused_by_its_field(world: World, nonsense: Any) -> None:
    answer = world.vik.put(f"/api/reports/{uuid4()}", json=world.vik.report("井盖") | {"seen_case": nonsense})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["seen_case"]


def test_what_was_merged_meanwhile_is_joined_where_it_went(world: World, hole: Filed, gia: Person) -> None:
    other = world.ben.files("井盖不见了", category="facility", position=HERE)
    world.dora.must("merge", hole.number, to=other.number)
    assert sees(gia, hole.number).number == other.number
    assert world.dora.case(other.number)["signals"] == 3


def test_a_red_signal_calls_on_a_blue_case_that_nobody_has_signed(world: World, hole: Filed, gia: Person) -> None:
    world.ada.carries_phone()
    sees(gia, hole.number, severity="red")
    world.work()
    world.phones["ada"].expects("红")
    assert world.dora.case(hole.number)["severity"] == "red"


@pytest.mark.parametrize("severity", ["blue", "red"])
def test_a_red_signal_into_an_answered_case_calls_somebody(world: World, gia: Person, severity: str) -> None:
    world.ada.carries_phone()
    hole = world.vik.files("井盖没了", severity, category="facility", position=HERE)
    world.dora.must("dispatch", hole.number, to="ada")
    world.ada.must("acknowledge", hole.number)
    world.ada.must("report_outcome", hole.number, note="盖上了")
    world.work()
    world.hush()
    assert joins(world, sees(gia, hole.number, severity="red"), hole)
    world.work()
    world.phones["ada"].expects("红")


def test_nobody_is_called_twice_while_somebody_is_on_it(world: World, gia: Person) -> None:
    world.ada.carries_phone()
    hole = world.vik.files("井盖没了", "red", category="facility", position=HERE)
    world.ada.must("acknowledge", hole.number)
    world.work()
    world.hush()
    assert joins(world, sees(gia, hole.number, severity="red"), hole)
    world.work()
    world.phones["ada"].stays_silent()


def test_a_report_that_breaks_off_while_it_joins_leaves_nothing(
    world: World, hole: Filed, gia: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, path = gia.report("我也看到了", "red", seen_case=hole.number, position=BESIDE), f"/api/reports/{uuid4()}"
    with monkeypatch.context() as patch:
        patch.setattr("fieldapp.alerting.call_rung", lambda *_, **__: 1 / 0)
        assert gia.put(path, json=body).status_code == 500
    assert world.dora.case(hole.number)["signals"] == 1
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Alert)) == 0
    assert gia.put(path, json=body).status_code == 201
    assert world.dora.case(hole.number)["signals"] == 2


def at_once(world: World, *works: Callable[[], int]) -> list[int]:
    with ThreadPoolExecutor(len(works)) as pool:
        return [job.result() for job in [pool.submit(work) for work in works]]


def sends(world: World, person: Person, **more: Any) -> Callable[[], int]:
    """A request that a thread may make: with a client of its own."""
    cookie = person.client.get_cookie("fieldapp_device")
    assert cookie is not None
    body = person.report("我也看到了", position=BESIDE, **more)

    def put() -> int:
        client = world.app.test_client()
        client.set_cookie("fieldapp_device", cookie.value)
        return client.put(f"/api/reports/{uuid4()}", json=body, headers=HEADERS).status_code

    return put


def test_four_at_once_are_four_signals(world: World, hole: Filed, gia: Person) -> None:
    sending = [sends(world, gia, seen_case=hole.number, severity="red") for _ in range(4)]
    assert at_once(world, *sending) == [201] * 4
    case = world.dora.case(hole.number)
    assert (case["signals"], len(case["reports"])) == (5, 5)
    assert len([alert for alert in case["alerts"] if alert["state"] == "open"]) == 1


def crosswise(officer: Person, number: str, into: str) -> Callable[[], int]:
    body = {"action": "merge", "to": into, "version": 1}
    return lambda: officer.post(f"/api/cases/{number}/transitions", json=body).status_code


def test_joining_while_the_desk_merges_crosswise_neither_fails_nor_deadlocks(world: World, gia: Person) -> None:
    for _ in range(4):
        pair = [world.vik.files("井盖没了", category="facility", position=HERE).number for _ in range(2)]
        merges = [
            crosswise(world.dora, *pair),
            crosswise(world.lea, *reversed(pair)),
        ]
        joining = [sends(world, gia, seen_case=number, severity="red") for number in pair]
        codes = at_once(world, *merges, *joining)
        assert codes[2:] == [201, 201], codes
        assert set(codes[:2]) <= {200, 409, 422}, codes
    with world.app.app_context():
        homeless = select(func.count()).select_from(Report).join(Case).where(Case.status == "merged")
        assert db.session.scalar(homeless) == 0, "no report stays behind in a case that was merged away"
        counted = select(Case.id, Case.signals, func.count(Report.id)).join(Report).group_by(Case.id, Case.signals)
        assert all(signals == reports for _, signals, reports in db.session.execute(counted))


def test_closing_and_joining_at_once_loses_nothing(world: World, gia: Person) -> None:
    for _ in range(6):
        hole = world.vik.files("井盖没了", category="facility", position=HERE)
        world.dora.must("accept", hole.number)

        def close(number: str = hole.number) -> int:
            return world.dora.does("close", number, note="已盖上").status_code

        codes = at_once(world, close, sends(world, gia, seen_case=hole.number))
        assert codes[1] == 201 and codes[0] in (200, 409)
    with world.app.app_context():
        assert db.session.scalar(select(func.count()).where(Report.case_id.is_(None))) == 0
        assert db.session.scalar(select(func.count()).select_from(Report)) == 12


def test_the_list_is_read_from_the_index_of_open_cases(world: World, hole: Filed) -> None:
    with world.app.app_context(), writing():
        template = {c.key: getattr(db.session.scalars(select(Case)).one(), c.key) for c in Case.__table__.columns}
        rows = [
            template | {"id": n, "number": f"HC-{n}", "status": "closed", "closed_at": clock.now()}
            for n in range(100, 2100)
        ]
        db.session.execute(Case.__table__.insert(), rows)
    asked: list[tuple[str, Any]] = []
    with world.app.app_context():
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("ANALYZE cases"))
        vik = db.session.scalars(select(User).where(User.username == "vik")).one()
        event.listen(db.engine, "before_cursor_execute", lambda _c, _cu, sql, values, *_: asked.append((sql, values)))
        assert [one.number for one in nearby.known(vik, clock.now())] == [hole.number]
        explain = "EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN "
        sql, values = next(one for one in asked if "cases.signals" in one[0])
        plan = "\n".join(str(row) for row in db.session.connection().exec_driver_sql(explain + sql, values))
    assert "ix_cases_queue" in plan, plan

"""Nights on which the roster changes: a turn comes by itself, a shift is taken over mid-alert, two take it at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from fieldapp import clock, oncall
from fieldapp.db import db, writing
from fieldapp.models import Override, Swap, User
from fieldapp.rules.escalation import Rung
from tests.rotas import TOWN, named, no_demo_rotations, rota, starts
from tests.world import World


@pytest.fixture
def night(world: World) -> World:
    """Nobody was put on by hand; only rotations say who stands."""
    world.take_off_call("ada", "ben", "lea")
    no_demo_rotations(world)
    return world


def on_call(world: World) -> list[str]:
    with world.app.app_context():
        return [user.username for user in oncall.holders(TOWN, Rung.ON_CALL, clock.now())]


def asks(world: World, post: int, name: str, other: str, back: str = "", running: bool = False) -> int:
    """`name` asks `other` to take a shift; the question's id."""
    shift = named(post, starts(world, post, name, running)[0])
    other_id = world.person(other).id
    form = {"shift": shift, "with": f"{other_id}:{back}" if back else str(other_id), "note": "家里有事"}
    answer = world.person(name).post("/roster/swaps", data=form)
    assert answer.status_code == 303, answer.text
    with world.app.app_context():
        return int(db.session.scalars(db.select(Swap.id).order_by(Swap.id.desc())).first() or 0)


def said(world: World, name: str, question: int, answer: str = "agreement") -> str:
    reply = world.person(name).post(f"/roster/swaps/{question}/{answer}")
    assert reply.status_code == 303, reply.text
    return str(reply.headers["Location"]).partition("said=")[2].partition("#")[0]


def test_whose_turn_it_is_is_called_though_nobody_put_him_on(night: World) -> None:
    rota(night, "ben")
    night.ada.carries_phone()
    night.ben.carries_phone()
    night.vik.files("煤气味很重", severity="red")
    night.work()
    night.phones["ben"].expects("煤气味")
    night.phones["ada"].stays_silent()


def test_who_has_left_is_not_called_and_the_leader_is_called_at_once(night: World) -> None:
    rota(night, "ben")
    night.lea.carries_phone()
    ben = night.ben.id
    assert night.root.post(f"/admin/accounts/{ben}", data={"role": "responder", "area_code": TOWN}).status_code == 303
    assert on_call(night) == []
    night.vik.files("有人落水", severity="red")
    night.work()
    night.phones["lea"].expects("有人落水")


def test_the_holder_swaps_mid_alert_and_the_newcomer_is_called_for_what_is_open(night: World) -> None:
    post = rota(night, "ada")
    for name in ("ada", "ben"):
        night.person(name).carries_phone()
    number = night.vik.files("电线垂落", severity="red").number
    night.work()
    night.phones["ada"].expects("电线")
    night.phones["ben"].stays_silent()
    question = asks(night, post, "ada", "ben", running=True)
    night.work()
    night.phones["ben"].expects("请您代班")
    assert "陈安 请您代班" in night.ben.get("/roster").text
    assert said(night, "ben", question) == "agreed"
    assert on_call(night) == ["ben"]
    night.work()
    push = night.phones["ben"].expects("电线")
    assert night.receipt(push, "acknowledged").status_code == 204
    assert night.dora.case(number)["status"] == "acknowledged"


def test_a_shift_to_come_changes_hands_and_nobody_is_called(night: World) -> None:
    post = rota(night, "ada", "ben")
    night.ben.carries_phone()
    before = starts(night, post, "ben")
    question = asks(night, post, "ada", "ben")
    given = starts(night, post, "ada")[0]
    assert said(night, "ben", question) == "agreed"
    assert starts(night, post, "ben") == sorted([*before, given])
    night.work()
    night.phones["ben"].expects("请您代班")
    night.phones["ben"].stays_silent()


def test_each_is_told_on_the_phone_what_the_other_said(night: World) -> None:
    post = rota(night, "ada", "ben")
    for name in ("ada", "ben", "lea"):
        night.person(name).carries_phone()
    first = asks(night, post, "ada", "ben")
    night.work()
    push = night.phones["ben"].expects("陈安 请您代班")
    assert "家里有事" in push["body"] and push["navigate"].endswith(f"/roster/swaps/{first}")
    said(night, "ben", first, "refusal")
    night.work()
    night.phones["ada"].expects("黄本 不方便代班")
    second = asks(night, post, "ada", "ben", back=named(post, starts(night, post, "ben")[0]))
    said(night, "ben", second)
    night.fast_forward(minutes=10)
    night.phones["ben"].expects("陈安 想和您换班")
    night.phones["ada"].expects("黄本 同意了")
    for phone in night.phones.values():
        phone.stays_silent()  # nobody else is called for it


def test_the_link_in_the_message_leads_to_the_question_also_by_way_of_the_login(night: World) -> None:
    post = rota(night, "ada")
    page = f"/roster/swaps/{asks(night, post, 'ada', 'ben')}"
    assert "陈安 请您代班" in night.ben.get(page).text
    stranger = night.app.test_client()
    asked = stranger.get(page)
    assert asked.status_code == 302
    form = stranger.get(asked.headers["Location"]).text
    assert f'name="next" value="{page}"' in form
    login = {"username": "ben", "password": "wrong", "next": page}
    again = stranger.post("/login", data=login)
    assert again.status_code == 401 and f'name="next" value="{page}"' in again.text
    assert stranger.post("/login", data=login | {"password": "demo"}).headers["Location"] == page
    assert "陈安 请您代班" in stranger.get(page).text
    assert stranger.get(f"/login?next={page}").headers["Location"] == page  # the login left open in another tab
    assert night.lea.get(page).status_code == 404


def test_two_change_shifts_and_each_stands_as_often_as_before(night: World) -> None:
    post = rota(night, "ada", "ben")
    mine, his = starts(night, post, "ada"), starts(night, post, "ben")
    question = asks(night, post, "ada", "ben", back=named(post, his[2]))
    assert "想和您换班" in night.ben.get("/roster").text
    assert said(night, "ben", question) == "agreed"
    assert starts(night, post, "ada") == sorted([*mine[1:], his[2]])
    assert starts(night, post, "ben") == sorted([mine[0], *his[:2], *his[3:]])


def test_the_first_to_agree_has_the_shift_and_the_other_is_told_so(night: World) -> None:
    with_gia(night)
    post = rota(night, "ada")
    first, second = asks(night, post, "ada", "ben"), asks(night, post, "ada", "gia")
    assert said(night, "ben", first) == "agreed"
    assert said(night, "gia", second) == "answered"  # it was closed when ben agreed
    with night.app.app_context():
        assert db.session.get_one(Swap, second).state == "over"
        assert db.session.scalar(db.select(db.func.count()).select_from(Override)) == 1


def test_two_agree_at_the_same_instant_and_one_of_them_has_it(night: World) -> None:
    with_gia(night)
    post = rota(night, "ada")
    given = starts(night, post, "ada")[0]
    questions = {"ben": asks(night, post, "ada", "ben"), "gia": asks(night, post, "ada", "gia")}
    with ThreadPoolExecutor(2) as pool:
        answers = {name: pool.submit(said, night, name, question) for name, question in questions.items()}
    won = [name for name, answer in answers.items() if answer.result() == "agreed"]
    assert len(won) == 1
    assert {answer.result() for answer in answers.values()} - {"agreed"} <= {"over", "answered"}
    assert given in starts(night, post, won[0])
    with night.app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Override)) == 1


def test_the_desk_put_somebody_else_on_meanwhile_so_nothing_changes_twice(night: World) -> None:
    with_gia(night)
    post = rota(night, "ada")
    question = asks(night, post, "ada", "ben")
    at = int(starts(night, post, "ada")[0].timestamp())
    put = night.dora.post(f"/desk/shifts/{post}/{at}/stand-in", data={"user": night.person("gia").id})
    assert put.status_code == 303
    assert said(night, "ben", question) == "over"
    assert "刚刚换给了别人" in night.ben.get("/roster?said=over").text
    assert starts(night, post, "ben") == []


def test_declined_or_withdrawn_the_shift_stays_where_it_was(night: World) -> None:
    post = rota(night, "ada")
    first = asks(night, post, "ada", "ben")
    assert said(night, "ben", first, "refusal") == "declined"
    second = asks(night, post, "ada", "ben")
    assert said(night, "ada", second, "withdrawal") == "withdrawn"
    assert said(night, "ben", second) == "answered"
    assert starts(night, post, "ben") == []
    assert "对方没有同意" in night.ada.get("/roster").text


def test_nobody_answers_for_another_and_nobody_gives_away_what_is_not_his(night: World) -> None:
    post = rota(night, "ada", "ben")
    question = asks(night, post, "ada", "ben")
    for name in ("ada", "lea"):
        assert night.person(name).post(f"/roster/swaps/{question}/agreement").status_code == 404
    shift = named(post, starts(night, post, "ben")[0])
    assert night.ada.post("/roster/swaps", data={"shift": shift, "with": night.ben.id}).status_code == 404
    mine = {"shift": named(post, starts(night, post, "ada")[0])}
    for other in (night.dora.id, night.ada.id, night.person("otto").id, ""):
        assert night.ada.post("/roster/swaps", data=mine | {"with": other}).status_code == 422
    twice = night.ada.post("/roster/swaps", data=mine | {"with": night.ben.id})
    assert twice.status_code == 409
    assert "已经问过" in twice.text


def test_put_on_by_hand_during_an_alert_one_is_called_too(night: World) -> None:
    rota(night, "ada")
    for name in ("ada", "ben"):
        night.person(name).carries_phone()
    night.vik.files("电线垂落", severity="red")
    night.work()
    assert night.dora.post("/desk/roster", data={"rung": "on_call", "user": night.ben.id}).status_code == 303
    night.work()
    night.phones["ben"].expects("电线")
    assert len(night.phones["ada"].inbox) == 1


def with_gia(world: World) -> None:
    with world.app.app_context(), writing():
        vik = db.session.scalars(db.select(User).where(User.username == "vik")).one()
        db.session.add(User(username="gia", name="贾格", role="grid", area_code="441521115004", created_at=clock.now(),
                            password_hash=vik.password_hash))  # fmt: skip

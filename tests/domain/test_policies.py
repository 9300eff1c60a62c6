"""What the simulation says is what the engine does: whom it calls, through what, when, and what it writes down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select, update

from fieldapp import clock, policies, simulation
from fieldapp.db import db, writing
from fieldapp.errors import Conflict
from fieldapp.models import (
    Alert,
    CaseEvent,
    Category,
    Delivery,
    Department,
    Gateway,
    OnCall,
    Preference,
    Purpose,
    User,
)
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.escalation import Call, Policy
from fieldapp.rules.severity import Severity
from fieldapp.simulation import Moment, Question
from fieldapp.web import policy_words
from tests.world import World

pytestmark = pytest.mark.onedb  # the engine itself runs on both in tests/scenarios

TOWN, COUNTY, OTHER = "441521115", "441521", "441521119"
ENGINE = ("called", "nobody_on_call", "nobody_reachable", "round_over", "unseen", "exhausted")

Call_ = tuple[timedelta, int, str, str, timedelta | None, bool, str]  # when, rung, name, channel, sent, copied, why


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The clock stands still at a whole minute, so that what happens happens exactly when it should."""
    moment = (clock.now() + timedelta(minutes=1)).replace(second=0, microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


@pytest.fixture
def town(world: World, evening: datetime) -> World:
    """ada has a phone and a number for texts, lea both the other way round, ben a number only, dora a phone."""
    for name in ("ada", "lea", "dora"):
        world.person(name).carries_phone()
    for name in ("ada", "lea", "ben"):
        world.person(name).has("sms_aliyun")
    world.lea.prefers("sms_aliyun", "webpush")
    return world


def _user(name: str) -> User:
    return db.session.scalars(select(User).where(User.username == name)).one()


def _id(world: World, name: str) -> str:
    return f"person:{world.person(name).id}"


def decide(world: World, purpose: str, severity: Severity, policy: Policy, category: str = "") -> None:
    with world.app.app_context(), writing():
        policies.decide(_user("root"), purpose, severity, category, policy, clock.now())


@dataclass(frozen=True)
class Story:
    """A night: what is different in the town, and the policy for red reports (none: what is usual)."""

    name: str
    policy: Callable[[World], Policy] | None = None
    before: Callable[[World], None] = lambda world: None
    severity: str = "red"


def quiet(world: World) -> None:
    """lea sleeps from an hour ago until 25 minutes from now."""
    local = clock.local(clock.now())
    minute = local.hour * 60 + local.minute
    with world.app.app_context(), writing():
        chosen = db.session.get_one(Preference, _user("lea").id)
        chosen.quiet_from, chosen.quiet_to = (minute - 60) % 1440, (minute + 25) % 1440


def off(*names: str) -> Callable[[World], None]:
    return lambda world: world.take_off_call(*names)


def no_way_at_all(world: World) -> None:
    with world.app.app_context(), writing():
        db.session.execute(update(Gateway).values(active=False))
    for name in ("ada", "lea", "dora"):
        world.person(name).delete("/api/push/subscriptions")


def hands_over(world: World) -> None:
    """ada's turn ends after four minutes and ben's begins then; the ladder is climbed until both were called."""
    with world.app.app_context(), writing():
        for turn in db.session.scalars(select(OnCall).where(OnCall.user_id.in_([_user("ada").id, _user("ben").id]))):
            at = clock.now() + timedelta(minutes=4)
            turn.starts_at, turn.ends_at = (turn.starts_at, at) if turn.user_id == _user("ada").id else (at, None)


def full(world: World) -> Policy:
    """Everything a policy can say."""
    with world.app.app_context():
        department = db.session.scalars(select(Department.id)).first()
    return Policy(
        (
            Call(("on_call",), 1, copied=("desk", "on_call")),
            Call((_id(world, "ben"), f"department:{department}"), 3, channels=("webpush", "sms_aliyun")),
            Call(("leader", "desk"), 2, at_once=True),
            Call(("backup",), 4),
        ),
        repeat=2,
    )


STORIES = (
    Story("what is usual"),
    Story("nobody on call", before=off("ada", "ben")),
    Story("nobody anywhere", before=off("ada", "ben", "lea")),
    Story("nobody reachable", before=no_way_at_all),
    Story("everything a policy can say", full),
    Story("a hand-over on the way", lambda _: Policy((Call(("on_call",), 3),), repeat=2), hands_over),
    Story("texts only", lambda _: Policy((Call(("on_call",), 2, channels=("sms_aliyun",)), Call(("leader",), 2)))),
    Story("over when the first minute is", lambda _: Policy((Call(("on_call",), 1),))),
    Story("two short rungs", lambda _: Policy((Call(("on_call",), 1), Call(("backup",), 5), Call(("leader",), 1)))),
    Story("sleep never holds a red one", before=quiet),
    Story(
        "sleep holds a yellow one", lambda _: Policy((Call(("leader",), 9), Call(("desk",), 30)), 1), quiet, "yellow"
    ),
    Story("only a copy goes out", lambda _: Policy((Call(("backup",), 5, ("desk",)), Call(("leader",), 2)), 1)),
    Story("asleep, and a copy goes out", lambda _: Policy((Call(("leader",), 5, ("desk",)),), 1), quiet, "yellow"),
    Story("asleep, and copied", lambda _: Policy((Call(("on_call",), 9, ("leader",)),)), quiet, "yellow"),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_engine_does_what_the_simulation_says(town: World, evening: datetime, story: Story) -> None:
    story.before(town)
    severity = Severity[story.severity.upper()]
    if story.policy:
        decide(town, "intake", severity, story.policy(town))
    said = simulate(town, "intake", severity, evening)
    number = town.vik.files("电线垂落", severity=story.severity).number
    passes(town, said, evening)
    assert engine(town, number, "intake", evening) == (calls(said, evening), events(said, evening))


def test_a_dispatch_calls_whom_it_names_and_then_climbs(town: World, evening: datetime) -> None:
    decide(town, "dispatch", Severity.BLUE, Policy((Call(("named",), 2, ("desk",)), Call(("leader",), 3)), 1))
    number = town.vik.files("垃圾没收").number
    with town.app.app_context():
        named = [_user("ben").id, _user("lin").id]
    said = simulate(town, "dispatch", Severity.BLUE, evening, named=named)
    town.dora.must("dispatch", number, to=["ben", "市政管理所"])
    passes(town, said, evening)
    assert engine(town, number, "dispatch", evening) == (calls(said, evening), events(said, evening))
    assert [person.name for person in said[0].people if person.why == "named"] == ["黄本", "林敏"]


def test_who_gave_it_back_is_not_called_for_it(town: World, evening: datetime) -> None:
    decide(town, "return", Severity.BLUE, Policy((Call(("on_call", "desk"), 2), Call((_id(town, "ada"),), 2)), 1))
    number = town.vik.files("垃圾没收").number
    town.dora.must("dispatch", number, to=["ada"])
    with town.app.app_context():
        giver = [_user("ada").id]
    said = simulate(town, "return", Severity.BLUE, evening, without=giver)
    town.ada.must("return", number, note="走不开")
    passes(town, said, evening)
    assert engine(town, number, "return", evening) == (calls(said, evening), events(said, evening))
    assert "陈安" not in {person.name for moment in said for person in moment.people}
    assert [moment.event for moment in said].count("nobody_on_call") == 2, "the rung that means only ada"


def test_a_simulation_writes_nothing(town: World, evening: datetime) -> None:
    decide(town, "intake", Severity.RED, full(town))
    doors = ((town.root, "/admin/policies"), (town.dora, "/desk/policies"))
    written: list[str] = []
    with town.app.app_context():
        engine_of = db.engine

    def watch(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.lstrip().split(" ")[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            written.append(statement)

    event.listen(engine_of, "before_cursor_execute", watch)
    for person, path in doors:
        page = person.get(f"{path}?at={clock.local(evening):%Y-%m-%dT%H:%M}&level=red").text
        assert "陈安" in page and "从头再叫" in page
    typed = {"do": "look", "rungs": "1", "r0-who": "on_call"}
    assert "陈安" in town.root.post("/admin/policies/edit?purpose=intake&level=red", data=typed).text
    event.remove(engine_of, "before_cursor_execute", watch)
    assert written == []


def test_the_next_way_is_tried_when_the_first_was_not_seen_and_in_each_persons_order(
    town: World, evening: datetime
) -> None:
    (first, *rest) = simulate(town, "intake", Severity.RED, evening)
    ada = next(person for person in first.people if person.name == "陈安")
    assert [(way.kind, way.at - evening) for way in ada.ways] == [
        ("webpush", timedelta()), ("sms_aliyun", timedelta(seconds=60)),
    ]  # fmt: skip
    lea = next(moment for moment in rest if moment.people).people[0]
    assert [way.kind for way in lea.ways] == ["sms_aliyun", "webpush"]


def test_the_nearest_decision_counts(world: World) -> None:
    """A kind's own before its parent's before all; for each the town's before the county's; else what is usual."""
    with world.app.app_context(), writing():
        root, boss = _user("root"), _user("otto")
        boss.area_code, boss.role = COUNTY, "admin"
        finer = _finer("fire")

        def decided(actor: User, category: str, repeat: int) -> None:
            policy = Policy((Call(("desk",), 1),), repeat)
            policies.decide(actor, "intake", Severity.RED, category, policy, clock.now())

        def counts(category: str | None) -> int:
            return policies.choose(TOWN, "intake", Severity.RED, category).policy.repeat

        assert counts(finer) == 2, "what is usual"
        decided(boss, "", 3)
        assert counts(finer) == 3
        decided(root, "", 4)
        assert counts(finer) == counts(None) == 4
        decided(boss, "fire", 5)
        assert (counts(finer), counts("street")) == (5, 4)
        decided(root, "fire", 6)
        decided(boss, finer, 7)
        assert (counts(finer), counts("fire")) == (7, 6)
        assert policies.choose(OTHER, "intake", Severity.RED, "fire").policy.repeat == 5, (
            "another town has the county's"
        )
        policies.restore(root, "intake", Severity.RED, "fire")
        assert counts("fire") == 5 == policies.beneath(TOWN, "intake", Severity.RED, "fire").policy.repeat


def test_two_decide_at_once_and_the_later_one_hears_of_it(world: World, evening: datetime) -> None:
    with world.app.app_context():
        root = _user("root")
        with writing():
            policies.decide(root, "intake", Severity.RED, "", Policy((Call(("desk",)),)), evening, seen="")
        with pytest.raises(Conflict, match="policy_changed"), writing():
            policies.decide(root, "intake", Severity.RED, "", Policy(), evening, seen="")
        with pytest.raises(Conflict, match="policy_changed"), writing():
            policies.restore(root, "intake", Severity.RED, "", seen="")
        row = policies.find(TOWN, "intake", Severity.RED, "")
        assert row is not None and policies.of_row(row).calls
        with writing():
            policies.restore(root, "intake", Severity.RED, "", seen=policies.mark(row))
        assert policies.find(TOWN, "intake", Severity.RED, "") is None


def test_an_alert_under_way_keeps_its_ladder(town: World, evening: datetime) -> None:
    number = town.vik.files("电线垂落", severity="red").number
    decide(town, "intake", Severity.RED, Policy())
    town.fast_forward(minutes=6)
    town.phones["lea"].expects("电线")
    assert town.dora.case(number)["alerts"][0]["state"] == "open"


def test_every_alert_says_why_it_came(town: World, evening: datetime) -> None:
    decide(town, "intake", Severity.RED, full(town), "fire")
    number = town.vik.files("着火了", severity="red", category="fire").number
    town.work()
    town.fast_forward(minutes=11)
    said = reasons(town, number)
    rule = "（规则：海城镇 红色新报，只管消防安全，本镇自己定的）。"
    assert said["陈安", 0] == f"第 1 梯次：您在备勤{rule}"
    assert said["吴朵", 0] == f"第 1 梯次：抄送给您，不等您签收，您在值班台{rule}"
    assert said["黄本", 1] == f"第 2 梯次：过了 1 分钟还没有人签收，再叫您一次，规则里写着您的名字{rule}"
    assert said["林敏", 1] == f"第 2 梯次：因为前面 1 分钟没有人签收，规则里写着您的部门（市政管理所）{rule}"
    assert said["李雷", 2] == f"第 3 梯次：因为前面 4 分钟没有人签收，您是带班领导{rule}"
    assert said["陈安", 4] == f"第 2 轮第 1 梯次：过了 6 分钟还没有人签收，再叫您一次，您在备勤{rule}"


def test_why_when_nobody_before_could_be_called_and_when_one_was_sent(town: World) -> None:
    town.take_off_call("ada", "ben")
    number = town.vik.files("有人落水", severity="red").number
    town.work()
    rule = "（规则：海城镇 红色新报，默认）。"
    assert reasons(town, number)["李雷", 1] == f"第 2 梯次：因为前面的人叫不到，您是带班领导{rule}"
    town.dora.must("dispatch", number, to=["ada"])
    said = reasons(town, number)["陈安", 0]
    assert said == "第 1 梯次：派单指定了您（规则：海城镇 红色派单，默认）。"


def simulate(
    world: World, purpose: str, severity: Severity, at: datetime, named: tuple[int, ...] | list[int] = (),
    without: tuple[int, ...] | list[int] = (),
) -> list[Moment]:  # fmt: skip
    with world.app.app_context():
        return simulate_here(purpose, severity, at, named, without)


def simulate_here(
    purpose: str, severity: Severity, at: datetime, named: tuple[int, ...] | list[int] = (),
    without: tuple[int, ...] | list[int] = (),
) -> list[Moment]:  # fmt: skip
    policy = policies.with_minutes(policies.choose(TOWN, purpose, severity, None).policy, severity)
    return simulation.run(policy, Question(TOWN, purpose, severity, at, named, without))


def passes(world: World, said: list[Moment], start: datetime) -> None:
    """The time that the simulation speaks of, and what quiet hours hold back."""
    latest = max([said[-1].at, *(way.at for moment in said for person in moment.people for way in person.ways)])
    world.work()
    world.fast_forward(minutes=(latest - start).total_seconds() / 60 + 1)


def calls(said: list[Moment], start: datetime) -> list[Call_]:
    found: list[Call_] = []
    for moment in said:
        for person in moment.people:
            ways = [(way.kind, way.at - start) for way in person.ways for _ in range(way.addresses)]
            for kind, at in ways or [("webpush", None)]:
                found.append((moment.at - start, moment.rung, person.name, kind, at, person.copied, person.why))
    return sorted(found, key=str)


def events(said: list[Moment], start: datetime) -> list[tuple[timedelta, str]]:
    return [(moment.at - start, moment.event) for moment in said]


def engine(world: World, number: str, purpose: str, start: datetime) -> tuple[list[Call_], list[tuple[timedelta, str]]]:
    """What it really did: when the services took what was sent, or when it would be sent; and what it wrote down."""
    with world.app.app_context():
        alert = db.session.scalars(select(Alert).where(Alert.purpose == purpose)).one()
        query = select(Delivery).where(Delivery.alert_id == alert.id)
        made = [
            (d.created_at - start, d.rung, d.user.name, d.channel, _sent(d, start), d.copied, d.why)
            for d in db.session.scalars(query)
        ]
        history = select(CaseEvent).where(CaseEvent.case_id == alert.case_id, CaseEvent.action.in_(ENGINE))
        written = [
            (e.at - start, e.action)
            for e in db.session.scalars(history.order_by(CaseEvent.id))
            if e.data.get("alert") in (None, str(alert.id))
        ]
        return sorted(made, key=str), written


def _sent(delivery: Delivery, start: datetime) -> timedelta | None:
    if delivery.state == DeliveryState.FAILED:
        return None
    at = delivery.accepted_at or delivery.due_at
    assert at is not None, delivery.state
    return at - start


def reasons(world: World, number: str) -> dict[tuple[str, int], str]:
    with world.app.test_request_context():
        query = select(Delivery).join(Alert).where(Alert.state == "open", Alert.purpose != Purpose.ANSWER)
        return {(d.user.name, d.rung): policy_words.why(d) for d in db.session.scalars(query)}


def _finer(code: str) -> str:
    return db.session.scalars(select(Category.code).where(Category.parent_code == code)).first() or ""

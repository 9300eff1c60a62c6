"""Two reports of one hole: merged, merged by mistake, taken apart. Nobody's report is lost and nobody is forgotten."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from fieldapp import clock, duplicates, search
from fieldapp.db import db, writing
from fieldapp.models import Alert, Attachment, Case, PairDecision, Report, SimilarityScale, User
from fieldapp.rules import habit
from fieldapp.rules.similarity import ALIKE_BITS, EVEN
from tests.pictures import encoded, jpeg_with_everything
from tests.world import Filed, Person, World


@pytest.fixture(autouse=True)
def wes(world: World) -> Person:
    """A second volunteer of the same village."""
    with world.app.app_context(), writing():
        vik = db.session.scalars(select(User).where(User.username == "vik")).one()
        same = {"role": vik.role, "area_code": vik.area_code, "password_hash": vik.password_hash}
        db.session.add(User(username="wes", name="王五", created_at=clock.now(), **same))
    return world.person("wes")


def standing(world: World, *numbers: str) -> dict[str, tuple[Any, ...]]:
    """What must be the same again after an undo."""
    out = {}
    with world.app.app_context():
        for case in db.session.scalars(select(Case).where(Case.number.in_(numbers))):
            reports = db.session.scalars(select(Report.id).where(Report.case_id == case.id))
            calling = select(Alert.id).where(Alert.case_id == case.id, Alert.state == "open")
            out[case.number] = (
                sorted(map(str, reports)), case.status, case.severity, case.signals, case.due_at, case.due_step,
                len(db.session.scalars(calling).all()),
            )  # fmt: skip
    return out


def _dora() -> User:
    return db.session.scalars(select(User).where(User.username == "dora")).one()


def pair(world: World, one: str = "blue", other: str = "blue") -> tuple[Filed, Filed]:
    return world.vik.files("井盖没了", severity=one), world.wes.files("路口井盖不见了", severity=other)


@pytest.mark.parametrize(
    ("one", "other", "accepted"),
    [("blue", "blue", True), ("red", "blue", False), ("yellow", "red", True), ("blue", "red", False)],
)
def test_a_merge_by_mistake_is_undone_as_if_it_never_was(world: World, one: str, other: str, accepted: bool) -> None:
    first, second = (filed.number for filed in pair(world, one, other))
    if accepted:
        world.dora.must("accept", second)
    before = standing(world, first, second)
    world.dora.must("merge", second, to=first)
    assert standing(world, first)[first][3] == 2
    world.dora.must("unmerge", second)
    assert standing(world, first, second) == before


@pytest.mark.parametrize(("other", "calls"), [("yellow", 0), ("red", 1)])
def test_what_the_desk_merges_into_its_own_case_calls_only_when_it_is_worse(
    world: World, other: str, calls: int
) -> None:
    first, second = (filed.number for filed in pair(world, "yellow", other))
    world.dora.must("accept", first)
    world.hush()
    world.dora.must("merge", second, to=first)
    assert standing(world, first)[first][-1] == calls
    world.dora.must("unmerge", second)
    assert standing(world, first)[first][-1] == 0
    world.dora.must("merge", second, to=first)
    world.dora.must("park", first, note="等市政来人")
    assert standing(world, first)[first][-1] == 0, "who decides that it waits ends the call for somebody to look"


def test_a_chain_comes_apart_from_its_end(world: World) -> None:
    a, b, c = (world.vik.files(f"井盖{n}").number for n in "一二三")
    before = standing(world, a, b, c)
    world.dora.must("merge", a, to=b)
    world.dora.must("merge", b, to=c)
    assert len(standing(world, c)[c][0]) == 3
    assert world.dora.does("unmerge", a).status_code == 409, "b went on into c"
    world.dora.must("unmerge", b)
    world.dora.must("unmerge", a)
    assert standing(world, a, b, c) == before


def test_once_the_other_is_closed_it_stays_merged_and_everybody_hears(world: World) -> None:
    first, second = pair(world)
    gone = second.number
    world.wes.carries_phone()
    world.dora.must("accept", first.number)
    world.dora.must("merge", second.number, to=first.number)
    world.work()
    world.hush()
    world.dora.must("close", first.number, note="补好了")
    world.work()
    world.phones["wes"].expects("已办结")
    assert world.dora.does("unmerge", gone).status_code == 409


def test_one_report_is_another_event_and_its_reporter_is_told(world: World) -> None:
    first, second = pair(world)
    gone = second.number
    world.wes.carries_phone()
    world.dora.must("merge", second.number, to=first.number)
    world.work()
    world.hush()
    world.dora.must("split", first.number, to=second.id)
    apart = second.number
    assert apart not in (first.number,), "it has a number of its own"
    assert offers(world, first.number) == offers(world, apart) == "", "the desk just said so"
    world.work()
    assert apart in world.phones["wes"].expects("单独办理")["body"]
    shown = standing(world, first.number, apart)
    assert [shown[number][3] for number in (first.number, apart)] == [1, 1]
    assert world.dora.does("split", first.number, to=first.id).status_code == 422, "one must stay"
    assert world.dora.does("unmerge", gone).status_code == 409, "nothing of it is left there"


def test_where_what_was_split_off_happened_the_rest_did_not(world: World) -> None:
    first, second = world.vik.files("井盖没了"), world.wes.files("路口的", position=None)
    there = {"lat": 22.98, "lon": 115.34, "accuracy_m": 9, "age_s": 1, "source": "gps"}
    third = world.wes.files("桥头的", position=there)
    number = first.number
    for other in (second, third):
        world.dora.must("merge", other.number, to=number)
    places = []
    for gone in (first, third):
        world.dora.must("split", number, to=gone.id)
        with world.app.app_context():
            case = db.session.scalars(select(Case).where(Case.number == number)).one()
            places.append((case.title, case.lat, case.lon))
    assert places == [("路口的", 22.98, 115.34), ("路口的", None, None)]


def test_what_the_desk_found_to_be_another_event_is_not_offered_again(world: World) -> None:
    first, second = pair(world)
    page = f"/desk/cases/{second.number}"
    shown = world.dora.get(page).text
    assert "可能重复" in shown and "0 米外" in shown and "都提到“井盖”" in shown
    world.dora.must("not_same", second.number, to=first.number)
    assert "可能重复" not in world.dora.get(page).text


def offers(world: World, number: str) -> str:
    """What the page of a case says of likely repeats, without its marks."""
    page = world.dora.get(f"/desk/cases/{number}").text
    found = re.search(r'id="duplicates">(.*?)</section>', page, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def test_either_of_two_repeats_shows_the_other_and_takes_it_in(world: World) -> None:
    first, second = (filed.number for filed in pair(world))
    with world.app.app_context(), writing():
        db.session.scalars(select(Case).where(Case.number == first)).one().opened_at -= timedelta(minutes=5)
        kinds = {
            number: db.session.scalars(select(Case).where(Case.number == number)).one() for number in (first, second)
        }
        mine = {number: duplicates.likely(_dora(), case, clock.now()) for number, case in kinds.items()}
        assert [offer.score for offer in mine[first]] == [offer.score for offer in mine[second]] != []
    earlier, later = offers(world, first), offers(world, second)
    assert (
        second in earlier and "0 米外、晚 5 分钟、" in earlier and "把它并过来" in earlier and "都提到“井盖”" in earlier
    )
    assert first in later and "0 米外、早 5 分钟、" in later and "合并到它" in later and "都提到“井盖”" in later
    assert "不同类" not in earlier + later, "nobody has said of what kind they are"
    world.dora.must("dispatch", first, to="ada")
    assert "把它并过来" in offers(world, first), "what is being dealt with takes a late repeat in"
    tap = {"action": "merge", "version": 1, "to": first, "back": first}
    answer = world.dora.post(f"/desk/cases/{second}/transitions", data=tap, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and f'data-number="{first}"' in answer.text, "back on the page it was pressed on"
    assert world.dora.case(second)["status"] == "merged" and offers(world, first) == ""


def test_a_later_one_that_is_another_event_is_offered_on_neither_page(world: World) -> None:
    first, second = (filed.number for filed in pair(world))
    stale = {"action": "not_same", "version": 9, "to": first, "back": first}
    refused = world.dora.post(f"/desk/cases/{second}/transitions", data=stale, headers={"HX-Request": "true"})
    assert refused.status_code == 409 and f'data-number="{first}"' in refused.text and "刚刚有人动过" in refused.text
    answer = world.dora.post(f"/desk/cases/{second}/transitions", data=stale | {"version": 1})
    assert answer.location == f"/desk/cases/{first}"
    assert offers(world, first) == offers(world, second) == ""


def test_two_that_were_taken_apart_again_are_still_offered_with_who_did_it(world: World) -> None:
    first, second = (filed.number for filed in pair(world))
    name = world.lea.get("/api/me").json["name"]
    for accepted in (False, True):
        world.dora.must("merge", second, to=first)
        world.lea.must("unmerge", second)
        for number in (first, second):
            told = offers(world, number)
            assert re.search(f"合并过，又分开了： [0-9: -]+ {name}", told) and "不是一回事" in told, (told, accepted)
        if not accepted:
            world.dora.must("accept", second)
    world.dora.must("not_same", second, to=first)
    assert offers(world, first) == offers(world, second) == "", "that is the last word"


def test_two_phones_took_the_same_picture(world: World) -> None:
    first = world.vik.files("", photos=(jpeg_with_everything(),))
    second = world.wes.files("", photos=(encoded("WEBP"),), position=None)
    world.develop()
    with world.app.app_context():
        one, other = db.session.scalars(select(Attachment.looks)).all()
        assert one and other and (int(one, 16) ^ int(other, 16)).bit_count() <= ALIKE_BITS
    shown = world.dora.get(f"/desk/cases/{second.number}").text
    assert first.number in shown and "照片相像" in shown and "同一个村（社区）" in shown


def test_the_scale_is_learned_from_the_towns_own_cases_and_decisions(world: World) -> None:
    first, second = pair(world)
    world.dora.must("not_same", second.number, to=first.number)
    with world.app.app_context():
        assert duplicates.learn(clock.now()) == 0, "too few to learn from"
        with writing():
            case = db.session.scalars(select(Case).where(Case.number == first.number)).one()
            for n in range(duplicates.ENOUGH):
                copy = {name: getattr(case, name) for name in ("town_code", "area_code", "severity", "lat", "lon")}
                at = {"opened_at": case.opened_at, "changed_at": case.opened_at, "closed_at": case.opened_at}
                db.session.add(Case(number=f"T-{n}", status="closed", title=f"老街{n}", version=1, **copy, **at))
        assert duplicates.learn(clock.now()) == 1
        scale = db.session.get_one(SimilarityScale, "").learned
        assert scale["rows"] > duplicates.ENOUGH and scale["favour"] == 0.75
        assert duplicates.learn_if_old(clock.now()) == 0, "somebody has, today"
        assert duplicates.learn_if_old(clock.now() + duplicates.FRESH) == 1


def test_a_desk_that_keeps_saying_no_at_a_distance_is_understood(world: World) -> None:
    number = world.vik.files("井盖没了").number
    with world.app.app_context():
        now = clock.now()
        with writing():
            case = db.session.scalars(select(Case).where(Case.number == number)).one()
            copy = {
                name: getattr(case, name) for name in ("town_code", "area_code", "category_code", "severity", "lat")
            }
            for n in range(duplicates.ENOUGH):
                at = {"opened_at": now, "changed_at": now, "closed_at": now, "lon": case.lon + n % 2 * 0.0003}
                db.session.add(Case(number=f"T-{n}", status="closed", title=f"老街{n}", version=1, **copy, **at))
            db.session.flush()
            few = duplicates.ENOUGH_OF_EACH * 2
            made = db.session.scalars(select(Case).where(Case.number.like("T-%")).order_by(Case.id)).all()
            for n in range(2, few + 2):  # every second one lies 30 m off, and is no repeat
                duplicates.decided(made[n], made[0], n % 2 == 0, now)
        duplicates.learn(now)
        scale, common = duplicates._scales([""])[""]
        here, off = (duplicates._item(made[n], made[n].title, common) for n in (0, 1))
        same, other = (habit.likelihood(scale, here, there, far) for there, far in ((here, 0.0), (off, 30.0)))
        assert scale.habit and same > EVEN > other
        with writing():
            db.session.delete(db.session.get_one(PairDecision, (made[2].id, made[0].id)))
        duplicates.learn(now)
        assert not duplicates._scales([""])[""][0].habit, "one yes too few shows no habit"


def test_a_case_of_the_next_town_is_never_offered(world: World) -> None:
    first, second = pair(world)
    with world.app.app_context():
        case = db.session.scalars(select(Case).where(Case.number == first.number)).one()
        case.town_code = "441521119"
        db.session.commit()
    assert "可能重复" not in world.dora.get(f"/desk/cases/{second.number}").text


def one_tap(officer: Person, number: str, to: str) -> int:
    body = {"action": "merge", "to": to, "version": 1}
    return officer.post(f"/api/cases/{number}/transitions", json=body).status_code


def taps_merge(world: World, number: str, *to: str, note: str = "") -> TestResponse:
    data = {"action": "merge", "version": 1, "to": list(to), "note": note}
    return world.dora.post(f"/desk/cases/{number}/transitions", data=data, headers={"HX-Request": "true"})


def test_the_last_digits_will_do_and_where_several_fit_they_are_to_choose_from(world: World) -> None:
    first, second = (filed.number for filed in pair(world))
    far = [world.vik.files(f"路灯{n}", position=None).number for n in range(2)]
    with world.app.app_context(), writing():
        for n, number in enumerate(far):  # 007 and 1007 of another day
            case = db.session.scalars(select(Case).where(Case.number == number)).one()
            case.number = far[n] = ("HC-20250101-007", "HC-20250102-1007")[n]
            search.note(case)
        theirs = db.session.scalars(select(Case).where(Case.number == second)).one()
        theirs.town_code, theirs.number = "441521119", "FC-20250103-2007"
        search.note(theirs)
    asked = taps_merge(world, first, "007", note="同一个坑")
    assert asked.status_code == 422 and "对得上的不止一件" in asked.text and "同一个坑</textarea>" in asked.text
    offered = asked.text[asked.text.index('id="merge-choices"') :].split("</fieldset>")[0]
    assert re.findall(r'value="([^"]+)"', offered) == far[::-1] and "路灯0" in offered, "and none of the next town's"
    assert "只能并入一件" in taps_merge(world, first, *far).text
    assert "没有这个编号" in taps_merge(world, first, "999").text
    assert "后三位" in taps_merge(world, first, "07").text, "too short a piece would merge into whatever it fits"
    assert world.dora.case(first)["status"] == "new"
    assert taps_merge(world, first, "0101-007", "").status_code == 200
    assert standing(world, far[0])[far[0]][3] == 2
    world.dora.must("accept", far[0])
    world.dora.must("close", far[0], note="好了")
    third = world.vik.files("又一个坑").number
    assert "只能并入还没办结" in taps_merge(world, third, "0101-007").text
    assert taps_merge(world, third, "１００７").status_code == 200
    assert world.dora.case(third)["status"] == "merged"


def test_merging_crosswise_one_after_the_other_is_refused_not_looped(world: World) -> None:
    first, second = pair(world)
    assert one_tap(world.dora, second.number, first.number) == 200
    assert one_tap(world.lea, first.number, second.number) in (409, 422)

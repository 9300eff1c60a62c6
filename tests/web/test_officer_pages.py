"""What officers read on their pages: who did what, what is asked of them, and the way on when something is over."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp import queue
from fieldapp.db import db, writing
from fieldapp.models import Alert, User
from fieldapp.rules.masking import NO_PHONE
from fieldapp.web import words
from tests.world import Person, World

pytestmark = pytest.mark.onedb  # what pages say is the same on both

HTMX = {"HX-Request": "true"}
FORM = {"name": "郑伯", "role": "patrol", "area_code": "441521115004", "key": "k1"}


def text(person: Person, path: str, **more: str) -> str:
    """The page without tags, in one line."""
    answer = person.get(path, headers=more)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def done_by_ada(world: World, words: str = "井盖破损") -> str:
    number = world.vik.files(words).number
    world.dora.must("dispatch", number, to=["ada", "ben"])
    for step in ("acknowledge", "depart", "arrive"):
        world.ada.must(step, number)
    return number


def closed(world: World, words: str = "井盖破损") -> str:
    number = done_by_ada(world, words)
    world.ada.must("report_outcome", number, note="盖好了")
    world.dora.must("close", number)
    return number


def test_a_session_that_ended_puts_no_login_page_into_the_desk(world: World) -> None:
    nobody = world.app.test_client()
    answer = nobody.get("/desk/queue", headers=HTMX)
    assert answer.status_code == 401 and "password" not in answer.text
    assert nobody.get("/desk?lane=done").headers["Location"] == "/login?next=/desk%3Flane%3Ddone"


def test_a_telephone_in_a_title_stays_off_lists_maps_tabs_and_lock_screens(world: World) -> None:
    phone, box = "13800138000", "bbox=115,22,116,23&zoom=12"
    first = world.vik.files(f"井盖破损，打{phone}").number
    number = world.vik.files(f"井盖破损，找{phone}").number
    world.dora.must("dispatch", number, to=["ada"])
    lists = ("/desk", "/desk/queue", "/desk?q=井盖", f"/desk/map/box?{box}", f"/desk/map/list?{box}", "/desk/handover")
    for path in lists:
        page = world.dora.get(path).text
        assert first in page or "井盖" in page, path
        assert phone not in page and NO_PHONE in page, path
    assert phone not in text(world.ada, "/tasks") and NO_PHONE in text(world.ada, "/tasks")
    with world.app.app_context():
        titles = list(db.session.scalars(select(Alert.title).where(Alert.case_id.is_not(None))))
    assert titles and all(phone not in title for title in titles) and any(NO_PHONE in title for title in titles)
    page = world.dora.get(f"/desk/cases/{number}").text
    assert phone not in page.split("</title>")[0]
    assert f'tabindex="-1">井盖破损，找{phone}</h2>' in page  # who works on it reads all of it
    assert f"找{phone}</h1>" in world.ada.get(f"/tasks/{number}").text


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("/admin/categories/fire", "/admin"), ("/admin/accounts/3/invitations", "/admin/accounts"),
        ("/password", "/devices"), ("/desk/cases/HC-1/transitions", "/desk/cases/HC-1"), ("/logout", "/login"),
    ],
)  # fmt: skip
def test_the_address_of_a_form_leads_to_the_page_above(world: World, typed: str, page: str) -> None:
    answer = world.root.get(typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    assert world.root.get("/api/session").status_code == 405, "a program is told"


def test_an_open_case_keeps_the_lane_it_was_opened_from(world: World) -> None:
    number = done_by_ada(world)
    path = f"/desk/cases/{number}?lane=in_hand"
    assert f'hx-get="{path}"' in world.dora.get("/desk/queue?lane=in_hand").text
    shown = world.dora.get(path, headers=HTMX).text
    assert 'href="/desk?lane=in_hand"' in shown and f'/desk/cases/{number}/transitions?lane=in_hand"' in shown


def test_another_lane_keeps_the_open_case_in_the_address(world: World) -> None:
    at = HTMX | {"HX-Current-URL": "http://town/desk/cases/HC-1?lane=open"}
    moved = world.dora.get("/desk/queue?lane=done&moved=1", headers=at)
    assert moved.headers["HX-Push-Url"] == "/desk/cases/HC-1?lane=done"
    assert "HX-Push-Url" not in world.dora.get("/desk/queue?lane=done", headers=at).headers


def test_words_are_looked_for_in_every_lane(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    over, other = closed(world, "路灯一"), closed(world, "路灯二")
    waiting = world.vik.files("路灯三").number
    found = text(world.dora, "/desk/queue?lane=overdue&q=路灯")
    assert "全部事件里有“路灯”的" in found and all(f"路灯 {n}" in found for n in "一二三")  # the word is marked
    monkeypatch.setattr(queue, "PAGE", 1)
    page, seen = "/desk/queue?q=路灯", []
    while page:
        shown = world.dora.get(page).text
        seen += re.findall(r'id="row-([^"]+)"', shown)
        more = re.search(r'hx-get="([^"]+cursor=[^"]+)"', shown)
        page = more[1].replace("&amp;", "&") if more else ""
    assert seen == [waiting, other, over], "the open one first, then the latest"


def test_the_desk_reads_why_a_case_came_back(world: World) -> None:
    number = closed(world)
    world.vik.must("dispute", number, note="昨晚又灭了")
    assert re.search(r"林阿伯 没解决 \d\d-\d\d \d\d:\d\d “?昨晚又灭了", text(world.dora, f"/desk/cases/{number}"))
    world.dora.must("accept", number)
    world.dora.must("close", number, note="再换一次")
    assert 'class="notice said"' not in world.dora.get(f"/desk/cases/{number}").text


def test_what_somebody_did_counts_more_than_a_push_that_failed(world: World) -> None:
    number = done_by_ada(world)
    world.ben.must("return", number, note="车坏了")
    assert re.search(r"黄本 已退出 \d\d:\d\d", text(world.ada, f"/tasks/{number}/called"))
    assert re.search(r"陈安 已到场 \d\d:\d\d", text(world.lea, f"/tasks/{number}/called"))


def test_a_new_round_forgets_who_acted_in_the_last(world: World) -> None:
    number = closed(world)
    world.vik.must("dispute", number)
    world.dora.must("dispatch", number, to=["ada", "ben"])
    shown = text(world.ben, f"/tasks/{number}/called")
    assert "陈安" in shown and "已反馈" not in shown


def test_a_phone_shows_only_limits_that_are_its_own(world: World) -> None:
    number = world.vik.files("有人晕倒", "red").number
    assert "限时" not in text(world.ada, f"/tasks/{number}"), "accepting is the desk's"
    world.ada.must("acknowledge", number)
    assert "限时 到场" in text(world.ada, f"/tasks/{number}")
    world.ada.must("report_outcome", number, note="已送医")
    assert "限时" not in text(world.ada, f"/tasks/{number}") + text(world.ada, "/tasks")


def test_who_was_not_needed_is_told_so(world: World) -> None:
    number = done_by_ada(world)
    world.ada.must("report_outcome", number, note="盖好了")
    assert "已有人处置，等中心核查" in text(world.ben, f"/tasks/{number}")


def test_after_arriving_one_cannot_do_it_rather_than_cannot_go(world: World) -> None:
    number = done_by_ada(world)
    assert "我办不了" in text(world.ada, f"/tasks/{number}") and "我去不了" in text(world.ben, f"/tasks/{number}")


def test_the_way_back_to_a_case_given_back_leads_on(world: World) -> None:
    number = done_by_ada(world)
    world.ben.must("return", number, note="车坏了")
    gone, none = world.ben.get(f"/tasks/{number}"), world.ben.get("/tasks/HC-20200101-999")
    assert gone.status_code == 404 and "看我的任务" in gone.text and "这件现在不由您办" in gone.text
    assert gone.text.replace(number, "HC-20200101-999") == none.text, "and tells nothing"


def test_a_refusal_has_a_heading_and_a_way_home(world: World) -> None:
    page = world.vik.get("/desk").text
    assert "<h1>您的角色不能做这件事。</h1>" in page and page.count('href="/login"') == 2


def test_a_merged_case_says_where_its_content_went(world: World) -> None:
    first, second = world.vik.files("垃圾").number, world.vik.files("一堆垃圾").number
    world.dora.must("merge", first, to=second)
    page = world.dora.get(f"/desk/cases/{first}").text
    assert "内容和照片都并到了另一件" in page and f'href="/desk/cases/{second}"' in page


def test_answers_to_a_reporter_stand_in_one_line(world: World) -> None:
    number = closed(world)
    shown = text(world.dora, f"/desk/cases/{number}")
    assert len(re.findall("告知上报人", shown)) == 1 and "共 3 次" in shown


def test_the_desk_writes_down_what_it_was_told_by_telephone(world: World) -> None:
    number = done_by_ada(world)
    page = world.dora.get(f"/desk/cases/{number}").text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert "代为反馈" in page and version
    form = {"action": "report_outcome", "note": "电话说盖好了", "version": version[1]}
    assert world.dora.post(f"/desk/cases/{number}/transitions", data=form).status_code == 303
    assert world.dora.case(number)["status"] == "answered"
    assert "代为反馈" not in world.dora.get(f"/desk/cases/{number}").text


def test_the_same_form_makes_no_second_invitation(world: World) -> None:
    assert 'class="qr"' in world.dora.post("/desk/invitations", data=FORM).text
    again = world.dora.post("/desk/invitations", data=FORM)
    assert again.status_code == 409 and "已经显示过" in again.text and again.text.count("/revocation") == 1
    assert world.dora.post("/desk/invitations", data=FORM | {"key": "k2"}).status_code == 200


def test_nor_does_a_new_phone(world: World) -> None:
    path = f"/admin/accounts/{world.ben.id}/invitations"
    assert [world.root.post(path, data={"key": "k"}).status_code for _ in range(2)] == [200, 409]


def test_an_admins_mistake_is_told_on_top_and_linked(world: World) -> None:
    wrong = world.root.post("/admin/categories/fire", data={"name": "消防", "name_en": "Fire", "tile": "x"})
    assert wrong.status_code == 422
    assert "没有保存：应为数字。" in wrong.text and 'href="#category-fire"' in wrong.text
    limits = world.root.post("/admin/limits", data={"red-name": "紧急"})
    assert 'href="#limit-' in limits.text and len(re.findall(r'role="alert"(?! hidden)', limits.text)) == 1
    own = world.root.post(f"/admin/accounts/{world.root.id}?q=管理", data={"role": "duty"})
    assert f'href="#account-{world.root.id}"' in own.text and 'value="管理"' in own.text


def test_what_only_the_county_edits_is_only_read(world: World) -> None:
    with world.app.app_context(), writing():
        db.session.scalars(db.select(User).where(User.username == "ana")).one().role = "admin"
    for path in ("/admin", "/admin/limits"):
        page = world.root.get(path).text
        assert "只能看" in page and "<fieldset" in page and " disabled>" in page and "保存" not in page
        assert "保存" in world.ana.get(path).text


def test_the_desk_gives_a_volunteer_another_phone_for_the_same_account(world: World) -> None:
    vik = world.vik.id
    page = world.dora.post("/desk/invitations/new-phone", data={"user": str(vik), "key": "once"}).text
    token = page.split("/invite/")[1].split('"')[0]
    phone = world.app.test_client()
    assert phone.post(f"/invite/{token}", headers={"X-Requested-With": "fieldapp"}).status_code == 302
    assert phone.get("/api/me").json["id"] == vik


@pytest.mark.parametrize("username", ["dora", "otto", "nobody at all"])
def test_nobody_gets_a_code_into_an_officers_or_another_towns_account(world: World, username: str) -> None:
    who = {"dora": world.person("lea").id, "otto": world.otto.id, "nobody at all": 999999}[username]
    assert world.dora.post("/desk/invitations/new-phone", data={"user": str(who)}).status_code == 404


def test_the_counts_leave_out_what_is_no_event_and_say_what_is_unsorted(world: World) -> None:
    numbers = [world.vik.files(f"路灯 {n}").number for n in range(7)]
    world.dora.must("merge", numbers[0], to=numbers[1])
    world.dora.must("decline", numbers[2], note="已报过")
    row = world.ana.get("/analysis").text.split("海城镇</th>")[1].split("</tr>")[0]
    cells = [cell.split("<")[-2].split(">")[-1].strip() for cell in row.split("</td>")[:-1]]
    assert cells[-2].endswith("5"), cells
    assert all(cell.endswith("<5") or "lt;5" in cell for cell in cells[:-2]), cells


def test_a_countdown_says_what_it_counts(world: World) -> None:
    now = world.now
    with world.app.test_request_context():
        said = [words.countdown(now + timedelta(seconds=left), now) for left in (586, 7260, -120)]
    assert said == ["剩 09:46", "还有 2 小时 1 分", "超期 2 分"]

"""The server dies, fills up, fails, is busy or asks who this is: each report still arrives once, byte for byte."""

import contextlib
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import create_engine, text

from tests.browser.faulty import NEVER_SMALLER, pixels
from tests.browser.patrol import ANYTHING, PHOTO, TEXT, Phone, photo
from tests.browser.people import DESK, HEADERS, Sitter
from tests.browser.relay import BadLine, broken_off, drop, hang, held, repeated
from tests.databases import Database
from tests.processes import Product

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

BROKEN = {
    "sqlite": ["CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END"],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'broken'; END $$",
        "CREATE TRIGGER broken BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION broken()",
    ],
}
MENDED = {"sqlite": "DROP TRIGGER broken", "postgresql": "DROP TRIGGER broken ON {table}"}
LOCKED = {"sqlite": "SELECT 1", "postgresql": "LOCK TABLE reports IN EXCLUSIVE MODE"}


@pytest.fixture(scope="module")
def town(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product whose supervisor does not wait longer and longer: its server dies often here."""
    folder = tmp_path_factory.mktemp("town")
    hurry = {"RESTART_AFTER_S": 0.2, "RESTART_AT_LATEST_S": 0.5}
    with Product(folder / "instance", database_url=database.fresh(folder), hurry=hurry) as running:
        yield running


class Storage:
    """The product's database and disk, as somebody with a root shell sees them."""

    def __init__(self, town: Product) -> None:
        self.town = town
        self.engine = create_engine(town.env["DATABASE_URL"])
        self.kind = self.engine.dialect.name

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def one(self, query: str) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(query)).scalar()

    def count(self, words: str) -> int:
        return int(self.one(f"SELECT count(*) FROM reports WHERE text = '{words}'"))

    def cases(self, words: str) -> int:
        query = f"SELECT count(DISTINCT case_id) FROM reports WHERE text = '{words}' AND case_id IS NOT NULL"
        return int(self.one(query))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody holds the database: what the server wants to write waits just before its commit."""
        with self.engine.connect().execution_options(fieldapp_begin="IMMEDIATE") as connection:
            connection.exec_driver_sql(LOCKED[self.kind])
            try:
                yield
            finally:
                connection.rollback()

    @contextlib.contextmanager
    def failing(self, table: str) -> Iterator[None]:
        """No row can be written into this table."""
        self.run(*(statement.format(table=table) for statement in BROKEN[self.kind]))
        try:
            yield
        finally:
            self.run(MENDED[self.kind].format(table=table))

    @contextlib.contextmanager
    def full(self, size: int) -> Iterator[None]:
        """No file of the web server can grow beyond `size` bytes, as on a disk that has no more room."""
        self._limit(size)
        try:
            yield
        finally:
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for pid in self.town.server():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def originals(self) -> int:
        folder = Path(self.town.env["FIELDAPP_INSTANCE"], "photos", "originals")
        return sum(path.is_file() for path in folder.rglob("*"))


@pytest.fixture
def storage(town: Product) -> Iterator[Storage]:
    made = Storage(town)
    yield made
    made.engine.dispose()


def dies(town: Product) -> None:
    """Power cut, and the supervisor brings another."""
    dead = town.server()
    town.kill_server()
    town.wait_until(lambda: any("granian" in words and pid not in dead for pid, words in town.children().items()))
    town.wait_until(lambda: town.ready()[0] == 200)


# It dies.


def test_a_server_killed_before_its_commit(chromium: Browser, town: Product, line: BadLine, storage: Storage) -> None:
    with Phone(chromium, town, line) as phone:
        with storage.locked():
            phone.file("死在提交之前", photo())
            phone.has_tried(TEXT, 1)
            phone.page.wait_for_timeout(500)  # the server has the whole request and waits for the database
            town.kill_server()
        assert storage.count("死在提交之前") == 0
        phone.says("已存到手机|正在发送")
        town.wait_until(lambda: town.ready()[0] == 200)
        phone.insist()
        phone.arrives("死在提交之前")
        assert (storage.count("死在提交之前"), storage.cases("死在提交之前")) == (1, 1)


def test_a_server_killed_after_the_file_has_its_name_before_the_row_says_so(
    chromium: Browser, town: Product, line: BadLine, storage: Storage
) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(PHOTO, drop)
        report_id = phone.file("文件在，记录不在", photo())
        phone.says("中心已收到，照片录音 0/1|中心已收到", of="")
        before = storage.originals()
        with storage.locked():
            line.heal()
            phone.wake()
            town.wait_until(lambda: storage.originals() == before + 1)
            town.kill_server()
        town.wait_until(lambda: town.ready()[0] == 200)
        assert storage.one(f"SELECT state FROM attachments WHERE sha256 = '{next(iter(phone.files))}'") == "expected"
        phone.insist()
        phone.says("中心已收到", of=report_id)
        phone.arrives("文件在，记录不在")
        assert storage.originals() == before + 1


def test_a_server_killed_in_the_middle_of_an_upload(
    chromium: Browser, town: Product, line: BadLine, storage: Storage
) -> None:
    with Phone(chromium, town, line) as phone:
        line.slow = (60_000, 0)
        phone.file("传了一半服务器死了", pixels(700, 500))
        phone.has_tried(PHOTO, 1)
        dies(town)
        line.slow = None
        phone.insist()
        phone.arrives("传了一半服务器死了", seconds=30)
        assert storage.cases("传了一半服务器死了") == 1


def test_a_line_that_breaks_in_the_middle_of_a_photo_leaves_nothing_behind(
    chromium: Browser, town: Product, line: BadLine, storage: Storage
) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(PHOTO, broken_off, times=1)
        line.fail(TEXT, broken_off, times=1)
        phone.file("线断在照片中间", pixels(300, 200))
        while phone.queue():
            phone.says("已存到手机|正在发送|中心已收到")
            phone.insist()
        phone.arrives("线断在照片中间")
        incoming = Path(town.env["FIELDAPP_INSTANCE"], "photos", "incoming")
        town.wait_until(lambda: not list(incoming.iterdir()), seconds=10)


# It is full, or broken.


def test_a_disk_without_room_for_a_photo(chromium: Browser, town: Product, line: BadLine, storage: Storage) -> None:
    with Phone(chromium, town, line) as phone:
        phone.context.add_init_script(NEVER_SMALLER)  # a photo larger than any file of the database
        line.fail(TEXT, drop)
        report_id = phone.file("服务器硬盘满了", pixels(1500, 1000))
        (size,) = [one["bytes"] for one in phone.queue()[0]["body"]["photos"]]
        with storage.full(size - 1):
            line.heal()
            phone.insist()
            phone.says("中心已收到，照片录音 0/1", of=report_id)
            town.wait_until(lambda: line.seen(PHOTO) >= 1)
            phone.page.wait_for_timeout(500)
            (report,) = phone.queue()
            assert (report["state"], report["why"]) == ("text-received", "http_500")
        phone.insist()
        phone.arrives("服务器硬盘满了")


def test_a_disk_without_room_for_anything(chromium: Browser, town: Product, line: BadLine, storage: Storage) -> None:
    if storage.kind != "sqlite":
        pytest.skip("PostgreSQL's server is not ours to fill")
    with Phone(chromium, town, line) as phone, storage.full(1):
        phone.file("一个字也写不下", photo())
        phone.has_tried(TEXT, 1)
        phone.says("已存到手机，还没发出去")
        assert phone.queue()[0]["why"] in ("http_500", "http_503")
    with Phone(chromium, town, line, user="") as phone:
        assert storage.count("一个字也写不下") == 0


def test_a_server_that_fails_half_way_keeps_nothing_of_it(
    chromium: Browser, town: Product, line: BadLine, storage: Storage
) -> None:
    with Phone(chromium, town, line) as phone:
        with storage.failing("alerts"):
            phone.file("报警那一步坏了", photo(), red=True)
            phone.has_tried(TEXT, 1)
            phone.says("已存到手机，还没发出去")
            assert phone.queue()[0]["why"] == "http_500"
            assert storage.count("报警那一步坏了") == 0  # report, case and alert: all of it or nothing
        phone.insist()
        phone.arrives("报警那一步坏了")
        assert storage.cases("报警那一步坏了") == 1


def test_a_server_that_hangs(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line) as phone:
        phone.page.clock.install()
        line.fail(TEXT, hang, times=1)
        phone.file("没有回音", photo())
        phone.has_tried(TEXT, 1)
        phone.says("正在发送")
        phone.page.clock.fast_forward(21_000)
        phone.says("已存到手机，还没发出去")
        phone.insist()
        phone.arrives("没有回音")


# It is asked more than once.


def test_five_identical_requests_at_once(chromium: Browser, town: Product, line: BadLine, storage: Storage) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(TEXT, repeated(5), times=1)
        line.fail(PHOTO, repeated(5), times=1)
        before = storage.originals()
        phone.file("同一份同时来五次", photo())
        phone.arrives("同一份同时来五次")
        assert (storage.count("同一份同时来五次"), storage.cases("同一份同时来五次")) == (1, 1)
        assert storage.originals() == before + 1


def test_the_page_and_its_service_worker_at_once(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line, worker=True) as phone:
        phone.page.goto("/report")
        phone.controlled()
        found: list[str] = []
        protocol = phone.context.new_cdp_session(phone.page)
        protocol.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: found.extend(one["registrationId"] for one in event["registrations"]),
        )
        protocol.send("ServiceWorker.enable")
        gate = threading.Event()
        line.fail(TEXT, held(gate), times=1)
        phone.file("页面和后台一起发", photo())
        phone.has_tried(TEXT, 1)
        event = {"origin": line.url, "registrationId": found[-1], "tag": "drain", "lastChance": False}
        protocol.send("ServiceWorker.dispatchSyncEvent", event)
        phone.page.wait_for_timeout(1500)
        gate.set()
        phone.arrives("页面和后台一起发")
        assert (line.seen(TEXT), line.seen(PHOTO)) == (1, 1)


def test_fifty_reports_over_2g_with_one_among_them_that_no_server_takes(
    chromium: Browser, town: Product, line: BadLine, storage: Storage
) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(ANYTHING.replace("api", "api/reports"), drop)
        phone.page.goto("/report?new=1")
        expect(phone.page.locator("#tiles .tile").first).to_be_visible()
        script = (phone.page.locator("script[type=module]").get_attribute("src") or "").rsplit("/", 1)[0]
        photos = [list(photo()) for _ in range(5)]
        phone.page.evaluate(QUEUED, [script, 50, photos])
        assert len(phone.queue()) == 51
        phone.files = {one["sha256"] for report in phone.queue() for one in report["body"]["photos"]}
        line.heal()
        line.slow = (30_000, 0.1)
        phone.wake()
        for _ in range(600):
            if [report["state"] for report in phone.queue()] == ["needs-help"]:
                break
            phone.page.wait_for_timeout(100)
        (poison,) = phone.queue()
        assert (poison["state"], poison["body"]["text"]) == ("needs-help", "没人收的一条")
        line.slow = None
        phone.open_list()
        phone.says("没发出去，还存在手机里", of=poison["id"])
        assert [storage.count(f"第 {n} 条") for n in range(50)] == [1] * 50
        assert len(phone.files) == 5 and phone.files <= phone.on_disk()


QUEUED = """async ([from, count, photos]) => {
    const [{ newDraft, addFile }, { fileReport }, account] = await Promise.all(
        ["draft.js", "filing.js", "account.js"].map((name) => import(`${from}/${name}`)));
    const me = await account.known();
    const file = async (words, photo) => {
        const draft = newDraft(me.id);
        draft.text = words;
        if (photo) await addFile(draft, "photo", { data: new Uint8Array(photo).buffer, type: "image/jpeg" });
        await fileReport(words === "没人收的一条" ? { ...draft, category: "no-such-kind" } : draft, me);
    };
    await file("没人收的一条");
    for (let n = 0; n < count; n += 1) await file(`第 ${n} 条`, photos[n]);
}"""


# It asks who this is.


def test_a_role_that_may_not_report_and_gets_it_back(
    chromium: Browser, town: Product, line: BadLine, storage: Storage
) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(TEXT, drop, times=1)
        report_id = phone.file("角色改了", photo())
        role = storage.one("SELECT role FROM users WHERE username = 'vik'")
        storage.run("UPDATE users SET role = 'analyst' WHERE username = 'vik'")
        phone.page.goto("/reports")
        phone.says("没发出去，还存在手机里", of=report_id)
        storage.run(f"UPDATE users SET role = '{role}' WHERE username = 'vik'")
        phone.page.get_by_role("button", name="再试一次").tap()
        phone.arrives("角色改了")


def test_an_account_switched_off_over_a_queue(
    chromium: Browser, town: Product, line: BadLine, storage: Storage
) -> None:
    vik = storage.one("SELECT id FROM users WHERE username = 'vik'")
    admin = Sitter(chromium, town, Path(), **DESK)
    admin.log_in("root")
    role = storage.one("SELECT role FROM users WHERE username = 'vik'")
    with Phone(chromium, town, line) as phone:
        line.fail(TEXT, drop, times=1)
        phone.file("账号停用了", photo())
        edit = {"role": role, "active": "0"}
        assert admin.context.request.post(f"/admin/accounts/{vik}", form=edit, headers=HEADERS).ok
        phone.page.goto("/reports")
        phone.says("已存到手机，登录后接着发送")
        phone.says("登录后发出去")
        assert admin.context.request.post(f"/admin/accounts/{vik}", form=edit | {"active": "1"}, headers=HEADERS).ok
        phone.log_in("vik")
        phone.page.goto("/reports")
        phone.arrives("账号停用了")
    admin.close()


def test_every_session_is_gone(chromium: Browser, town: Product, line: BadLine, storage: Storage) -> None:
    with Phone(chromium, town, line) as phone:
        line.fail(TEXT, drop, times=1)
        phone.file("所有登录都失效了", photo())
        storage.run("DELETE FROM devices WHERE user_id = (SELECT id FROM users WHERE username = 'vik')")
        phone.page.goto("/reports")
        phone.says("已存到手机，登录后接着发送")
        phone.log_in("vik")
        phone.page.goto("/reports")
        phone.arrives("所有登录都失效了")


def test_a_logout_without_a_network_is_none(chromium: Browser, town: Product, line: BadLine) -> None:
    with Phone(chromium, town, line, worker=True) as phone:
        phone.page.goto("/reports")
        phone.controlled()
        line.fail(TEXT, drop)
        report_id = phone.file("没网时想退出", photo())
        phone.page.goto("/devices")
        phone.page.get_by_text("退出登录").click()
        line.fail(".*", drop)
        phone.page.get_by_role("button", name="退出这一台").click()
        phone.page.wait_for_timeout(500)
        phone.page.goto("/reports")
        phone.says("已存到手机", of=report_id)  # still this person's phone, and the phone says so
        line.heal()
        phone.insist()
        phone.arrives("没网时想退出")

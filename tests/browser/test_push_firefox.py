"""A push the whole way: the real worker, a push service, Firefox's decryption, our service worker, a person's tap."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.browser.firefox import Firefox, needed
from tests.callers import Caller
from tests.processes import Product
from tests.push.autopush import Autopush

pytestmark = [pytest.mark.browser, pytest.mark.onedb]

ADA, BEN = "陈安", "黄本"


@pytest.fixture(scope="module")
def service() -> Iterator[Autopush]:
    needed()
    with Autopush() as running:
        yield running


@pytest.fixture
def phone(service: Autopush, fresh_town: Product, tmp_path: Path) -> Iterator[Firefox]:
    patient = {"dom.push.requestTimeout": 600_000}  # the browser's own patience must not be what ends a wait
    with Firefox(tmp_path / "profile", fresh_town.url, more=service.prefs | patient) as running:
        yield running
    service.silent = False


def waits_for_calls(phone: Firefox, username: str) -> None:
    """Log in, open the tasks, turn reminders on with the button that is there for it."""
    phone.go("/login")
    phone.log_in(username)
    phone.go("/tasks")
    phone.wait(lambda: phone.find("#push").is_displayed(), "the offer of reminders")
    phone.find("#push").click()
    phone.says("提醒已开启", "#push-box")


def known_of(dora: Caller, number: str, name: str) -> list[str]:
    """What the desk knows of the calls to somebody's devices, the intake's alert only."""
    called = [alert for alert in dora.alerts(number) if alert["purpose"] == "intake"]
    return [delivery["state"] for alert in called for delivery in alert["deliveries"] if delivery["to"] == name]


def known_to(fresh_town: Product, endpoint: str) -> bool:
    """Whether the centre would push to this address."""
    engine = create_engine(fresh_town.env["DATABASE_URL"])
    try:
        with engine.connect() as connection:
            ask = "SELECT count(*) FROM push_subscriptions WHERE endpoint = :endpoint AND disabled_at IS NULL"
            return connection.execute(text(ask), {"endpoint": endpoint}).scalar_one() == 1
    finally:
        engine.dispose()


def test_a_red_report_is_shown_tapped_and_signed(phone: Firefox, service: Autopush, vik: Caller, dora: Caller) -> None:
    waits_for_calls(phone, "ada")
    number = vik.files("井盖破损，夜间危险")
    phone.wait(lambda: known_of(dora, number, ADA) == ["shown"], "the receipt that it is on the screen")
    ((title, body),) = phone.notices()
    assert "井盖破损" in title and number in body
    (alert,) = dora.alerts(number)
    assert [message.topic for message in service.messages] == [alert["id"].replace("-", "")]
    assert alert["state"] == "open" and alert["next_step_at"], "shown is not enough: the leader would follow"
    phone.tap_notice()
    phone.wait(lambda: phone.marionette.get_url().endswith(f"/tasks/{number}"), "the task's own page")
    phone.wait(lambda: known_of(dora, number, ADA) == ["opened"], "the receipt of the tap")
    phone.wait(lambda: phone.count("#step .the-step") == 1, "one big button")
    assert "签收" in phone.text("#step")
    phone.find("#step .the-step").click()
    phone.wait(lambda: known_of(dora, number, ADA) == ["acknowledged"], "the signature at the centre")
    signed = next(alert for alert in dora.alerts(number) if alert["purpose"] == "intake")
    assert (signed["state"], signed["next_step_at"]) == ("acknowledged", None), "nobody else is called any more"
    assert dora.ask("GET", f"/api/cases/{number}")["status"] == "acknowledged"
    assert service.refused == []


def test_a_phone_that_was_off_shows_what_came_meanwhile(
    phone: Firefox, service: Autopush, vik: Caller, dora: Caller
) -> None:
    waits_for_calls(phone, "ben")
    before, asked = len(service.messages), service.asked
    phone.kill()
    number = vik.files("电线垂落")
    service.wait(lambda: len(service.messages) > before)
    dora_knows = known_of(dora, number, BEN)
    assert set(dora_knows) <= {"queued", "accepted"}, "nobody claims that it is on a screen"
    phone.start()
    phone.wait(lambda: known_of(dora, number, BEN) == ["shown"], "the receipt")
    assert service.asked == asked, "the same address still holds"


def test_an_address_that_died_unnoticed_is_replaced_when_the_app_is_opened(
    phone: Firefox, service: Autopush, fresh_town: Product, vik: Caller, dora: Caller
) -> None:
    """The push service forgot everybody, and the browser could not subscribe again at that moment."""
    waits_for_calls(phone, "ben")
    asked = service.asked
    service.silent = True
    service.forget()
    service.wait(lambda: service.asked > asked, 60)
    phone.kill()
    service.silent = False
    phone.start()
    phone.go("/tasks")
    service.wait(lambda: service.endpoints)
    phone.wait(lambda: known_to(fresh_town, service.endpoints[-1]), "the new address at the centre")
    number = vik.files("护栏断了")
    phone.wait(lambda: "shown" in known_of(dora, number, BEN), "the receipt")


def test_a_push_service_that_never_answers_ends_in_a_plain_word(phone: Firefox, service: Autopush) -> None:
    service.silent = True
    phone.go("/login")
    phone.log_in("ada")
    phone.go("/tasks")
    phone.wait(lambda: phone.find("#push").is_displayed(), "the offer of reminders")
    fast = "const real = setTimeout; window.setTimeout = (work, ms, ...more) => real(work, ms / 5, ...more);"
    phone.marionette.execute_script(fast, sandbox=None)
    phone.find("#push").click()
    phone.says("提醒没有开成", "#push-box", seconds=10)
    assert "电话" in phone.text("#push-box"), "another way to be reached is named"
    assert phone.find("#push").is_enabled(), "and it can be tried again"

"""The main job as three people live it, in real Chromium, with touch, offline and a real push."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.people import DESK, PHONE, PushedPhone, Sitter
from tests.pictures import encoded, jpeg_with_everything
from tests.processes import Product
from tests.push.endpoint import PushService

REAL = Path(os.environ.get("FIELDAPP_REAL_PHOTOS", Path(__file__).parents[3] / "shared" / "data" / "photos"))

pytestmark = pytest.mark.browser


@pytest.fixture
def two_photos(tmp_path: Path) -> list[Path]:
    """Two real photos where they are, else two made ones."""
    if REAL.is_dir():
        return [REAL / "orientation_6.jpg", REAL / "phone_4000x3000.jpg"]
    made = [tmp_path / "one.jpg", tmp_path / "two.png"]
    made[0].write_bytes(jpeg_with_everything(orientation=6))
    made[1].write_bytes(encoded("PNG"))
    return made


def test_report_push_signature_closure_answer(
    whole_chromium: Browser, product: Product, push_service: PushService, two_photos: list[Path], screens: Path
) -> None:
    desk = Sitter(whole_chromium, product, screens, **DESK)
    desk.log_in("dora")
    link = invite(desk)

    patrol = Sitter(whole_chromium, product, screens, **PHONE)
    enrol(patrol, link)

    ada = PushedPhone(whole_chromium, product, screens, **PHONE)
    ada.log_in("ada")
    ada.page.goto("/tasks")
    ada.controlled()
    pushed = push_service.browser("ada")
    ada.subscribe(pushed)
    ada.picture("08-responder-waiting")

    desk.page.goto("/desk")
    desk.page.locator("#sound").click()
    desk.picture("06-desk-quiet")

    file_offline(patrol, two_photos)
    patrol.context.set_offline(False)
    patrol.sees("中心已收到|中心已全部收到|已送到")
    patrol.page.wait_for_timeout(500)
    patrol.picture("05-complete")

    desk.sees("井盖破损")  # no reload: the page heard of it by itself
    assert desk.page.title().startswith("("), "the title counts what is new"
    number = desk.api("/api/cases")["items"][0]["number"]
    desk.page.get_by_text("井盖破损").first.click()
    desk.sees(number)
    desk.page.wait_for_timeout(1500)
    desk.picture("07-desk-case")

    (received,) = pushed.wait(1)
    ada.deliver(pushed, received)
    wait_for_delivery(desk, number, "shown")  # the service worker's own receipt, sent once the notification stands
    (shown,) = ada.shown()
    assert "井盖破损" in shown["title"]
    ada.tap_notification()
    ada.page.wait_for_url(f"**/tasks/{number}")
    ada.picture("09-responder-called")
    wait_for_delivery(desk, number, "opened")
    for step, picture in (("签收", "10-signed"), ("出发", "11-on-the-way"), ("到场", "12-on-scene")):
        ada.page.locator("#step .the-step").filter(has_text=step).tap()
        ada.sees(f"✓ {step}", within=".progress")  # the centre has it
        ada.picture(picture)
    intake = [alert for alert in desk.api(f"/api/cases/{number}")["alerts"] if alert["purpose"] == "intake"]
    assert [alert["state"] for alert in intake] == ["acknowledged"]
    ada.page.locator("#gallery").set_input_files(two_photos[0])
    expect(ada.page.locator("#photos img")).to_be_visible()
    ada.page.locator("#note").fill("已放警示桩,明早换盖")
    ada.page.locator("#step .the-step").tap()
    ada.sees("等中心核查")
    ada.picture("13-outcome")

    desk.sees("已放警示桩")
    desk.page.get_by_role("button", name="核查通过").click()
    desk.sees("已核查", within="#case p.row")
    desk.page.locator("#action-close summary").click()
    desk.page.locator("#note-close").fill("井盖已更换,谢谢您")
    desk.page.locator("#action-close .btn-primary").click()
    desk.sees("已办结", within="#case p.row")
    desk.picture("14-desk-closed")

    patrol.page.goto("/reports")
    patrol.sees("已办结")
    patrol.page.get_by_text("井盖破损").first.tap()
    patrol.sees("井盖已更换")
    patrol.page.wait_for_timeout(1500)
    patrol.picture("15-the-answer", full=True)
    patrol.page.get_by_role("button", name="满意").first.tap()
    patrol.page.wait_for_timeout(1000)
    patrol.picture("16-satisfied")
    assert patrol.api("/api/reports")["items"][0]["satisfied"] is True
    for sitter in (patrol, ada, desk):
        sitter.close()


def invite(desk: Sitter) -> str:
    """The duty officer makes an invitation; the phone scans its QR code."""
    desk.page.goto("/desk/invitations")
    desk.page.locator("#name").fill("郑伯")
    desk.page.locator("#area_code").select_option("441521115004")
    desk.page.locator("form button.btn-primary").first.click()
    desk.sees("扫一扫")
    desk.picture("01-invitation")
    return desk.page.locator("#link").input_value()


def enrol(patrol: Sitter, link: str) -> None:
    """No typing: one link, one button."""
    patrol.page.goto(link)
    patrol.picture("02-welcome")
    patrol.page.get_by_role("button", name="开始使用").tap()
    patrol.sees("拍一张就能报")
    patrol.controlled()
    patrol.page.reload()
    patrol.sees("还没有上报")
    patrol.picture("03-home")


def file_offline(patrol: Sitter, photos: list[Path]) -> None:
    """Out of reach of any network: file, see it saved, reload, see it still there."""
    patrol.context.set_offline(True)
    patrol.page.goto("/report")
    patrol.page.locator("#gallery").set_input_files(photos)
    patrol.page.locator("#text").fill("井盖破损,夜间危险")
    patrol.page.get_by_text("紧急").tap()
    patrol.page.wait_for_timeout(1500)
    patrol.picture("04-report-offline", full=True)
    patrol.page.locator("#send").tap()
    patrol.sees("已存到手机")
    patrol.picture("04-saved-offline")
    patrol.page.goto("/reports")
    patrol.page.reload()
    patrol.sees("井盖破损")
    patrol.sees("已存到手机|等待发送|没有网络")
    patrol.picture("04-waiting-offline")


def wait_for_delivery(desk: Sitter, number: str, state: str) -> None:
    """The desk knows what became of the push."""
    for _ in range(60):
        deliveries = [d for alert in desk.api(f"/api/cases/{number}")["alerts"] for d in alert["deliveries"]]
        if state in [delivery["state"] for delivery in deliveries]:
            return
        desk.page.wait_for_timeout(100)
    raise AssertionError(f"never {state}: {deliveries}")

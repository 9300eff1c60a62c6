"""Nights in the township: who is called, who is called next, and when it stops."""

from fieldapp.channels import Gone, Temporary
from tests.world import World


def test_a_red_report_calls_those_on_call_and_nobody_else(world: World) -> None:
    for name in ("ada", "ben", "lea", "dora"):
        world.person(name).carries_phone()
    world.vik.files("井盖破损,夜间危险", severity="red")
    world.work()
    world.phones["ada"].expects("井盖破损")
    world.phones["ben"].expects("井盖破损")
    world.phones["lea"].stays_silent()
    world.phones["dora"].stays_silent()


def test_nobody_answers_so_the_leader_is_called_after_five_minutes(world: World) -> None:
    world.ada.carries_phone()
    world.lea.carries_phone()
    world.vik.files("煤气味很重", severity="red")
    world.work()
    world.fast_forward(minutes=4)
    world.phones["lea"].stays_silent()
    world.fast_forward(minutes=2)
    world.phones["lea"].expects("煤气味")


def test_a_signature_stops_the_escalation(world: World) -> None:
    world.ada.carries_phone()
    world.lea.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    assert world.receipt(world.phones["ada"].expects("电线"), "acknowledged").status_code == 204
    world.fast_forward(minutes=30)
    world.phones["lea"].stays_silent()
    case = world.dora.case(number)
    assert case["status"] == "acknowledged"
    assert [alert["state"] for alert in case["alerts"] if alert["purpose"] == "intake"] == ["acknowledged"]


def test_seen_is_not_signed(world: World) -> None:
    world.ada.carries_phone()
    world.lea.carries_phone()
    world.vik.files("电线垂落", severity="red")
    world.work()
    push = world.phones["ada"].expects("电线")
    assert world.receipt(push, "shown").status_code == 204
    assert world.receipt(push, "opened").status_code == 204
    world.fast_forward(minutes=6)
    world.phones["lea"].expects("电线")


def test_when_no_device_shows_it_within_a_minute_the_desk_knows(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    assert world.dora.get("/api/cases?lane=unreached").json["items"] == []
    world.fast_forward(seconds=90)
    assert [c["number"] for c in world.dora.get("/api/cases?lane=unreached").json["items"]] == [number]
    world.receipt(world.phones["ada"].expects("电线"), "shown")
    assert world.dora.get("/api/cases?lane=unreached").json["items"] == []


def test_the_desk_tells_a_call_that_nobody_saw_from_one_that_was_seen_and_not_signed(world: World) -> None:
    world.ada.carries_phone()
    seen = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.fast_forward(seconds=90)
    assert "没人看到" in world.dora.get("/desk/queue").text
    world.receipt(world.phones["ada"].expects("电线"), "shown")
    assert "‼" not in world.dora.get(f"/desk/cases/{seen}").text
    world.fast_forward(minutes=60)
    for page in ("/desk/queue?lane=unreached", f"/desk/cases/{seen}"):
        shown = world.dora.get(page).text
        assert "看到了，没人签收" in shown and "没人看到" not in shown


def test_nobody_on_call_goes_straight_to_the_leader_and_is_written_down(world: World) -> None:
    world.take_off_call("ada", "ben")
    world.lea.carries_phone()
    number = world.vik.files("有人落水", severity="red").number
    world.work()
    world.phones["lea"].expects("有人落水")
    assert "nobody_on_call" in [event["action"] for event in world.dora.case(number)["history"]]


def test_no_device_anywhere_leaves_it_on_the_desks_red_list(world: World) -> None:
    number = world.vik.files("有人落水", severity="red").number
    world.work()
    case = world.dora.case(number)
    assert case["alerts"][0]["unreached_at"]
    assert [event["action"] for event in case["history"]] == [
        "report", "nobody_reachable", "nobody_reachable", "round_over", "nobody_reachable",
    ]  # fmt: skip
    assert [c["number"] for c in world.dora.get("/api/cases?lane=unreached").json["items"]] == [number]
    world.fast_forward(minutes=25)
    assert world.dora.case(number)["alerts"][0]["state"] == "exhausted"
    assert [c["number"] for c in world.dora.get("/api/cases?lane=unreached").json["items"]] == [number]


def test_a_phone_that_comes_back_is_called_in_the_next_round(world: World) -> None:
    number = world.vik.files("有人落水", severity="red").number
    world.work()
    world.ada.carries_phone()
    world.fast_forward(minutes=11)
    world.phones["ada"].expects("有人落水")
    assert world.dora.case(number)["alerts"][0]["unreached_at"], "that everybody was called in vain is still so"


def test_a_dead_device_is_never_used_again_and_costs_no_time(world: World) -> None:
    world.ada.carries_phone()
    world.lea.carries_phone()
    world.phones["ada"].fails_with = Gone("service_410")
    number = world.vik.files("护栏断了", severity="red").number
    world.work()
    world.phones["lea"].expects("护栏")
    delivery = world.dora.case(number)["alerts"][0]["deliveries"][0]
    assert delivery["to"] == "陈安"
    assert delivery["state"] == "failed-permanent"
    world.phones["ada"].fails_with = None
    world.vik.files("又断了", severity="red")
    world.work()
    world.phones["ada"].stays_silent()


def test_a_busy_push_service_is_tried_again_under_the_same_alert(world: World) -> None:
    world.ada.carries_phone()
    world.phones["ada"].fails_with = Temporary("service_429", retry_after=40)
    number = world.vik.files("护栏断了", severity="red").number
    world.work()
    assert world.dora.case(number)["alerts"][0]["deliveries"][0]["state"] == "failed-temporary"
    world.phones["ada"].fails_with = None
    world.fast_forward(seconds=30)
    world.phones["ada"].stays_silent()
    world.fast_forward(seconds=30)
    push = world.phones["ada"].expects("护栏")
    assert push["tag"] == world.dora.case(number)["alerts"][0]["id"]


def test_a_yellow_report_calls_the_desk_too_and_accepting_is_its_signature(world: World) -> None:
    world.dora.carries_phone()
    number = world.vik.files("路灯全灭", severity="yellow").number
    world.work()
    push = world.phones["dora"].expects("路灯")
    assert push["navigate"].endswith(f"/desk/cases/{number}")
    world.dora.must("accept", number)
    assert world.dora.case(number)["alerts"][-1]["state"] == "acknowledged"


def test_a_blue_report_wakes_nobody(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("垃圾没收").number
    world.work()
    world.phones["ada"].stays_silent()
    assert world.dora.case(number)["alerts"] == []


def test_two_sign_at_once_and_both_are_sent(world: World) -> None:
    world.ada.carries_phone()
    world.ben.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    first, second = world.phones["ada"].expects("电线"), world.phones["ben"].expects("电线")
    assert world.receipt(first, "acknowledged").status_code == 204
    assert world.receipt(second, "acknowledged").status_code == 204
    history = world.dora.case(number)["history"]
    assert [event["by"] for event in history if event["action"] == "acknowledge"] == ["陈安", "黄本"]


def test_a_disputed_closure_calls_again_those_on_call(world: World) -> None:
    world.ada.carries_phone()
    number = world.vik.files("电线垂落", severity="red").number
    world.work()
    world.receipt(world.phones["ada"].expects("电线"), "acknowledged")
    world.ada.must("report_outcome", number, note="已断电")
    world.dora.must("close", number)
    world.vik.must("dispute", number)
    world.work()
    push = world.phones["ada"].expects("电线")
    assert world.receipt(push, "acknowledged").status_code == 204
    assert world.ada.case(number)["status"] == "acknowledged"

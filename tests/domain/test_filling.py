"""The loader of the benches: what it fills in looks as if the product had written it, and `check` would say if not."""

import pytest
from sqlalchemy import text

from fieldapp import auditor, clock
from fieldapp.db import db
from fieldapp.rules.deadlines import Step
from tests.filling import Filled, check, fill
from tests.filling.checking import broken
from tests.world import World

REPORTS = 2000
EVERYWHERE = "bbox=114.7,22.6,115.7,23.3"


def test_months_of_work_look_like_the_products_own(world: World) -> None:
    filled = fill(world.app, REPORTS)

    assert filled.open_at_desk > 10
    assert check(world.app) == []
    with world.app.app_context():
        assert auditor.audit(clock.now()) == {}
        assert db.session.scalar(text("SELECT count(*) FROM reports")) == REPORTS
        waits = db.session.scalars(text("SELECT DISTINCT due_step FROM cases WHERE due_step IS NOT NULL"))
        assert set(waits) == {*Step}
    _the_desk_works_on_it(world, filled)


def _the_desk_works_on_it(world: World, filled: Filled) -> None:
    assert f"{filled.open_at_desk}" in world.dora.get(f"/desk/map/list?{EVERYWHERE}&total=1").text
    for page in ("/desk", "/desk?lane=done", "/desk?q=路灯", "/desk?q=路灯&lane=done", "/desk/map"):
        assert world.dora.get(page).status_code == 200, page
    found = world.dora.get("/api/cases?limit=1&q=路灯").json["items"]
    assert world.dora.get(f"/desk/cases/{found[0]['number']}").status_code == 200

    number = world.vik.files("又一个路灯不亮").number
    world.dora.must("accept", number)
    assert check(world.app) == []


DAMAGE = {
    "whose signals are not their reports": "UPDATE cases SET signals = 7 WHERE id = 1",
    "whose last step is not where they stand": "UPDATE cases SET status = 'declined' WHERE status = 'closed'",
    "whose clock does not run": "UPDATE cases SET due_at = NULL WHERE due_step = 'triage'",
    "whose counter is not the number": "UPDATE case_counters SET last = last + 1 WHERE town_code = '441521115'",
    "sent to nobody": "DELETE FROM deliveries",
    "that no word finds": "DELETE FROM case_words",
}


@pytest.mark.onedb
def test_what_does_not_agree_is_said(world: World) -> None:
    fill(world.app, 100)
    with world.app.app_context():
        for sentence, damage in DAMAGE.items():
            db.session.execute(text(damage))
            found = broken(db.session.connection())
            db.session.rollback()
            assert any(sentence in one for one in found), (sentence, found)

"""Who comes onto call at this very instant is called for what is still open, as those before were."""

from datetime import datetime

from sqlalchemy import select

from fieldapp import alerting, proofs
from fieldapp.db import db
from fieldapp.models import UNANSWERED, Alert, Case, User
from fieldapp.rules.escalation import Rung


def call(town_code: str, rung: Rung, user: User, now: datetime) -> None:
    """Call this user as well for every open alert of the town that is calling this rung; a night without any is
    time to see whether he or she can be reached.
    """
    db.session.flush()
    open_ones = (Alert.town_code == town_code) & Alert.state.in_(UNANSWERED) & Alert.case_id.is_not(None)
    held = select(Case.id).where(Case.id.in_(select(Alert.case_id).where(open_ones))).order_by(Case.id)
    db.session.scalars(held.with_for_update(key_share=True)).all()  # case before alert, as everywhere
    query = select(Alert).where(open_ones).order_by(Alert.id)
    found = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()
    called = [alerting.call_also(alert, user, rung, now) for alert in found]
    if not any(called):
        proofs.ask_now(user, now)

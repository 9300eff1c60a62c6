"""Who comes onto call at this very instant is called for what is still open, as those before were."""

from datetime import datetime

from sqlalchemy import select

from fieldapp import alerting, policies, proofs
from fieldapp.db import db
from fieldapp.models import Alert, AlertState, User
from fieldapp.rules.escalation import Rung


def call(town_code: str, rung: Rung, user: User, now: datetime) -> None:
    """Call this user as well for every open alert of the town that is calling this rung; a night without any is
    time to see whether he or she can be reached.
    """
    db.session.flush()
    calling_now = False
    query = select(Alert).where(Alert.town_code == town_code, Alert.state == AlertState.OPEN).order_by(Alert.id)
    for alert in db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).all():
        calling = policies.of_alert(alert).at(alert.rung)
        if calling and rung in calling.who:
            alerting.call_also(alert, user, rung, now)
            calling_now = True
    if not calling_now:
        proofs.ask_now(user, now)

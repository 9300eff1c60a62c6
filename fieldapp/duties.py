"""What one person was called to: open tasks, the latest finished ones, and the next step to take in each."""

from collections.abc import Sequence

from sqlalchemy.orm import joinedload

from fieldapp import scope
from fieldapp.db import db
from fieldapp.models import Alert, Assignment, Case, Delivery, User
from fieldapp.rules.delivery import DeliveryState
from fieldapp.rules.workflow import OPEN, Status

STEPS = (
    ("acknowledge", "acknowledged_at"),
    ("depart", "departed_at"),
    ("arrive", "arrived_at"),
    ("report_outcome", "answered_at"),
)
_KNOWLEDGE = (
    DeliveryState.EXPIRED, DeliveryState.FAILED, DeliveryState.QUEUED, DeliveryState.RETRYING,
    DeliveryState.ACCEPTED, DeliveryState.SHOWN, DeliveryState.OPENED, DeliveryState.ACKNOWLEDGED,
)  # fmt: skip


def waiting(user: User) -> list[Case]:
    """The open cases this user was called to, worst first."""
    query = scope.cases(user).where(scope.was_called(user), Case.status.in_(OPEN))
    ordered = query.order_by(Case.severity.desc(), Case.due_at, Case.id).limit(100)
    return list(db.session.scalars(ordered.options(joinedload(Case.area), joinedload(Case.category))))


def finished(user: User, most: int = 10) -> list[Case]:
    """The latest of the user's cases that are over."""
    query = scope.cases(user).where(scope.was_called(user), Case.status.not_in(OPEN))
    ordered = query.order_by(Case.changed_at.desc()).limit(most)
    return list(db.session.scalars(ordered.options(joinedload(Case.area))))


def assignment_of(case: Case, user: User) -> Assignment | None:
    """The user's own standing assignment in this case, or the department's that he or she speaks for."""
    standing = [assignment for assignment in case.assignments if assignment.standing]
    own = next((a for a in standing if a.user_id == user.id), None)
    theirs = (a for a in standing if a.department_id and a.department_id == user.speaks_for)
    return own or next(theirs, None)


def next_step(case: Case, user: User, actions: Sequence[str]) -> str | None:
    """The one thing to do next; None when this user's part is done or the case does not ask for it now."""
    mine = assignment_of(case, user)
    if case.status in (Status.ANSWERED, Status.VERIFIED) and (mine is None or mine.acknowledged_at is None):
        return None  # others have done it
    taken = [n for n, (_action, timed) in enumerate(STEPS, start=1) if mine and getattr(mine, timed)]
    ahead = STEPS[max(taken, default=0) :]  # who has arrived is not asked to depart
    return next((action for action, _timed in ahead if action in actions), None)


def best_known(alerts: Sequence[Alert]) -> list[Delivery]:
    """For each person called, the delivery that tells the most, in the order they were called."""
    best: dict[int, Delivery] = {}
    for delivery in (d for alert in reversed(alerts) if alert.purpose != "answer" for d in alert.deliveries):
        known = best.get(delivery.user_id)
        if known is None or _rank(delivery) >= _rank(known):
            best[delivery.user_id] = delivery
    return list(best.values())


def _rank(delivery: Delivery) -> int:
    return _KNOWLEDGE.index(DeliveryState(delivery.state))

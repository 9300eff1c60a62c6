"""What a desk asks every two seconds: has anything changed, is anything new, is anybody unreached."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from fieldapp import queue, scope
from fieldapp.db import db
from fieldapp.models import Alert, Attachment, Case, Delivery, Report, User


@dataclass(frozen=True)
class Pulse:
    """`mark` changes with anything the queue shows; `newest` is the number of the latest case, `reds` are open."""

    mark: str
    newest: str | None
    reds: int
    counts: dict[str, int]


def take(user: User, now: datetime) -> Pulse:
    """The pulse of the user's own desk."""
    here, newest = queue.standing(user, now), _newest(user)
    # what becomes overdue or unreached changes the lanes without a change to any case
    mark = f"{queue.changed(user)}-{here.versions}-{newest}-{here.lanes['overdue']}-{here.lanes['unreached']}"
    return Pulse(mark, newest, here.reds, here.lanes)


def of_case(case: Case) -> str:
    """A mark that changes with anything the page of this case shows, deliveries and photo copies included."""
    updated = select(func.max(Delivery.updated_at)).join(Alert, Delivery.alert_id == Alert.id)
    ready = select(func.count(Attachment.ready_at))  # two questions: an "or" would look through every photo there is
    asked = select(
        updated.where(Alert.case_id == case.id).scalar_subquery(),
        ready.join(Attachment.report).where(Report.case_id == case.id).scalar_subquery()
        + ready.where(Attachment.case_id == case.id).scalar_subquery(),
    )
    seen, photos = db.session.execute(asked).one()
    return f"{case.version}-{case.changed_at.timestamp():.6f}-{seen.timestamp() if seen else 0:.6f}-{photos}"


def _newest(user: User) -> str | None:
    query = scope.worklist(user).with_only_columns(Case.number).order_by(Case.id.desc()).limit(1)
    return db.session.scalar(query)

"""The worker that publishes photos, one after another, so that it never takes more than one core.

`python -m fieldapp.darkroom`. A photo is claimed by a lease; one that kills the worker three times is set apart.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update

from fieldapp import cases, clock, upkeep
from fieldapp.core import create_core
from fieldapp.db import db, writing
from fieldapp.loop import HEARTBEAT_S, POLL_S, Every, Stop, guarded, name
from fieldapp.models import Attachment, AttachmentState, Case, Kind
from fieldapp.photos import BadFile, Store

LEASE = timedelta(seconds=60)
PAUSE = timedelta(seconds=20)
MOST_TRIES = 3
LEFTOVER_S = 24 * 3600

log = logging.getLogger(__name__)


def main() -> None:
    """Run until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    app = create_core()
    store, stop, beat, me = Store(app.config["SETTINGS"].photo_folder), Stop(), Every(HEARTBEAT_S), name("photos")
    sweep(store, time.time())
    with app.app_context():
        while not stop:
            if beat.due():
                guarded(lambda: upkeep.beat(me, "photos", clock.now()))
            if not guarded(lambda: publish_next(store, clock.now)):
                time.sleep(POLL_S)
        guarded(lambda: upkeep.leave(me))


def publish_next(store: Store, now: Callable[[], datetime]) -> bool:
    """Publish the longest waiting photo; True when there was one."""
    claimed = _claim(now())
    if claimed is None:
        return False
    file_id, attempts = claimed
    error = None
    try:
        if attempts > MOST_TRIES:
            raise BadFile("unreadable")
        store.publish(file_id)
    except BadFile as bad:
        error = bad.reason
        store.set_apart(file_id)
    except (OSError, MemoryError) as trouble:
        log.error("%s: not published, tried again later: %s", file_id, trouble)
        _postpone(file_id, now())
        return False
    with writing():
        _settle(db.session.get_one(Attachment, file_id, with_for_update=True), error, now())
    return True


def _postpone(file_id: UUID, now: datetime) -> None:
    """The machine is in trouble, the picture is not: the try does not count."""
    with writing():
        values = {"lease_until": now + PAUSE, "attempts": Attachment.attempts - 1}
        db.session.execute(update(Attachment).where(Attachment.id == file_id).values(values))


def sweep(store: Store, at: float) -> None:
    """Remove what uploads that died left in the incoming folder (`at`: seconds since 1970)."""
    for path in (store.root / "incoming").iterdir():
        if path.stat().st_mtime < at - LEFTOVER_S:
            path.unlink(missing_ok=True)


def _claim(now: datetime) -> tuple[UUID, int] | None:
    free = or_(Attachment.lease_until.is_(None), Attachment.lease_until < now)
    waiting = select(Attachment.id).where(Attachment.state == AttachmentState.RECEIVED, free)
    waiting = waiting.order_by(Attachment.received_at).limit(1)
    found = db.session.scalar(waiting)
    db.session.rollback()
    if found is None:
        return None
    with writing():
        taken = (
            update(Attachment)
            .where(Attachment.id == waiting.with_for_update(skip_locked=True).scalar_subquery())
            .values(lease_until=now + LEASE, attempts=Attachment.attempts + 1)
            .returning(Attachment.id, Attachment.attempts)
        )
        row = db.session.execute(taken.execution_options(synchronize_session=False)).first()
    return (row[0], row[1]) if row else None


def _settle(attachment: Attachment, error: str | None, now: datetime) -> None:
    attachment.state = AttachmentState.UNREADABLE if error else AttachmentState.READY
    attachment.ready_at, attachment.error, attachment.lease_until = (None if error else now), error, None
    case = _case_of(attachment)
    if case is None:
        return
    db.session.refresh(case, with_for_update=True)
    if error:
        cases.record(case, "unreadable", None, now, data={"photo": str(attachment.id), "kind": attachment.kind})
    else:
        case.changed_at = now


def _case_of(attachment: Attachment) -> Case | None:
    if attachment.kind == Kind.AFTER:
        return db.session.get(Case, attachment.case_id)
    return attachment.report.case if attachment.report else None


if __name__ == "__main__":
    main()

"""The worker that publishes photos and voice notes, one after another, so that it never takes more than one core.

`python -m fieldapp.darkroom`. A file is claimed by a lease, and its row is decided before it is moved. One that takes
too long is set apart, and one that kills the worker or exhausts its memory three times.
"""

import contextlib
import faulthandler
import logging
import resource
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update

from fieldapp import cases, clock, duplicates, upkeep, voices
from fieldapp.config import Settings
from fieldapp.core import create_core
from fieldapp.db import Writes, db, writing
from fieldapp.loop import HEARTBEAT_S, LOOK_S, POLL_S, Every, Stop, guarded, name
from fieldapp.models import Attachment, AttachmentState, Case, Kind
from fieldapp.photos import BadFile, Store, looks

LEASE = timedelta(seconds=60)
PAUSE = timedelta(seconds=20)
MOST_TRIES = 3
LEFTOVER_S = 24 * 3600
SWEEP_S = 3600.0
STUDY_S = 3600.0  # whether it is a day since somebody learned how repeats look
MANY = 500
# A worker counts as silent after 30 s. No photo that is taken needs more than a few of these seconds.
TIME_LIMIT_S = 18.0
TIME_TO_DIE_S = 4.0
MEMORY_LIMIT = 512 * 1024 * 1024  # bytes beside the file; half as much again as the largest photo taken needs

log = logging.getLogger(__name__)


def main() -> None:
    """Run until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    app = create_core()
    settings: Settings = app.config["SETTINGS"]
    hold_memory(MEMORY_LIMIT + settings.max_photo_bytes)
    store, stop, me = Store(settings.photo_folder), Stop(), name("photos")
    writes, look = Writes(), Every(LOOK_S)
    beat, tidy, study = Every(HEARTBEAT_S), Every(SWEEP_S), Every(STUDY_S)
    with app.app_context():
        while not stop:
            if beat.due():
                guarded(lambda: upkeep.beat(me, "photos", clock.now()))
            if tidy.due():
                guarded(lambda: sweep(store, time.time()))
                guarded(lambda: make_again(store))
            if study.due():
                guarded(lambda: duplicates.learn_if_old(clock.now()))
            if not (writes.any() or look.due()) or not guarded(lambda: publish_next(store, clock.now)):
                time.sleep(POLL_S)
        writes.close()
        guarded(lambda: upkeep.leave(me))


def hold_memory(most: int) -> None:
    """A picture that slipped past every check may cost this process an error, never the machine its memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or hard > most:  # else the operator holds it to less already
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def publish_next(store: Store, now: Callable[[], datetime]) -> bool:
    """Publish the longest waiting photo or voice note; True when there was one."""
    claimed = _claim(now())
    if claimed is None:
        return False
    file_id, attempts, _ = claimed
    try:
        error = _publish(store, claimed)
        seen = looks(store.copy(file_id, "thumb")) if not error and claimed.kind == Kind.PHOTO else None
    except (OSError, MemoryError) as trouble:
        log.error("%s: not published, tried again later: %r", file_id, trouble)
        _postpone(file_id, attempts, now(), counts=isinstance(trouble, MemoryError))
        return False
    with writing():
        decided = _settle(file_id, attempts, error, now(), seen)
    if decided and error:
        store.set_apart(file_id)  # after a crash before this it stays among the originals, which nobody is shown
    return True


def sweep(store: Store, at: float) -> None:
    """Remove what uploads that died left in the incoming folder (`at`: seconds since 1970)."""
    for path in (store.root / "incoming").iterdir():
        with contextlib.suppress(FileNotFoundError):  # an upload that ends meanwhile takes its own away
            if path.stat().st_mtime < at - LEFTOVER_S:
                path.unlink()


def make_again(store: Store) -> None:
    """Let a voice note wait once more whose copy is not there: it came before copies were made, or they were lost."""
    (store.root / "copies").stat()  # a folder that is gone is not a lost copy
    ready = select(Attachment.id).where(Attachment.kind == Kind.VOICE, Attachment.state == AttachmentState.READY)
    lost = [found for found in db.session.scalars(ready) if not store.copy(found, "voice").exists()]
    db.session.rollback()
    anew = {"state": AttachmentState.RECEIVED, "ready_at": None, "attempts": 0}
    for start in range(0, len(lost), MANY):
        with writing():
            db.session.execute(update(Attachment).where(Attachment.id.in_(lost[start : start + MANY])).values(anew))


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise BadFile("unreadable") in the block once it has run so long (by the clock). Main thread only.

    A decoder that does not come back to Python even then takes the process with it, which counts as a try.
    """

    def ring(*_: object) -> None:
        raise BadFile("unreadable")

    before, began = signal.signal(signal.SIGALRM, ring), time.monotonic()
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # and again: a decoder may swallow an error
    faulthandler.dump_traceback_later(seconds + TIME_TO_DIE_S, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - began)))


class _Claimed(NamedTuple):
    """A file to publish, and which try at it this is."""

    file_id: UUID
    attempts: int
    kind: str


def _publish(store: Store, claimed: _Claimed) -> str | None:
    """Why the file cannot be shown or played, or None when its copies stand."""
    if claimed.attempts > MOST_TRIES:
        return "unreadable"
    try:
        with within(TIME_LIMIT_S):
            copies = _copies(store, claimed)
    except BadFile as bad:
        return bad.reason
    store.publish(claimed.file_id, copies)
    return None


def _copies(store: Store, claimed: _Claimed) -> dict[str, bytes]:
    if claimed.kind != Kind.VOICE:
        return store.develop(claimed.file_id)
    return {"voice": voices.render(store.received(claimed.file_id), store.scratch(claimed.file_id))}


def _postpone(file_id: UUID, attempts: int, now: datetime, counts: bool) -> None:
    """Try again later. Where the machine is in trouble and not the picture, the try does not count."""
    values = {"lease_until": now + PAUSE, "attempts": attempts if counts else attempts - 1}
    with writing():
        db.session.execute(update(Attachment).where(*_still_ours(file_id, attempts)).values(values))


def _still_ours(file_id: UUID, attempts: int) -> tuple[ColumnElement[bool], ...]:
    """Undecided, and claimed by nobody since: a worker slower than its lease must not overrule another."""
    return (
        Attachment.id == file_id,
        Attachment.state == AttachmentState.RECEIVED,
        Attachment.attempts == attempts,
    )


def _claim(now: datetime) -> _Claimed | None:
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
            .returning(Attachment.id, Attachment.attempts, Attachment.kind)
        )
        row = db.session.execute(taken.execution_options(synchronize_session=False)).first()
    return _Claimed(*row) if row else None


def _settle(file_id: UUID, attempts: int, error: str | None, now: datetime, seen: str | None = None) -> bool:
    """Write what became of the file; False when that is not ours to say any more."""
    attachment = db.session.scalar(select(Attachment).where(*_still_ours(file_id, attempts)).with_for_update())
    if attachment is None:
        return False
    attachment.state = AttachmentState.UNREADABLE if error else AttachmentState.READY
    attachment.ready_at, attachment.error, attachment.lease_until = (None if error else now), error, None
    attachment.looks = seen
    case = _case_of(attachment)
    if case is None:
        return True
    db.session.refresh(case, with_for_update=True)
    if error:
        cases.record(case, "unreadable", None, now, data={"photo": str(attachment.id), "kind": attachment.kind})
    else:
        case.changed_at = now
    return True


def _case_of(attachment: Attachment) -> Case | None:
    if attachment.kind == Kind.AFTER:
        return db.session.get(Case, attachment.case_id)
    return attachment.report.case if attachment.report else None


if __name__ == "__main__":
    main()

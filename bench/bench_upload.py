"""Photo upload beside hash-fsync-rename of the same bytes, through the same server; then the time until it can be seen.

Goals: at least 0.8 of the floor's rate; ready within 2 s (p95) while 8 phones upload.
"""

import hashlib
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from common import HEADERS, Caller, Town, in_turn, options, table, towns, verdict
from load import CALLERS, load, summary, uploading
from photo import chosen as photos
from sqlalchemy import select

from fieldapp.db import db
from fieldapp.models import Attachment, AttachmentState

GOAL, READY_GOAL_MS = 0.8, 2000
PER_REPORT = 9


def main() -> None:
    chosen = options("Photo upload, 8 callers at once", seconds=16, uploads=900, bursts=3)
    with towns(chosen.db, 2) as (town, floor):
        town.serves()
        floor.serves("bench.floor:app")
        for name, content in photos(chosen.photo).items():
            _compare(town, floor, f"{name}, {len(content) / 1e6:.1f} MB", content, chosen)
        town.runs("-m", "fieldapp.darkroom")
        for name, content in photos(chosen.photo).items():
            _until_ready(town, name, content, chosen.bursts)


def _compare(town: Town, floor: Town, name: str, content: bytes, chosen: Any) -> None:
    file = town.folder / "photo.jpg"
    file.write_bytes(content)
    vik = town.person("vik")
    waiting = iter(_expected(vik, content, chosen.uploads))

    def product(seconds: float) -> dict[str, float]:
        paths = [path for _, path in zip(range(chosen.uploads // 3), waiting, strict=False)]
        return load(town.settings.port, seconds, uploading(paths, str(file), vik.headers))

    def bare(seconds: float) -> dict[str, float]:
        paths = [f"/upload/{uuid4()}" for _ in range(chosen.uploads // 3)]
        return load(floor.settings.port, seconds, uploading(paths, str(file), HEADERS))

    found = in_turn({"product": product, "floor: hash, fsync, rename": bare}, chosen.seconds / 2)
    rows = [(f"{name} · {side}", *(got[key] for key in ("rate", "p50", "p95", "p99"))) for side, got in found.items()]
    table(("", "per s", "p50 ms", "p95 ms", "p99 ms"), rows)
    verdict("product / floor", found["product"]["rate"] / found["floor: hash, fsync, rename"]["rate"], GOAL)
    _forget_waiting(town)


def _expected(vik: Caller, content: bytes, count: int) -> list[str]:
    """File reports that announce so many photos; where each is to be put."""
    paths = []
    for _ in range(-(-count // PER_REPORT)):
        items = [_item(content) for _ in range(PER_REPORT)]
        report_id = vik.file(photos=items)
        paths += [f"/api/reports/{report_id}/photos/{item['id']}" for item in items]
    return paths


def _item(content: bytes) -> dict[str, Any]:
    return {"id": str(uuid4()), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _forget_waiting(town: Town) -> None:
    """What was uploaded for its rate alone is not to be developed."""
    app = town.core()
    with app.app_context():
        db.session.execute(db.update(Attachment).values(state=AttachmentState.EXPECTED))
        db.session.commit()
        db.engine.dispose()
    for path in Path(town.settings.photo_folder / "originals").rglob("*-*"):
        path.unlink()


def _until_ready(town: Town, name: str, content: bytes, bursts: int) -> None:
    """8 phones send one photo each at the same moment; from each one's receipt until its copies can be fetched."""
    time.sleep(1)
    took: list[float] = []
    watch = Watch(town)
    phones = [town.person("vik") for _ in range(CALLERS)]
    for _ in range(bursts + 1):
        received: dict[UUID, float] = {}
        threads = [threading.Thread(target=_send, args=(phone, content, received)) for phone in phones]
        for thread in threads:
            thread.start()
        ready = watch.wait(CALLERS)
        for thread in threads:
            thread.join()
        took += [ready[file_id] - at for file_id, at in received.items()]
    got = summary(took[CALLERS:], 1)  # the first burst pays for the worker's imports
    table((f"{name}: receipt to ready", "p50 ms", "p95 ms"), [("8 phones at once", got["p50"], got["p95"])])
    verdict("ready within, p95 ms", got["p95"], READY_GOAL_MS, at_least=False)


def _send(phone: Caller, content: bytes, received: dict[UUID, float]) -> None:
    item = _item(content)
    report_id = phone.file(photos=[item])
    phone.ask("PUT", f"/api/reports/{report_id}/photos/{item['id']}", content)
    received[UUID(item["id"])] = time.monotonic()


class Watch:
    """Looks every 20 ms which photos became ready."""

    def __init__(self, town: Town) -> None:
        self._app = town.core()
        self._before = self._ready()

    def wait(self, count: int) -> dict[UUID, float]:
        """When each of the next `count` photos became ready."""
        found: dict[UUID, float] = {}
        deadline = time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            for file_id in self._ready() - self._before - found.keys():
                found[file_id] = time.monotonic()
            time.sleep(0.02)
        self._before |= found.keys()
        return found

    def _ready(self) -> set[UUID]:
        with self._app.app_context():
            return set(db.session.scalars(select(Attachment.id).where(Attachment.state == AttachmentState.READY)))


if __name__ == "__main__":
    main()

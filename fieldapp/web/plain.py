"""The report as a plain form, for browsers without our scripts or without a place to keep anything.

It goes through the same intake as every other report. The page carries the report's id, so that a double tap makes one
report; but a kept page may repeat its id, so what says something else, or says it again much later, is a report of its
own and gets an id that follows from what it says.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from fieldapp import clock, intake, scope
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, Invalid, NotAllowed
from fieldapp.models import Report
from fieldapp.rules import severity, submission
from fieldapp.rules.roles import FILES_REPORTS
from fieldapp.web import multipart, pictures, words
from fieldapp.web.multipart import Picked
from fieldapp.web.security import failed, limiter, settings, user
from fieldapp.web.uploads import store

bp = Blueprint("plain", __name__)

REPEATED_WITHIN = timedelta(hours=1)  # the same words later than that were meant to be said again
MOST_REPEATS = 20
MOST_TIMES = 3  # the bytes of all photos that can be taken: so much is read, for what was typed comes with it
PLACE = ("lat", "lon", "accuracy_m", "age_s", "source")


@bp.app_template_global()
def fresh_id() -> str:
    """The id of the report that this page will send."""
    return str(uuid4())


@dataclass
class Typed:
    """What stands in the form, and which of its photos can be taken; those that cannot, each with its sentence."""

    wanted: UUID
    text: str
    severity: str
    village: str
    position: Any
    taken: list[Picked] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def body(self, report_id: UUID, at: datetime) -> dict[str, Any]:
        """The report as a phone would send it; the same content makes the same body, files included."""
        ids = [pictures.id_of(report_id, place, one) for place, one in enumerate(self.taken)]
        manifest = [{"id": str(i), "sha256": f.sha256, "bytes": f.size} for i, f in zip(ids, self.taken, strict=True)]
        return {
            "owner": user().id, "text": self.text, "category": None, "severity": self.severity,
            "position": self.position, "village_code": self.village or None, "captured_at": clock.rfc3339(at),
            "photos": manifest, "voices": [],
        }  # fmt: skip

    def print_of_content(self) -> str:
        """Tells other content apart, whoever sent it and whenever."""
        facts = [user().id, self.text, self.severity, self.village, self.position, [one.sha256 for one in self.taken]]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@bp.post("/report")
@limiter.limit("20 per minute", deduct_when=failed)
def send() -> ResponseReturnValue:
    """Take a report from the plain form; the answer is a page in words, with nothing on it that needs a script."""
    if not current_user.is_authenticated:
        with _read(keep_files=False) as typed:
            return _again(typed, login=True), 401
    if not user().plays(FILES_REPORTS):
        raise NotAllowed("role")
    with _read(keep_files=True) as typed:
        try:
            report_id = _file(typed, clock.now())
        except Invalid as error:
            return _again(typed, errors=error.errors), 422
        failed_after_all = pictures.keep(
            report_id, typed.taken, lambda file_id, upload: intake.attach(report_id, file_id, upload, clock.now())
        )  # fmt: skip
        return _received(report_id, failed_after_all + typed.refused)


@contextmanager
def _read(keep_files: bool) -> Iterator[Typed]:
    """The form, with its photos in temporary files until the end; nobody's photos are not kept at all."""
    db.session.rollback()  # no transaction is open while a phone on 2G sends
    folder, photos, most = store().root / "incoming", submission.MAX_PHOTOS, settings().max_photo_bytes
    length = MOST_TIMES * photos * most if keep_files else MOST_TIMES * most
    with multipart.read(folder, most if keep_files else 0, photos, length) as (form, files):
        chosen = form.get("severity", "")
        typed = Typed(
            wanted=_uuid(form.get("report", "")),
            text=form.get("text", "").replace("\r\n", "\n").strip(),
            severity=chosen if chosen in _severities() else "blue",
            village=form.get("village_code", ""),
            position=_position(form.get("position", "")),
        )
        if keep_files:
            typed.taken, typed.refused = pictures.sort(files)
        yield typed


def _severities() -> set[str]:
    return {one.word for one in severity.Severity}


def _file(typed: Typed, now: datetime) -> UUID:
    """File it once, and return its id. Raises Invalid."""
    report_id, content = typed.wanted, typed.print_of_content()
    for _ in range(MOST_REPEATS):
        earlier = db.session.execute(_moments(report_id)).first()
        if earlier is None or now - earlier.received_at < REPEATED_WITHIN:
            body = typed.body(report_id, earlier.captured_at if earlier else now) | {"client_now": clock.rfc3339(now)}
            try:
                with writing():
                    intake.submit(user(), report_id, body, settings().max_photo_bytes, now)
                return report_id
            except Conflict:
                if earlier is None:
                    continue  # its twin was faster: seen now, and then it is the same
        report_id = uuid5(report_id, content)
    raise Conflict("other_content")


def _moments(report_id: UUID) -> Any:
    return select(Report.captured_at, Report.received_at).where(Report.id == report_id)


def _received(report_id: UUID, refused: list[tuple[str, str]]) -> str:
    report = intake.own_report(user(), report_id)
    found = intake.receipt(report)["photos"]
    here, named = len(found["received"]), len(found["received"]) + len(found["missing"])
    return render_template("patrol/plain_received.html", report=report, here=here, named=named, refused=refused)


def _again(typed: Typed, errors: dict[str, str] | None = None, login: bool = False) -> str:
    """The form once more with all that was typed; only photos a browser never gives back."""
    sentences = list(dict.fromkeys(words.field_errors(errors).values()))
    villages = list(db.session.scalars(scope.villages(user()))) if "village_code" in (errors or {}) else []
    return render_template(
        "patrol/plain.html", typed=typed, errors=sentences, refused=typed.refused, login=login, villages=villages,
        position=json.dumps(typed.position) if typed.position else "",
    )  # fmt: skip


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()


def _position(text: str) -> Any:
    """A place that the page's script has found, or none; a bad one is no reason to lose the report."""
    try:
        found = json.loads(text) if text else None
        submission.check_position(found)
    except (ValueError, RecursionError):
        return None
    return {name: found.get(name) for name in PLACE} if found else None

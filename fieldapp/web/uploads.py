"""Files in and out: raw bodies streamed to disk outside any transaction, copies only to those who may see the case."""

from uuid import UUID

from flask import Blueprint, Response, abort, jsonify, request, send_file
from flask.typing import ResponseReturnValue
from flask_login import login_required

from fieldapp import clock, intake, scope, steps
from fieldapp.db import db, writing
from fieldapp.errors import Conflict, NotHere
from fieldapp.intake import Expected
from fieldapp.models import Attachment, AttachmentState, Kind
from fieldapp.photos import SIZES, BadFile, Store, TooLarge, Upload
from fieldapp.web.security import settings, user

bp = Blueprint("uploads", __name__)
KEEP = "private, no-cache"  # asked anew each time: who was logged out elsewhere sees nothing more


def store() -> Store:
    """The instance's files."""
    return Store(settings().photo_folder)


@bp.put("/api/reports/<uuid:report_id>/photos/<uuid:file_id>")
@login_required
def put_photo(report_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """One photo of a report."""
    return _put(report_id, file_id, Kind.PHOTO)


@bp.put("/api/reports/<uuid:report_id>/voices/<uuid:file_id>")
@login_required
def put_voice(report_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """The voice note of a report."""
    return _put(report_id, file_id, Kind.VOICE)


@bp.put("/api/cases/<number>/steps/<uuid:step_id>/photos/<uuid:file_id>")
@login_required
def put_after_photo(number: str, step_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """One photo of what was done about a case."""
    upload = _take(file_id, steps.expected_photo(user(), step_id, file_id))
    with writing():
        step, fresh = steps.attach(step_id, file_id, upload, clock.now())
        receipt = steps.receipt(step)
    return jsonify(receipt), 201 if fresh else 200


@bp.get("/photos/<uuid:file_id>/<size>")
@login_required
def get_photo(file_id: UUID, size: str) -> ResponseReturnValue:
    """A published copy."""
    attachment = _visible(file_id)
    if size not in SIZES or attachment.state != AttachmentState.READY or attachment.kind == Kind.VOICE:
        raise NotHere(str(file_id))
    return published(attachment, size)


def published(photo: Attachment, size: str) -> Response:
    """A picture's copy of this size. Whether the asker may see it was asked before."""
    return _private(store().copy(photo.id, size), "image/jpeg")


@bp.get("/voices/<uuid:file_id>")
@login_required
def get_voice(file_id: UUID) -> ResponseReturnValue:
    """The published copy of a voice note, which every browser plays."""
    attachment = _visible(file_id)
    copy = store().copy(file_id, "voice")
    if attachment.kind != Kind.VOICE or attachment.state != AttachmentState.READY or not copy.exists():
        raise NotHere(str(file_id))
    return _private(copy, "audio/mp4")


def _put(report_id: UUID, file_id: UUID, kind: Kind) -> ResponseReturnValue:
    expected = intake.expected_file(user(), report_id, file_id)
    if expected.kind != kind:
        raise NotHere(str(file_id))
    upload = _take(file_id, expected)
    with writing():
        report, fresh = intake.attach(report_id, file_id, upload, clock.now())
        receipt = intake.receipt(report)
    return jsonify(receipt), 201 if fresh else 200


def _take(file_id: UUID, expected: Expected) -> Upload:
    """The file that was announced, to disk."""
    try:
        if request.content_length is not None and request.content_length > expected.bytes:
            raise TooLarge("larger_than_declared")
        return _receive(file_id, expected.sha256, expected.bytes, sound=expected.kind == Kind.VOICE)
    except BadFile as error:
        if expected.here:  # the file that was announced is on disk; this is another one under its id
            raise Conflict("other_content") from error
        raise


def _receive(file_id: UUID, sha256: str, size: int, sound: bool) -> Upload:
    """Bytes to disk with no transaction open: a phone on 2G must not hold up anybody's write."""
    if size < 1:
        abort(411)
    if size > settings().max_photo_bytes:
        raise TooLarge("file_too_large")
    db.session.rollback()
    request.max_content_length = settings().max_photo_bytes
    return store().receive(request.stream, file_id, sha256, size, sound)


def _visible(file_id: UUID) -> Attachment:
    attachment = db.session.scalar(scope.attachments(user()).where(Attachment.id == file_id))
    if attachment is None:
        raise NotHere(str(file_id))
    return attachment


def _private(path: object, media_type: str) -> Response:
    answer = send_file(path, mimetype=media_type, conditional=True)  # type: ignore[arg-type]
    answer.headers["Cache-Control"] = KEEP
    return answer

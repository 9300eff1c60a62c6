"""The photos of a plain form: which of them can be taken, and then to disk, each with its sentence when it cannot."""

from collections.abc import Callable, Sequence
from uuid import UUID, uuid5

from fieldapp import filetypes
from fieldapp.db import db, writing
from fieldapp.filetypes import BadFile, Upload
from fieldapp.rules import submission
from fieldapp.web import words
from fieldapp.web.multipart import Picked
from fieldapp.web.security import settings
from fieldapp.web.uploads import store

Refused = list[tuple[str, str]]


def sort(files: Sequence[Picked]) -> tuple[list[Picked], Refused]:
    """Those that can be taken, known before anything names them; and the others, each with its sentence."""
    taken: list[Picked] = []
    refused: Refused = []
    for one in files:
        reason = _what_is_wrong(one, len(taken))
        if reason:
            refused.append((one.name, words.reason(reason)))
        else:
            taken.append(one)
    return taken, refused


def id_of(owner: UUID, place: int, one: Picked) -> UUID:
    """The same photo of the same form has the same id, however often it is sent."""
    return uuid5(owner, f"{place} {one.sha256}")


def keep(owner: UUID, taken: Sequence[Picked], attach: Callable[[UUID, Upload], object]) -> Refused:
    """Put them to what named them, in a transaction each; those that failed after all."""
    failed: Refused = []
    for place, one in enumerate(taken):
        assert one.path is not None
        file_id = id_of(owner, place, one)
        db.session.rollback()  # no transaction is open while the disk works
        try:
            with one.path.open("rb") as stream:
                upload = store().receive(stream, file_id, one.sha256, one.size, sound=False)
            with writing():
                attach(file_id, upload)
        except BadFile as error:
            failed.append((one.name, words.reason(error.reason)))
        except OSError:
            failed.append((one.name, words.reason("not_stored")))
    return failed


def _what_is_wrong(one: Picked, before: int) -> str | None:
    if one.size > settings().max_photo_bytes:
        return "file_too_large"
    if before >= submission.MAX_PHOTOS or one.path is None:
        return "too_many_photos"
    if not one.size:
        return "empty_file"
    try:
        filetypes.inspect(one.path)
    except BadFile as error:
        return error.reason
    return None

"""What a phone could not send: an officer brings it in as a file, and reads what became of each report."""

from contextlib import ExitStack, suppress
from mmap import ACCESS_READ, mmap
from tempfile import TemporaryFile
from typing import IO

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from fieldapp import clock, imports
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web.security import for_roles, settings, user
from fieldapp.web.uploads import store

bp = Blueprint("imports", __name__)
FORM_AROUND = 64 * 1024


@bp.get("/desk/import")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """The form, and how a report gets into such a file."""
    return _page()


@bp.post("/desk/import")
@for_roles(*WORKS_DESK)
def take() -> ResponseReturnValue:
    """Take what the file holds, and list every report with what became of it; sent again it does no harm."""
    request.max_content_length = imports.largest_file(settings().max_photo_bytes) + FORM_AROUND
    with ExitStack() as opened:
        try:
            content = _uploaded(opened)
        except RequestEntityTooLarge:
            return _page("export_too_large"), 413
        if content is None:
            return _page("no_file"), 422
        result = imports.take(user(), content, store(), settings().max_photo_bytes, clock.now())
    return _page(result.fault, result), 200 if result.lines else 422


def _page(fault: str | None = None, result: imports.Result | None = None) -> str:
    most = imports.largest_file(settings().max_photo_bytes)
    return render_template("desk/import.html", fault=fault, lines=result.lines if result else [], most=most)


def _uploaded(opened: ExitStack) -> bytes | mmap | None:
    """The file's bytes, on the disk that holds all the others: a folder for temporary files may be in memory."""

    def place(*_: object, **__: object) -> IO[bytes]:
        return opened.enter_context(TemporaryFile(dir=store().root / "incoming"))

    parser = FormDataParser(place, max_form_memory_size=FORM_AROUND, max_form_parts=4)
    _, _, files = parser.parse(request.stream, request.mimetype, request.content_length, request.mimetype_params)
    found = files.get("file")
    return _content(found.stream) if found is not None and found.filename else None


def _content(file: IO[bytes]) -> bytes | mmap:
    with suppress(ValueError):  # nothing can be mapped of an empty one
        return mmap(file.fileno(), 0, access=ACCESS_READ)
    return b""

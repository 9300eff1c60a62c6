"""Refusals and errors: RFC 9457 problem documents for programs, a sentence on a page for people."""

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, current_app, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from fieldapp import clock
from fieldapp.errors import Busy, Conflict, Invalid, NotAllowed, NotHere
from fieldapp.passwords import Locked
from fieldapp.photos import BadFile, TooLarge, WrongType
from fieldapp.rules.workflow import Refused
from fieldapp.web import words
from fieldapp.web.security import login

log = logging.getLogger(__name__)
HTTP_CODES = {"foreign_origin", "header_needed"}  # our own descriptions of a werkzeug 403


def init_app(app: Flask) -> None:
    """One handler per kind of refusal."""
    app.register_error_handler(NotHere, lambda error: problem(404, "not_here"))
    app.register_error_handler(NotAllowed, _not_allowed)
    app.register_error_handler(Conflict, lambda error: problem(409, error.reason))
    app.register_error_handler(StaleDataError, lambda error: problem(409, "stale"))
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Invalid, lambda error: problem(422, "invalid", errors=error.errors))
    app.register_error_handler(TooLarge, lambda error: problem(413, error.reason))
    app.register_error_handler(WrongType, lambda error: problem(415, error.reason))
    app.register_error_handler(BadFile, lambda error: problem(_status_of_file(error), error.reason))
    app.register_error_handler(OperationalError, _database_busy)
    app.register_error_handler(Busy, lambda error: _busy())
    for unreadable in (DataError, UnicodeError, OverflowError, RecursionError):
        app.register_error_handler(unreadable, lambda error: problem(400, "http_400"))  # no database or text takes it
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _crash)
    login.unauthorized_handler(_ask_to_log_in)


def wants_json() -> bool:
    """Programs and our own scripts get JSON; a browser going somewhere gets a page."""
    return request.path.startswith("/api/") or request.path in ("/healthz", "/readyz", "/metrics")


def problem(status: int, code: str, errors: dict[str, str] | None = None, detail: str | None = None) -> Response:
    """The answer for a refusal, in the asker's language and form."""
    detail = detail or words.reason(code)
    if not wants_json():
        page = render_template(_page(), status=status, detail=detail, errors=words.field_errors(errors))
        return Response(page, status)
    body: dict[str, Any] = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "code": code,
    }  # fmt: skip
    if errors:
        body["errors"] = words.field_errors(errors)
        body["detail"] = " ".join(body["errors"].values())
    response = jsonify(body)
    response.status_code, response.mimetype = status, "application/problem+json"
    return response


def status_of(error: Refused) -> int:
    """The HTTP status of a refused step: 409 when it is only not the time for it."""
    return {"unknown": 422, "not_yours": 403, "note_needed": 422, "target_needed": 422}.get(error.reason, 409)


def _status_of_file(error: BadFile) -> int:
    return 409 if error.reason == "other_content" else 422


def _page() -> str:
    return "_refusal.html" if request.headers.get("HX-Request") else "refusal.html"


def _not_allowed(error: NotAllowed) -> Response:
    if isinstance(error, Locked):
        answer = problem(429, "locked", detail=words.locked(error.until))
        answer.headers["Retry-After"] = str(max(1, round((error.until - clock.now()).total_seconds())))
        return answer
    log.warning("refused (%s): %s %r from %s", error.reason, request.method, request.path, request.remote_addr)
    return problem(401 if error.reason == "login" else 403, error.reason)


def _refused(error: Refused) -> Response:
    fields = {"note_needed": "note", "target_needed": "to", "unknown": "action"}
    errors = {fields[error.reason]: error.reason} if error.reason in fields else None
    return problem(status_of(error), error.reason, errors=errors, detail=words.refused(error))


def _database_busy(error: OperationalError) -> Response:
    log.warning("database busy or unreachable: %s", error.orig)
    return _busy()


def _busy() -> Response:
    response = problem(503, "busy")
    response.headers["Retry-After"] = "5"
    return response


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if 300 <= status < 400:
        return error.get_response()
    if status == 405 and request.method in ("GET", "HEAD") and not wants_json():
        return redirect(_page_above(request.path))
    code = error.description if error.description in HTTP_CODES else f"http_{status}"
    answer = problem(status, code)
    if status == 429:
        answer.headers["Retry-After"] = "60"
    return answer


def _page_above(path: str) -> str:
    """The nearest page above an address that only takes a form: where a reload or a typed address wants to go."""
    if path == "/password":
        return "/devices"
    routes, parts = current_app.url_map.bind(""), path.split("/")
    above = ("/".join(parts[:n]) for n in range(len(parts) - 1, 1, -1))
    return next((page for page in above if routes.test(page, "GET")), "/login")


def _crash(error: Exception) -> Response:
    log.exception("unexpected error at %s %r", request.method, request.path)
    return problem(500, "http_500")


def _ask_to_log_in() -> ResponseReturnValue:
    if wants_json() or request.method != "GET" or request.headers.get("HX-Request"):
        return problem(401, "http_401")  # a login page has no place inside another page: js/task-session.js goes there
    return redirect(f"/login?next={quote(request.full_path.rstrip('?'))}")

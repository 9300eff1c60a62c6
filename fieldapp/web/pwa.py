"""What makes a page an app: the manifest, the service worker with its list, and static files by release."""

import hashlib
import json
from functools import lru_cache

from flask import Blueprint, Response, jsonify, render_template, request, send_from_directory
from flask.typing import ResponseReturnValue

from fieldapp.web.assets import STATIC, asset, files, release
from fieldapp.web.security import settings
from fieldapp.web.tongue import say as _

bp = Blueprint("pwa", __name__)

PAGES = ["/", "/report", "/reports", "/story", "/phone", "/guide", "/offline", "/manifest.webmanifest"]
OFFICERS_ONLY = (
    "vendor/", "css/desk", "css/task", "css/officer", "css/roster", "css/policies", "css/measures", "js/desk",
    "js/task", "js/countdown", "js/roster", "js/policies", "js/link", "guide/",
)  # fmt: skip
NOT_ON_PHONES = (*OFFICERS_ONLY, "icons/maskable", "icons/icon-512", "sw")
HASH_DIGITS = 16


@lru_cache(maxsize=1)
def kept_files() -> dict[str, str]:
    """The static files a phone keeps, so that the app opens without a network: name -> start of its SHA-256."""
    found = {path.relative_to(STATIC).as_posix(): path for path in files()}
    kept = {name: path for name, path in found.items() if not name.startswith(NOT_ON_PHONES)}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest()[:HASH_DIGITS] for name, path in kept.items()}


@bp.get("/static/<version>/<path:name>")
def static(version: str, name: str) -> ResponseReturnValue:
    """A static file. Under the current release it may be kept for ever, under another it is only a stopgap.

    Forty small files make one app: every header here is paid forty times by a phone on a bad network.
    """
    current = version == release()
    response = send_from_directory(STATIC, name, etag=False, max_age=None)
    for header in ("Content-Disposition", "Last-Modified", "Accept-Ranges"):
        response.headers.pop(header, None)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if current else "no-cache"
    return response


@bp.get("/sw.js")
def service_worker() -> ResponseReturnValue:
    """The service worker, told which release it belongs to and what to keep.

    With `?sending` it is a module with the phone's own outbox in it, for browsers that wake it up to send.
    """
    answer = Response(_worker_script(), mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer.make_conditional(request)


def _worker_script() -> str:
    if not settings().service_worker:
        return (STATIC / "sw-off.js").read_text()
    outbox = f'import {{ counts, drain }} from "{asset("js/outbox.js")}";'
    facts = {"RELEASE": release(), "PAGES": PAGES, "FILES": kept_files()}
    head = [outbox if "sending" in request.args else "const drain = null;"]
    head += [f"const {name} = {json.dumps(value, separators=(',', ':'))};" for name, value in facts.items()]
    return "\n".join([*head, (STATIC / "sw.js").read_text()])


@bp.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    """How the app installs."""
    answer = jsonify(
        id="/", start_url="/", scope="/", display="standalone", name=_("随手报"), short_name=_("随手报"),
        description=_("看到就报，件件有着落"), lang="zh-CN", background_color="#f6f7f4", theme_color="#f6f7f4",
        icons=[
            {"src": asset("icons/icon-192.png"), "sizes": "192x192", "type": "image/png"},
            {"src": asset("icons/icon-512.png"), "sizes": "512x512", "type": "image/png"},
            {"src": asset("icons/maskable-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        ],
        shortcuts=[{"name": _("随手报"), "url": "/report"}],
    )  # fmt: skip
    answer.mimetype = "application/manifest+json"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@bp.get("/offline")
def offline() -> ResponseReturnValue:
    """Shown when a page that needs the network is opened without one."""
    return render_template("patrol/offline.html")

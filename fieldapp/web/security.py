"""Who is asking, whether a write comes from our own pages, and the headers every answer carries."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, Response, abort, current_app, g, request
from flask.sessions import NullSession, SessionInterface
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, current_user, login_required
from sqlalchemy import update

from fieldapp import accounts, clock
from fieldapp.config import Settings
from fieldapp.db import db, writing
from fieldapp.errors import NotAllowed
from fieldapp.models import Device, User
from fieldapp.rules.roles import Role
from fieldapp.web.packed import Packed, key_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE = "fieldapp_device"
COOKIE_LASTS = timedelta(days=400)  # the most browsers take; how long a session lasts is the server's to say
COOKIE_NAMES = {COOKIE, f"__Host-{COOKIE}"}
WHO = "fieldapp_user"
CSP = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:",
        "media-src 'self' blob:", "connect-src 'self'", "font-src 'self'", "manifest-src 'self'",
        "worker-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(self)",
}

HEADERS_OF_FILES = {name: HEADERS[name] for name in ("X-Content-Type-Options", "Cross-Origin-Resource-Policy")}

P = ParamSpec("P")
R = TypeVar("R")


class NoSession(SessionInterface):
    """Nothing is kept in Flask's own session. Libraries that look into it must not make every file vary by cookie:
    what a phone has kept would be fetched again after each login.
    """

    def open_session(self, app: Flask, request: Any) -> NullSession:
        """An empty one that cannot be written to."""
        return self.make_null_session(app)

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        """There is never anything to save."""


login = LoginManager()
limiter = Limiter(get_remote_address, storage_uri="memory://", strategy="moving-window", headers_enabled=True)
compress = Compress()


def failed(response: Response) -> bool:
    """Only failed tries count against a rate limit: a whole office may share one address."""
    return response.status_code >= 400


def init_app(app: Flask) -> None:
    """Install the guards."""
    app.config.update(
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_ALGORITHM_STREAMING=["br", "gzip"], COMPRESS_LEVEL=5, COMPRESS_BR_LEVEL=4, COMPRESS_MIN_SIZE=600,
        COMPRESS_CACHE_BACKEND=Packed, COMPRESS_CACHE_KEY=key_of,
        RATELIMIT_ENABLED=app.config["SETTINGS"].rate_limits,
    )  # fmt: skip
    app.session_interface = NoSession()
    login.init_app(app)
    limiter.init_app(app)
    compress.init_app(app)
    app.before_request(refuse_foreign_writes)
    app.after_request(add_headers)


def settings() -> Settings:
    """The running instance's settings."""
    return cast(Settings, current_app.config["SETTINGS"])


def user() -> User:
    """The user asking; only inside routes that require a login."""
    return cast(User, current_user._get_current_object())


def device() -> Device:
    """The device asking; only inside routes that require a login."""
    return cast(Device, g.device)


@login.request_loader
def load_user(incoming: Any) -> User | None:
    """The user of the device whose cookie came with the request."""
    token = incoming.cookies.get(cookie_name())
    found = accounts.device_of(token, clock.now()) if token else None
    g.device = found
    return found.user if found else None


def for_roles(*roles: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only these roles get in: nobody logged in is asked to log in, everybody else is refused."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        @login_required
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if user().role not in roles:
                raise NotAllowed("role")
            return view(*args, **kwargs)

        return guarded

    return decorate


def refuse_foreign_writes() -> None:
    """A write must come from our own pages, or from a program that says so; no token that could go stale."""
    if request.method in SAFE:
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None:
        if origin not in (request.host_url.rstrip("/"), settings().base_url):
            abort(403, "foreign_origin")
    elif site is not None:
        if site not in ("same-origin", "none"):
            abort(403, "foreign_origin")
    elif request.endpoint == "api.log_in":
        return  # proves itself by a password; a program need not know whether it still holds a cookie
    elif COOKIE_NAMES & set(request.cookies) and request.headers.get("X-Requested-With") != "fieldapp":
        abort(403, "header_needed")


def cookie_name() -> str:
    """With https the cookie is bound to this host by its name."""
    return f"__Host-{COOKIE}" if settings().secure_cookies else COOKIE


def remember(response: Response, token: str, user_id: int) -> Response:
    """Give the browser its device's cookie, and tell its scripts whose phone it is now, also without a network."""
    secure = settings().secure_cookies
    lasts_s = int(COOKIE_LASTS.total_seconds())
    response.set_cookie(cookie_name(), token, max_age=lasts_s, path="/", secure=secure, httponly=True, samesite="Lax")
    response.set_cookie(WHO, str(user_id), max_age=lasts_s, path="/", secure=secure, samesite="Lax")
    return response


def forget(response: Response) -> Response:
    """Take the session back, and what the browser kept of pictures. The phone must know, also without a network, that
    it is nobody's now: no user has the id 0, and no cookie at all would only mean that nothing is known.
    """
    secure = settings().secure_cookies
    response.delete_cookie(cookie_name(), path="/", secure=secure, httponly=True, samesite="Lax")
    lasts_s = int(COOKIE_LASTS.total_seconds())
    response.set_cookie(WHO, "0", max_age=lasts_s, path="/", secure=secure, samesite="Lax")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def touch_device() -> None:
    """Note that a device is still in use, at most every few minutes."""
    found = g.get("device")
    used = accounts.touch(found, clock.now()) if found is not None else None
    if found is not None and used:
        device_id = found.id
        with writing():
            db.session.execute(update(Device).where(Device.id == device_id).values(used))


def device_label() -> str:
    """A name for a browser that its owner recognises, from what the browser says of itself."""
    agent = request.headers.get("User-Agent", "")
    systems = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "安卓手机"), ("Windows", "Windows"),
               ("Mac OS", "Mac"), ("Linux", "Linux"))  # fmt: skip
    browsers = (("MicroMessenger", "微信"), ("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"),
                ("Safari", "Safari"))  # fmt: skip
    system = next((name for mark, name in systems if mark in agent), "")
    browser = next((name for mark, name in browsers if mark in agent), "")
    return " · ".join(part for part in (system, browser) if part) or "其他设备"


def add_headers(response: Response) -> Response:
    """Every answer: no foreign content, no sniffing, no framing; pages with content are not stored."""
    headers = HEADERS_OF_FILES if request.endpoint == "pwa.static" else HEADERS
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if settings().secure_cookies:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response

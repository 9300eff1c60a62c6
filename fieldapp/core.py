"""The app without its pages: settings, secrets and database."""

from flask import Flask

from fieldapp import accounts, config
from fieldapp.config import Settings
from fieldapp.db import db


def create_core(settings: Settings | None = None) -> Flask:
    """Only settings and database: all that a worker needs, in half the memory. Raises BadSetting."""
    settings = settings or config.from_environment()
    settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = Flask("fieldapp", static_folder=None, template_folder=str(config.ROOT / "templates"))
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=accounts.secret(settings.instance, "session.key"),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        MAX_CONTENT_LENGTH=256 * 1024,  # photos are streamed past this by their own route
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        TESTING=settings.testing,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    db.init_app(app)
    return app


def _engine_options(settings: Settings) -> dict[str, object]:
    if settings.database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": 10, "check_same_thread": False}}
    return {"pool_pre_ping": True, "pool_size": 8, "max_overflow": settings.web_threads}

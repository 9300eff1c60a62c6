"""Migrations: only who runs them pays for Alembic, a tenth of a second that the web server's start can do without."""

from flask import Flask
from flask_migrate import Migrate

from fieldapp.config import ROOT
from fieldapp.db import db


def add_migrations(app: Flask) -> None:
    """Say where they are, for `flask_migrate.upgrade` and `flask db`."""
    Migrate(app, db, directory=str(ROOT / "migrations"))

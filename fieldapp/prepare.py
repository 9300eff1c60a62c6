"""Make an instance ready to serve: `python -m fieldapp.prepare [--demo]`. Safe to repeat.

Migrates, makes the keys, fills in divisions, categories and limits, and with --demo seeds an empty database.
Its last word is "demo" or "ready". It loads no pages: every start waits for it. What it makes only its owner reads.
"""

import os
import sys

from flask_migrate import upgrade

from fieldapp import accounts, clock, config, seed
from fieldapp.channels import webpush
from fieldapp.core import create_core
from fieldapp.db import writing
from fieldapp.migrating import add_migrations
from fieldapp.photos import Store


def main(demo: bool) -> None:
    """Do all of it and say what this instance is."""
    os.umask(0o077)  # before anything makes the instance folder
    app = create_core()
    add_migrations(app)
    settings: config.Settings = app.config["SETTINGS"]
    with app.app_context():
        upgrade()
        webpush.ensure_key(settings.instance)
        Store(settings.photo_folder)
        with writing():
            seed.reference_data()
            if demo:
                seed.demo(clock.now())
        print("demo" if accounts.is_demo() else "ready")


if __name__ == "__main__":
    main(demo="--demo" in sys.argv[1:])

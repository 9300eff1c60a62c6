"""随手报 Fieldapp: volunteers report weak signals, the township answers every one. Wiring only.

Imports stand inside the functions: the supervisor reads this package's settings without paying for Flask.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from fieldapp.config import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The whole application for these settings (default: the environment's). Raises BadSetting."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    from fieldapp import cli, web
    from fieldapp.core import create_core

    app = create_core(settings)
    proxies = app.config["SETTINGS"].trusted_proxies
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    web.register(app)
    cli.register(app)
    return app

"""Chinese first, English by a switch; the hour on a clock in Haifeng."""

from flask import Blueprint, Flask, Response, redirect, request
from flask_babel import Babel
from werkzeug.wrappers import Response as Redirect

from fieldapp import accounts, clock
from fieldapp.web import delivery_words, map_words, term_words, words
from fieldapp.web.assets import asset
from fieldapp.web.tongue import LANGUAGES, chosen, markup

LOCALES = {"zh": "zh_Hans_CN", "en": "en"}

bp = Blueprint("language", __name__)
babel = Babel()


def init_app(app: Flask) -> None:
    """Catalogues, and what every template may use."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    app.config["BABEL_DEFAULT_TIMEZONE"] = clock.LOCAL.key
    babel.init_app(app, default_locale="zh_Hans_CN", locale_selector=lambda: LOCALES[chosen()])
    app.jinja_env.globals.update(
        _=markup, asset=asset, words=words, known=delivery_words, map_words=map_words, local=clock.local,
        rfc3339=clock.rfc3339, terms=term_words,
    )  # fmt: skip
    demo: list[bool] = []

    @app.context_processor
    def common() -> dict[str, object]:
        if not demo:  # it never changes while the server runs
            demo.append(accounts.is_demo())
        return {"language": chosen(), "demo": demo[0]}


@bp.post("/language")
def switch() -> Redirect:
    """Remember the other language and go back to where one was."""
    wanted = request.form.get("language", "zh")
    response: Response = redirect(local_path(request.form.get("next", "/")))  # type: ignore[assignment]
    response.set_cookie("lang", wanted if wanted in LANGUAGES else "zh", max_age=31536000, samesite="Lax")
    return response


def local_path(target: str) -> str:
    """A path on this site, whatever was asked for: no way to send somebody elsewhere."""
    plain = target.isprintable() and "\\" not in target
    return target if plain and target.startswith("/") and not target.startswith("//") else "/"

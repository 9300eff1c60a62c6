"""Which language this browser reads, and the words in it.

A page says two hundred words, and looking up the request's catalogue costs more than looking up the word:
it is found once per request here.
"""

from gettext import NullTranslations

from flask import g, request
from flask_babel import get_translations
from flask_babel.speaklater import LazyString
from markupsafe import Markup

LANGUAGES = ("zh", "en")


def chosen() -> str:
    """The language of this browser: "zh" unless it was switched."""
    return "en" if request.cookies.get("lang") == "en" else "zh"


def say(text: str, **values: object) -> str:
    """The text in this browser's language, with `values` put in where it names them."""
    found = _catalogue().gettext(text)
    return found % values if values else found


def later(text: str) -> LazyString:
    """The same, when it is shown; for words that stand in tables."""
    return LazyString(say, text)


def markup(text: str, **values: object) -> Markup:
    """The same for templates: our own words are trusted, the values are escaped."""
    return Markup(_catalogue().gettext(text)) % values  # noqa: S704  catalogues are part of the code


def in_chinese() -> None:
    """From here on this request speaks as the words were written: a ledger goes to other offices of this place."""
    g.catalogue = NullTranslations()


def _catalogue() -> NullTranslations:
    if "catalogue" not in g:
        g.catalogue = get_translations()
    found: NullTranslations = g.catalogue
    return found

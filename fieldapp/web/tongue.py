"""Which language this browser reads."""

from flask import request

LANGUAGES = ("zh", "en")


def chosen() -> str:
    """The language of this browser: "zh" unless it was switched."""
    return "en" if request.cookies.get("lang") == "en" else "zh"

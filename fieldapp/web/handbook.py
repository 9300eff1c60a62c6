"""The duty officer's guide: docs/guide-duty-officer.md as a page, with its pictures, to read and to print."""

from functools import lru_cache

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from fieldapp.config import ROOT
from fieldapp.rules import prose
from fieldapp.rules.prose import Block
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web.security import for_roles

bp = Blueprint("handbook", __name__)
TEXT = ROOT / "docs" / "guide-duty-officer.md"
STATIC = "../static/"


@bp.get("/desk/help")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """The whole guide. It is in Chinese alone, as what it is about."""
    return render_template("desk/handbook.html", blocks=_blocks(), marked=marked, picture=_picture)


@lru_cache(maxsize=1)
def _blocks() -> tuple[Block, ...]:
    return tuple(prose.blocks(TEXT.read_text(encoding="utf-8")))


def marked(text: str) -> Markup:
    """A line with what is bold and what is a key in it."""
    pieces = (Markup("<{0}>{1}</{0}>").format(tag, words) if tag else escape(words) for tag, words in prose.spans(text))
    return Markup("").join(pieces)


def _picture(block: Block) -> str | None:
    """The name of its file among the static ones, when it was taken."""
    name = block.source.removeprefix(STATIC)
    return name if (ROOT / "static" / name).is_file() else None

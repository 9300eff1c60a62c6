"""短语: the page where a desk keeps its town's ready sentences."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import phrases
from fieldapp.db import writing
from fieldapp.errors import Invalid
from fieldapp.rules.phrases import LONGEST, MOST
from fieldapp.rules.roles import WORKS_DESK
from fieldapp.web import words
from fieldapp.web.security import for_roles, user

bp = Blueprint("phrases", __name__, url_prefix="/desk/phrases")


@bp.get("")
@for_roles(*WORKS_DESK)
def show() -> ResponseReturnValue:
    """All of them, by verb."""
    return _page()


@bp.post("")
@for_roles(*WORKS_DESK)
def change() -> ResponseReturnValue:
    """Add one (`text`), write one anew (`was`, `text`) or remove it (`was`, `remove`)."""
    form = request.form
    verb, was, text = form.get("verb", ""), form.get("was", ""), form.get("text", "")
    try:
        if was and not text.strip() and "remove" not in form:
            raise Invalid({verb: "word_needed"})
        with writing():
            phrases.change(user(), verb, was, "" if "remove" in form else text)
    except Invalid as error:
        return _page(words.field_errors(error.errors)), 422
    return redirect(f"/desk/phrases?saved={verb}#verb-{verb}", 303)


def _page(errors: dict[str, str] | None = None) -> str:
    return render_template(
        "desk/phrases.html", phrases=phrases.of(user()), errors=errors or {}, typed=request.form, longest=LONGEST,
        most=MOST, saved=request.args.get("saved", ""),
    )  # fmt: skip

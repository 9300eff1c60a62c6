"""One action on one case from a form: what was typed, the verb, and a sentence when it is refused."""

from dataclasses import dataclass

from flask import request
from sqlalchemy.orm.exc import StaleDataError

from fieldapp import clock, verbs
from fieldapp.cases import Ask
from fieldapp.db import writing
from fieldapp.errors import Conflict, Invalid, Several
from fieldapp.models import User
from fieldapp.rules.workflow import Part, Refused
from fieldapp.web import words
from fieldapp.web.problems import status_of
from fieldapp.web.security import user


@dataclass(frozen=True)
class Typed:
    """What a form was sent with, kept so that a refusal loses nothing of it."""

    action: str = ""
    note: str = ""
    to: tuple[str, ...] = ()
    category: str = ""
    severity: str = ""
    term: str = ""

    def note_for(self, action: str) -> str:
        """The note typed for this action, for its form to show again."""
        return self.note if self.action == action else ""

    def to_for(self, action: str) -> tuple[str, ...]:
        """Who was chosen for this action."""
        return self.to if self.action == action else ()


@dataclass(frozen=True)
class Refusal:
    """Why it was not done, and the answer's status; `choices` are numbers and titles of cases to choose from."""

    sentence: str
    status: int
    choices: tuple[tuple[str, str], ...] = ()


def typed() -> Typed:
    """The form of this request."""
    form = request.form
    chosen = tuple(name.strip() for name in form.getlist("to") if name.strip())
    lead = form.get("lead", "")
    if lead:  # who leads is named first, ticked or not
        chosen = (lead, *(name for name in chosen if name != lead))
    return Typed(
        form.get("action", ""), form.get("note", ""), chosen, form.get("category", ""), form.get("severity", ""),
        form.get("term", ""),
    )  # fmt: skip


def attempt(number: str, sent: Typed, *wanted: Part, actor: User | None = None) -> Refusal | None:
    """Do it and commit, or say why not; `actor` is whoever is logged in unless a link says who. Raises NotHere and
    NotAllowed as the verbs do.
    """
    try:
        ask, version = Ask.of(sent.note, sent.to, sent.category, sent.severity, sent.term), _version()
        with writing():
            verbs.perform(actor or user(), number, sent.action, ask, version, clock.now(), *wanted)
    except Refused as error:
        return Refusal(words.refused(error), status_of(error))
    except (Conflict, StaleDataError) as error:
        return Refusal(words.reason(getattr(error, "reason", "stale")), 409)
    except Invalid as error:
        choices = tuple(error.found) if isinstance(error, Several) else ()
        return Refusal(" ".join(words.field_errors(error.errors).values()), 422, choices)
    return None


def _version() -> int:
    text = request.form.get("version", "")
    if not text.isascii() or not text.isdigit():
        raise Invalid({"version": "not_a_number"})
    return int(text)

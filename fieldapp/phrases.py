"""短语 of a town: those that come with the product until the town changes one; from then on its own."""

import csv
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Select, select

from fieldapp.db import db
from fieldapp.errors import Invalid
from fieldapp.models import Area, Case, Phrase, User
from fieldapp.rules import phrases as rules
from fieldapp.rules.phrases import LONGEST, MOST, VERBS

SHIPPED = Path(__file__).parent / "data" / "phrases.csv"
Sentences = dict[str, list[str]]


@lru_cache(maxsize=1)
def shipped() -> tuple[tuple[str, str], ...]:
    """Verb and sentence, as they come with the product."""
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        return tuple((row["verb"], row["text"]) for row in csv.DictReader(file))


def of(user: User) -> Sentences:
    """The sentences of the user's town for every verb, the oldest first."""
    rows = db.session.execute(_own(user)).all() or shipped()
    return {verb: [text for of_verb, text in rows if of_verb == verb] for verb in VERBS}


def for_case(user: User, case: Case, verbs: list[str]) -> Sentences:
    """Those for these verbs, filled in for the case."""
    known, place = of(user), case.area.short_name
    filled = {verb: [rules.fill(text, case.number, place) for text in known.get(verb, [])] for verb in verbs}
    return {verb: texts for verb, texts in filled.items() if texts}


def change(user: User, verb: str, was: str, text: str) -> None:
    """Add a sentence (no `was`), write one anew, or remove it (no `text`). Commit is the caller's. Raises Invalid.

    The first change makes those that came with the product the town's own; when all are removed they are back.
    """
    text = rules.clean(text)
    if verb not in VERBS:
        raise Invalid({"verb": "unknown"})
    if not text and not was:
        raise Invalid({verb: "word_needed"})
    if len(text) > LONGEST:
        raise Invalid({verb: "too_long"})
    _take_over(user)
    rows = {row.text: row for row in db.session.scalars(_rows(user).where(Phrase.verb == verb))}
    if was and was not in rows:
        raise Invalid({verb: "stale"})
    if text != was and text in rows:
        raise Invalid({verb: "name_taken"})
    if not was and len(rows) >= MOST:
        raise Invalid({verb: "too_many"})
    _put(user, verb, rows.get(was), text)


def _put(user: User, verb: str, row: Phrase | None, text: str) -> None:
    if row is None:
        db.session.add(Phrase(town_code=user.town_code, verb=verb, text=text))
    elif text:
        row.text = text
    else:
        db.session.delete(row)


def _take_over(user: User) -> None:
    """One officer at a time, or two first changes at once would copy everything twice."""
    db.session.execute(select(Area.code).where(Area.code == user.town_code).with_for_update())
    if db.session.scalar(_rows(user).limit(1)) is None:
        db.session.add_all(Phrase(town_code=user.town_code, verb=verb, text=text) for verb, text in shipped())
        db.session.flush()


def _rows(user: User) -> Select[Phrase]:
    return select(Phrase).where(Phrase.town_code == user.town_code)


def _own(user: User) -> Select[str, str]:
    return select(Phrase.verb, Phrase.text).where(Phrase.town_code == user.town_code).order_by(Phrase.id)

"""What somebody looks for: which tokens a case must have (see tokens.py), where the words stand in a text, and how well
a case answers."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from fieldapp.rules import tokens

LONGEST = 60  # characters
MOST = 8  # words
PREFIX_FROM = 3  # letters of a word that may still go on
AROUND = 16  # characters shown on either side of a find in a long text
TITLE, PLACE, TEXT, PHRASE, RECENT = 1.0, 0.7, 0.4, 0.3, 0.5
HALF_AS_RECENT = timedelta(days=30)
PIECE_OF_NUMBER = re.compile(r"(?:([a-z]{1,4})-?)?(\d{2,8})-(\d{1,6})")
BEGINNING = re.compile(r"([a-z]{1,4})-(\d{2,8})-?")
RUN_TOGETHER = re.compile(r"([a-z]{1,4})?(\d{8})(\d{3,6})")
WHOLE = re.compile(r"[a-z]{1,4}-\d{8}-\d{3,}")

Part = tuple[str, bool]  # a piece of text, and whether it is what was looked for


class TooLong(ValueError):
    """Nobody looks for this much at once."""


@dataclass(frozen=True)
class Term:
    """One token; `open_ended`: or any that begins with it."""

    token: str
    open_ended: bool = False


@dataclass(frozen=True)
class Need:
    """One thing looked for, as it was typed; a case has it that has all terms of any one way."""

    said: str
    ways: tuple[tuple[Term, ...], ...]


def asked(words: str) -> list[Need]:
    """All of these must be found. Raises TooLong."""
    if len(words) > LONGEST:
        raise TooLong
    needs = [need for piece in tokens.normal(words).split() for need in _needs(piece)]
    if len(needs) > MOST:
        raise TooLong
    return list(dict.fromkeys(needs))


def number_in(words: str) -> str | None:
    """The whole number of a case, when that and nothing else was typed."""
    typed = tokens.normal(words).strip()
    return typed.upper() if WHOLE.fullmatch(typed) else None


def piece_of_number(words: str) -> Need | None:
    """A piece of a case's number, when that and nothing else was typed; digits alone are the last ones: 7, 1123-007."""
    piece = tokens.normal(words).strip()
    last = (Term(f"#s{piece}"),) if piece.isascii() and piece.isdigit() else ()
    terms = _of_number(piece) or last
    return Need(piece, (terms,)) if terms else None


def _needs(piece: str) -> list[Need]:
    number = _of_number(piece)
    plain = [_need(run) for run in tokens.runs(piece)]
    if not number:
        return plain
    # a piece of a number may as well stand in somebody's words
    in_words = tuple(term for need in plain for term in need.ways[0])
    return [Need(piece, (number, in_words))]


def _of_number(piece: str) -> tuple[Term, ...]:
    for shape in (PIECE_OF_NUMBER, RUN_TOGETHER):
        if parts := shape.fullmatch(piece):
            letters, day, count = parts.groups()
            return (*_letters(letters), Term(f"#d{day}"), Term(f"#s{count}"))
    if parts := BEGINNING.fullmatch(piece):
        return (*_letters(parts[1]), Term(f"#d{parts[2]}"))
    return ()


def _letters(letters: str | None) -> tuple[Term, ...]:
    return (Term(f"#{letters}"),) if letters else ()


def _need(run: str) -> Need:
    if tokens.is_han(run):
        return Need(run, (_pairs(run),))
    word = (Term(run[: tokens.LONGEST], len(run) >= PREFIX_FROM),)
    if run.isascii() and run.isdigit():
        return Need(run, (word, (Term(f"#d{run}"),), (Term(f"#s{run}"),)))
    if run.isascii() and run.isalpha() and len(run) > 1:
        return Need(run, (word, _initials(run)))
    return Need(run, (word,))


def _pairs(run: str) -> tuple[Term, ...]:
    return tuple(Term(pair) for pair in sorted(tokens.pairs(run))) or (Term(run, True),)


def _initials(run: str) -> tuple[Term, ...]:
    length = min(len(run), 3)
    return tuple(Term("~" + run[at : at + length]) for at in range(len(run) - length + 1))


def spots(text: str, needs: Sequence[Need]) -> list[tuple[int, int]]:
    """Where the words stand in the text, from and to, in order and apart from each other."""
    plain, places = _placed(text)
    found: list[tuple[int, int]] = []
    for need in needs:
        for start, end in _occurrences(plain, need.said):
            found.append((places[start], places[end - 1] + 1))
    return _apart(found)


def marked(text: str, needs: Sequence[Need]) -> list[Part]:
    """The text in pieces, those looked for marked True; joined they are the text as it was."""
    parts: list[Part] = []
    at = 0
    for start, end in spots(text, needs):
        parts += [(text[at:start], False), (text[start:end], True)]
        at = end
    return [part for part in [*parts, (text[at:], False)] if part[0]]


def excerpt(text: str, needs: Sequence[Need]) -> list[Part]:
    """A long text around the first find, marked; nothing when there is none."""
    text = " ".join(text.split())
    found = spots(text, needs)
    if not found:
        return []
    start, end = max(found[0][0] - AROUND, 0), min(found[0][1] + 2 * AROUND, len(text))
    return marked(("…" if start else "") + text[start:end] + ("…" if end < len(text) else ""), needs)


def lacking(text: str, needs: Sequence[Need]) -> list[Need]:
    """Those of the needs that the text does not answer."""
    return [need for need in needs if not spots(text, [need])]


def score(title: str, names: str, needs: Sequence[Need], age: timedelta) -> float:
    """How well a case that has all the words answers: in its title best, in its place and kind next, and the newer
    the better; the whole phrase in the title is worth more than its words apart.
    """
    in_title = [not lacking(title, [need]) for need in needs]
    in_names = [not lacking(names, [need]) for need in needs]
    worth = sum(TITLE if a else PLACE if b else TEXT for a, b in zip(in_title, in_names, strict=True))
    phrase = PHRASE if all(in_title) and _joined(needs) in tokens.normal(title) else 0.0
    recent = RECENT * math.exp2(-max(age / HALF_AS_RECENT, 0.0))
    return worth / max(len(needs), 1) + phrase + recent


def _joined(needs: Sequence[Need]) -> str:
    return "".join(need.said for need in needs)


@lru_cache(maxsize=4096)
def _placed(text: str) -> tuple[str, tuple[int, ...]]:
    """The text as tokens.py writes it, and for each of its characters the place of the one it came from."""
    if text.isascii():
        return text.lower(), tuple(range(len(text)))
    written = [tokens.normal(character) for character in text]
    return "".join(written), tuple(place for place, one in enumerate(written) for _ in one)


def _occurrences(plain: str, said: str) -> list[tuple[int, int]]:
    found = [(at.start(), at.end()) for at in re.finditer(re.escape(said), plain)]
    if found or not (said.isascii() and said.isalpha() and len(said) > 1):
        return found
    letters = _readings(plain)
    ends = range(len(plain) - len(said) + 1)
    starts = [at for at in ends if said[0] in letters[at] and said[1] in letters[at + 1]]
    return [(at, at + len(said)) for at in starts if all(c in letters[at + n] for n, c in enumerate(said))]


@lru_cache(maxsize=4096)
def _readings(plain: str) -> tuple[str, ...]:
    return tuple(tokens.initials(character) for character in plain)


def _apart(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart

"""What people typed, without what tells who they are: numbers of telephones and identity cards, and known names."""

from collections.abc import Iterable

from fieldapp.rules.masking import mask

NAME = "某某"


def veil(text: str, names: Iterable[str] = ()) -> str:
    """The text with numbers left out and these names, the longest first, made 某某. Names of one sign are kept:
    they would be found inside other words.
    """
    text = mask(text)
    for name in sorted({name for name in names if len(name) > 1}, key=len, reverse=True):
        text = text.replace(name, NAME)
    return text


def shorten(text: str, most: int) -> tuple[str, bool]:
    """One line of at most `most` signs, and whether anything was left out."""
    line = " ".join(text.split())
    return (line, False) if len(line) <= most else (line[: most - 1] + "…", True)

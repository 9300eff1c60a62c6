"""How bad it is: blue 蓝, yellow 黄, red 红, in rising order."""

from enum import IntEnum


class Severity(IntEnum):
    """Rank of a report or case; the number is what the queue sorts by."""

    BLUE = 1
    YELLOW = 2
    RED = 3

    @property
    def word(self) -> str:
        """The name on the wire: "blue", "yellow" or "red"."""
        return self.name.lower()


def parse(word: str) -> Severity:
    """Read a severity from the wire; raises ValueError for any other word."""
    for severity in Severity:
        if severity.word == word:
            return severity
    raise ValueError(f"no severity {word!r}")


# how messages name it, in the language of the place
COLOUR = {Severity.RED: "红", Severity.YELLOW: "黄", Severity.BLUE: "蓝"}

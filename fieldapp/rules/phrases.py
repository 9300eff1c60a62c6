"""短语: ready sentences for the notes of a verb, with places that are filled in for the case at hand."""

LONGEST, MOST = 120, 20  # signs of one sentence; sentences of one verb

# every verb whose form has a field for words, in the order in which a case meets them
VERBS = (
    "decline", "dispatch", "reinforce", "set_lead", "classify", "merge", "split", "nudge", "supervise", "park",
    "refuse", "report_outcome", "return", "close", "reopen",
)  # fmt: skip

NUMBER, PLACE = "{编号}", "{地点}"


def fill(text: str, number: str, place: str) -> str:
    """The sentence with this case's number and place; anything else in braces stays as it was written."""
    return text.replace(NUMBER, number).replace(PLACE, place)


def clean(text: str) -> str:
    """One line of what was typed."""
    return " ".join(text.replace("\x00", "").split())

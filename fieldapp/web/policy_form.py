"""The form of one policy: what was typed, held as text until it is checked, and the small moves inside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from fieldapp.rules.escalation import LONGEST_MINUTES, MOST_REPEATS, MOST_RUNGS, Call, Policy, Rung

GROUPS = (Rung.ON_CALL, Rung.BACKUP, Rung.LEADER, Rung.DESK)
LONGEST_LIST = 12
BAD = -1  # what no rule takes


@dataclass(frozen=True)
class Typed:
    """One rung as it was typed."""

    who: tuple[str, ...] = ()
    minutes: str = ""
    copied: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    at_once: bool = False

    def call(self) -> Call:
        """The rung it stands for; minutes that are no number are ones that the rules refuse."""
        return Call(self.who, _number(self.minutes, LONGEST_MINUTES), self.copied, self.channels, self.at_once)


@dataclass(frozen=True)
class Draft:
    """A policy as it was typed; `knows` is the tick under one that calls nobody, `seen` what stood there before."""

    rungs: tuple[Typed, ...] = ()
    repeat: str = "0"
    knows: bool = False
    seen: str = ""

    def policy(self) -> Policy:
        """What it stands for, checked or not."""
        repeat = _number(self.repeat, MOST_REPEATS)
        return Policy(tuple(rung.call() for rung in self.rungs), 0 if repeat is None else repeat)

    def after(self, move: str) -> "Draft":
        """The same after a button: add, or up, down and remove with the number of a rung ("up-2"); else as it is."""
        verb, _, number = move.partition("-")
        rungs, at = list(self.rungs), int(number) if number.isascii() and number.isdigit() and len(number) < 3 else -1
        if verb == "add" and len(rungs) < MOST_RUNGS:
            rungs.append(Typed())
        elif verb == "remove" and 0 <= at < len(rungs):
            del rungs[at]
        elif verb == "up" and 0 < at < len(rungs):
            rungs[at - 1], rungs[at] = rungs[at], rungs[at - 1]
        elif verb == "down" and 0 <= at < len(rungs) - 1:
            rungs[at + 1], rungs[at] = rungs[at], rungs[at + 1]
        return replace(self, rungs=tuple(rungs))


def of_policy(policy: Policy, seen: str) -> Draft:
    """The form for a policy that stands."""
    rungs = tuple(
        Typed(call.who, str(call.minutes or ""), call.copied, call.channels, call.at_once) for call in policy.rungs
    )
    return Draft(rungs, str(policy.repeat), seen=seen)


def read(form: MultiDict[str, str]) -> Draft:
    """What a browser sent, held to lengths. Each field of rung n begins with "r<n>-"."""
    count = form.get("rungs", "")
    sent = int(count) if count.isascii() and count.isdigit() and len(count) < 7 else 0
    rungs = tuple(_rung(form, f"r{at}-") for at in range(min(sent, MOST_RUNGS + 1)))
    return Draft(rungs, form.get("repeat", "0")[:6], form.get("knows") == "1", form.get("seen", "")[:60])


def _rung(form: MultiDict[str, str], name: str) -> Typed:
    return Typed(
        _chosen(form.getlist(f"{name}who")), form.get(f"{name}minutes", "").strip()[:6],
        _chosen(form.getlist(f"{name}copied")), _chosen(form.getlist(f"{name}channel")),
        form.get(f"{name}at_once") == "1",
    )  # fmt: skip


def _chosen(values: Sequence[str]) -> tuple[str, ...]:
    """Each choice once, in the order in which it was made."""
    return tuple(dict.fromkeys(value[:24] for value in values if value))[:LONGEST_LIST]


def _number(text: str, most: int) -> int | None:
    """None for nothing; BAD for what is no whole number up to `most`."""
    if not text.strip():
        return None
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= most else BAD

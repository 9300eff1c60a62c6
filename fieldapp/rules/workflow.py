"""The life of a case: one table, one row per arrow. The diagram in docs/architecture.md is generated from it."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a case stands."""

    NEW = "new"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    ANSWERED = "answered"
    VERIFIED = "verified"
    CLOSED = "closed"
    DECLINED = "declined"
    MERGED = "merged"


class Part(StrEnum):
    """The part a person plays in one case, whatever the role in general."""

    DESK = "desk"
    ASSIGNEE = "assignee"
    REPORTER = "reporter"


@dataclass(frozen=True)
class Arrow:
    """One allowed step. `note` and `target` say what must come with it."""

    action: str
    source: Status
    result: Status
    by: Part
    note: bool = False
    target: bool = False


class Refused(Exception):
    """A step that is not allowed now; `reason` is a key for the sentence shown, see web/words.py."""

    def __init__(self, reason: str, action: str, status: Status) -> None:
        super().__init__(f"{action} refused in {status}: {reason}")
        self.reason = reason
        self.action = action
        self.status = status


S = Status
DESK, ASSIGNEE, REPORTER = Part.DESK, Part.ASSIGNEE, Part.REPORTER
NOTE = {"note": True}
TARGET = {"target": True}

# where the clock can be stopped, made longer, or somebody hurried
_TAKEN_ON = (S.ACCEPTED, S.DISPATCHED, S.ACKNOWLEDGED, S.EN_ROUTE, S.ON_SCENE, S.ANSWERED, S.VERIFIED)
_WITH_SOMEBODY = (S.DISPATCHED, S.ACKNOWLEDGED, S.EN_ROUTE, S.ON_SCENE)
_SIGNED = (S.ACKNOWLEDGED, S.EN_ROUTE, S.ON_SCENE)

ARROWS: tuple[Arrow, ...] = (
    # the desk decides
    Arrow("accept", S.NEW, S.ACCEPTED, DESK),
    Arrow("decline", S.NEW, S.DECLINED, DESK, **NOTE),
    Arrow("decline", S.ACCEPTED, S.DECLINED, DESK, **NOTE),
    Arrow("merge", S.NEW, S.MERGED, DESK, **TARGET),
    Arrow("merge", S.ACCEPTED, S.MERGED, DESK, **TARGET),
    # 撤销合并 to where it stood, 拆分 of what is another event after all
    Arrow("unmerge", S.MERGED, S.NEW, DESK),
    Arrow("restore", S.MERGED, S.ACCEPTED, DESK),
    *(Arrow("not_same", at, at, DESK, **TARGET) for at in (S.NEW, S.ACCEPTED)),
    *(Arrow("split", at, at, DESK, **TARGET) for at in (S.NEW, *_TAKEN_ON)),
    Arrow("dispatch", S.NEW, S.DISPATCHED, DESK, **TARGET),
    Arrow("dispatch", S.ACCEPTED, S.DISPATCHED, DESK, **TARGET),
    Arrow("dispatch", S.DISPATCHED, S.DISPATCHED, DESK, **TARGET),
    Arrow("dispatch", S.ACKNOWLEDGED, S.ACKNOWLEDGED, DESK, **TARGET),
    Arrow("dispatch", S.EN_ROUTE, S.EN_ROUTE, DESK, **TARGET),
    Arrow("dispatch", S.ON_SCENE, S.ON_SCENE, DESK, **TARGET),
    # 加派 and 换主办: those who are on it are not disturbed
    Arrow("reinforce", S.DISPATCHED, S.DISPATCHED, DESK, **TARGET),
    Arrow("reinforce", S.ACKNOWLEDGED, S.ACKNOWLEDGED, DESK, **TARGET),
    Arrow("reinforce", S.EN_ROUTE, S.EN_ROUTE, DESK, **TARGET),
    Arrow("reinforce", S.ON_SCENE, S.ON_SCENE, DESK, **TARGET),
    Arrow("set_lead", S.DISPATCHED, S.DISPATCHED, DESK, **TARGET),
    Arrow("set_lead", S.ACKNOWLEDGED, S.ACKNOWLEDGED, DESK, **TARGET),
    Arrow("set_lead", S.EN_ROUTE, S.EN_ROUTE, DESK, **TARGET),
    Arrow("set_lead", S.ON_SCENE, S.ON_SCENE, DESK, **TARGET),
    Arrow("classify", S.NEW, S.NEW, DESK),
    Arrow("classify", S.ACCEPTED, S.ACCEPTED, DESK),
    Arrow("classify", S.DISPATCHED, S.DISPATCHED, DESK),
    Arrow("classify", S.ACKNOWLEDGED, S.ACKNOWLEDGED, DESK),
    # those who were called act
    Arrow("acknowledge", S.NEW, S.ACKNOWLEDGED, ASSIGNEE),
    Arrow("acknowledge", S.ACCEPTED, S.ACKNOWLEDGED, ASSIGNEE),
    Arrow("acknowledge", S.DISPATCHED, S.ACKNOWLEDGED, ASSIGNEE),
    Arrow("acknowledge", S.ACKNOWLEDGED, S.ACKNOWLEDGED, ASSIGNEE),
    Arrow("acknowledge", S.EN_ROUTE, S.EN_ROUTE, ASSIGNEE),
    Arrow("acknowledge", S.ON_SCENE, S.ON_SCENE, ASSIGNEE),
    Arrow("depart", S.ACKNOWLEDGED, S.EN_ROUTE, ASSIGNEE),
    Arrow("depart", S.EN_ROUTE, S.EN_ROUTE, ASSIGNEE),
    Arrow("depart", S.ON_SCENE, S.ON_SCENE, ASSIGNEE),
    Arrow("arrive", S.ACKNOWLEDGED, S.ON_SCENE, ASSIGNEE),
    Arrow("arrive", S.EN_ROUTE, S.ON_SCENE, ASSIGNEE),
    Arrow("arrive", S.ON_SCENE, S.ON_SCENE, ASSIGNEE),
    Arrow("report_outcome", S.ACKNOWLEDGED, S.ANSWERED, ASSIGNEE, **NOTE),
    Arrow("report_outcome", S.EN_ROUTE, S.ANSWERED, ASSIGNEE, **NOTE),
    Arrow("report_outcome", S.ON_SCENE, S.ANSWERED, ASSIGNEE, **NOTE),
    Arrow("report_outcome", S.ANSWERED, S.ANSWERED, ASSIGNEE, **NOTE),
    # who assists reports his own part while the lead is on it
    Arrow("assist_outcome", S.ACKNOWLEDGED, S.ACKNOWLEDGED, ASSIGNEE, **NOTE),
    Arrow("assist_outcome", S.EN_ROUTE, S.EN_ROUTE, ASSIGNEE, **NOTE),
    Arrow("assist_outcome", S.ON_SCENE, S.ON_SCENE, ASSIGNEE, **NOTE),
    # done and told by telephone: the desk writes it down, or the case could never end
    Arrow("report_outcome", S.DISPATCHED, S.ANSWERED, DESK, **NOTE),
    Arrow("report_outcome", S.ACKNOWLEDGED, S.ANSWERED, DESK, **NOTE),
    Arrow("report_outcome", S.EN_ROUTE, S.ANSWERED, DESK, **NOTE),
    Arrow("report_outcome", S.ON_SCENE, S.ANSWERED, DESK, **NOTE),
    # somebody who was called cannot go: the last one gives the case back, another only steps back
    Arrow("return", S.NEW, S.NEW, ASSIGNEE, **NOTE),
    Arrow("return", S.ACCEPTED, S.ACCEPTED, ASSIGNEE, **NOTE),
    Arrow("return", S.DISPATCHED, S.ACCEPTED, ASSIGNEE, **NOTE),
    Arrow("return", S.ACKNOWLEDGED, S.ACCEPTED, ASSIGNEE, **NOTE),
    Arrow("return", S.EN_ROUTE, S.ACCEPTED, ASSIGNEE, **NOTE),
    Arrow("return", S.ON_SCENE, S.ACCEPTED, ASSIGNEE, **NOTE),
    Arrow("step_back", S.DISPATCHED, S.DISPATCHED, ASSIGNEE, **NOTE),
    Arrow("step_back", S.ACKNOWLEDGED, S.ACKNOWLEDGED, ASSIGNEE, **NOTE),
    Arrow("step_back", S.EN_ROUTE, S.EN_ROUTE, ASSIGNEE, **NOTE),
    Arrow("step_back", S.ON_SCENE, S.ON_SCENE, ASSIGNEE, **NOTE),
    Arrow("transfer", S.DISPATCHED, S.DISPATCHED, ASSIGNEE, **TARGET),
    Arrow("transfer", S.ACKNOWLEDGED, S.DISPATCHED, ASSIGNEE, **TARGET),
    Arrow("transfer", S.EN_ROUTE, S.DISPATCHED, ASSIGNEE, **TARGET),
    # while somebody else who signed goes on, handing one's own part on changes nothing for them
    Arrow("hand_on", S.ACKNOWLEDGED, S.ACKNOWLEDGED, ASSIGNEE, **TARGET),
    Arrow("hand_on", S.EN_ROUTE, S.EN_ROUTE, ASSIGNEE, **TARGET),
    Arrow("hand_on", S.ON_SCENE, S.ON_SCENE, ASSIGNEE, **TARGET),
    # the desk checks and closes
    Arrow("return", S.ANSWERED, S.DISPATCHED, DESK, **NOTE),
    Arrow("return", S.VERIFIED, S.DISPATCHED, DESK, **NOTE),
    Arrow("verify", S.ANSWERED, S.VERIFIED, DESK),
    Arrow("close", S.VERIFIED, S.CLOSED, DESK),
    Arrow("close", S.ANSWERED, S.CLOSED, DESK),
    Arrow("close", S.ACCEPTED, S.CLOSED, DESK, **NOTE),
    # taken back within minutes by the officer who accepted it, while nothing else has happened
    Arrow("unaccept", S.ACCEPTED, S.NEW, DESK),
    Arrow("reopen", S.CLOSED, S.NEW, DESK, **NOTE),
    Arrow("reopen", S.DECLINED, S.NEW, DESK, **NOTE),
    # the clock: 挂账 and 恢复, 延期 asked and answered, 催办 and 督办
    *(Arrow("park", at, at, DESK, **NOTE) for at in _TAKEN_ON),
    *(Arrow("resume", at, at, DESK) for at in _TAKEN_ON),
    *(Arrow("ask_extension", at, at, ASSIGNEE, **NOTE) for at in _SIGNED),
    *(Arrow("grant", at, at, DESK) for at in _SIGNED),
    *(Arrow("refuse", at, at, DESK, **NOTE) for at in _SIGNED),
    *(Arrow("nudge", at, at, DESK) for at in _WITH_SOMEBODY),
    *(Arrow("supervise", at, at, DESK, **NOTE) for at in _TAKEN_ON),
    # the reporter has the last word
    Arrow("confirm", S.CLOSED, S.CLOSED, REPORTER),
    Arrow("dispute", S.CLOSED, S.NEW, REPORTER),
)

OPEN = frozenset({S.NEW, S.ACCEPTED, S.DISPATCHED, S.ACKNOWLEDGED, S.EN_ROUTE, S.ON_SCENE, S.ANSWERED, S.VERIFIED})
BEGINS_ANEW = ("dispute", "reopen")  # what was done before belongs to an earlier try
MERGES = frozenset(arrow.source for arrow in ARROWS if arrow.action == "merge")
IN_HAND = frozenset({S.DISPATCHED, S.ACKNOWLEDGED, S.EN_ROUTE, S.ON_SCENE})
ACTIONS = tuple(dict.fromkeys(arrow.action for arrow in ARROWS))

_BY_STEP = {(arrow.action, arrow.source, arrow.by): arrow for arrow in ARROWS}


def step(action: str, status: Status, parts: frozenset[Part], note: str, has_target: bool) -> Arrow:
    """The arrow that `action` takes from `status` for a person with these parts.

    Raises Refused with reason "unknown", "not_now", "not_yours", "note_needed" or "target_needed".
    """
    if action not in ACTIONS:
        raise Refused("unknown", action, status)
    allowed_to = {arrow.by for arrow in ARROWS if (arrow.action, arrow.source) == (action, status)}
    if not parts & {arrow.by for arrow in ARROWS if arrow.action == action}:
        raise Refused("not_yours", action, status)
    mine = sorted(parts & allowed_to)
    if not mine:
        raise Refused("not_now", action, status)
    arrow = _BY_STEP[(action, status, mine[0])]
    if arrow.note and not note.strip():
        raise Refused("note_needed", action, status)
    if arrow.target and not has_target:
        raise Refused("target_needed", action, status)
    return arrow


def available(status: Status, parts: frozenset[Part]) -> list[Arrow]:
    """Every arrow a person with these parts may take now, in the table's order."""
    return [arrow for arrow in ARROWS if arrow.source == status and arrow.by in parts]

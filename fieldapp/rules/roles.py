"""The eight roles of the township centre and what each is for (docs/glossary.md)."""

from enum import StrEnum


class Role(StrEnum):
    """A user's one role."""

    PATROL = "patrol"
    GRID = "grid"
    RESPONDER = "responder"
    DUTY = "duty"
    LEADER = "leader"
    LIAISON = "liaison"
    ANALYST = "analyst"
    ADMIN = "admin"


FILES_REPORTS = frozenset({Role.PATROL, Role.GRID, Role.RESPONDER, Role.DUTY, Role.LEADER})
WORKS_DESK = frozenset({Role.DUTY, Role.LEADER})
IS_CALLED = frozenset({Role.RESPONDER, Role.GRID, Role.LIAISON, Role.LEADER})
INVITES = frozenset({Role.DUTY, Role.LEADER, Role.ADMIN})
ENROLS_WITHOUT_PASSWORD = (Role.PATROL, Role.GRID, Role.RESPONDER)  # a desk may invite these; they never type one

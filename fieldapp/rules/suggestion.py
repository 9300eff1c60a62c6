"""Who is suggested for a case, and why. Pure: it suggests, an officer sends. Places are codes, never positions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from fieldapp.rules.severity import Severity


class Reason(StrEnum):
    """Why somebody is suggested."""

    RULE = "rule"
    ON_CALL = "on_call"
    GRID = "grid"


@dataclass(frozen=True)
class Rule:
    """One line of the table: `target` is for this kind (none: any) in this area (empty: everywhere)."""

    id: int
    target: str
    category: str | None = None
    area: str = ""


@dataclass(frozen=True)
class Somebody:
    """Who could be sent: a name for forms, the area he or she is for, and how many open cases are in hand now."""

    key: str
    area: str = ""
    load: int = 0


@dataclass(frozen=True)
class Pick:
    """One suggestion. `picked`: chosen already, for one tap; `lead`: of those, who leads."""

    key: str
    reason: Reason
    picked: bool = False
    lead: bool = False


def best(rules: Iterable[Rule], category: str | None, parent: str | None, area: str) -> Rule | None:
    """The most particular rule for a case: its own kind before the kind above it before any, then the smaller area."""
    fitting = [rule for rule in rules if _fits(rule, category, parent, area)]
    return max(fitting, key=lambda rule: (_kind_rank(rule, category), len(rule.area), -rule.id), default=None)


def nearest(workers: Iterable[Somebody], area: str) -> Somebody | None:
    """The grid worker whose area is the case's own, or the next around it, or inside it; else nobody.

    Nearest by area alone: where anybody is at this moment is neither known nor asked. Of several, the least loaded.
    """
    ranked = [(rank, one) for one in workers if (rank := _nearness(one.area, area)) is not None]
    return min(ranked, key=lambda pair: (pair[0], pair[1].load, pair[1].key), default=(None, None))[1]


def suggest(
    severity: Severity, target: str | None, on_call: Sequence[Somebody], worker: Somebody | None, able: frozenset[str],
    gave_back: frozenset[str] = frozenset(),
) -> list[Pick]:  # fmt: skip
    """Everybody worth asking, each once, by the first reason that holds. Of a red case all are picked; of any other the
    first alone: whose business it is, else the grid worker, else the least loaded on call. Who cannot be reached
    (is not `able`) is shown and not picked, unless that is so of everybody; who gave this case back
    is never picked again. The first picked leads.
    """
    wanted = [Pick(target, Reason.RULE)] if target else []
    wanted += [Pick(worker.key, Reason.GRID)] if worker else []
    wanted += [Pick(one.key, Reason.ON_CALL) for one in sorted(on_call, key=lambda one: (one.load, one.key))]
    first: dict[str, Pick] = {}
    for pick in wanted:
        first.setdefault(pick.key, pick)
    found = list(first.values())
    asked = [pick.key for pick in found if pick.key not in gave_back]
    chosen = [key for key in asked if key in able] or asked[:1]
    chosen = chosen if severity == Severity.RED else chosen[:1]
    return [replace(pick, picked=pick.key in chosen, lead=pick.key in chosen[:1]) for pick in found]


def _fits(rule: Rule, category: str | None, parent: str | None, area: str) -> bool:
    of_kind = rule.category is None or rule.category in (category, parent)
    return of_kind and area.startswith(rule.area)


def _kind_rank(rule: Rule, category: str | None) -> int:
    return 0 if rule.category is None else 2 if rule.category == category else 1


def _nearness(own: str, area: str) -> int | None:
    """0 for the same area; then how many digits lie between, outwards before inwards; None for elsewhere."""
    if not own or not area:
        return None
    if area.startswith(own):
        return len(area) - len(own)
    return 100 + len(own) - len(area) if own.startswith(area) else None

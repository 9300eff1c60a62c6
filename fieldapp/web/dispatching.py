"""派单: who can be sent, who is suggested and why in words, and how far each of those who were sent is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldapp import oncall, suggestions, triage
from fieldapp.models import Assignment, Case, Department, DispatchRule, User
from fieldapp.rules import legs
from fieldapp.rules.escalation import Rung
from fieldapp.rules.legs import Leg
from fieldapp.rules.reachability import Reach
from fieldapp.rules.suggestion import Reason
from fieldapp.rules.workflow import IN_HAND
from fieldapp.suggestions import Suggestion
from fieldapp.web.security import settings
from fieldapp.web.shared import Shared
from fieldapp.web.tongue import chosen
from fieldapp.web.tongue import say as _

# the same for every desk of a town
_loads: Shared[suggestions.Load] = Shared(seconds=5)
_ways: Shared[suggestions.Ways] = Shared(seconds=5)


@dataclass(frozen=True)
class Sent:
    """One assignment as the case's page shows it: its steps, and whether anything of it is still waited for."""

    one: Assignment
    legs: list[Leg]


def choices(user: User, case: Case, now: datetime) -> dict[str, Any]:
    """Everybody a case can be sent to, who is on call, what each has in hand, and who is suggested."""
    standing = oncall.holders(case.town_code, Rung.ON_CALL, now)
    on_call = {person.id for person in standing}
    people = sorted(triage.callable_people(user), key=lambda person: (person.id not in on_call, person.name))
    departments = triage.callable_departments(user)
    load = _load(case.town_code)
    ways = in_reach(user, people, departments, now)
    found = suggestions.for_case(case, load, standing, ways, now) if case.status not in IN_HAND else []
    return {
        "people": people, "on_call": on_call, "departments": departments, "load": load,
        "ways": ways,
        "suggested": [(one, why(one)) for one in found], "picked": [one for one in found if one.picked],
        "say": hands, "standing": {suggestions.key_of(a.user or a.department) for a in case.assignments if a.standing},  # type: ignore[arg-type]
    }  # fmt: skip


def _load(town_code: str) -> suggestions.Load:
    if settings().testing:
        return suggestions.loads(town_code)
    return _loads.get(town_code, lambda: suggestions.loads(town_code))


def in_reach(user: User, people: Sequence[User], departments: Sequence[Department], now: datetime) -> suggestions.Ways:
    """Whether each of those whom the user's town can send can be reached, by the key of forms."""
    if settings().testing:
        return suggestions.in_reach(people, departments, now)
    return _ways.get(user.town_code, lambda: suggestions.in_reach(people, departments, now))


def of_town(user: User, known: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Everybody whom several cases can be sent to at once; what is `known` already is not asked again."""
    people = known.get("people") or triage.callable_people(user)
    departments = known.get("departments") or triage.callable_departments(user)
    return {
        "bulk_people": sorted(people, key=lambda person: person.name), "bulk_departments": departments,
        "bulk_ways": known.get("ways") or in_reach(user, people, departments, now),
    }  # fmt: skip


def out_of_reach(user: User, to: Sequence[str], now: datetime) -> list[str]:
    """The names of those among whom `to` names that nothing reaches now."""
    named = triage.targets(user, to)
    people, offices = [n for n in named if isinstance(n, User)], [n for n in named if isinstance(n, Department)]
    found = suggestions.in_reach(people, offices, now)
    return [one.name for one in named if found[suggestions.key_of(one)].reach == Reach.UNREACHABLE]


def why(one: Suggestion) -> str:
    """The reason in words: 公共设施归市政站."""
    if one.reason == Reason.RULE and one.rule is not None:
        return _of_rule(one.rule, one.one.name)
    if one.reason == Reason.GRID and one.place is not None:
        return _("%(area)s网格员：%(name)s", area=one.place.short_name, name=one.one.name)
    return _("现在备勤：%(name)s", name=one.one.name)


def hands(load: int) -> str:
    """How much somebody has in hand, said as what it is."""
    return _("手上 %(n)s 件", n=load) if load else _("手上没有别的事")


def sent(case: Case, now: datetime) -> list[Sent]:
    """The assignments, the lead first, then those who assist, then those who are out of it."""
    ordered = sorted(case.assignments, key=lambda one: (not one.standing, not one.lead, one.sent_at, one.id))
    over = case.status not in IN_HAND
    return [Sent(one, _legs(one, now, over or not one.standing)) for one in ordered]


def _legs(one: Assignment, now: datetime, over: bool) -> list[Leg]:
    done = (one.acknowledged_at, one.departed_at, one.arrived_at, one.answered_at)
    return legs.legs(one.sent_at, done, now, over)


def _of_rule(rule: DispatchRule, name: str) -> str:
    kind = (rule.category.name_en if chosen() == "en" else rule.category.name) if rule.category else ""
    if rule.area and kind:
        return _("%(area)s的%(kind)s归%(name)s", area=rule.area.short_name, kind=kind, name=name)
    if rule.area:
        return _("%(area)s的事归%(name)s", area=rule.area.short_name, name=name)
    return _("%(kind)s归%(name)s", kind=kind, name=name) if kind else _("没有别的规则，归%(name)s", name=name)

"""The queue's filter as an address has it: read, said in words, and each part of it taken away again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from fieldapp import clock, directory, scope, triage
from fieldapp.db import db
from fieldapp.models import User
from fieldapp.queue import Filter
from fieldapp.rules import severity as severities
from fieldapp.rules.sources import Source
from fieldapp.rules.workflow import Status
from fieldapp.web import words
from fieldapp.web.tongue import chosen
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

# every name that goes along with the desk's links
NAMES = ("lane", "q", "area", "severity", "category", "from", "to", "holder", "source")
CHIPS = ("area", "category", "severity", "source", "holder", "from", "to")
LABEL = {
    "area": _("村（社区）"), "category": _("种类"), "severity": _("级别"), "source": _("来源"), "holder": _("经办"),
    "from": _("起"), "to": _("止"), "status": _("状态"), "bbox": _("范围"),
}  # fmt: skip
SOURCE = {
    "patrol": _("随手报"), "hotline": _("热线"), "visit": _("走访 / 来访"), "police": _("警情"), "opinion": _("舆情"),
    "public": _("群众"), "other": _("其他"),
}  # fmt: skip


@dataclass(frozen=True)
class Chip:
    """One part of the filter in words, and the query without it."""

    label: str
    value: str
    without: str


def read(args: Mapping[str, str]) -> tuple[Filter, list[str]]:
    """The filter, and the names of what nobody could make sense of; those do not filter."""
    wanted, wrong = Filter(args.get("lane", "open"), area=args.get("area", ""), words=args.get("q", "")), []
    for name, take in TAKE.items():
        if not args.get(name):
            continue
        try:
            wanted = replace(wanted, **take(args[name]))
        except (ValueError, IndexError, OverflowError):
            wrong.append(name)
    return wanted, wrong


def chips(user: User, wanted: Filter, args: Mapping[str, str]) -> list[Chip]:
    """What is filtered by, each to be taken away with one tap."""
    asked = {name: args[name] for name in NAMES if args.get(name)}
    shown = [name for name in CHIPS if name in asked]
    names = _names(user, wanted) if shown else {}
    found = []
    for name in shown:
        rest = {other: value for other, value in asked.items() if other != name}
        found.append(Chip(str(LABEL[name]), names.get(name, asked[name]), urlencode(rest)))
    return found


def choices(user: User) -> dict[str, Any]:
    """What the filter's form offers: nothing personal but the names of officers and departments."""
    return {
        "villages": [(one.code, one.short_name) for one in db.session.scalars(scope.villages(user))],
        "categories": directory.categories(),
        "holders": [(str(one.id), one.name) for one in triage.callable_people(user)]
        + [(f"department:{one.id}", one.name) for one in triage.callable_departments(user)],
        "sources": SOURCE,
    }  # fmt: skip


def complaint(wrong: list[str]) -> str:
    """Which parts were not understood; the rest of the filter holds."""
    if not wrong:
        return ""
    names = gettext("、").join(str(LABEL.get(name, name)) for name in wrong)
    return gettext("“%(names)s”看不懂，没有按它筛选，其余照常。", names=names)


def _names(user: User, wanted: Filter) -> dict[str, str]:
    offered = choices(user)
    kinds = {kind.code: kind.name_en if chosen() == "en" else kind.name for kind in offered["categories"]}
    found = {
        "area": dict(offered["villages"]).get(wanted.area), "category": kinds.get(wanted.category),
        "severity": words.SEVERITY[wanted.severity.word] if wanted.severity else None,
        "source": SOURCE[wanted.source] if wanted.source else None,
        "holder": dict(offered["holders"]).get(wanted.holder),
    }  # fmt: skip
    return {name: str(value) for name, value in found.items() if value}


def _bbox(text: str) -> dict[str, Any]:
    edges = [float(edge) for edge in text.split(",")]
    return {"bbox": (edges[0], edges[1], edges[2], edges[3])}


def _holder(text: str) -> dict[str, Any]:
    number = text.removeprefix("department:")
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise ValueError(text)
    return {"holder": text}


def _category(text: str) -> dict[str, Any]:
    if len(text) > 20 or "\x00" in text:
        raise ValueError(text)
    return {"category": text}


def _midnight(text: str) -> datetime:
    day = date.fromisoformat(text)
    if not 2000 <= day.year < 2100:
        raise ValueError(text)
    return datetime.combine(day, time(), clock.LOCAL)


TAKE: dict[str, Callable[[str], dict[str, Any]]] = {
    "status": lambda text: {"status": Status(text)}, "severity": lambda text: {"severity": severities.parse(text)},
    "bbox": _bbox, "category": _category, "holder": _holder, "source": lambda text: {"source": Source(text)},
    "from": lambda text: {"since": _midnight(text)},
    "to": lambda text: {"before": _midnight(text) + timedelta(days=1)},  # the whole of that day
}  # fmt: skip

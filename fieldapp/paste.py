"""A case as a block of text for the forms of the provincial platform (docs/hands.md has the format line by line).

Always Chinese, for that is what the platform reads. No person is named, and numbers of telephones and identity cards
that somebody typed are left out.
"""

from collections.abc import Sequence
from datetime import datetime

from fieldapp import cases, clock
from fieldapp.db import db
from fieldapp.models import Area, Assignment, Case, CaseEvent, Report
from fieldapp.rules.severity import Severity
from fieldapp.rules.veil import shorten, veil

WORDS = 200  # of what was reported, and of what was done
LEVELS = {Severity.RED: "紧急（红）", Severity.YELLOW: "较急（黄）", Severity.BLUE: "一般（蓝）"}
STEPS = {
    "accept": "受理", "dispatch": "派单", "acknowledge": "签收", "arrive": "到场", "report_outcome": "反馈",
    "verify": "核查", "close": "办结", "decline": "不予受理", "merge": "并案", "reopen": "重办", "park": "挂账",
    "resume": "恢复办理",
}  # fmt: skip


def block(case: Case, reports: Sequence[Report] | None = None) -> str:
    """The whole block. `reports` are the case's own, when they are at hand already."""
    reports = cases.case_reports([case.id]) if reports is None else reports
    names = people(case, reports)
    seen = min((report.taken_at for report in reports), default=case.opened_at)
    lines = (
        ("事件名称", veil(case.title, names)),
        ("事件编号", case.number),
        ("发生时间", _at(seen)),
        ("发生地点", place(case)),
        ("事件类别", kind(case)),
        ("事件级别", LEVELS[case.severity]),
        ("事件简述", said(reports, names, WORDS)[0] or "见照片或录音"),
        ("处置情况", _done(case, names)),
        ("办结时间", _at(case.closed_at) if case.closed_at else "未办结"),
    )
    return "\n".join(f"{name}：{value}" for name, value in lines)


def people(case: Case, reports: Sequence[Report]) -> set[str]:
    """The names of everybody who had to do with it."""
    found = {report.owner.name for report in reports} | {event.actor.name for event in case.events if event.actor}
    return found | {one.user.name for one in case.assignments if one.user}


def place(case: Case) -> str:
    """Town and village by their names, never a position."""
    own = case.area.short_name
    town = db.session.get_one(Area, case.town_code).short_name
    return own if own == town else f"{town}{own}"


def kind(case: Case) -> str:
    """The category's Chinese name."""
    return case.category.name if case.category else "未分类"


def said(reports: Sequence[Report], names: set[str], most: int) -> tuple[str, bool]:
    """What all the reports say, each text once; and whether it was shortened."""
    texts = dict.fromkeys(text for report in reports if (text := " ".join(report.text.split())))
    return shorten("；".join(veil(text, names) for text in texts), most)


def told(events: Sequence[CaseEvent]) -> CaseEvent | None:
    """The last words of what was done, or why nothing was."""
    wanted = ("report_outcome", "assist_outcome", "close", "decline")
    by_action = {event.action: event for event in events if event.note and event.action in wanted}
    return next((by_action[action] for action in wanted if action in by_action), None)


def sent(assignments: Sequence[Assignment]) -> list[str]:
    """Departments by their names; of people only how many."""
    standing = [one for one in assignments if one.standing]
    offices = [one.department.name for one in standing if one.department]
    alone = sum(one.department is None for one in standing)
    return offices + ([f"处置人员 {alone} 名"] if alone else [])


def _done(case: Case, names: set[str]) -> str:
    steps = {event.action: f"{_at(event.at)} {STEPS[event.action]}" for event in case.events if event.action in STEPS}
    words = told(case.events)
    parts = ["，".join(steps.values()), "派往：" + "、".join(sent(case.assignments)) if sent(case.assignments) else ""]
    parts.append(shorten(veil(words.note, names), WORDS)[0] if words else "")
    return "；".join(part.rstrip("。；") for part in parts if part) + "。" if any(parts) else "待受理。"


def _at(instant: datetime) -> str:
    return clock.local(instant).strftime("%Y-%m-%d %H:%M")

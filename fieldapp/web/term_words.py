"""Deadlines in words: how a case's clock stands, how much longer may be asked for, and what a limit comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from flask_babel import format_datetime

from fieldapp import clock, directory, timing
from fieldapp.models import Case, Category, Limit
from fieldapp.rules import deadlines
from fieldapp.rules.deadlines import Kind, Office, Step
from fieldapp.rules.severity import Severity
from fieldapp.web.tongue import chosen
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

KIND = {"natural": _("自然时间"), "working": _("工作时间")}
# %(name)s: the kind of event; %(severity)s: its colour
EXAMPLE = {
    Step.TRIAGE: _("今天 %(since)s 报的%(severity)s色“%(name)s”，须在 %(due)s 前受理。"),
    Step.ACKNOWLEDGE: _("今天 %(since)s 派出的%(severity)s色“%(name)s”，须在 %(due)s 前签收。"),
    Step.ARRIVE: _("今天 %(since)s 签收的%(severity)s色“%(name)s”，须在 %(due)s 前到场。"),
    Step.OUTCOME: _("今天 %(since)s 到场的%(severity)s色“%(name)s”，须在 %(due)s 前反馈。"),
    Step.VERIFY: _("今天 %(since)s 反馈的%(severity)s色“%(name)s”，须在 %(due)s 前核查。"),
}
COLOUR = {"red": _("红"), "yellow": _("黄"), "blue": _("蓝")}
EXAMPLE_AT = time(16, 50)
DAY_MINUTES = 24 * 60
NATURAL = (60, 4 * 60, DAY_MINUTES, 3 * DAY_MINUTES, 7 * DAY_MINUTES)


@dataclass(frozen=True)
class Badge:
    """A word beside a case; `tone` is warn or bad."""

    word: str
    tone: str


def badges(case: Case, now: datetime) -> list[Badge]:
    """How the clock of a case stands, in a word or two; nothing while all is as it should be."""
    found = [Badge(gettext("督办"), "bad")] if case.supervised_at else []
    if case.paused_at:
        return found  # said in the place of the time that is left
    if case.asked_minutes is not None:
        found.append(Badge(gettext("申请延期"), "warn"))
    late = case.due_at is not None and case.due_at < now
    if case.nudged_at and not case.supervised_at:
        found.append(Badge(gettext("已催办"), "bad" if late else "warn"))
    elif case.nudged and case.due_at and not late:
        found.append(Badge(gettext("即将超期"), "warn"))
    return found


def parked(case: Case) -> str:
    """挂账 and until when."""
    return gettext("挂账到 %(day)s", day=format_datetime(case.paused_until, "MM-dd")) if case.paused_until else ""


def of_event(action: str, data: dict[str, Any]) -> str:
    """What a line of history adds to the name of a verb of the clock."""
    if action == "park" and "until" in data:
        day = format_datetime(datetime.fromisoformat(data["until"]), "MM-dd")
        return gettext("，%(day)s 自动恢复", day=day)
    if action in ("ask_extension", "grant") and "minutes" in data:
        return gettext("：%(time)s", time=span(data["minutes"]))
    return ""


def span(minutes: int) -> str:
    """A number of minutes as people say it."""
    days, rest = divmod(minutes, DAY_MINUTES)
    if days and not rest:
        return gettext("%(n)s 天", n=days)
    hours, left = divmod(minutes, 60)
    if hours and not left:
        return gettext("%(n)s 小时", n=hours)
    return gettext("%(n)s 分钟", n=minutes)


def longer(case: Case) -> Sequence[tuple[int, str]]:
    """How much more time may be asked for, each with the moment it comes to."""
    if case.due_since is None:
        return []
    running = timing.of_case(case)
    offers = _working(running.office) if running.limit.kind == Kind.WORKING else [(n, span(n)) for n in NATURAL]
    return [(n, _until(words, running.after(running.limit.minutes + n))) for n, words in offers]


def kind(case: Case) -> str:
    """Of which time the running limit is; nothing for natural time, which needs no word."""
    return gettext("按工作时间算") if case.due_kind == Kind.WORKING else ""


def guessed(case: Case, now: datetime) -> str:
    """That the deadline lies in a year whose holidays are not published; nothing otherwise."""
    if case.due_kind != Kind.WORKING or case.due_at is None:
        return ""
    return guess(now, case.due_at, timing.office())


def guess(since: datetime, until: datetime, office: Office) -> str:
    """The same for any stretch of working time."""
    years = [str(year) for year in deadlines.guesses(since, until, office)]
    return gettext("%(years)s 年的放假安排还没公布，先按周末推算。", years=gettext("、").join(years)) if years else ""


def example(row: Limit, category: Category, office: Office, now: datetime) -> str:
    """A limit as what it comes to for a case of today."""
    name = category.name_en if chosen() == "en" else category.name
    return _example(row.severity, Step(row.step), deadlines.Limit(row.minutes, Kind(row.kind)), name, office, now)


def usual_example(step: Step, texts: Mapping[str, str], office: Office, now: datetime) -> str:
    """The same for a yellow case of no category that has its own; nothing for minutes that are none."""
    minutes, which = directory.as_minutes(texts[f"yellow-{step}"]), texts[f"yellow-{step}-kind"]
    if not minutes or which not in set(Kind):
        return ""
    return _example(Severity.YELLOW, step, deadlines.Limit(minutes, Kind(which)), gettext("其他"), office, now)


def _example(
    severity: Severity, step: Step, limit: deadlines.Limit, name: str, office: Office, now: datetime
) -> str:  # fmt: skip
    since = datetime.combine(clock.local(now).date(), EXAMPLE_AT, office.zone)
    due = deadlines.due_at(since, limit.minutes, limit.kind, office)
    told = {"since": f"{since:%H:%M}", "due": format_datetime(due, "MM-dd HH:mm"), "name": name}
    said = str(EXAMPLE[step]) % (told | {"severity": COLOUR[severity.word]})
    return said + (guess(since, due, office) if limit.kind == Kind.WORKING else "")


def _until(words: str, due: datetime) -> str:
    return gettext("%(time)s（到 %(until)s）", time=words, until=format_datetime(due, "MM-dd HH:mm"))


def _working(office: Office) -> list[tuple[int, str]]:
    day = sum((end.hour - start.hour) * 60 + end.minute - start.minute for start, end in office.hours)
    days = [(n * day, gettext("%(n)s 个工作日", n=n)) for n in (1, 3, 5)]
    return [(60, span(60)), *days]

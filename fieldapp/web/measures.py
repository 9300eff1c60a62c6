"""How fast: a town for its own desk, week by week; all towns of the county for its analyst, one week at a time."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from fieldapp import clock, measures
from fieldapp.rules import severity as severities
from fieldapp.rules import suppression
from fieldapp.rules.measures import Week, enough, part_of
from fieldapp.rules.roles import WORKS_DESK, Role
from fieldapp.rules.severity import Severity
from fieldapp.web.security import for_roles, touch_device, user
from fieldapp.web.tongue import say as gettext

bp = Blueprint("measures", __name__)


@bp.get("/desk/measures")
@for_roles(*WORKS_DESK, Role.ANALYST)
def home() -> ResponseReturnValue:
    """The page of whoever asks; what the address asks for and cannot be had gives way to what is usual."""
    touch_device()
    return _county() if user().role == Role.ANALYST else _town()


def _town() -> str:
    now, severity = clock.now(), _severity()
    lines = measures.of_own_town(user(), severity, now)
    return render_template(
        "desk/measures.html", lines=[(_named(week), found) for week, found in lines], severity=severity, first="weeks",
        severities=(None, *reversed(Severity)), took=took, count=str, part=lambda number, _: str(number),
        enough=lambda times: times,
    )  # fmt: skip


def _county() -> str:
    """Small numbers are not shown, nor is there a line for all severities, from which they could be worked out."""
    now, severity = clock.now(), _severity() or Severity.RED
    over = measures.weeks(now)[1:]
    week = next((one for one in over if str(one) == request.args.get("week")), over[0])
    lines = measures.of_all_towns(user(), severity, week, now)
    return render_template(
        "desk/measures.html", lines=[(town.short_name, found) for town, found in lines], severity=severity,
        first="towns", weeks=[(str(one), _named(one)) for one in over], week=str(week),
        severities=tuple(reversed(Severity)), took=took, count=suppression.shown, enough=enough,
        part=lambda number, found: part_of(number, (found.signed.n, found.unsigned)), threshold=suppression.THRESHOLD,
    )  # fmt: skip


def took(seconds: float) -> str:
    """A duration as people say it, no finer than is of use."""
    whole = round(seconds)
    if whole < 60:
        return gettext("%(s)s 秒", s=whole)
    minutes = round(seconds / 60)
    if minutes < 60:
        return gettext("%(m)s 分", m=minutes)
    if minutes < 24 * 60:
        return gettext("%(h)s 小时 %(m)s 分", h=minutes // 60, m=minutes % 60)
    return gettext("%(d)s 天 %(h)s 小时", d=minutes // 1440, h=minutes % 1440 // 60)


def _severity() -> Severity | None:
    try:
        return severities.parse(request.args.get("severity", ""))
    except ValueError:
        return None


def _named(week: Week) -> str:
    """By its first day: nobody knows the numbers of weeks."""
    return gettext("%(month)s 月 %(day)s 日起一周", month=week.monday.month, day=week.monday.day)

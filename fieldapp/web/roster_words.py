"""The words of the roster, its swaps, handovers and holidays, and how its times are said."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from fieldapp import clock
from fieldapp.rules.roster import Shift
from fieldapp.web import words
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

RUNG: Mapping[str, object] = {"on_call": _("备勤"), "backup": _("后备"), "leader": _("带班领导")}
GAP: Mapping[str, object] = {
    "not_started": _("轮班未开始"), "ended": _("轮班已结束"), "nobody": _("没有排人"), "off_day": _("不排班"),
    "left_open": _("空着"), "inactive": _("该值班的人停用或换了岗"),
}  # fmt: skip
WEAK: Mapping[str, object] = {
    "by_hand": _("靠手工补上，直到取下"), "unreachable": _("有人，但叫不到"), "unproved": _("有人，但未验证叫得到"),
}  # fmt: skip
DAYS: Mapping[str, object] = {
    "all": _("每天"), "workdays": _("只排工作日（含补班）"), "rest_days": _("只排休息日（周末、节假日）"),
}  # fmt: skip
WEEKDAY = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
KIND: Mapping[str, object] = {"rest": _("放假"), "work": _("补班")}
SWAP: Mapping[str, object] = {
    "asked": _("等对方回答"), "agreed": _("已同意，班已换好"), "declined": _("对方没有同意"), "withdrawn": _("已收回"),
    "over": _("不用回答了：班已过，或已换给别人"),
}  # fmt: skip
HANDOVER: Mapping[str, object] = {"given": _("等接班人签字"), "taken": _("双方已签字"), "withdrawn": _("交班人已收回")}
REASON: Mapping[str, object] = {
    "not_free": _("请选一位本镇能值这一岗的人。"), "members_needed": _("请至少选一个人。"),
    "in_past": _("请选今天以后的日子：已经值过的班不能改。"), "ends_before": _("最后一天不能早于第一天。"),
    "cuts": _("交接时间要填 1 到 4 个，不能重复。"), "out_of_range": _("数目不对，请再看一下。"),
    "bad_span": _("结束要晚于开始，也要晚于现在，最长 62 天。"), "name_needed": _("请填名称，最多 20 个字。"),
    "ended": _("这个轮班早已结束。"), "unknown": _("没有这一项。"),
    "shift_gone": _("这一班刚刚换了人或改了时间，请看最新的值班表。"), "shift_over": _("这一班已经值完了。"),
    "other_rung": _("不是同一个岗的班，不能互换。"), "same_holder": _("这两班是同一个人的，不用换。"),
    "asked_already": _("您已经问过这位同事了，请等回答。"), "answered": _("这件事已经有了回答。"),
    "handover_waits": _("上一份交接班还没有人接，请先请接班人签字，或由交班人收回。"),
    "handover_over": _("这份交接班已经签过或收回了。"), "own_handover": _("接班要由另一个人登录自己的账号来签。"),
    "not_giver": _("只有交班人自己能收回。"), "feed_changed": _("订阅地址刚刚换过，请用新的那一个。"),
    "bad_day": _("请选一个日期。"), "source_needed": _("请写明出处，例如哪一份通知。"),
    "no_days": _("这一年一天都还没有录入。"),
}  # fmt: skip


def reason(code: str) -> str:
    """The sentence for a refusal."""
    return str(REASON[code]) if code in REASON else words.reason(code)


def field_errors(errors: Mapping[str, str]) -> dict[str, str]:
    """The sentence for each field at fault."""
    return {field: reason(code) for field, code in errors.items()}


def weekday(day: date) -> str:
    """周四."""
    return str(WEEKDAY[day.weekday()])


def day_name(day: date) -> str:
    """11月26日 周四."""
    return gettext("%(m)s月%(d)s日 %(w)s", m=day.month, d=day.day, w=weekday(day))


def moment(instant: datetime) -> str:
    """11月26日 周四 08:00, on the wall in Haifeng."""
    at = clock.local(instant)
    return f"{day_name(at.date())} {at:%H:%M}"


def read_moment(text: str) -> str:
    """The same for a time that is kept as RFC 3339."""
    return moment(datetime.fromisoformat(text))


def hours(shift: Shift) -> str:
    """08:00 – 次日 08:00, for a shift that stands under its own day."""
    return f"{clock.local(shift.starts_at):%H:%M} – {_end(shift.starts_at, shift.ends_at)}"


def span(starts_at: datetime, ends_at: datetime) -> str:
    """11月26日 周四 08:00 – 次日 08:00."""
    return f"{moment(starts_at)} – {_end(starts_at, ends_at)}"


def lasts(starts_at: datetime, ends_at: datetime) -> str:
    """How long, in words."""
    minutes = round((ends_at - starts_at) / timedelta(minutes=1))
    if minutes < 60:
        return gettext("%(n)s 分钟", n=minutes)
    if minutes < 48 * 60:
        if minutes % 60:
            return gettext("%(h)s 小时 %(m)s 分", h=minutes // 60, m=minutes % 60)
        return gettext("%(n)s 小时", n=minutes // 60)
    return gettext("%(n)s 天", n=f"{minutes / 1440:.1f}".removesuffix(".0"))


def altogether(spans: Sequence[tuple[datetime, datetime]]) -> str:
    """What several stretches make together, in words."""
    return lasts(spans[0][0], spans[0][0] + sum((until - since for since, until in spans), timedelta()))


def _end(starts_at: datetime, ends_at: datetime) -> str:
    start, end = clock.local(starts_at), clock.local(ends_at)
    if start.date() == end.date():
        return f"{end:%H:%M}"
    if end.date() - start.date() == timedelta(days=1):
        return "\N{NO-BREAK SPACE}".join(gettext("次日 %(time)s", time=f"{end:%H:%M}").rsplit(" ", 1))
    return moment(ends_at)

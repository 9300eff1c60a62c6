"""The words of escalation policies: whom they call, how long they wait, and why an alert came to somebody."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fieldapp import clock, directory, policies
from fieldapp.db import db
from fieldapp.models import Area, Category, Delivery, EscalationPolicy, User
from fieldapp.policies import COUNTY
from fieldapp.rules.escalation import Policy
from fieldapp.rules.severity import Severity
from fieldapp.simulation import Moment, Reached, Way
from fieldapp.web import channel_words, roster_words, words
from fieldapp.web.tongue import chosen
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

PURPOSE: Mapping[str, object] = {"intake": _("新报"), "dispatch": _("派单"), "return": _("退回")}
PURPOSE_LONG: Mapping[str, object] = {
    "intake": _("新报：有人刚报上来"), "dispatch": _("派单：值班台派给了人"),
    "return": _("退回：派到的人交回来，没有人在办"),
}  # fmt: skip
WHO: Mapping[str, object] = {
    **roster_words.RUNG, "desk": words.RUNG["desk"], "named": _("派单指定的人"),
}  # fmt: skip
YOU: Mapping[str, object] = {
    "on_call": _("您在备勤"), "backup": _("您是备勤的后备"), "desk": _("您在值班台"), "leader": _("您是带班领导"),
    "named": _("派单指定了您"), "person": _("规则里写着您的名字"), "department": _("规则里写着您的部门"),
}  # fmt: skip
MOMENT: Mapping[str, object] = {
    "nobody_on_call": _("没有人在岗，没有叫到人，马上往下叫"),
    "all_quiet": _("能叫的人都在安静时段里，现在不响，马上往下叫"),
    "nobody_reachable": _("在岗的人都叫不到，马上往下叫"), "round_over": _("叫了一轮没有人签收，从头再叫"),
    "unseen": _("60 秒里没有一台手机显示：值班台变红、响铃"),
    "exhausted": _("都叫过了，没有人签收：留在值班台的红色名单上，一直响到有人处理"),
}  # fmt: skip
WAITS: Mapping[str, object] = {
    "nobody_on_call": _("没有人在岗，没有叫到人"), "all_quiet": _("能叫的人都在安静时段里，现在不响"),
    "nobody_reachable": _("在岗的人都叫不到"),
}  # fmt: skip
REASON: Mapping[str, object] = {
    "nobody_chosen": _("这个梯次还没有选叫谁。不要它就按“去掉”。"),
    "unknown_who": _("这个梯次里有选不了的人，请重新选。"),
    "minutes_out_of_range": _("分钟要填 1 到 1440 的整数，或者空着。"),
    "unknown_channel": _("这个梯次里有不认识的方式，请重新选。"),
    "no_open_channel": _("这个梯次选的方式都还没开通，一个人也叫不到。请再选一种，或先到“渠道”里开通。"),
    "named_missing": _("派单的第 1 梯次要叫“派单指定的人”，不然派到的人收不到。"),
    "too_many_rungs": _("最多 8 个梯次。"), "too_many_repeats": _("从头再叫的次数要填 0 到 10 的整数。"),
    "bad_moment": _("请选前后一年以内的日期和时间。"),
    "nobody": _("这样一个人也叫不到。真要这样，请在下面打勾，再保存一次。"),
    "policy_changed": _("这条规则刚刚有人改过，您填的还在下面，没有保存。看清楚现在的规则，还要按您的来就再保存一次。"),
}  # fmt: skip
TOLD: Mapping[str, object] = {
    "drill": _("这是演练，名单里有您。"), "proof": _("请您试一试这台手机叫不叫得到。"),
    "notice": _("这条只告诉您一个人。"), "answer": _("这件事是您报的。"),
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A point of the time line: when, in words, and what happens; `kind` says how it is drawn."""

    when: str
    what: str
    kind: str = "call"


@dataclass(frozen=True)
class Person:
    """Somebody in the simulation: whom, why, and through what one after the other; `bad` when there is no way."""

    name: str
    why: str
    ways: str
    bad: bool


@dataclass(frozen=True)
class Line:
    """A moment of the simulation in words: how long after the beginning, the hour, what happens, who is called."""

    after: str
    clock: str
    what: str
    bad: bool
    people: tuple[Person, ...]


def reason(code: str) -> str:
    """The sentence for what is wrong."""
    return str(REASON[code]) if code in REASON else words.reason(code)


def span(minutes: float) -> str:
    """How long: 5 分钟, 12 小时, 1 天."""
    start = clock.now()
    return roster_words.lasts(start, start + timedelta(minutes=minutes))


def who(group: str) -> str:
    """A group, or the name of the person or department that a policy means."""
    if group in WHO:
        return str(WHO[group])
    found = policies.named(group)
    if found is None:
        return gettext("已经不在的人")
    return found.name if found.active else gettext("%(name)s（已停用）", name=found.name)


def who_in(place: str, group: str) -> str:
    """The same for a choice that was only typed: people and departments of other places have no name here."""
    found = policies.named(group)
    return who(group) if found and found.town_code == place else gettext("已经不在的人")


def everybody(groups: Iterable[str]) -> str:
    """Several of them, in one phrase."""
    return gettext("、").join(who(group) for group in groups)


def channel(kind: str, usable: Collection[str], place: str) -> str:
    """One kind, to choose it; it says so when nobody here can be called through it yet."""
    name = str(channel_words.KIND[kind])
    if kind in usable:
        return name
    if len(place) == COUNTY:
        return gettext("%(name)s（各镇都没开通）", name=name)
    return gettext("%(name)s（本镇没开通）", name=name)


def channels(kinds: Iterable[str], at_once: bool) -> str:
    """Through what, when the policy says so; nothing when it is left to each person."""
    chosen_ones = gettext("、").join(str(channel_words.PLAIN.get(kind, kind)) for kind in kinds)
    if at_once:
        return gettext("（%(ways)s一起用）", ways=chosen_ones or gettext("各种方式"))
    return gettext("（只用%(ways)s，一个没看到再用下一个）", ways=chosen_ones) if chosen_ones else ""


def sentence(policy: Policy) -> str:
    """The whole ladder as one would say it. Every rung has its minutes."""
    if not policy.calls:
        return gettext("不叫人，只排进值班台的列表。")
    parts, wait = [], 0
    for call in policy.rungs:
        named = everybody(call.who) + channels(call.channels, call.at_once)
        line = gettext("%(span)s没有人签收，再叫%(who)s", span=span(wait), who=named) if wait else ""
        parts.append(line or gettext("先叫%(who)s", who=named))
        if call.copied:
            parts[-1] += gettext("，同时抄送%(who)s", who=everybody(call.copied))
        wait = call.minutes or 0
    if policy.repeat:
        parts.append(gettext("%(span)s还没有人签收，从头再叫 %(n)s 轮", span=span(wait), n=policy.repeat))
        parts.append(gettext("最后没有人签收，值班台一直响"))
    else:
        parts.append(gettext("%(span)s还没有人签收，值班台一直响", span=span(wait)))
    return gettext("；").join(parts) + gettext("。")


def time_line(policy: Policy) -> list[Point]:
    """The same on a time line: each step of the first round, the rounds after it, the end."""
    points, at = [], 0
    for call in policy.rungs:
        more = gettext("抄送%(who)s", who=everybody(call.copied)) if call.copied else ""
        points.append(Point(_mark(at), gettext("、").join(part for part in (everybody(call.who), more) if part)))
        at += call.minutes or 0
    if points and policy.repeat:
        points.append(Point(_mark(at), gettext("从头再叫 %(n)s 轮", n=policy.repeat), "again"))
    if points:
        points.append(Point(_mark(at * (policy.repeat + 1)), gettext("值班台一直响"), "end"))
    return points


def severity(level: Severity, purpose: str) -> str:
    """红色新报."""
    return gettext(
        "%(colour)s色%(purpose)s", colour=words.SEVERITY[level.word], purpose=PURPOSE.get(purpose, purpose)
    )  # fmt: skip


def decided_by(row: EscalationPolicy | None) -> str:
    """Whose decision it is."""
    if row is None:
        return gettext("默认")
    return gettext("全县定的") if len(row.town_code) == COUNTY else gettext("本镇自己定的")


def changed(row: EscalationPolicy) -> str:
    """Who wrote it and when."""
    person = db.session.get(User, row.changed_by_id)
    return gettext("%(name)s %(time)s 改", name=person.name if person else "", time=words.moment(row.changed_at))


def kind(code: str | None) -> str:
    """The name of a kind of event."""
    found = db.session.get(Category, code) if code else None
    if found is None:
        return gettext("所有类别")
    return found.name_en if chosen() == "en" else found.name


def kinds() -> list[Category]:
    """Every kind that is in use."""
    return directory.categories(active=True)


def rounds(moments: Sequence[Moment], policy: Policy, start: datetime) -> list[list[Line]]:
    """What a simulation found, round by round."""
    length = len(policy.rungs) or 1
    by_round: dict[int, list[Line]] = {}
    for one in moments:
        by_round.setdefault(min(one.rung // length, policy.repeat), []).append(_line(one, policy, start))
    return list(by_round.values())


def _line(one: Moment, policy: Policy, start: datetime) -> Line:
    table = WAITS if one.rung >= len(policy.rungs) and one.event in WAITS else MOMENT
    asleep = one.event == "nobody_reachable" and any(person.asleep for person in one.people if not person.copied)
    what = str(table.get("all_quiet" if asleep else one.event, ""))
    if one.call:
        step = gettext("第 %(n)s 梯次", n=one.rung % len(policy.rungs) + 1)
        called = gettext("%(step)s：%(why)s", step=step, why=everybody(one.call.who))
        what = gettext("%(called)s。%(what)s", called=called, what=what) if what else called
    at, began = clock.local(one.at), clock.local(start)
    hour = f"{at:%H:%M}" if at.date() == began.date() else words.moment(one.at)
    after = _mark(int((one.at - start).total_seconds() // 60))
    people = tuple(_person(person, one.at) for person in one.people)
    return Line(after, hour, what, one.event != "called", people)


def _person(one: Reached, at: datetime) -> Person:
    meant = gettext("抄送：%(who)s", who=_meant_as(one.why)) if one.copied else _meant_as(one.why)
    return Person(one.name, meant, _ways(one, at) or gettext("没有能用的方式，叫不到"), not one.ways)


def _ways(one: Reached, at: datetime) -> str:
    """Through what, one after the other; and what quiet hours do to it."""
    if one.quiet and one.asleep:
        names = gettext("、").join(_named(way) for way in one.ways)
        return gettext("在安静时段里，现在不响，等到 %(time)s 才叫：%(ways)s", time=_hour(one.quiet), ways=names)
    ways = " → ".join(_way(way, at) for way in one.ways)
    if not one.quiet or any(way.held for way in one.ways):
        return ways
    return gettext("%(ways)s。在安静时段里（到 %(time)s），红色照样叫", ways=ways, time=_hour(one.quiet))


def _hour(at: datetime) -> str:
    """06:00: quiet hours end within a day."""
    return f"{clock.local(at):%H:%M}"


def _named(one: Way) -> str:
    name = str(channel_words.PLAIN.get(one.kind, one.kind))
    return gettext("%(name)s %(n)s 处", name=name, n=one.addresses) if one.addresses > 1 else name


def _way(one: Way, at: datetime) -> str:
    """手机推送 2 处（60 秒后）: through what, and when, counted from this moment."""
    name = _named(one)
    if one.held:
        return gettext("%(name)s（在安静时段里，等到 %(time)s 才叫）", name=name, time=_hour(one.at))
    later = round((one.at - at).total_seconds())
    return (
        gettext("%(name)s（没看到就在 %(n)s 秒后）", name=name, n=later)
        if later
        else gettext("%(name)s（马上）", name=name)
    )


def why(delivery: Delivery) -> str:
    """Why this alert came to this person, said to him or her: 第 1 梯次：您在备勤（规则：海城镇 红色新报，默认）。"""
    alert = delivery.alert
    if alert.purpose in TOLD:
        return str(TOLD[alert.purpose])
    policy = policies.of_alert(alert)
    said = [gettext("抄送给您，不等您签收")] if delivery.copied else []
    said.append(_you(delivery))
    step = gettext(
        "%(step)s：%(why)s", step=_step(policy, delivery.rung), why=gettext("，").join([*_because(delivery), *said])
    )
    return gettext("%(why)s（规则：%(rule)s）。", why=step, rule=_rule(delivery, policy))


def why_short(delivery: Delivery) -> str:
    """The same beside the person's name, for those who look on: 第 1 梯次 · 备勤."""
    if delivery.alert.purpose in TOLD:
        return ""
    parts = [_step(policies.of_alert(delivery.alert), delivery.rung)]
    if delivery.copied:
        parts.append(gettext("抄送"))
    return " · ".join([*parts, _meant_as(delivery.why)] if delivery.why else parts)


def _meant_as(group: str) -> str:
    """How a policy came upon somebody, beside his or her name."""
    return gettext("规则里写着名字") if group.startswith("person:") else who(group)


def _mark(minutes: int) -> str:
    if minutes >= 60 and minutes % 60 == 0:
        return gettext("%(n)s 小时", n=minutes // 60)
    if minutes > 60:
        return gettext("%(h)s 小时 %(m)s 分", h=minutes // 60, m=minutes % 60)
    return gettext("%(n)s 分", n=minutes)


def _step(policy: Policy, rung: int) -> str:
    """第 2 轮第 1 梯次; the first round goes without saying."""
    length = len(policy.rungs) or 1
    step = gettext("第 %(n)s 梯次", n=rung % length + 1)
    return gettext("第 %(n)s 轮%(step)s", n=rung // length + 1, step=step) if rung >= length else step


def _because(delivery: Delivery) -> list[str]:
    """What had happened before this step."""
    if delivery.rung == 0:
        return []
    waited = int((delivery.created_at - delivery.alert.raised_at).total_seconds() // 60)
    earlier = (d for d in delivery.alert.deliveries if d.user_id == delivery.user_id and not d.copied)
    if any(one.rung < delivery.rung for one in earlier):
        if waited < 1:
            return [gettext("前一次没有叫到，再叫您一次")]
        return [gettext("过了 %(span)s还没有人签收，再叫您一次", span=span(waited))]
    if waited < 1:
        return [gettext("因为前面的人叫不到")]
    return [gettext("因为前面 %(span)s没有人签收", span=span(waited))]


def _you(delivery: Delivery) -> str:
    group = delivery.why.partition(":")[0]
    if group == "department":
        return gettext("%(why)s（%(name)s）", why=YOU[group], name=who(delivery.why))
    return str(YOU[group]) if group in YOU else gettext("叫到了您")


def _rule(delivery: Delivery, policy: Policy) -> str:
    """海城镇 红色新报，默认."""
    alert = delivery.alert
    place, _slash, category = policy.name.partition("/")
    area = db.session.get(Area, alert.town_code)
    name = f"{area.name if area else ''} {severity(alert.severity, alert.purpose)}".strip()
    whose = gettext("全县定的") if len(place) == COUNTY else gettext("本镇自己定的") if place else gettext("默认")
    only = [gettext("只管%(kind)s", kind=kind(category))] if category else []
    return gettext("，").join([name, *only, whose])

"""The audit in words: what somebody did, with what, and what was chosen."""

from typing import Any

from fieldapp.audit import Line
from fieldapp.models import AuditEvent, CaseEvent
from fieldapp.web import words
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

GROUP = {
    "seen": _("看了什么"), "searched": _("搜索"), "done": _("办了什么"), "moved": _("导出、导入"),
    "sessions": _("登录和设备"), "settings": _("设置和排班"), "links": _("一次性链接"),
}  # fmt: skip
ACTION = {
    "case_seen": _("打开事件"), "case_printed": _("打印事件"), "photo_seen": _("看照片大图"),
    "voice_seen": _("听录音"), "audit_seen": _("看审计"),
    "searched": _("搜索"), "exported": _("导出"), "imported": _("导入"), "audit_exported": _("导出审计"),
    "login": _("登录"), "login_failed": _("密码输错"), "enrolled": _("用邀请登录"), "logout": _("退出登录"),
    "revoked": _("注销一台设备"), "revoked_all": _("注销全部设备"), "password": _("改密码"),
    "settings": _("改设置"), "account": _("改账号"), "invitation": _("邀请"), "new_phone": _("换手机的邀请"),
    "policy": _("改呼叫规则"), "limits": _("改时限"), "roster": _("改排班"), "department": _("改部门"),
    "channel": _("改渠道"), "map": _("改边界和底图"), "dispatch_rule": _("改派单规则"), "holidays": _("改节假日"),
    "drill": _("演练"), "handover": _("交接班"), "reminders": _("改怎样叫我"), "link_opened": _("打开一次性链接"),
}  # fmt: skip
KIND = {
    "case": _("事件"), "user": _("账号"), "device": _("设备"), "contact": _("联系方式"), "category": _("类别"),
    "area": _("区域"), "department": _("部门"), "channel": _("渠道"), "rule": _("规则"), "drill": _("演练"),
    "handover": _("交接班"), "day": _("日期"), "year": _("年份"), "invitation": _("邀请"), "limit": _("时限"),
    "hours": _("上班时间"), "tiles": _("底图"), "boundaries": _("边界"), "policy": _("呼叫规则"), "shift": _("班次"),
    "phone": _("手机里的上报"), "ledger": _("台账"), "phrase": _("短语"),
}  # fmt: skip
VIA = {"session": "", "link": _("一次性链接"), "system": ""}


def who(line: Line) -> str:
    """The name of whoever did it."""
    return line.event.actor.name if line.event.actor else gettext("系统")


def role(line: Line) -> str:
    """What he or she was at that moment; in a case's history, is now."""
    entry = line.event
    held = entry.role if isinstance(entry, AuditEvent) else entry.actor.role if entry.actor else None
    via = VIA.get(entry.via, "") if isinstance(entry, AuditEvent) else ""
    return str(via or words.ROLE.get(held or "", ""))


def what(line: Line) -> str:
    """What was done."""
    entry = line.event
    return words.event(entry) if isinstance(entry, CaseEvent) else str(ACTION.get(entry.action, entry.action))


def about(line: Line, names: dict[str, str]) -> str:
    """With what: a case's number, an account's name, else a kind and an id."""
    entry = line.event
    if isinstance(entry, CaseEvent):
        return entry.case.number
    if entry.kind in ("case", "file"):
        return entry.object
    named = names.get(entry.object, entry.object) if entry.kind == "user" else entry.object
    return f"{KIND.get(entry.kind, entry.kind)} {named}".strip()


def number(line: Line) -> str:
    """The case's number, where it is about one."""
    entry = line.event
    if isinstance(entry, CaseEvent):
        return entry.case.number
    return entry.object if entry.kind in ("case", "file") else ""


def more(line: Line) -> str:
    """What was chosen, or what it came to."""
    entry = line.event
    if isinstance(entry, CaseEvent):
        return ""
    data: dict[str, Any] = entry.data or {}
    if entry.action == "searched":
        return gettext("找到 %(n)s 件", n=data["found"]) if "found" in data else ""
    if "rows" in data:
        return gettext("%(n)s 行", n=data["rows"])
    shown = {key: value for key, value in data.items() if key != "file"}
    return " · ".join(f"{key} {_list(value)}" for key, value in shown.items())


def _list(value: Any) -> str:
    return gettext("、").join(str(one) for one in value) if isinstance(value, list) else str(value)

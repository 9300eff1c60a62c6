"""Every word the rules have no business knowing: names of states and actions, and sentences for refusals."""

from datetime import datetime
from typing import Any

from flask import g
from flask_babel import format_datetime

from fieldapp import clock, directory
from fieldapp.models import Case, CaseEvent
from fieldapp.rules.deadlines import awaited
from fieldapp.rules.workflow import Refused
from fieldapp.web import term_words
from fieldapp.web.tongue import chosen
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

STATUS = {
    "new": _("待受理"), "accepted": _("已受理"), "dispatched": _("待签收"), "acknowledged": _("已签收"),
    "en_route": _("已出发"), "on_scene": _("已到场"), "answered": _("待核查"), "verified": _("已核查"),
    "closed": _("已办结"), "declined": _("不予受理"), "merged": _("已合并"),
}  # fmt: skip
# what the same state means to the person who reported it
STATUS_FOR_REPORTER = {
    "new": _("中心已收到"), "accepted": _("中心已受理"), "dispatched": _("已派人"), "acknowledged": _("有人签收了"),
    "en_route": _("正在赶去"), "on_scene": _("已到现场"), "answered": _("处置好了，等核查"),
    "verified": _("处置好了，等办结"), "closed": _("已办结"), "declined": _("未受理"), "merged": _("已并案处理"),
}  # fmt: skip
ACTION = {
    "accept": _("受理"), "decline": _("不予受理"), "merge": _("合并"), "dispatch": _("派单 / 吹哨"),
    "reinforce": _("加派"), "set_lead": _("换主办"),
    "classify": _("研判"), "acknowledge": _("签收"), "depart": _("出发"), "arrive": _("到场"),
    "report_outcome": _("处置反馈"), "return": _("退回"), "transfer": _("转给别人"), "verify": _("核查通过"),
    "close": _("办结"), "reopen": _("重办"), "confirm": _("满意"), "dispute": _("没解决"),
    "park": _("挂账"), "resume": _("恢复办理"), "ask_extension": _("申请延期"), "grant": _("同意延期"),
    "refuse": _("不同意延期"), "nudge": _("催办"), "supervise": _("督办"),
    "unmerge": _("撤销合并"), "split": _("拆分"), "not_same": _("不是一回事"),
}  # fmt: skip
EVENT = {
    **ACTION,
    "assist_outcome": _("协办反馈"),
    "restore": _("撤销合并"), "taken_out": _("撤销合并，移出一件"), "split_off": _("从另一件拆分出来"),
    "not_same": _("看过，不是一回事"),
    "report": _("收到上报"), "step_back": _("退出"), "hand_on": _("转给别人"), "merged_in": _("并入一件"),
    "called": _("已呼叫"),
    "nobody_on_call": _("无人值班，没有叫到人"), "nobody_reachable": _("在岗的人都叫不到"),
    "round_over": _("叫了一轮没有人签收，重新再叫"),
    "unseen": _("60 秒内没有设备显示"), "exhausted": _("所有梯次都没有人签收"), "after_photo": _("上传处置照片"),
    "unreadable": _("有一张照片打不开"), "late_step": _("事后才收到"),
    "joined": _("又有人看到，一起办"), "apart": _("上报人看到的那件没有并入"),
    "imported": _("从手机存的文件导入"), "from_ledger": _("外来台账"),
    "due_soon": _("即将超期"), "overdue": _("超期"),
    "unaccept": _("撤销受理"),
}  # fmt: skip
# whose line names another case, or the ledger it stands in
OF_ANOTHER = frozenset(
    {"merged_in", "apart", "unmerge", "restore", "taken_out", "split_off", "not_same", "from_ledger"}
)
# each step of somebody who was sent, as what is known of it
LEG = {"acknowledge": _("收到"), "depart": _("出发"), "arrive": _("到场"), "report_outcome": _("反馈")}
SEVERITY = {"red": _("红"), "yellow": _("黄"), "blue": _("蓝")}
ROLE = {
    "patrol": _("巡逻志愿者"), "grid": _("网格员"), "responder": _("备勤人员"), "duty": _("值班员"),
    "leader": _("带班领导"), "liaison": _("部门联络员"), "analyst": _("县级研判员"), "admin": _("管理员"),
}  # fmt: skip
RUNG = {"on_call": _("备勤"), "desk": _("值班台"), "leader": _("带班领导"), "named": _("指定人员")}
STEP = {
    "triage": _("受理"), "acknowledge": _("签收"), "arrive": _("到场"), "outcome": _("反馈"), "verify": _("核查"),
}  # fmt: skip
ALERT = {
    "open": _("等待签收"), "exhausted": _("无人签收"), "acknowledged": _("已签收"), "stopped": _("已停止"),
    "told": _("已告知"),
}  # fmt: skip
PURPOSE = {
    "intake": _("新报呼叫"), "dispatch": _("派单呼叫"), "return": _("退回后呼叫"), "answer": _("告知上报人"),
    "drill": _("演练"), "proof": _("接班前验证"), "notice": _("通知"),
}  # fmt: skip
REACH = {"reachable": _("可达"), "unreachable": _("不可达"), "unproved": _("未验证")}
PHOTO = {"processing": _("照片处理中"), "unreadable": _("这张照片读不出来，原件留着"), "ready": _("照片")}
SOURCE = {"gps": _("手机定位"), "pin": _("地图上标的"), "village": _("按村居选的")}
LANE = {
    "open": _("全部未结"), "triage": _("待受理"), "in_hand": _("处置中"), "verify": _("待核查"),
    "overdue": _("超期"), "unreached": _("未送达"), "done": _("已办结"),
}  # fmt: skip

REASON = {
    "role": _("您的角色不能做这件事。"),
    "not_here": _("没有找到，或者不在您的范围内。"),
    "not_yours": _("这一步不由您来做。"),
    "unknown": _("没有这一项。"),
    "search_too_long": _("一次最多找 60 个字、8 个词。"),
    "note_needed": _("请写明原因或情况。"),
    "target_needed": _("请选择派给谁、转给谁或并入哪一件。"),
    "stale": _("刚刚有人动过这件事，请看最新情况再操作。"),
    "other_content": _("同一个编号已经收到过不同的内容，原来的那份保留着。"),
    "file_id_taken": _("照片的编号已被用过。"),
    "invalid": _("有几处需要改一下。"),
    "login": _("用户名或密码不对。"),
    "alert_over": _("这次呼叫已经结束，请打开事件看最新情况。"),
    "endpoint_dead": _("这个推送地址已经失效，请重新开启提醒。"),
    "county_only": _("这一项全县共用，请由县级管理员修改。"),
    "invitation": _("这个邀请已经用过或过期了，请向值班员再要一个。"),
    "foreign_origin": _("请求不是从本站页面发出的，已拒绝。"),
    "header_needed": _("程序调用请带上请求头 X-Requested-With:fieldapp。"),
    "busy": _("系统正忙，请稍后再试，内容没有丢。"),
    "endpoint": _("这个推送地址不在允许之列。"),
    "token": _("令牌不对。"),
    "empty_report": _("拍一张、说一句或写一行，有一样就能报。"),
    "other_user": _("这份上报属于另一个账号。"),
    "too_long": _("太长了。"),
    "too_many": _("太多了。"),
    "not_text": _("应为文字。"),
    "not_a_number": _("应为数字。"),
    "out_of_range": _("超出范围。"),
    "not_a_time": _("应为带时区的时间。"),
    "no_offset": _("时间缺少时区。"),
    "not_a_position": _("位置的格式不对。"),
    "unknown_source": _("位置来源不对。"),
    "not_a_list": _("应为列表。"),
    "not_an_item": _("格式不对。"),
    "not_a_sha256": _("校验值格式不对。"),
    "not_a_uuid": _("编号格式不对。"),
    "not_a_user_id": _("应为用户编号。"),
    "not_an_object": _("应为 JSON 对象。"),
    "not_canonical": _("内容里有无法规范化的数字或文字。"),
    "same_id_twice": _("同一个文件出现了两次。"),
    "empty_file": _("文件是空的。"),
    "file_too_large": _("文件太大。"),
    "larger_than_declared": _("文件比登记的大。"),
    "hash_mismatch": _("收到的内容与手机上的不一致，请重新发送。"),
    "not_a_photo": _("不是能识别的照片（JPEG、PNG、WebP、HEIC）。"),
    "not_sound": _("不是能识别的录音。"),
    "too_many_pixels": _("照片的像素太多。"),
    "liaison_by_invitation": _("部门联络员要选部门，请用邀请来办。"),
    "none_left": _("至少要留一个区域。"),
    "merged_on": _("它并入的那件又并入了别的，请先撤销后一次合并。"),
    "target_over": _("它并入的那件已经办结，不能再撤销。"),
    "nothing_left": _("它的上报已经拆到别处，没有可以移回来的。"),
    "not_all_reports": _("请选出其中几条，至少留一条在原来这件里。"),
    "more_digits": _("请至少写编号的后三位。"),
    "no_such_case": _("没有这个编号的事件。"),
    "too_easy": _("这个密码太容易猜到，请换一个长一点、不常见的。"),
    "wrong_password": _("现在的密码不对。"),
    "too_short": _("密码至少 10 位。"),
    "name_needed": _("请填写姓名（30 字以内）。"),
    "username_shape": _("用户名用 2 到 30 个字母、数字或汉字，中间不空格。"),
    "username_taken": _("这个用户名已被使用。"),
    "several_fit": _("对得上的不止一件，请选一件，或者多写几位。"),
    "only_one": _("只能并入一件，请只选一件，或者只写一个编号。"),
    "not_open": _("只能并入还没办结的事件。"),
    "none_picked": _("还没有选事件，请先在列表里勾上。"),
    "too_many_picked": _("一次最多 200 件，请少选一些。"),
    "undo_over": _("过了 5 分钟，或者不是您刚才做的，不能撤销了。"),
    "name_of_view": _("请给视图起个名字（30 字以内）。"),
    "too_many_views": _("最多存 20 个视图，请先删掉不用的。"),
    "town_role": _("这个角色要落在一个镇里，请选镇或村（社区）。"),
    "village_needed": _("请选择是哪个村（社区）。"),
    "already_on_it": _("已经派过的不用再加派，请只勾新的。"),
    "not_on_it": _("主办只能从已经派到的里面选。"),
    "leads_already": _("现在就是由这一家主办。"),
    "rule_known": _("同样类别、同样区域已经有一条了，请改那一条或先删掉它。"),
    "target_unknown": _("请选一个本镇的部门或人。"),
    "yourself": _("不能转给自己。"),
    "too_long_to_wait": _("红色最多等 60 分钟签收、一天受理，黄色最多等一天签收。"),
    "minutes": _("应为 1 到 100000 的整数。"),
    "not_free": _("请选一个还没有值班的人。"),
    "department_needed": _("部门联络员要选一个部门。"),
    "own_account": _("不能停用自己，也不能改自己的角色。"),
    "drill_too_soon": _("刚演练过。两次之间隔 10 分钟，一天最多 6 次。"),
    "drill_running": _("已经有一次演练在进行，等它结束再开始。"),
    "town_needed": _("部门属于镇街，请用镇街管理员账号添加。"),
    "name_taken": _("已经有这个名称了。"),
    "word_needed": _("请填写名称。"),
    "too_many_tiles": _("手机上最多放 9 个格子，请先撤下一个。"),
    "http_400": _("请求的格式不对。"),
    "http_401": _("请先登录。"),
    "http_403": _("不允许。"),
    "http_404": _("没有这个页面。"),
    "http_405": _("这里不能这样操作。"),
    "http_411": _("请求缺少长度。"),
    "http_413": _("内容太大。"),
    "http_415": _("格式不支持。"),
    "http_429": _("操作太频繁，请过一分钟再试。"),
    "too_many_photos": _("一次最多 9 张照片。"),
    "not_stored": _("照片没有存下，请再发一次。"),
    "http_500": _("系统出错了，已记录。您的内容没有丢，请稍后再试。"),
    "no_file": _("请先选一个文件。"),
    "empty_export": _("这个文件是空的。请在手机上再存一次。"),
    "not_an_export": _("这不是手机存出来的上报文件。请选名字像 fieldapp-….json 的那个。"),
    "broken_export": _("文件不完整，后面的读不出来。请把文件重新传一次，或在手机上再存一次；重复导入没有关系。"),
    "no_reports": _("文件里没有上报。"),
    "parked": _("已经挂账了。"),
    "not_parked": _("现在没有挂账。"),
    "still_calling": _("派出的人还没有签收，正在叫。等他签收，或改派别人，再挂账。"),
    "not_a_day": _("请选一个日期。"),
    "not_so_long": _("请选明天起、半年以内的一天。"),
    "how_long": _("请选要延多久。"),
    "asked_already": _("已经申请过延期，等中心答复。"),
    "not_asked": _("现在没有人申请延期。"),
    "own_request": _("自己申请的延期，要由别人来答复。"),
    "leader_only": _("已经延过一次，再延要由带班领导答复。"),
    "hours": _("请照“08:30-12:00 14:30-17:30”这样写，最多四段，先后不重叠。"),
    "always_natural": _("红色的受理、签收、到场不等上班，只能按自然时间。"),
    "not_called_to_it": _("这是一条处置记录，但没有派给这个人的那一件。"),
    "not_a_report": _("这一份读不出来，不是手机存出来的上报。"),
    "not_of_this_town": _("写这份上报的不是本镇的人，这里收不了。请把文件交给他那个镇的值班员。"),
    "owner_role": _("写这份上报的人现在的角色不能上报。请管理员先改回他的角色，再导入一次。"),
    "other_hash": _("内容和手机记下的对不上，文件可能坏了或被改过。请在手机上再存一次。"),
    "not_named": _("文件里多了一样东西，上报里没有登记，没有收。"),
    "damaged_file": _("内容坏了，没有收。手机里的那份还在，请再存一次。"),
}


def reason(code: str) -> str:
    """The sentence for a refusal."""
    return str(REASON.get(code, REASON["invalid"]))


def field_errors(errors: dict[str, str] | None) -> dict[str, str]:
    """The sentence for each field at fault."""
    return {field: reason(code) for field, code in (errors or {}).items()}


def refused(error: Refused) -> str:
    """A refused step, naming both the step and where the case stands."""
    if error.reason != "not_now":
        return reason(error.reason)
    return gettext(
        "现在是“%(status)s”，不能“%(action)s”。",
        status=STATUS[error.status], action=ACTION.get(error.action, error.action),
    )  # fmt: skip


def locked(until: datetime) -> str:
    """A locked account, with the local time it opens again."""
    return gettext("输错次数太多，%(time)s 之后再试。", time=clock.local(until).strftime("%H:%M"))


def severity_long(word: str) -> str:
    """The colour and what the admin calls it: 红 · 紧急."""
    if "severity_labels" not in g:
        g.severity_labels = {severity.word: label for severity, label in directory.severity_labels().items()}
    label = g.severity_labels[word]
    return f"{SEVERITY[word]} · {label.name_en if chosen() == 'en' else label.name}"


def category(case: Case) -> str:
    """The category's name in the screen's language."""
    if case.category is None:
        return gettext("未分类")
    return case.category.name_en if chosen() == "en" else case.category.name


def moment(instant: datetime | None) -> str:
    """A local date and time, short."""
    return format_datetime(instant, "MM-dd HH:mm") if instant else ""


def ago(instant: datetime, now: datetime) -> str:
    """How long ago, as people say it."""
    minutes = int((now - instant).total_seconds() // 60)
    if minutes < 1:
        return gettext("刚刚")
    if minutes < 60:
        return gettext("%(n)s 分钟前", n=minutes)
    if minutes < 24 * 60:
        return gettext("%(n)s 小时前", n=minutes // 60)
    return gettext("%(n)s 天前", n=minutes // (24 * 60))


def waits_for(case: Case) -> str:
    """What the running limit is for: an accepted case waits to be sent, a verified one to be closed."""
    step = awaited(case.status, case.due_step or "")
    return str(STEP.get(step) or ACTION[step])


def countdown(due: datetime, now: datetime) -> str:
    """Time left or overdue; js/countdown.js goes on from here and says it in the same words."""
    seconds = int((due - now).total_seconds())
    if seconds < 0:
        return gettext("超期 %(time)s", time=_span(-seconds // 60))
    if seconds < 3600:
        return gettext("剩 %(time)s", time=f"{seconds // 60:02d}:{seconds % 60:02d}")
    return gettext("还有 %(time)s", time=_span(seconds // 60))


def _span(minutes: int) -> str:
    if minutes < 60:
        return gettext("%(m)s 分", m=minutes)
    if minutes < 24 * 60:
        return gettext("%(h)s 小时 %(m)s 分", h=minutes // 60, m=minutes % 60)
    return gettext("%(d)s 天 %(h)s 小时", d=minutes // 1440, h=minutes % 1440 // 60)


def event(entry: CaseEvent) -> str:
    """What happened, in words."""
    base = str(EVENT.get(entry.action, entry.action))
    data: dict[str, Any] = entry.data or {}
    base += term_words.of_event(entry.action, data)
    names = data.get("people") or data.get("to")
    if names and entry.action == "nobody_on_call" and "rung" not in data:  # departments that were sent for
        base = gettext("没有联系方式，叫不到")
    if names:
        said = gettext("%(what)s：%(names)s", what=base, names=gettext("、").join(names))
        return said + _missed(data)
    if entry.action == "late_step":
        return gettext("%(what)s：%(names)s", what=base, names=ACTION[data["step"]]) + _when(data)
    if "taken_at" in data:
        return base + _when(data)
    if entry.action == "unreadable" and data.get("kind") == "voice":
        return gettext("有一段录音放不出来")
    if entry.action == "close" and data.get("unsigned"):
        return gettext("%(what)s（%(more)s）", what=base, more=unsigned(data["unsigned"]))
    if entry.action == "merge" and data.get("into"):
        return f"{base} → {data['into']}"
    if entry.action in OF_ANOTHER and data.get("from"):
        return gettext("%(what)s：%(names)s", what=base, names=data["from"])
    return base


def unsigned(names: list[str]) -> str:
    """Who was sent and never signed."""
    return gettext("%(names)s没有签收过", names=gettext("、").join(names)) if names else ""


def _missed(data: dict[str, Any]) -> str:
    """Of those who were told, whom no word could reach."""
    silent = data.get("unreachable")
    if silent and silent == data.get("people"):
        return gettext("（叫不到，请打电话）")
    return gettext("（叫不到 %(names)s，请打电话）", names=gettext("、").join(silent)) if silent else ""


def _when(data: dict[str, Any]) -> str:
    """The moment it was done, for what a phone could tell only later."""
    if "taken_at" not in data:
        return ""
    return gettext("（手机上 %(time)s 做的）", time=moment(datetime.fromisoformat(data["taken_at"])))


def event_for_reporter(entry: CaseEvent) -> str:
    """What happened, in the words of the person who reported it; no officer is named."""
    if entry.action == "merged_in":
        return gettext("别人也报了这件事，一起办")
    if entry.action == "joined":
        return gettext("别人已经报了这件事，加上您的，一起办")
    if entry.action in ("unmerge", "restore", "split_off"):
        return gettext("改回单独办理")
    if entry.action == "apart":
        return gettext("您看到的那件已经办完，或者离得远，这一条单独办")
    return str(EVENT.get(entry.action, entry.action))


PART = {
    "photo": _("照片"), "voice": _("录音"), "category": _("种类"), "village_code": _("村（社区）"), "text": _("文字"),
    "photos": _("照片"), "voices": _("录音"), "position": _("位置"), "severity": _("级别"), "captured_at": _("时间"),
    "client_now": _("时间"),
}  # fmt: skip
VOICE = {"processing": _("录音正在处理"), "unreadable": _("这段录音放不出来，原件留着"), "ready": _("录音")}
DAMAGED = frozenset({"hash_mismatch", "larger_than_declared", "other_content"})


def why_not_imported(code: str, errors: dict[str, str]) -> str:
    """Why a report of an imported file was not taken, by the part of it that is at fault."""
    return " ".join(_at(PART.get(field), reason(why)) for field, why in errors.items()) or reason(code)


def not_imported(kind: str | None, place: int | None, code: str) -> str:
    """Which file of a report was not taken, as it is numbered on the phone, and why."""
    why = reason("damaged_file" if code in DAMAGED else code)
    return _at(f"{PART[kind]} {place}" if kind else None, why)


def _at(part: object, why: str) -> str:
    return gettext("%(part)s：%(why)s", part=part, why=why) if part else why

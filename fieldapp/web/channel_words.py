"""The words for the ways to reach people: kinds, their settings, their addresses, and what came of a try."""

from collections.abc import Mapping

from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.models import Gateway
from fieldapp.web import words
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

KIND: Mapping[str, object] = {
    "webpush": _("手机提醒"), "wecom": _("企业微信"),
    "sms_aliyun": _("短信（阿里云）"), "sms_tencent": _("短信（腾讯云）"),
    "mail": _("邮件"), "bark": _("Bark（苹果手机）"), "ntfy": _("ntfy（安卓手机）"), "pushplus": _("PushPlus（微信）"),
    "serverchan": _("Server 酱（微信）"), "wecombot": _("企业微信群机器人"), "dingtalk": _("钉钉群机器人"),
    "feishu": _("飞书群机器人"),
}  # fmt: skip
# what a person calls it: whose account carries it is nothing to him or her
PLAIN: Mapping[str, object] = {**KIND, "sms_aliyun": _("短信"), "sms_tencent": _("短信")}
FIELD: Mapping[str, object] = {
    "wecom.corp_id": _("企业 ID"), "wecom.secret": _("应用的 Secret"), "wecom.agent_id": _("应用的 AgentId"),
    "sms_aliyun.access_key_id": _("AccessKey ID"), "sms_aliyun.access_key_secret": _("AccessKey Secret"),
    "sms_aliyun.template_code": _("模板 CODE"), "sms_tencent.secret_id": _("SecretId"),
    "sms_tencent.secret_key": _("SecretKey"), "sms_tencent.app_id": _("短信应用的 SdkAppId"),
    "sms_tencent.template_id": _("模板 ID"), "sms_tencent.region": _("地域"), "mail.security": _("加密方式"),
    "mail.user": _("登录名"), "mail.password": _("密码或授权码"), "mail.sender": _("发件地址"),
    "ntfy.token": _("访问令牌"), "wecombot.key": _("机器人的 key"), "dingtalk.token": _("access_token"),
    "dingtalk.secret": _("加签密钥"), "feishu.token": _("Webhook 地址的最后一段"),
    "server": _("服务器"), "sign_name": _("短信签名"),
}  # fmt: skip
EXAMPLE: Mapping[str, object] = {
    "sms_aliyun.template_code": "SMS_154950909", "mail.server": "smtp.exmail.qq.com",
    "mail.sender": "yingji@example.gov.cn", "dingtalk.secret": "SEC…", "ntfy.token": "tk_…",
    "sms_tencent.app_id": "1400006666", "wecom.agent_id": "1000002",
}  # fmt: skip
CHOICE: Mapping[str, object] = {"ssl": "SSL（465）", "starttls": "STARTTLS（587）", "none": _("不加密（只限内网）")}
ADDRESS: Mapping[str, object] = {
    "wecom": _("企业微信账号（通讯录里的账号）"), "sms_aliyun": _("手机号"), "sms_tencent": _("手机号"),
    "mail": _("邮箱地址"), "bark": _("Bark 的设备 key"), "ntfy": _("ntfy 的主题名"), "pushplus": _("PushPlus 的 token"),
    "serverchan": _("Server 酱的 SendKey"),
}  # fmt: skip
KEYBOARD = {"sms_aliyun": "tel", "sms_tencent": "tel", "mail": "email"}
HELP: Mapping[str, object] = {
    "wecom": _("在企业微信管理后台的“应用管理”里建一个应用，把会被叫的人放进可见范围。"),
    "sms_aliyun": _("模板要有三个变量：level、place、code。链接写在模板里，结尾是 ${code}。"),
    "sms_tencent": _("模板要有三个变量：{1} 级别、{2} 地点、{3} 链接的最后一段。链接写在模板里，结尾是 {3}。"),
    "mail": _("用一个专门的邮箱。QQ、163 等邮箱要填授权码，不是登录密码。"),
    "dingtalk": _("机器人的安全设置请选“加签”。"), "feishu": _("机器人的安全设置请选“IP 白名单”，或都不选。"),
}  # fmt: skip
SMS_TEMPLATE: Mapping[str, object] = {
    "sms_aliyun": "随手报：${level}，${place}。打开 %s/r/${code} 签收。",
    "sms_tencent": "随手报：{1}，{2}。打开 %s/r/{3} 签收。",
}
REASON: Mapping[str, object] = {
    "setting_missing": _("这一项要填。"), "setting_shape": _("格式不对，请照原样复制，不要多空格。"),
    "server_not_allowed": _("这台服务器不在允许之列。请让部署的人把它加进 FIELDAPP_GATEWAY_HOSTS。"),
    "town_needed": _("渠道属于镇街，请用镇街管理员账号添加。"), "name_needed": _("请起个名字，20 字以内。"),
    "too_many": _("已经够多了，请先删掉不用的。"), "address_shape": _("这个地址不对，请看看有没有输错。"),
    "other_server": _("这个网址在另一台服务器上，镇里用的不是那一台。请跟管理员说。"),
    "address_known": _("这个地址已经有了。"), "quiet_times": _("请填开始和结束两个时间，不能相同。"),
}  # fmt: skip
# what came of a try, by the first word of its reason; each says what is known and what to do
WHY: Mapping[str, object] = {
    "no_answer": _("对方的服务器一直没有回答。过一会儿再试。"),
    "unreachable": _("连不上对方的服务器，可能是网络的问题。过一会儿再试。"),
    "too_many": _("对方说发得太多，要等一会儿才再收。"),
    "gateway_down": _("对方的服务器正忙或出了故障。过一会儿再试。"),
    "setup": _("对方不认这些设置（密码、签名、模板或余额），请管理员检查。"),
    "not_allowed": _("这台服务器不在允许之列。请让部署的人把它加进 FIELDAPP_GATEWAY_HOSTS。"),
    "private_address": _("这个服务器名指向内网，不在允许之列。"),
    "redirected": _("对方要转到别的地址去，为安全起见没有跟去。请检查服务器一项。"),
    "unknown_address": _("对方说没有这个地址，或它已经失效。"), "refused": _("对方不肯发给这个地址，请换一个办法。"),
    "bad_address": _("这个地址不对，请看看有没有输错。"), "removed": _("已删除。"),
    "unclear": _("对方的回答看不懂，不知道收没收。过一会儿再试。"),
}  # fmt: skip


def field(kind: str, name: str) -> str:
    """What a setting is called."""
    return str(FIELD.get(f"{kind}.{name}") or FIELD[name])


def example(kind: str, name: str) -> str:
    """What one looks like, if that helps."""
    return str(EXAMPLE.get(f"{kind}.{name}", ""))


def state(gateway: Gateway) -> str:
    """How a channel stands: in use is only what was tried and took it."""
    if not gateway.active:
        return gettext("已停用")
    if gateway.trouble:
        return gettext("有问题")
    return gettext("在用") if gateway.tested_at else gettext("未试过")


def template(kind: str, base_url: str) -> str:
    """The template to apply for at the provider of text messages; empty for other kinds."""
    return str(SMS_TEMPLATE[kind]) % base_url if kind in SMS_TEMPLATE else ""


def reason(code: str) -> str:
    """The sentence for a refusal."""
    return str(REASON[code]) if code in REASON else words.reason(code)


def field_errors(errors: Mapping[str, str]) -> dict[str, str]:
    """The sentence for each field at fault."""
    return {name: reason(code) for name, code in errors.items()}


def why(text: str) -> str:
    """What a kept reason means, with the service's own number for whoever looks it up."""
    word, _colon, code = text.partition(":")
    said = str(WHY.get(word, WHY["unclear"]))
    return gettext("%(said)s（%(code)s）", said=said, code=code) if code else said


def outcome(error: Temporary | Permanent | None) -> str:
    """What came of a try, for whoever asked for it."""
    if error is None:
        return gettext("对方的服务器收下了。请看看那边有没有收到。")
    said = why(str(error))
    return gettext("%(said)s 这个地址不会再用。", said=said) if isinstance(error, Gone) else said

"""What is known of a delivery, in words and times, and no more than is known."""

from collections.abc import Iterable
from datetime import datetime

from fieldapp import clock
from fieldapp.addresses import WEBPUSH
from fieldapp.models import Assignment, Delivery
from fieldapp.rules.delivery import SEEN, DeliveryState
from fieldapp.web import channel_words, words
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

STATE = {
    "queued": _("等待发送"), "failed-temporary": _("没发出去，还会再试"),
    "accepted": _("推送服务已接收，还不知道手机有没有收到"), "shown": _("手机上已显示"), "opened": _("已打开"),
    "acknowledged": _("已签收"), "failed-permanent": _("发不出去"), "expired": _("已停止"),
}  # fmt: skip
TAKEN = _("对方的服务器已接收，还不知道本人有没有看到")  # by a gateway, from which nothing more is ever heard
# the furthest step somebody took, and what it is called
REACHED = (
    ("answered_at", _("已反馈")), ("arrived_at", words.STATUS["on_scene"]), ("departed_at", words.STATUS["en_route"]),
    ("acknowledged_at", words.STATUS["acknowledged"]),
)  # fmt: skip
ERROR = {
    "no_device": _("没有能叫到的方式"),
    "over": _("已有人签收或已撤销"), "endpoint_not_allowed": _("推送地址不在允许之列"),
    "service_404": _("这台设备的推送已失效"), "service_410": _("这台设备的推送已失效"), "bad_keys": _("设备密钥无效"),
    "expired": _("过期未送达"), "device_disabled": _("设备已停用"),
    "shown": _("别的方式已经看到，不用再发"), "quiet": _("他的免打扰时间，到点再发"),
}  # fmt: skip


def sentence(entry: Delivery) -> str:
    """What is known of one delivery, and why it failed if it did."""
    state = TAKEN if entry.state == DeliveryState.ACCEPTED and entry.channel != WEBPUSH else STATE[entry.state]
    if entry.error == "no_device":
        return str(ERROR[entry.error])
    if _waits_for_another(entry):
        return gettext("前一种方式 60 秒没有显示就发")
    why = _why(entry)
    return f"{state} · {why}" if why else str(state)


def unanswered(seen: object) -> str:
    """Why a call stands among those that did not get through."""
    return gettext("看到了，没人签收") if seen else gettext("没人看到")


def still_missing(sent: Iterable[Assignment]) -> str:
    """Who of those sent to a case is on it, and who has not signed: 陈安已到场；黄本还没签收. Empty when nobody is, or
    nobody is missing: then there is nothing to tell apart.
    """
    at_it = [one for one in sent if one.going_on]
    missing = [one.name for one in at_it if not one.acknowledged_at]
    on_it = [f"{one.name}{furthest[0]}" for one in at_it if (furthest := reached(one))]
    if not on_it or not missing:
        return ""
    comma = gettext("、")
    return gettext("%(these)s；%(others)s还没签收", these=comma.join(on_it), others=comma.join(missing))


def reached(one: Assignment) -> tuple[str, datetime] | None:
    """The furthest step somebody took and when; None before the first."""
    steps = ((getattr(one, timed), state) for timed, state in REACHED)
    return next(((str(state), at) for at, state in steps if at), None)


def channel(entry: Delivery) -> str:
    """The way it goes."""
    return str(channel_words.PLAIN[entry.channel])


def times(entry: Delivery) -> list[tuple[str, datetime]]:
    """Each thing that is known, and since when."""
    signed = entry.updated_at if entry.state == DeliveryState.ACKNOWLEDGED else None
    again = entry.due_at if entry.state == DeliveryState.RETRYING else None
    known = (
        (gettext("已接收"), entry.accepted_at), (gettext("已显示"), entry.shown_at),
        (gettext("已打开"), entry.opened_at), (str(words.ACTION["acknowledge"]), signed), (gettext("再试"), again),
    )  # fmt: skip
    return [(name, at) for name, at in known if at is not None]


def _waits_for_another(entry: Delivery) -> bool:
    later = entry.due_at is not None and entry.due_at > clock.now()
    return entry.state == DeliveryState.QUEUED and entry.turn > 0 and later and entry.error is None


def brief(entry: Delivery) -> str:
    """The same for a colleague, whom the settings of a gateway do not concern."""
    return sentence(entry) if entry.error in ERROR or entry.state in SEEN else str(STATE[entry.state])


def _why(entry: Delivery) -> str:
    if entry.state in SEEN:
        return ""  # what went wrong before it was seen is over
    if entry.error in ERROR:
        return str(ERROR[entry.error])
    known_kind = entry.error is not None and entry.channel != WEBPUSH
    return channel_words.why(entry.error) if known_kind and entry.error else ""

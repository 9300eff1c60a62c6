"""Why another case may be the same event, in words."""

from fieldapp.duplicates import Offer
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

NEAR = {True: _("同一类"), False: _("不同类")}


def reasons(offer: Offer) -> list[str]:
    """What speaks for it, the strongest things first."""
    place = gettext("同一个村（社区）") if offer.metres is None else gettext("%(m)s 米外", m=offer.metres)
    said = [place, _when(offer.minutes, offer.later)]
    said += [str(NEAR[offer.same_kind])] if offer.same_kind is not None else []
    said += [gettext("都提到“%(words)s”", words=offer.words)] if offer.words else []
    return said + ([gettext("照片相像")] if offer.alike else [])


def _when(minutes: int, later: bool) -> str:
    if minutes < 1:
        return gettext("几乎同时")
    if minutes < 60:
        return gettext("晚 %(n)s 分钟", n=minutes) if later else gettext("早 %(n)s 分钟", n=minutes)
    if minutes < 1440:
        hours = minutes // 60
        return gettext("晚 %(n)s 小时", n=hours) if later else gettext("早 %(n)s 小时", n=hours)
    days = minutes // 1440
    return gettext("晚 %(n)s 天", n=days) if later else gettext("早 %(n)s 天", n=days)

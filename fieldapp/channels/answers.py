"""What a gateway's answer means for us. What is not known is temporary: it is tried again and never given up.

Many of these services answer 200 to a refusal and say so in a number inside; the tables are from their published
lists. `later` is worth another try, `ours` is a fault of our settings, `gone` an address that is dead, `refused`
one that does not take this now, for reasons that are its owner's.
"""

from dataclasses import dataclass

from fieldapp.channels import Gone, Permanent, Temporary
from fieldapp.channels.outward import Answer

MINUTE = 60.0


@dataclass(frozen=True)
class Codes:
    """Where a service puts its number, which one means yes, and what the others mean."""

    field: str
    yes: int
    later: frozenset[int] = frozenset()
    ours: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()


CODES = {
    # developer.work.weixin.qq.com/document/path/90313
    "wecom": Codes(
        "errcode", 0,
        later=frozenset({-1, 45009, 45033, 45047}),
        ours=frozenset({40001, 40013, 40056, 41002, 41004, 41011, 48002, 60020, 301002, 2000002}),
        gone=frozenset({40003, 60111}),
        # the person left, or the app's visible range was changed by mistake: nobody loses an address by that
        refused=frozenset({40031, 60011, 81013}),
    ),
    "wecombot": Codes("errcode", 0, later=frozenset({-1, 45009, 45033}), ours=frozenset({40058, 93000, 93008})),
    # open.dingtalk.com/document/robots/custom-robot-access
    "dingtalk": Codes(
        "errcode", 0,
        later=frozenset({-1, 130101, 410100, 660026, 90018, 90030}),
        ours=frozenset({300001, 310000, 400013, 400101, 400102, 400105, 400106}),
    ),
    # open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
    "feishu": Codes(
        "code", 0, later=frozenset({9499, 11232, 99991400}), ours=frozenset({9500, 19001, 19021, 19022, 19024}),
    ),
    # www.pushplus.plus/doc: the token is its owner's, and so are most faults
    "pushplus": Codes(
        "code", 200, later=frozenset({500, 900, 999}), gone=frozenset({903, 907}),
        refused=frozenset({302, 401, 403, 805, 888, 905, 908, 909, 912}),
    ),
    "serverchan": Codes("code", 0),
    "bark": Codes("code", 200),
}  # fmt: skip
STALE_PASS = frozenset({40014, 42001})  # WeCom's pass ran out before its time: a new one is all it takes
NO_DEVICE = ("failed to get device token", "BadDeviceToken", "Unregistered", "device token is empty")


def judge(kind: str, answer: Answer) -> None:
    """Return when the service took the message. Raises Temporary, Permanent or Gone when it did not."""
    said = answer.json()
    if kind == "bark" and any(words in str(said.get("message")) for words in NO_DEVICE):
        raise Gone("unknown_address:device")
    _judge_status(answer)
    if codes := CODES.get(kind):
        _judge_code(codes, said, answer)
    elif answer.status_code != 200:
        raise Temporary(f"unclear:{answer.status_code}", answer.retry_after)
    if kind == "wecom" and (said.get("invaliduser") or said.get("unlicenseduser")):
        # WeCom's yes counts the message as taken even when its only addressee does not exist
        raise Permanent("refused:invaliduser" if said.get("invaliduser") else "refused:unlicenseduser")


def _judge_status(answer: Answer) -> None:
    status = answer.status_code
    if status == 429:
        raise Temporary("too_many:429", answer.retry_after)
    if status >= 500 or status == 408:
        raise Temporary(f"gateway_down:{status}", answer.retry_after)
    if 300 <= status < 400:
        raise Permanent(f"redirected:{status}", ours=True)
    if status in (401, 403, 404):
        raise Permanent(f"setup:{status}", ours=True)


def _judge_code(codes: Codes, said: dict[str, object], answer: Answer) -> None:
    code = said.get(codes.field)
    if code == codes.yes and answer.status_code == 200:
        return
    number = code if isinstance(code, int) else None
    if number in codes.later:
        raise Temporary(f"too_many:{number}", answer.retry_after or MINUTE)
    if number in codes.ours:
        raise Permanent(f"setup:{number}", ours=True)
    if number in codes.gone:
        raise Gone(f"unknown_address:{number}")
    if number in codes.refused:
        raise Permanent(f"refused:{number}")
    raise Temporary(f"unclear:{answer.status_code if number is None else number}", answer.retry_after)

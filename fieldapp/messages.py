"""The words of alerts. They are written once for people of one place, so in Chinese whatever the sender's screen; and
without numbers of phones in a title, for they stand on lock screens and in groups.
"""

from fieldapp import clock
from fieldapp.alerting import Message
from fieldapp.models import Case, Contact, PushSubscription
from fieldapp.rules.deadlines import Step, Word, awaited
from fieldapp.rules.masking import mask
from fieldapp.rules.severity import COLOUR


def call(case: Case) -> Message:
    """To those who are called: what, where, and the page with one big button."""
    return Message(f"{COLOUR[case.severity]} {case.heading}", f"{_place(case)} · {case.number}", _task(case))


def sent(case: Case, note: str) -> Message:
    """To those a case was sent to, with the desk's words if there are any."""
    words = f" · {note.strip()}" if note.strip() else ""
    standing = [one for one in case.assignments if one.standing]
    lead = next((f" · 主办：{one.name}" for one in standing if one.lead and len(standing) > 1), "")
    return Message(
        f"{COLOUR[case.severity]} 派给您：{case.heading}", f"{_place(case)} · {case.number}{lead}{words}", _task(case)
    )


def leads(case: Case, name: str) -> Message:
    """To the old and the new lead: who it is from now on."""
    return Message(f"现在由{name}主办：{case.heading}", f"{_place(case)} · {case.number}", _task(case))


def given_back(case: Case, giver: str) -> Message:
    """To the others: nobody holds it any more."""
    return Message(
        f"{COLOUR[case.severity]} {giver}退回：{case.heading}", f"{_place(case)} · {case.number}", _task(case)
    )


ACCEPTED = "中心已受理"
ON_THE_WAY = "已有人签收，正在处理"
ANSWERED = "现场已处置，等中心核查"
CLOSED = "已办结，请看看满意吗"
MERGED = "与已报的事一并处理"
APART = "您报的这件改回单独办理"
REOPENED = "已重新办理"
UNDONE = "撤销刚才的研判"


def declined(note: str) -> str:
    """Not taken on, and why."""
    return f"未受理：{note.strip()}"


def answer(case: Case, words: str, title: str) -> Message:
    """To a reporter: what became of it, under the title of his or her own report."""
    return Message(words, f"{mask(title)} · {case.number}", f"/story?case={case.number}")


def device_is_dead(address: PushSubscription | Contact) -> Message:
    """To its owner, through another way: this one has stopped working."""
    name = address.device.label if isinstance(address, PushSubscription) else address.hint
    return Message("有一处叫不到您了", f"{name} 收不到提醒了，请打开随手报重新开启", "/reminders")


def drill(note: str) -> Message:
    """演练, to everybody it names."""
    return Message("演练：请点开，按“我收到了”", note or "不是真的事，看看叫不叫得到人", "/reminders")


def proof(when: str) -> Message:
    """To somebody whose shift begins soon: each device is tried."""
    begins = f"{when} 轮到您值班，" if when else ""
    return Message("请点一下这条", f"{begins}点开就知道这样叫得到您", "/reminders")


WORDS = {Word.SOON: "即将超期", Word.OVERDUE: "已超期", Word.NUDGE: "催办", Word.SUPERVISE: "督办"}
STEPS = {
    Step.TRIAGE: "受理", Step.ACKNOWLEDGE: "签收", Step.ARRIVE: "到场", Step.OUTCOME: "反馈", Step.VERIFY: "核查",
    "dispatch": "派单", "close": "办结",
}  # fmt: skip


def term(case: Case, word: Word, note: str = "") -> Message:
    """Of a deadline, to who must keep it, or to the leader: what is late, and since when."""
    when = ""
    if case.due_at and case.due_step:
        when = f" · 须在 {clock.local(case.due_at):%m-%d %H:%M} 前{STEPS[awaited(case.status, case.due_step)]}"
    words = f" · {note.strip()}" if note.strip() else ""
    return Message(f"{WORDS[word]}：{case.heading}", f"{_place(case)} · {case.number}{when}{words}", _task(case))


def desk_late(case: Case, word: Word) -> Message:
    """To the desk, seldom: there is something late in the queue, this for example."""
    where = f"{_place(case)} · {case.number} · 值班台有事件超期"
    return Message(f"{WORDS[word]}：{case.heading}", where, "/desk?lane=overdue")


def extension(case: Case, granted: bool, note: str) -> Message:
    """To who asked for more time: given, or not and why."""
    words = f" · {note.strip()}" if note.strip() else ""
    said = "同意延期" if granted else "不同意延期"
    when = f" · 改为 {clock.local(case.due_at):%m-%d %H:%M} 前" if granted and case.due_at else ""
    return Message(f"{said}：{case.heading}", f"{_place(case)} · {case.number}{when}{words}", _task(case))


def _place(case: Case) -> str:
    return case.area.short_name


def _task(case: Case) -> str:
    return f"/tasks/{case.number}"

"""What is said about other offices' ledgers: their columns, and what is wrong with a row."""

from collections import Counter
from collections.abc import Iterable

from fieldapp.ledgercheck import Line
from fieldapp.web import filters, words
from fieldapp.web.tongue import later as _
from fieldapp.web.tongue import say as gettext

FIELD = {
    "external": _("对方的编号"), "text": _("内容"), "time": _("时间"), "category": _("种类"), "severity": _("级别"),
    "village": _("村（社区）"), "place": _("地点"), "lat": _("纬度"), "lon": _("经度"),
}  # fmt: skip
STATE = {"draft": _("还没导入"), "running": _("正在导入"), "done": _("已导入")}
PROBLEM = {
    "ledger_no_text": _("没有内容"),
    "ledger_text_long": _("内容超过 2000 字"),
    "ledger_village": _("本镇没有这个村（社区）"),
    "ledger_place": _("经纬度看不懂，或者填反了"),
    "ledger_elsewhere": _("地点不在本镇"),
    "ledger_time": _("时间看不懂，或者是将来的"),
    "ledger_twice": _("同一个编号在文件里出现了两次"),
    "ledger_known": _("以前已经导入过"),
    "ledger_refused": _("没有收下，请核对后再导入一次"),
}  # fmt: skip
# what to do about a row that was left out
HELP = {
    "ledger_no_text": _("把内容补上。"),
    "ledger_text_long": _("缩短到 2000 字以内。"),
    "ledger_village": _("改成本镇的村（社区）名；不清楚就空着，先归到全镇。外镇的请转给那个镇。"),
    "ledger_place": _("改对经纬度；没有就空着，写上村（社区）。"),
    "ledger_elsewhere": _("是本镇的，改对经纬度；外镇的，请转给那个镇。"),
    "ledger_time": _("写成 2026-11-20 08:30 这样；不清楚就空着，按现在。"),
    "ledger_twice": _("是同一件，不用管；是另一件，换一个编号。"),
    "ledger_known": _("不用再导入。"),
    "ledger_refused": _("对照原来的台账核对一遍，再导入。"),
}  # fmt: skip
NOTICE = {
    "category_unknown": _("种类不认识，归到“其他”"),
    "severity_unknown": _("级别不认识，按蓝色"),
    "village_none": _("没写村（社区），先归到全镇"),
    "time_none": _("没写时间，按现在"),
    "no_external": _("没有对方的编号，按内容、时间和地点认重复"),
}  # fmt: skip
REFUSED = {
    "ledger_large": _("文件太大，最多 5 MB。请分成几份。"),
    "ledger_encoding": _("文件的编码读不出来。请在表格软件里另存为 CSV（UTF-8）。"),
    "ledger_broken": _("这个文件读不成表格，引号可能没有成对。"),
    "ledger_no_table": _("文件里没有表格：第一行要是表头，下面至少一行，至少两列。"),
    "ledger_too_many": _("太多了：一次最多 10000 行、60 列。请分成几份。"),
    "ledger_changed": _("和刚才看到的不一样了（可能别人刚导入过），请再看一遍。"),
    "ledger_confirmed": _("这一份已经确认导入了。"),
    "ledger_none_good": _("没有能导入的行。"),
    "ledger_sure": _("会叫人的，请先勾上“我知道”。"),
}  # fmt: skip


def problem(code: str) -> str:
    """Why a row is not taken."""
    return str(PROBLEM.get(code, code))


def left_out(codes: Iterable[str]) -> list[tuple[str, str, int]]:
    """Why rows were not taken, what to do about it, and how many each."""
    counted = Counter(codes).most_common()
    return [(problem(code), str(HELP.get(code, "")), number) for code, number in counted]


def problem_head() -> str:
    """The head of the column that says so."""
    return gettext("问题")


def refused(code: str) -> str:
    """Why a whole file is not."""
    return str(REFUSED[code]) if code in REFUSED else words.reason(code)


def source(code: str) -> str:
    """Where a ledger comes from."""
    return str(filters.SOURCE[code])


def notices(lines: Iterable[Line]) -> list[tuple[str, int]]:
    """What was changed about good rows, and about how many."""
    counted = Counter(code for line in lines for code in line.notices)
    return [(str(NOTICE[code]), number) for code, number in counted.most_common()]


def notice(code: str) -> str:
    """What was changed about one row."""
    return str(NOTICE[code])


def calling(found: dict[str, int]) -> str:
    """How many will call people: 2 件红色、1 件黄色."""
    said = [
        gettext("%(n)s 件%(colour)s色", n=found[w], colour=words.SEVERITY[w])
        for w in ("red", "yellow", "blue")
        if w in found
    ]
    return gettext("、").join(said)

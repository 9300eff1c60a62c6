"""What must not come in with other offices' ledgers: who called and who it was about. Columns of people are known by
their heads or by what stands in them; numbers of phones and identity cards inside a text are taken out.
"""

import re
from collections.abc import Sequence

JOINT = r"[ \u3000\-－—–·]?"
BIRTH = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"  # without it many an order's number would look like a card's
IDENTITY = re.compile(
    rf"(?<![0-9])[1-9][0-9]{{5}}{JOINT}(?:19|20)[0-9]{{2}}{BIRTH}{JOINT}[0-9]{{3}}[0-9xXＸｘ](?![0-9])"
)
OLD_IDENTITY = re.compile(rf"(?<![0-9])[1-9][0-9]{{7}}{BIRTH}[0-9]{{3}}(?![0-9])")
MOBILE = re.compile(rf"(?<![0-9])(?:[+＋]?(?:00)?86{JOINT})?1[3-9][0-9]{JOINT}[0-9]{{4}}{JOINT}[0-9]{{4}}(?![0-9])")
LANDLINE = re.compile(rf"(?<![0-9])[(（]?0[0-9]{{2,3}}[)）]?{JOINT}[2-8][0-9]{{6,7}}(?![0-9])")
CUT = 4  # a title ends where its room does, maybe inside a number: so many marks of one are too many
WIDE = str.maketrans("０１２３４５６７８９", "0123456789")
NAMED = re.compile(
    r"((?:来电人|投诉人|报警人|报案人|反映人|反映者|联系人|当事人|举报人|诉求人|来访人|姓名)(?:姓名)?\s*[:：]\s*)"
    r"[一-鿿·]{2,4}"
)
NO_PHONE, NO_IDENTITY, NO_NAME = "【电话已隐去】", "【证件号已隐去】", "【姓名已隐去】"

PERSONAL_HEAD = re.compile(
    r"姓名|名字|来电人|来电者|投诉人|报警人|报案人|反映人|反映者|联系人|当事人|举报人|诉求人|来访人|申请人|群众信息|对方"
    r"|身份证|证件|电话|手机|联系方式|来电号码|主叫|微信|邮箱|性别|年龄|出生|民族|宗教|政治面貌|户籍|户口|家庭|住址|职业"
    r"|(?:^|[^a-z])(?:name|caller|phone|tel|mobile|email|gender|sex|age|birth|id_?card|identity)(?:$|[^a-z])",
    re.IGNORECASE,
)
SURNAMES = frozenset(
    "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文温庄柯颜詹施洪翁欧"
)
NAME = re.compile(r"[一-鿿]{2,3}(?:先生|女士|小姐)?|[一-鿿]某{1,2}")
MANY = 0.5  # of the cells that are filled


def mask(text: str) -> str:
    """The text without numbers of phones and identity cards, and without names that are marked as such."""
    text = IDENTITY.sub(NO_IDENTITY, text.translate(WIDE))
    text = MOBILE.sub(NO_PHONE, text)
    text = _without_cut_number(text)
    text = OLD_IDENTITY.sub(NO_IDENTITY, text)
    text = LANDLINE.sub(NO_PHONE, text)
    return NAMED.sub(rf"\g<1>{NO_NAME}", text)


def is_personal(head: str, cells: Sequence[str], known: bool) -> bool:
    """Whether a column tells of people. `known`: its head says that it holds something else, which its cells may
    still refute, unless they only look like names.
    """
    if PERSONAL_HEAD.search(head):
        return True
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return False
    if sum(_is_number(cell) for cell in filled) >= MANY * len(filled):
        return True
    return not known and sum(_is_name(cell) for cell in filled) >= MANY * len(filled)


def _without_cut_number(text: str) -> str:
    # by hand: an expression would try every long run of digits from each of its digits
    if not text.endswith("…"):
        return text
    kept = text[:-1].rstrip("0123456789 -")
    begun = text[len(kept) : -1].lstrip(" -")
    return f"{text[: -1 - len(begun)]}…" if len(begun) >= CUT else text


def _is_number(cell: str) -> bool:
    return any(kind.fullmatch(cell.translate(WIDE)) for kind in (IDENTITY, OLD_IDENTITY, MOBILE, LANDLINE))


def _is_name(cell: str) -> bool:
    return cell[0] in SURNAMES and NAME.fullmatch(cell) is not None

"""What a case can be found by, as tokens that any word index keeps: pairs of Chinese characters, words in other
scripts, the first letters of the pinyin, and the pieces of its number. docs/adr/0022 says why these.

Three kinds are marked, so that no word is mistaken for one: `~jg` letters of pinyin, `#s007` a piece of a number, and
`@…` whatever the index itself adds.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from pathlib import Path

HAN = "〇\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
RUN = re.compile(f"[{HAN}]+|(?:(?![{HAN}])[^\\W_])+")
NUMBER = re.compile(r"([a-z]+)-(\d{8})-(\d+)")
LONGEST = 40  # of a word in another script; what is longer is no word
TOLD = 1000  # characters of the reports and answers that are indexed: a case told two hundred times says nothing new
FIRST = 0x4E00  # where the table of initials begins
# characters of everyday words that are read in two ways
TWICE = {
    "长": "cz", "重": "zc", "厦": "sx", "曾": "cz", "朝": "cz", "藏": "cz", "传": "cz", "单": "ds", "弹": "dt",
    "调": "dt", "降": "jx", "会": "hk", "行": "xh", "盛": "sc", "参": "cs", "率": "ls", "乐": "ly", "区": "qo",
    "仇": "cq", "查": "cz", "解": "jx", "校": "xj", "系": "xj", "卡": "kq", "圈": "qj", "埔": "pb", "蔓": "mw",
    "泊": "pb", "堡": "bp", "便": "bp", "扁": "bp", "屏": "pb", "秘": "mb", "尿": "ns", "巷": "xh", "壳": "kq",
    "溃": "kh", "给": "gj", "贾": "jg", "稽": "jq", "翟": "zd", "提": "td", "粘": "zn", "种": "zc", "刹": "sc",
    "宿": "sx", "畜": "cx", "叶": "yx", "石": "sd", "陂": "bp", "殖": "zs", "伺": "cs", "车": "cj", "度": "dz",
}  # fmt: skip


def normal(text: str) -> str:
    """One way to write it: full and half width, capitals and small letters are the same."""
    return unicodedata.normalize("NFKC", text).lower()


def runs(text: str) -> list[str]:
    """The unbroken pieces of one script: 南门, k101, 井盖破损. Between them is what nobody looks for."""
    return RUN.findall(normal(text))


def is_han(run: str) -> bool:
    """True for a run of Chinese characters."""
    return bool(re.match(f"[{HAN}]", run))


def of_text(text: str) -> set[str]:
    """Pairs of characters, the last one of each run alone (so that any one begins some token), and other words."""
    found: set[str] = set()
    for run in runs(text):
        found |= pairs(run) | {run[-1]} if is_han(run) else {run[:LONGEST]}
    return found


def pairs(run: str) -> set[str]:
    """Each two neighbours."""
    return {run[at : at + 2] for at in range(len(run) - 1)}


@lru_cache(maxsize=4096)
def of_name(name: str) -> frozenset[str]:
    """A short text by which people know the case (its title, place, kind): its words and its initials."""
    return frozenset(of_text(name) | of_initials(name))


def of_initials(text: str) -> set[str]:
    """Each two and three neighbouring initials of a run; of a character read in two ways, both."""
    found: set[str] = set()
    for run in filter(is_han, runs(text)):
        letters = [initials(character) for character in run]
        for length in (2, 3):
            for at in range(len(letters) - length + 1):
                found |= {"~" + "".join(one) for one in product(*letters[at : at + length])}
    return found


def initials(character: str) -> str:
    """The letters its readings begin with, none for a character that has no reading here."""
    at = ord(character) - FIRST
    known = _initials()[at] if 0 <= at < len(_initials()) else "-"
    return TWICE.get(character) or known.replace("-", "")


@lru_cache
def _initials() -> str:
    table = Path(__file__).parent.parent / "data" / "initials.txt"
    return table.read_text(encoding="ascii").replace("\n", "")


def of_number(number: str) -> set[str]:
    """HC-20261123-007 by its letters, by day (20261123, 202611, 1123, 123 …) and by count (007, 07, 7)."""
    parts = NUMBER.fullmatch(normal(number))
    if not parts:
        return of_text(number)
    letters, day, count = parts.groups()
    days = {day[at:] for at in range(len(day) - 1)} | {day[:4], day[:6]}
    counts = {count[at:] for at in range(len(count))} | {count.lstrip("0")}
    return {f"#{letters}"} | {f"#d{one}" for one in days} | {f"#s{one}" for one in counts if one}


def of_case(number: str, names: Iterable[str], texts: Iterable[str], also: Iterable[str] = ()) -> list[str]:
    """All tokens of a case in a fixed order; `names` are title, places and kinds, `also` the index's own."""
    found = of_number(number) | set(also)
    for name in names:
        found |= of_name(name)
    for text in _within(texts, TOLD):
        found |= of_text(text)
    return sorted(found)


def _within(texts: Iterable[str], most: int) -> Iterator[str]:
    left = most
    for text in texts:
        if left <= 0:
            return
        yield text[:left]
        left -= len(text)

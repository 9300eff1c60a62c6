"""一案一码: an address for each case, under which anybody may read how far it is, and nothing else.

The token is the case's number and a code of 128 bits derived from it and the instance's secret: nothing is stored, and
none can be guessed or counted up (docs/adr/0030-a-code-for-each-case.md). What the page may know is what `Progress`
holds: no words, no names, no pictures and no position ever leave this module.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select

from fieldapp.db import db
from fieldapp.models import VILLAGE, Area, Case, Category
from fieldapp.rules.kinds import may_be_shown

BITS, LETTERS = 128, 26  # so many letters and digits of base 32 hold so many bits
LONGEST = 60
MOST_MERGES = 10
COLUMNS: tuple[Any, ...] = (
    Case.number, Case.opened_at, Case.status, Case.changed_at, Case.paused_at, Case.category_code, Case.area_code,
    Case.merged_into_id, Category.name, Category.name_en,
)  # fmt: skip
Found = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class Progress:
    """All that the page knows. `kind` and `kind_en` are none for what is about somebody."""

    number: str
    kind: str | None
    kind_en: str | None
    place: str
    opened_at: datetime
    merged: bool  # goes on together with another; what follows is the other's
    status: str
    waits: bool  # put aside for a while
    moved_at: datetime


def token(key: str, number: str) -> str:
    """The case's own."""
    mac = hmac.new(key.encode(), f"progress:{number}".encode(), hashlib.sha256).digest()[: BITS // 8]
    return f"{number}-{base64.b32encode(mac).decode()[:LETTERS]}".lower()


def path(key: str, number: str) -> str:
    """The page's address."""
    return f"/c/{token(key, number)}"


def find(key: str, sent: str) -> Progress | None:
    """How far it is; None for whatever is not a whole and right token. A wrong one asks no database."""
    sent = sent.strip().lower()
    number = sent.rpartition("-")[0].upper()
    if not sent.isascii() or len(sent) > LONGEST or not hmac.compare_digest(sent, token(key, number)):
        return None
    found = _case(Case.number == number)
    return _told(found) if found else None


def _case(which: ColumnElement[bool]) -> Found | None:
    query = select(*COLUMNS).outerjoin(Category, Category.code == Case.category_code).where(which)
    return db.session.execute(query).first()


def _told(own: Found) -> Progress:
    kind = may_be_shown(own.category_code)
    goes_on = _goes_on(own)
    return Progress(
        own.number, own.name if kind else None, own.name_en if kind else None, _place(own.area_code), own.opened_at,
        goes_on is not own, goes_on.status, goes_on.paused_at is not None, goes_on.changed_at,
    )  # fmt: skip


def _goes_on(own: Found) -> Found:
    """The case that this one was merged into, at last."""
    for _ in range(MOST_MERGES):
        if own.merged_into_id is None:
            return own
        own = _case(Case.id == own.merged_into_id) or own
    return own


def _place(code: str) -> str:
    """The village or town: of a grid cell no more than the village around it."""
    name = db.session.scalar(select(Area.name).where(Area.code == code[:VILLAGE]))
    return Area.shortened(name or "")

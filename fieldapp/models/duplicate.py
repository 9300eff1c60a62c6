"""What is known about repeats: the scale learned for each kind, and what the desk decided about a pair."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import Model, UTCDateTime


class SimilarityScale(Model):
    """How near, how soon and how alike in words repeats of a category are; "" is all of them together."""

    __tablename__ = "similarity_scales"

    category_code: Mapped[str] = mapped_column(String(20), primary_key=True)
    learned: Mapped[dict[str, Any]] = mapped_column(JSON)
    learned_at: Mapped[datetime] = mapped_column(UTCDateTime)


class PairDecision(Model):
    """The desk said of a case and an earlier one whether they are the same event; the last word counts."""

    __tablename__ = "pair_decisions"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    category_code: Mapped[str | None] = mapped_column(ForeignKey("categories.code"))
    same: Mapped[bool] = mapped_column()
    at: Mapped[datetime] = mapped_column(UTCDateTime)

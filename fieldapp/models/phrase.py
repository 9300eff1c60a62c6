"""短语: a town's own ready sentences for the notes of a verb."""

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import Model


class Phrase(Model):
    """One sentence of one town. A town without any has those that come with the product (data/phrases.csv)."""

    __tablename__ = "phrases"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(String(9))
    verb: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(String(120))

    __table_args__ = (UniqueConstraint("town_code", "verb", "text"),)

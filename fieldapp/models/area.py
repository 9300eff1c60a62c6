"""Areas: county, towns, villages and grid cells, in one tree of national division codes."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import Lookup, Model

COUNTY, TOWN, VILLAGE = 6, 9, 12  # digits of a code at each level; a cell has village + 3


class Area(Lookup, Model):
    """A place that people and cases belong to; `code` is a prefix of everything inside it."""

    __tablename__ = "areas"

    code: Mapped[str] = mapped_column(String(15), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"), index=True)
    level: Mapped[str] = mapped_column(String(10))
    letters: Mapped[str | None] = mapped_column(String(4))  # a town's initials in case numbers
    enabled: Mapped[bool] = mapped_column(default=True)
    # GeoJSON geometry, WGS-84; optional for ever. Large, and asked for by maps alone, so not loaded with every name
    boundary: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)

    @property
    def short_name(self) -> str:
        """The name people say: 南门社区, not 南门社区居民委员会."""
        return self.shortened(self.name)

    @staticmethod
    def shortened(name: str) -> str:
        """The same for a name alone."""
        return name.removesuffix("居民委员会").removesuffix("村民委员会")


class CellKeeper(Model):
    """A grid worker who looks after a cell; one may keep several, and a cell may have several."""

    __tablename__ = "cell_keepers"

    area_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)


def town_of(code: str) -> str:
    """The town's code that a village's or cell's code begins with."""
    return code[:TOWN]

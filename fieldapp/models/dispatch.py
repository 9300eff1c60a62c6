"""派单规则: which department or person a kind of event in an area is for, as a town's admin set it."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, UTCDateTime
from fieldapp.models.area import Area
from fieldapp.models.settings import Category
from fieldapp.models.user import Department, User


class DispatchRule(Model):
    """One line: no category means any kind, no area the whole town. It suggests and never sends by itself."""

    __tablename__ = "dispatch_rules"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    category_code: Mapped[str | None] = mapped_column(ForeignKey("categories.code"))
    area_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)

    category: Mapped[Category | None] = relationship()
    area: Mapped[Area | None] = relationship(foreign_keys=[area_code])
    department: Mapped[Department | None] = relationship()
    user: Mapped[User | None] = relationship()

"""The app's own users and the departments some of them speak for. There is no other table of persons."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.db import Model, UTCDateTime
from fieldapp.models.area import Area, town_of
from fieldapp.rules.roles import Role


class Department(Model):
    """A department of one town that can be whistled for; its liaisons answer."""

    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True)
    town_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    active: Mapped[bool] = mapped_column(default=True)


class User(Model):
    """A volunteer or officer. `area_code` bounds what he or she may see."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    role: Mapped[str] = mapped_column(String(10))
    area_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"), index=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))  # none: enrolled by invitation only
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # a department's duty seat: a function with addresses, nobody's account; it is reached by links and never logs in
    seat: Mapped[bool] = mapped_column(default=False, server_default=false())

    area: Mapped[Area] = relationship()
    department: Mapped[Department | None] = relationship()

    # what flask-login asks of a user
    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """False once the account was disabled."""
        return self.active

    def get_id(self) -> str:
        """The id as flask-login wants it."""
        return str(self.id)

    @property
    def town_code(self) -> str:
        """The town this user works in (the county's code for county staff)."""
        return town_of(self.area_code)

    @property
    def speaks_for(self) -> int | None:
        """The id of the department a liaison answers for; none for everybody else."""
        return self.department_id if self.role == Role.LIAISON else None

    def plays(self, roles: frozenset[Role]) -> bool:
        """True when the user's role is one of `roles`."""
        return self.role in roles


class LoginFailures(Model):
    """Wrong passwords in a row under one key (a hash of name and address), and until when no more are taken."""

    __tablename__ = "login_failures"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column()
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)

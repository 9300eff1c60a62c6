"""附近有人报过: what a phone may know of open cases around it, and the case that a 我也看到了 belongs to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from fieldapp import cases, scope
from fieldapp.db import db
from fieldapp.models import Case, Report, User
from fieldapp.rules import geo

YOUNG = timedelta(days=7)  # what was reported longer ago is a new report's to tell
MOST = 200
WITHIN_M = 300  # a phone offers what is within 200 m of a fix that may itself be off


@dataclass(frozen=True)
class Known:
    """All that is told of a case: no words, no pictures, nobody. `signals`: how many reports tell of it."""

    number: str
    category: str | None
    lat: float | None
    lon: float | None
    opened_at: datetime
    signals: int
    status: str


def known(user: User, now: datetime) -> list[Known]:
    """The open cases of the user's town that may be told of, the newest first."""
    told = (Case.number, Case.category_code, Case.lat, Case.lon, Case.opened_at, Case.signals, Case.status)
    query = select(*told).where(scope.of_public_things(user), Case.opened_at >= now - YOUNG)
    return [Known(*row) for row in db.session.execute(query.order_by(Case.opened_at.desc()).limit(MOST))]


def seen_too(report: Report, number: str | None) -> Case | None:
    """The case that this report says it saw too, or the one that was merged into, held to the end of the transaction.

    None when it has ended meanwhile, was never one to be told of, or lies elsewhere: then the report stands for itself.
    """
    if number is None:
        return None
    named = aliased(Case)
    told_as = select(func.coalesce(named.merged_into_id, named.id)).where(
        named.number == number, named.town_code == report.owner.town_code
    )
    young = Case.opened_at >= report.taken_at - YOUNG
    wanted = select(Case).where(scope.of_public_things(report.owner), Case.id.in_(told_as), young)
    case = db.session.scalar(cases.locked(wanted))
    return case if case is not None and _is_near(case, report) else None


def _is_near(case: Case, report: Report) -> bool:
    if report.lat is None or report.lon is None or case.lat is None or case.lon is None:
        return report.lat is None and report.area_code == case.area_code  # its place was dropped after the offer
    return geo.metres(case.lat, case.lon, report.lat, report.lon) <= WITHIN_M

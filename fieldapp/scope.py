"""Who may see what, in one place: every query for cases, reports, people and files starts here.

A case belongs to one town; its desk sees it, those who were called see it, its reporters see their side of
it, and nobody else does. Township A never sees township B's.
"""

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, false, or_, select

from fieldapp.models import (
    IS_OPEN,
    Alert,
    Area,
    Assignment,
    Attachment,
    Case,
    Delivery,
    Department,
    Purpose,
    Report,
    User,
)
from fieldapp.rules.kinds import OF_PUBLIC_THINGS
from fieldapp.rules.roles import IS_CALLED, WORKS_DESK, Role
from fieldapp.rules.workflow import Part

OneCase = int | ScalarSelect[int] | None


def works_desk(user: User, case: Case) -> bool:
    """True for the duty officers and leaders of the case's own town."""
    return user.plays(WORKS_DESK) and case.town_code == user.town_code


def cases(user: User) -> Select[Case]:
    """The cases this user may open."""
    return select(Case).where(_may_see_case(user))


def case(user: User, number: str) -> Select[Case]:
    """The case of this number, if this user may open it: asked of that one, however many they were called to."""
    this = select(Case.id).where(Case.number == number).scalar_subquery()
    return select(Case).where(Case.number == number, _may_see_case(user, this))


def of_public_things(user: User) -> ColumnElement[bool]:
    """Open cases of the user's own town that are of public things at a known place: that one is known of, and where,
    may be told to whoever files reports there; nothing else of it (see nearby.py).
    """
    placed = Case.lat.is_not(None) & Case.lon.is_not(None)
    return and_(Case.town_code == user.town_code, IS_OPEN, Case.category_code.in_(OF_PUBLIC_THINGS), placed)


def worklist(user: User) -> Select[Case]:
    """The cases a user works through in a list. A desk's is its town and nothing else, so that one index serves it."""
    if user.plays(WORKS_DESK):
        return select(Case).where(Case.town_code == user.town_code)
    return cases(user)


def reports(user: User) -> Select[Report]:
    """The reports this user filed."""
    return select(Report).where(Report.owner_id == user.id)


def people(user: User) -> Select[User]:
    """The users of the same town (for an admin or desk to work with)."""
    return select(User).where(User.area_code.startswith(user.town_code, autoescape=True))


def departments(user: User) -> Select[Department]:
    """The departments of the same town."""
    return select(Department).where(Department.town_code == user.town_code)


def villages(user: User) -> Select[Area]:
    """The villages inside the user's area; for a villager or cell worker, those of the whole town."""
    return select(Area).where(
        Area.level == "village", Area.code.startswith(user.town_code, autoescape=True), Area.enabled
    )


def attachments(user: User) -> Select[Attachment]:
    """The files whose published copies this user may see: of visible cases for officers, one's own for reporters.

    A reporter also sees after-photos of his or her case, but never another reporter's pictures.
    """
    seen = select(Case.id).where(_may_see_case(user))
    own = Attachment.owner_id == user.id
    if user.plays(frozenset({Role.PATROL})):
        return select(Attachment).where(or_(own, Attachment.case_id.in_(seen)))
    officers = select(Case.id).where(works_on(user))
    reported = select(Report.id).where(Report.case_id.in_(officers))
    return select(Attachment).where(or_(own, Attachment.case_id.in_(seen), Attachment.report_id.in_(reported)))


def parts(user: User, case: Case, called: bool, reporter: bool) -> frozenset[Part]:
    """The parts the user plays in this case."""
    found = set()
    if works_desk(user, case):
        found.add(Part.DESK)
    if called and user.plays(IS_CALLED):
        found.add(Part.ASSIGNEE)
    if reporter:
        found.add(Part.REPORTER)
    return frozenset(found)


def was_called(user: User, one: OneCase = None) -> ColumnElement[bool]:
    """Cases this user was sent to or alerted about; one given back counts again when a later alert called anew.

    `one`: asked of that case's id alone, which costs the same however many calls there were.
    """
    mine = [Assignment.user_id == user.id]
    if user.speaks_for:
        mine.append(Assignment.department_id == user.speaks_for)
    sent = select(Assignment.case_id).where(or_(*mine), Assignment.returned_at.is_(None))
    gave_back = (Assignment.case_id == Alert.case_id) & or_(*mine) & Assignment.returned_at.is_not(None)
    alerted = (
        select(Alert.case_id)
        .join(Delivery, Delivery.alert_id == Alert.id)
        .outerjoin(Assignment, gave_back)
        .where(Delivery.user_id == user.id, Alert.purpose != Purpose.ANSWER)
        .where(or_(Assignment.returned_at.is_(None), Delivery.created_at >= Assignment.returned_at))
    )
    if one is not None:
        sent, alerted = sent.where(Assignment.case_id == one), alerted.where(Alert.case_id == one)
    return or_(Case.id.in_(sent), Case.id.in_(alerted))


def has_reported(user: User, one: OneCase = None) -> ColumnElement[bool]:
    """Cases that one of the user's own reports tells of; `one` as above."""
    wanted = Report.case_id.is_not(None) if one is None else Report.case_id == one
    return Case.id.in_(select(Report.case_id).where(Report.owner_id == user.id, wanted))


def _may_see_case(user: User, one: OneCase = None) -> ColumnElement[bool]:
    return or_(works_on(user, one), has_reported(user, one))


def works_on(user: User, one: OneCase = None) -> ColumnElement[bool]:
    """Cases this user sees whole: the desk its town's, others what they were called to; `one` as above."""
    if user.plays(WORKS_DESK):
        return Case.town_code == user.town_code
    if user.plays(IS_CALLED):
        return (Case.town_code == user.town_code) & was_called(user, one)
    return false()

"""我的视图: each officer keeps filters of the desk under names of his or her own."""

from datetime import datetime

from sqlalchemy import func, select

from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import SavedView, User

MOST, LONGEST_NAME, LONGEST_QUERY = 20, 30, 500


def of(user: User) -> list[SavedView]:
    """The user's views, the oldest first."""
    return list(db.session.scalars(select(SavedView).where(SavedView.user_id == user.id).order_by(SavedView.id)))


def save(user: User, name: str, query: str, now: datetime) -> None:
    """Under a name; the same name again changes what it stands for. Commit is the caller's. Raises Invalid."""
    name = _name(name)
    if len(query) > LONGEST_QUERY:
        raise Invalid({"query": "too_long"})
    found = db.session.scalar(select(SavedView).where(SavedView.user_id == user.id, SavedView.name == name))
    if found:
        found.query = query
        return
    if db.session.scalar(select(func.count()).where(SavedView.user_id == user.id)) >= MOST:  # type: ignore[operator]
        raise Invalid({"name": "too_many_views"})
    db.session.add(SavedView(user_id=user.id, name=name, query=query, created_at=now))


def rename(user: User, view_id: int, name: str) -> SavedView:
    """Commit is the caller's. Raises Invalid, also for a name the user has given already, and NotHere."""
    view, name = own(user, view_id), _name(name)
    taken = select(SavedView.id).where(SavedView.user_id == user.id, SavedView.name == name, SavedView.id != view.id)
    if db.session.scalar(taken):
        raise Invalid({"name": "name_of_view"})
    view.name = name
    return view


def remove(user: User, view_id: int) -> None:
    """Commit is the caller's. Raises NotHere for one that is not the user's."""
    db.session.delete(own(user, view_id))


def own(user: User, view_id: int) -> SavedView:
    """The user's view by its id. Raises NotHere."""
    found = db.session.scalar(select(SavedView).where(SavedView.user_id == user.id, SavedView.id == view_id))
    if found is None:
        raise NotHere(str(view_id))
    return found


def _name(text: str) -> str:
    name = " ".join(text.replace("\x00", "").split())
    if not name or len(name) > LONGEST_NAME:
        raise Invalid({"name": "name_of_view"})
    return name

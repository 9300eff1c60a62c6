"""Shifts changed between colleagues: one asks, the other agrees or declines, and only then the roster changes.

Each is told on his or her phone what the other said, in Chinese like every other push.
"""

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from fieldapp import alerting, clock, oncall, rotations
from fieldapp.db import db
from fieldapp.errors import Conflict, Invalid, NotHere
from fieldapp.models import Purpose, Rotation, Swap, User
from fieldapp.oncall import Stand
from fieldapp.roster import TakenOver
from fieldapp.rules import roster as rules
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roster import Shift

WEEKS = timedelta(weeks=4)
REMEMBERED = timedelta(days=14)
ASKED, AGREED, DECLINED, WITHDRAWN, OVER = "asked", "agreed", "declined", "withdrawn", "over"

WEEKDAYS = "一二三四五六日"

Place = tuple[int, datetime]
"""A shift by its post's id and its beginning."""


def own_shifts(user: User, now: datetime) -> list[tuple[Rotation, Shift]]:
    """The user's shifts that run or begin within four weeks."""
    return oncall.shifts_of(user, now, now + WEEKS)


def of(user: User, now: datetime) -> list[Swap]:
    """What the user asked or was asked: open questions first, then what became of the latest."""
    mine = or_(Swap.asker_id == user.id, Swap.other_id == user.id)
    recent = or_((Swap.state == ASKED) & (Swap.ends_at > now), Swap.answered_at > now - REMEMBERED)
    query = select(Swap).where(mine, recent).order_by(Swap.state != ASKED, Swap.asked_at.desc())
    loaded = query.options(joinedload(Swap.rotation), joinedload(Swap.asker), joinedload(Swap.other))
    return list(db.session.scalars(loaded))


def asked_of(user: User, now: datetime) -> list[Swap]:
    """What waits for this user's yes or no."""
    return [swap for swap in of(user, now) if swap.state == ASKED and swap.other_id == user.id]


def one(user: User, swap_id: int) -> Swap:
    """A question that the user asked or was asked. Raises NotHere."""
    mine = or_(Swap.asker_id == user.id, Swap.other_id == user.id)
    found = db.session.scalar(select(Swap).where(Swap.id == swap_id, mine))
    if found is None:
        raise NotHere(str(swap_id))
    return found


def own_shift(user: User, place: Place, now: datetime) -> tuple[Rotation, Shift]:
    """A shift the user holds and that is not over. Raises NotHere."""
    row, shift = rotations.shift(user, *place)
    if shift.holder != user.id or shift.ends_at <= now:
        raise NotHere(str(row.id))
    return row, shift


def partners(user: User, row: Rotation, now: datetime) -> list[tuple[User, list[tuple[Rotation, Shift]]]]:
    """Who could take a shift of this post, each with the shifts of the same rung that could be had in return."""
    rung = Rung(row.rung)
    able = oncall.able(row.town_code, rung) - {user.id}
    people = db.session.scalars(select(User).where(User.id.in_(able)).order_by(User.name, User.id))
    stands = oncall.stands(row.town_code, rung, now, now + WEEKS)
    return [(person, _held_by(person, stands, now)) for person in people]


def ask(user: User, place: Place, other_id: int, back: Place | None, note: str, now: datetime) -> Swap:
    """Ask a colleague to take one's shift, perhaps for one of his or hers. Raises NotHere, Invalid or Conflict."""
    row, shift = own_shift(user, place, now)
    if other_id == user.id or other_id not in oncall.able(row.town_code, Rung(row.rung)):
        raise Invalid({"other": "not_free"})
    returned = _to_return(user, row, other_id, back, now) if back else None
    same = (Swap.asker_id == user.id) & (Swap.other_id == other_id) & (Swap.rotation_id == row.id)
    twice = select(Swap.id).where(same, Swap.starts_at == shift.starts_at, Swap.state == ASKED)
    if db.session.scalar(twice) is not None:
        raise Conflict("asked_already")
    asked = Swap(
        rotation_id=row.id, starts_at=shift.starts_at, ends_at=shift.ends_at, asker_id=user.id, other_id=other_id,
        back_rotation_id=back[0] if back else None, back_starts_at=returned.starts_at if returned else None,
        back_ends_at=returned.ends_at if returned else None, state=ASKED, note=note.strip()[:80], asked_at=now,
    )  # fmt: skip
    db.session.add(asked)
    db.session.flush()
    words = "想和您换班，请回答" if back else "请您代班，请回答"
    _tell(db.session.get_one(User, other_id), f"{user.name} {words}", asked, now)
    return asked


def agree(user: User, swap_id: int, now: datetime, taken_over: TakenOver | None = None) -> Swap | None:
    """The asked person takes the shift: the roster changes at once, from this instant on if the shift runs already.

    None when it can no longer be: a shift is over, or has another holder by now. The question is then closed, and the
    caller says so. Raises NotHere for whoever was not asked, Conflict when it was answered before.
    """
    town, rung = _lock(user, swap_id)
    asked = _open(swap_id, Swap.other_id == user.id)
    given, returned = _shifts(asked, now)
    if given is None or (asked.back_starts_at and returned is None):
        asked.state, asked.answered_at = OVER, now
        return None
    if returned:
        rotations.change_places(user, town, rung, [given, returned], asked.note, now, taken_over)
    else:
        _take(user, asked, given, now, taken_over)
    asked.state, asked.answered_at = AGREED, now
    _close_overtaken(asked, now)
    _tell(asked.asker, f"{user.name} 同意了，班已换好", asked, now)
    return asked


def decline(user: User, swap_id: int, now: datetime) -> None:
    """The asked person would rather not. Raises NotHere or Conflict."""
    asked = _open(swap_id, Swap.other_id == user.id)
    asked.state, asked.answered_at = DECLINED, now
    _tell(asked.asker, f"{user.name} 不方便{'换班' if asked.back_starts_at else '代班'}，还是您值", asked, now)


def withdraw(user: User, swap_id: int, now: datetime) -> None:
    """The asker needs it no longer. Raises NotHere or Conflict."""
    asked = _open(swap_id, Swap.asker_id == user.id)
    asked.state, asked.answered_at = WITHDRAWN, now


def _open(swap_id: int, mine: object) -> Swap:
    query = select(Swap).where(Swap.id == swap_id, mine).with_for_update()  # type: ignore[arg-type]
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotHere(str(swap_id))
    if found.state != ASKED:
        raise Conflict("answered")
    return found


def _lock(user: User, swap_id: int) -> tuple[str, Rung]:
    """Hold the posts, so that no second agreement changes the same shifts meanwhile.

    Posts come before questions: whoever agrees closes other questions about the same posts.
    """
    asked = db.session.scalar(select(Swap).where(Swap.id == swap_id, Swap.other_id == user.id))
    if asked is None:
        raise NotHere(str(swap_id))
    ids = [asked.rotation_id, *([asked.back_rotation_id] if asked.back_rotation_id else [])]
    row = rotations.lock_posts(user, ids)[asked.rotation_id]
    return row.town_code, Rung(row.rung)


def _shifts(asked: Swap, now: datetime) -> tuple[Shift | None, Shift | None]:
    given = _still_held(asked.rotation_id, asked.starts_at, asked.ends_at, asked.asker_id, now)
    if not (asked.back_rotation_id and asked.back_starts_at and asked.back_ends_at):
        return given, None
    back = (asked.back_rotation_id, asked.back_starts_at, asked.back_ends_at)
    return given, _still_held(*back, asked.other_id, now)


def _still_held(rotation_id: int, starts_at: datetime, ends_at: datetime, holder: int, now: datetime) -> Shift | None:
    """What is left of the shift, if it is as it was when asked for and still this person's."""
    shift = oncall.shift_at(db.session.get_one(Rotation, rotation_id), starts_at)
    if shift is None or shift.holder != holder or shift.ends_at != ends_at or ends_at <= now:
        return None
    return rules.from_then(shift, now)


def _tell(user: User, title: str, asked: Swap, now: datetime) -> None:
    """A word, not an alert: nobody else is called when it goes unseen, and it lapses with the shift."""
    if asked.ends_at <= now:
        return
    begins = clock.local(asked.starts_at)
    day = f"{begins.month}月{begins.day}日 周{WEEKDAYS[begins.weekday()]}"
    body = f"{day} {begins:%H:%M} 的班 · {asked.note}".removesuffix(" · ")
    once = f"swap-{asked.id}-{asked.state}"
    message = alerting.Message(title, body, f"/roster/swaps/{asked.id}")
    alerting.raise_to(user, Purpose.NOTICE, message, now, once, asked.ends_at - now)


def _close_overtaken(agreed: Swap, now: datetime) -> None:
    """Other questions about what has just changed hands can no longer be answered."""
    db.session.flush()
    posts = [post for post in (agreed.rotation_id, agreed.back_rotation_id) if post]
    touched = or_(Swap.rotation_id.in_(posts), Swap.back_rotation_id.in_(posts))
    for other in db.session.scalars(select(Swap).where(touched, Swap.state == ASKED)):
        given, returned = _shifts(other, now)
        if given is None or (other.back_starts_at and returned is None):
            other.state, other.answered_at = OVER, now


def _take(user: User, asked: Swap, given: Shift, now: datetime, taken_over: TakenOver | None) -> None:
    span = (given.starts_at, given.ends_at)
    rotations.stand_in(user, asked.rotation_id, span, user.id, asked.note, now, taken_over)


def _to_return(user: User, row: Rotation, other_id: int, back: Place, now: datetime) -> Shift:
    row_back, shift = rotations.shift(user, *back)
    if row_back.rung != row.rung or shift.holder != other_id or shift.ends_at <= now:
        raise Conflict("shift_gone")
    return shift


def _held_by(person: User, stands: list[Stand], now: datetime) -> list[tuple[Rotation, Shift]]:
    held = [(stand.rotation, shift) for stand in stands for shift in stand.shifts if shift.holder == person.id]
    return sorted(((row, shift) for row, shift in held if shift.starts_at > now), key=lambda pair: pair[1].starts_at)

"""Rotations: making, changing and ending one, and who stands in on a shift. What has been stays as it was.

A rotation that has begun is changed by ending it and beginning another the day after, so that the past stays true.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from fieldapp import clock, oncall, roster
from fieldapp.db import db
from fieldapp.errors import Conflict, Invalid, NotHere
from fieldapp.models import Override, Rotation, User
from fieldapp.roster import TakenOver
from fieldapp.rules import roster as rules
from fieldapp.rules.escalation import Rung
from fieldapp.rules.roster import Days, Shift

MOST_MEMBERS = 20
MOST_CUTS = 4
MOST_TURN = 62
LONGEST_OVERRIDE = timedelta(days=62)
FURTHEST = timedelta(days=366)


@dataclass(frozen=True)
class Draft:
    """A rotation as somebody typed it. `ends_on` is its last day."""

    rung: str
    name: str
    members: Sequence[int]
    starts_on: date | None
    ends_on: date | None
    cuts: Sequence[str]
    turn: int
    days: str


def find(user: User, rotation_id: int, lock: bool = False) -> Rotation:
    """A rotation of the user's town; `lock` makes everybody else who wants to change it wait. Raises NotHere."""
    query = select(Rotation).where(Rotation.id == rotation_id, Rotation.town_code == user.town_code)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalar(query)
    if found is None:
        raise NotHere(str(rotation_id))
    return found


def make(actor: User, draft: Draft, now: datetime) -> Rotation:
    """A new rotation, from today at the earliest. Raises Invalid naming every field at fault."""
    _check(actor, draft, clock.local(now).date())
    row = Rotation(town_code=actor.town_code, created_at=now, **_values(draft))
    db.session.add(row)
    db.session.flush()
    return row


def change(actor: User, rotation_id: int, draft: Draft, now: datetime) -> Rotation:
    """The rotation as drafted, from `starts_on` on. One that has begun goes on as it was until then.

    Raises NotHere, or Invalid naming every field at fault.
    """
    row, today = find(actor, rotation_id, lock=True), clock.local(now).date()
    begun = row.starts_on <= today
    _check(actor, draft, today + timedelta(days=1) if begun else today)
    if not begun:
        for name, value in _values(draft).items():
            setattr(row, name, value)
        return row
    assert draft.starts_on
    row.ends_on = min(draft.starts_on - timedelta(days=1), row.ends_on or date.max)
    made = Rotation(town_code=actor.town_code, created_at=now, **_values(draft))
    db.session.add(made)
    db.session.flush()
    _carry_over(row, made)
    return made


def end(actor: User, rotation_id: int, last: date | None, now: datetime) -> None:
    """No shift starts after this day; the one that starts on it runs to its end. Raises NotHere or Invalid."""
    row, today = find(actor, rotation_id, lock=True), clock.local(now).date()
    if last is None or not today <= last <= today + FURTHEST:
        raise Invalid({"ends_on": "in_past"})
    if row.ends_on and row.ends_on < today:
        raise Invalid({"ends_on": "ended"})
    row.ends_on = max(last, row.starts_on - timedelta(days=1))


def shift(user: User, rotation_id: int, starts_at: datetime) -> tuple[Rotation, Shift]:
    """A shift of the user's town by its post and beginning. Raises NotHere."""
    row = find(user, rotation_id)
    found = oncall.shift_at(row, starts_at)
    if found is None:
        raise NotHere(str(rotation_id))
    return row, found


def overrides(row: Rotation, since: datetime, until: datetime) -> list[Override]:
    """What was changed by hand on a post in this span, the latest first."""
    touching = (Override.ends_at > since) & (Override.starts_at < until)
    query = select(Override).where(Override.rotation_id == row.id, touching)
    return list(db.session.scalars(query.order_by(Override.made_at.desc(), Override.id.desc())))


def stand_in(
    actor: User, rotation_id: int, span: tuple[datetime, datetime], holder_id: int | None, note: str, now: datetime,
    taken_over: TakenOver | None = None,
) -> None:  # fmt: skip
    """Somebody else (or, on purpose, nobody) holds the post for this span. Raises NotHere or Invalid."""
    row = find(actor, rotation_id, lock=True)
    rung, starts_at, ends_at = Rung(row.rung), max(span[0], now), span[1]
    if holder_id is not None and holder_id not in oncall.able(row.town_code, rung):
        raise Invalid({"user": "not_free"})
    if not starts_at < ends_at or ends_at - starts_at > LONGEST_OVERRIDE or starts_at > now + FURTHEST:
        raise Invalid({"ends_at": "bad_span"})
    before = set() if holder_id is None else {person.id for person in oncall.holders(row.town_code, rung, now)}
    record(actor, [rules.Override(row.id, starts_at, ends_at, holder_id)], note, now)
    _call_newcomers(row.town_code, rung, before, [holder_id] if starts_at <= now else [], now, taken_over)


def take_back(actor: User, override_id: int, now: datetime) -> None:
    """What was changed by hand is so no longer; what has been of it stays. Raises NotHere."""
    found = db.session.get(Override, override_id)
    if found is None or found.ends_at <= now:
        raise NotHere(str(override_id))
    find(actor, found.rotation_id, lock=True)
    if found.starts_at < now:
        found.ends_at = now
    else:
        db.session.delete(found)


def exchange(
    actor: User, one: tuple[int, datetime], other: tuple[int, datetime], now: datetime,
    taken_over: TakenOver | None = None,
) -> None:  # fmt: skip
    """The holders of two shifts of one rung change places, from now on if one of them runs.

    Each shift is a post's id and the shift's beginning. Raises NotHere, or Conflict when it makes no sense (any more).
    """
    rows = lock_posts(actor, {one[0], other[0]})
    shifts = [_still(oncall.shift_at(rows[post], starts_at), now) for post, starts_at in (one, other)]
    rung, rung_of_other = (Rung(rows[post].rung) for post, _ in (one, other))
    if rung != rung_of_other:
        raise Conflict("other_rung")
    if shifts[0].holder == shifts[1].holder:
        raise Conflict("same_holder")
    change_places(actor, rows[one[0]].town_code, rung, shifts, "", now, taken_over)


def change_places(
    actor: User, town_code: str, rung: Rung, shifts: Sequence[Shift], note: str, now: datetime,
    taken_over: TakenOver | None,
) -> None:  # fmt: skip
    """Write the exchange of two held shifts of posts that are locked, and call whoever is on from this instant."""
    before = {person.id for person in oncall.holders(town_code, rung, now)}
    made = rules.exchange(shifts[0], shifts[1])
    record(actor, made, note, now)
    running = [entry.holder for entry in made if entry.starts_at <= now < entry.ends_at]
    _call_newcomers(town_code, rung, before, running, now, taken_over)


def lock_posts(user: User, ids: Iterable[int]) -> dict[int, Rotation]:
    """These rotations, held in one order so that two who change the same ones never wait for each other."""
    return {rotation_id: find(user, rotation_id, lock=True) for rotation_id in sorted(set(ids))}


def record(actor: User, made: Iterable[rules.Override], note: str, now: datetime) -> None:
    """Write overrides, in this order."""
    for entry in made:
        db.session.add(
            Override(
                rotation_id=entry.rotation_id, starts_at=entry.starts_at, ends_at=entry.ends_at, user_id=entry.holder,
                note=note.strip()[:80], made_by_id=actor.id, made_at=now,
            )
        )  # fmt: skip
        db.session.flush()


def _call_newcomers(
    town_code: str, rung: Rung, before: set[int], ids: Sequence[int | None], now: datetime, taken_over: TakenOver | None
) -> None:
    for user_id in ids:
        if taken_over and user_id is not None and user_id not in before:
            taken_over(town_code, rung, db.session.get_one(User, user_id), now)


def _still(found: Shift | None, now: datetime) -> Shift:
    """The part of a shift that is still to come."""
    if found is None or found.holder is None:
        raise Conflict("shift_gone")
    if found.ends_at <= now:
        raise Conflict("shift_over")
    return rules.from_then(found, now)


def _carry_over(old: Rotation, made: Rotation) -> None:
    """Who stands in after the change stands in on the new rotation."""
    begins = rules.instant(made.starts_on, time.fromisoformat(made.cuts[0]))
    for entry in db.session.scalars(
        select(Override).where(Override.rotation_id == old.id, Override.ends_at > begins).order_by(Override.id)
    ):
        if entry.starts_at >= begins:
            entry.rotation_id = made.id
        else:
            db.session.add(
                Override(
                    rotation_id=made.id, starts_at=begins, ends_at=entry.ends_at, user_id=entry.user_id,
                    note=entry.note, made_by_id=entry.made_by_id, made_at=entry.made_at,
                )
            )  # fmt: skip


def _values(draft: Draft) -> dict[str, object]:
    return {
        "rung": draft.rung, "name": " ".join(draft.name.split()), "members": list(draft.members),
        "starts_on": draft.starts_on, "ends_on": draft.ends_on, "cuts": sorted(draft.cuts), "turn": draft.turn,
        "days": draft.days,
    }  # fmt: skip


def _check(actor: User, draft: Draft, earliest: date) -> None:
    found = (
        {
            "name": "" if 1 <= len(" ".join(draft.name.split())) <= 20 else "name_needed",
            "cuts": "" if _cuts_fit(draft.cuts) else "cuts",
            "turn": "" if 1 <= draft.turn <= MOST_TURN else "out_of_range",
            "days": "" if draft.days in set(Days) else "unknown",
        }
        | _check_people(actor, draft)
        | _check_dates(draft, earliest)
    )
    if wrong := {field: why for field, why in found.items() if why}:
        raise Invalid(wrong)


def _check_people(actor: User, draft: Draft) -> dict[str, str]:
    if draft.rung not in set(roster.RUNGS):
        return {"rung": "unknown"}
    if not 1 <= len(draft.members) <= MOST_MEMBERS:
        return {"members": "members_needed"}
    return {} if set(draft.members) <= oncall.able(actor.town_code, Rung(draft.rung)) else {"members": "not_free"}


def _check_dates(draft: Draft, earliest: date) -> dict[str, str]:
    if draft.starts_on is None or not earliest <= draft.starts_on <= earliest + FURTHEST:
        return {"starts_on": "in_past"}
    return {"ends_on": "ends_before"} if draft.ends_on and draft.ends_on < draft.starts_on else {}


def _cuts_fit(cuts: Sequence[str]) -> bool:
    try:
        read = [time.fromisoformat(cut) for cut in cuts]
    except ValueError:
        return False
    whole = all(cut.tzinfo is None and not cut.second and not cut.microsecond for cut in read)
    return whole and 1 <= len(read) <= MOST_CUTS and len(set(read)) == len(read)

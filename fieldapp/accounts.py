"""Accounts: one session per device, one-time invitations, and the instance's secrets."""

import hashlib
import hmac
import os
import re
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from fieldapp.db import db
from fieldapp.errors import Invalid, NotAllowed
from fieldapp.models import TOWN, Area, Device, Fact, Invitation, PushSubscription, User
from fieldapp.passwords import Proof
from fieldapp.rules.roles import ENROLS_WITHOUT_PASSWORD, INVITES, Role

OFFICER_SESSION = timedelta(days=7)
LONGEST_OFFICER_SESSION = timedelta(days=30)
ENROLLED_SESSION = timedelta(days=365)
INVITATION_FOR = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=5)
USERNAME = re.compile(r"[\w.-]{2,30}")


def change_password(user: User, proof: Proof, new_hash: str, device: Device, now: datetime) -> None:
    """Another password; every other device is logged out. Raises Invalid unless the old one was given."""
    if not proof.holds_for(user):
        raise Invalid({"old": "wrong_password"})
    user.password_hash = new_hash
    _revoke(Device.id != device.id, user, now)


def log_in(proof: Proof, label: str, now: datetime) -> tuple[User, str]:
    """A new device session for a right password: the user and the cookie's token. Raises NotAllowed("login")."""
    user = db.session.get(User, proof.user_id, with_for_update=True) if proof.user_id else None
    if user is None or not proof.holds_for(user):
        raise NotAllowed("login")
    return user, new_device(user, label, now, OFFICER_SESSION, enrolled=False)


def new_device(user: User, label: str, now: datetime, lasts: timedelta, enrolled: bool) -> str:
    """Bind a session to the browser asking for it; the returned token is known to that browser alone.

    Raises NotAllowed for a department's seat, which nobody logs in as.
    """
    if user.seat:
        raise NotAllowed("role")
    token = secrets.token_urlsafe(32)
    device = Device(user=user, token_hash=_digest(token), label=label[:60], enrolled=enrolled,
                    created_at=now, seen_at=now, expires_at=now + lasts)  # fmt: skip
    db.session.add(device)
    return token


def device_of(token: str, now: datetime) -> Device | None:
    """The live device a cookie belongs to; None when it is unknown, expired, revoked, or its account is disabled."""
    query = select(Device).where(Device.token_hash == _digest(token)).options(joinedload(Device.user))
    device = db.session.scalar(query)
    if device is None or device.revoked_at or device.expires_at <= now or not device.user.active:
        return None
    return device


def devices(user: User, now: datetime) -> list[Device]:
    """Where the user is logged in, the most recently used first."""
    query = select(Device).where(Device.user_id == user.id, Device.revoked_at.is_(None), Device.expires_at > now)
    return list(db.session.scalars(query.order_by(Device.seen_at.desc())))


def revoke(user: User, device_id: int, now: datetime) -> None:
    """Log one of the user's own devices out and stop pushing to it; unknown ids are ignored."""
    _revoke(Device.id == device_id, user, now)


def revoke_all(user: User, now: datetime) -> None:
    """Log the user out everywhere."""
    _revoke(Device.id > 0, user, now)


def touch(device: Device, now: datetime) -> dict[str, datetime] | None:
    """What to write of a device in use, every few minutes and not at every request: seen now, and its session goes on.

    Whoever opens the app once a week stays reachable; the longest a password's session lasts is a month.
    """
    if now - device.seen_at <= SEEN_EVERY:
        return None
    lasts = ENROLLED_SESSION if device.enrolled and not needs_password(device.user.role) else OFFICER_SESSION
    longest = device.created_at + (ENROLLED_SESSION * 5 if lasts == ENROLLED_SESSION else LONGEST_OFFICER_SESSION)
    return {"seen_at": now, "expires_at": max(device.expires_at, min(now + lasts, longest))}


def invite(
    by: User, name: str, role: str, area_code: str, now: datetime, *, user: User | None = None
) -> tuple[Invitation, str]:
    """A one-time invitation inside the inviter's own town; the token is shown once, as a link and QR code.

    Raises NotAllowed for a role above the inviter's, Invalid for a bad name or area.
    """
    if not by.plays(INVITES) or (by.role != Role.ADMIN and role not in ENROLS_WITHOUT_PASSWORD):
        raise NotAllowed("role")
    area = db.session.get(Area, area_code)
    name = " ".join(name.split())
    check_fits(role, area_code)
    if area is None or not area_code.startswith(by.area_code if by.role == Role.ADMIN else by.town_code):
        raise Invalid({"area_code": "unknown"})
    if not 1 <= len(name) <= 30 or role not in set(Role):
        raise Invalid({"name": "name_needed"})
    return make_invitation(name, role, area_code, now, by=by, user=user)


def make_invitation(
    name: str, role: str, area_code: str, now: datetime, *, by: User | None = None, user: User | None = None
) -> tuple[Invitation, str]:
    """Write an invitation without asking whose it is to give (the command line's first admin)."""
    token = secrets.token_urlsafe(24)
    invitation = Invitation(
        token_hash=_digest(token), name=name, role=role, area_code=area_code, user_id=user.id if user else None,
        created_by_id=by.id if by else None, created_at=now, expires_at=now + INVITATION_FOR,
    )  # fmt: skip
    db.session.add(invitation)
    return invitation, token


def open_invitation(token: str, now: datetime, lock: bool = False) -> Invitation | None:
    """The invitation behind a link, if it can still be used."""
    query = select(Invitation).where(Invitation.token_hash == _digest(token))
    found = db.session.scalar(query.with_for_update() if lock else query)
    return found if found and not found.used_at and not found.revoked_at and found.expires_at > now else None


def accept_invitation(
    token: str, label: str, now: datetime, password_hash: str | None, username: str = ""
) -> tuple[User, str]:
    """Use an invitation once: make its account (or take the one it names) and log this device in for long.

    Roles that sit at a desk bring a password and the name to log in with. Raises NotAllowed("invitation") when it
    was used or is over, Invalid for a name that cannot be had.
    """
    invitation = open_invitation(token, now, lock=True)
    if invitation is None:
        raise NotAllowed("invitation")
    user = db.session.get(User, invitation.user_id) if invitation.user_id else _account_for(invitation, username, now)
    if user is None or not user.active:
        raise NotAllowed("invitation")
    if needs_password(user.role):
        if password_hash is None:
            raise NotAllowed("invitation")
        user.password_hash = password_hash
        revoke_all(user, now)  # who knew the old password is out
    invitation.used_at, invitation.user_id = now, user.id
    return user, new_device(user, label, now, enrolled_session(user.role), enrolled=True)


def check_fits(role: str, area_code: str) -> None:
    """A desk, a patrol, a responder belong to one town. Raises Invalid for the county's code."""
    if len(area_code) < TOWN and role not in (Role.ANALYST, Role.ADMIN):
        raise Invalid({"area_code": "town_role"})


def revoke_invitations(person: User, now: datetime) -> None:
    """Invitations into this account, and those this person gave, stop working."""
    his = (Invitation.user_id == person.id) | (Invitation.created_by_id == person.id)
    open_ones = his & Invitation.used_at.is_(None) & Invitation.revoked_at.is_(None)
    db.session.execute(update(Invitation).where(open_ones).values(revoked_at=now))


def needs_password(role: str) -> bool:
    """Officers choose a password; volunteers and those who are called out enrol a phone and never type one."""
    return role not in ENROLS_WITHOUT_PASSWORD


def enrolled_session(role: str) -> timedelta:
    """How long a device that enrolled by invitation stays logged in."""
    return OFFICER_SESSION if needs_password(role) else ENROLLED_SESSION


def is_demo() -> bool:
    """True on a demo instance, which says so on every page."""
    return db.session.get(Fact, "demo") is not None


def secret(folder: Path, name: str) -> str:
    """A secret of this instance, made on first use in a file only its owner can read."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, secrets.token_urlsafe(48).encode())
    return path.read_text().strip()


def write_private(path: Path, content: bytes) -> None:
    """Write a new file with mode 600; a file that another process made meanwhile is left as it is."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        target.write(content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


def receipt_token(key: str, delivery_id: object) -> str:
    """What a push carries so that its device can confirm it without a session."""
    return hmac.new(key.encode(), f"receipt:{delivery_id}".encode(), hashlib.sha256).hexdigest()[:40]


def _account_for(invitation: Invitation, chosen: str, now: datetime) -> User:
    """A new account; who never types a password gets a name that nobody need know."""
    username = f"{invitation.role}-{secrets.token_hex(4)}"
    if needs_password(invitation.role):
        username = _free_username(chosen)
    user = User(username=username, name=invitation.name, role=invitation.role, area_code=invitation.area_code,
                department_id=invitation.department_id, created_at=now)  # fmt: skip
    db.session.add(user)
    db.session.flush()
    return user


def _free_username(chosen: str) -> str:
    chosen = chosen.strip()
    if not USERNAME.fullmatch(chosen):
        raise Invalid({"username": "username_shape"})
    if db.session.scalar(select(User.id).where(func.lower(User.username) == chosen.lower())) is not None:
        raise Invalid({"username": "username_taken"})
    return chosen


def _revoke(which: object, user: User, now: datetime) -> None:
    mine = select(Device.id).where(Device.user_id == user.id, which, Device.revoked_at.is_(None))  # type: ignore[arg-type]
    ids = list(db.session.scalars(mine))
    db.session.execute(update(Device).where(Device.id.in_(ids)).values(revoked_at=now))
    live = PushSubscription.device_id.in_(ids) & PushSubscription.disabled_at.is_(None)
    db.session.execute(update(PushSubscription).where(live).values(disabled_at=now, disabled_why="logged_out"))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

"""Accounts: passwords with lockout, one session per device, one-time invitations, and the instance's secrets."""

import hashlib
import hmac
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from fieldapp.db import db
from fieldapp.errors import Invalid, NotAllowed
from fieldapp.models import TOWN, Area, Device, Fact, Invitation, PushSubscription, User
from fieldapp.rules.roles import ENROLS_WITHOUT_PASSWORD, INVITES, Role

LOCK_AFTER = 5
LOCK_FOR = timedelta(minutes=15)
MIN_PASSWORD, MAX_PASSWORD = 10, 200
OFFICER_SESSION = timedelta(days=7)
ENROLLED_SESSION = timedelta(days=365)
INVITATION_FOR = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=5)

_hasher = PasswordHasher()
# verifying against this costs the same as against a real one, so a stranger cannot tell names apart by time
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo"


class Locked(NotAllowed):
    """Too many wrong passwords; `until` says when the next try is taken."""

    def __init__(self, until: datetime) -> None:
        super().__init__("locked")
        self.until = until


def hash_password(password: str, *about: str) -> str:
    """Argon2id hash. Raises Invalid when it is short, or easy to guess from lists or words `about` its owner."""
    from zxcvbn import zxcvbn

    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid({"password": "too_short"})
    if zxcvbn(password[:70], user_inputs=list(about), max_length=70)["score"] < 2:
        raise Invalid({"password": "too_easy"})
    return _hasher.hash(password)


def change_password(user: User, old: str, new: str, device: Device, now: datetime) -> None:
    """Another password; every other device is logged out. Raises Invalid for a wrong old or a weak new one."""
    if not password_matches(user.username, old)[1]:
        raise Invalid({"old": "wrong_password"})
    user.password_hash = hash_password(new, user.username, user.name)
    _revoke(Device.id != device.id, user, now)


def demo_hash(password: str) -> str:
    """The hash of a demo account's password, however short; cheap, because the password is printed on the console."""
    return PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(password)


def password_matches(username: str, password: str) -> tuple[int | None, bool]:
    """The account's id and whether the password is right. Reads only: the slow hash runs outside any write."""
    user = db.session.scalar(select(User).where(func.lower(User.username) == username.strip().lower()))
    known = user is not None and user.active and user.password_hash is not None
    stored = user.password_hash if user and known and user.password_hash else _NOBODY
    try:
        matches: bool = _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        matches = False
    return (user.id if user else None), known and matches


def log_in(user_id: int | None, matches: bool, label: str, now: datetime) -> tuple[User, str]:
    """A new device session for a right password: the user and the cookie's token.

    Raises Locked after too many wrong ones, NotAllowed("login") otherwise; the count is written either way, so
    call it inside a transaction that is committed also when it refuses (see web/auth.py).
    """
    user = db.session.get(User, user_id, with_for_update=True) if user_id else None
    if user and user.locked_until and user.locked_until > now:
        raise Locked(user.locked_until)
    if user is None or not matches:
        if user:
            _count_failure(user, now)
        raise NotAllowed("login")
    user.failed_logins, user.locked_until = 0, None
    return user, new_device(user, label, now, OFFICER_SESSION, enrolled=False)


def new_device(user: User, label: str, now: datetime, lasts: timedelta, enrolled: bool) -> str:
    """Bind a session to the browser asking for it; the returned token is known to that browser alone."""
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


def touch(device: Device, now: datetime) -> bool:
    """True when the device's last use should be written anew (every few minutes, not at every request)."""
    return now - device.seen_at > SEEN_EVERY


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
    if len(area_code) < TOWN and role not in (Role.ANALYST, Role.ADMIN):
        raise Invalid({"area_code": "town_role"})  # a desk, a patrol, a responder belong to one town
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


def accept_invitation(token: str, label: str, now: datetime, password: str | None) -> tuple[User, str]:
    """Use an invitation once: make its account (or take the one it names) and log this device in for long.

    Roles that sit at a desk choose a password here. Raises NotAllowed("invitation") when it was used or is over.
    """
    invitation = open_invitation(token, now, lock=True)
    if invitation is None:
        raise NotAllowed("invitation")
    user = db.session.get(User, invitation.user_id) if invitation.user_id else _account_for(invitation, now)
    if user is None or not user.active:
        raise NotAllowed("invitation")
    if needs_password(user.role):
        user.password_hash = hash_password(password or "", user.username, user.name)
        revoke_all(user, now)  # who knew the old password is out
    invitation.used_at, invitation.user_id = now, user.id
    return user, new_device(user, label, now, enrolled_session(user.role), enrolled=True)


def revoke_invitations(person: User, now: datetime) -> None:
    """Invitations that would log a new device into this account stop working."""
    open_ones = (Invitation.user_id == person.id) & Invitation.used_at.is_(None) & Invitation.revoked_at.is_(None)
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
        folder.mkdir(parents=True, exist_ok=True)
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


def _account_for(invitation: Invitation, now: datetime) -> User:
    username = f"{invitation.role}-{secrets.token_hex(4)}"
    user = User(username=username, name=invitation.name, role=invitation.role, area_code=invitation.area_code,
                department_id=invitation.department_id, created_at=now)  # fmt: skip
    db.session.add(user)
    db.session.flush()
    return user


def _count_failure(user: User, now: datetime) -> None:
    user.failed_logins += 1
    if user.failed_logins >= LOCK_AFTER:
        user.failed_logins, user.locked_until = 0, now + LOCK_FOR


def _revoke(which: object, user: User, now: datetime) -> None:
    mine = select(Device.id).where(Device.user_id == user.id, which, Device.revoked_at.is_(None))  # type: ignore[arg-type]
    ids = list(db.session.scalars(mine))
    db.session.execute(update(Device).where(Device.id.in_(ids)).values(revoked_at=now))
    live = PushSubscription.device_id.in_(ids) & PushSubscription.disabled_at.is_(None)
    db.session.execute(update(PushSubscription).where(live).values(disabled_at=now, disabled_why="logged_out"))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

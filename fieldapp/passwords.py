"""Passwords: hashed slowly but never many at once, and guessed at only so often.

Nothing here runs inside a write transaction but the counting: a hash takes longer than every other writer may wait.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from fieldapp.db import db
from fieldapp.errors import Busy, Invalid, NotAllowed
from fieldapp.models import LoginFailures, User

MIN_PASSWORD, MAX_PASSWORD = 10, 200
SCORED = 40  # characters; a guess estimate for longer ones costs more than it tells
LOCK_FOR = timedelta(minutes=15)
LOCK_AFTER = 5  # wrong passwords for one name from one address
LOCK_NAME_AFTER = 50  # from everywhere: a guesser with many addresses, at the price that he can lock strangers out
FORGET_AFTER = timedelta(days=1)
AT_ONCE, TURN_WITHIN_S = 2, 1.0

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)  # OWASP's first choice for Argon2id
# verifying against this costs the same as against a real one, so a stranger cannot tell names apart by time
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$Z8BnapLvU9c3DnwCY5QYZg$IGK6UFYgOQbm34Mhv6JUj5nsn7TaJa7jCFg7ywbu9Ek"
_turns = threading.BoundedSemaphore(AT_ONCE)


class Locked(NotAllowed):
    """Too many wrong passwords; `until` says when the next try is taken."""

    def __init__(self, until: datetime) -> None:
        super().__init__("locked")
        self.until = until


@dataclass(frozen=True)
class Proof:
    """What a name and password came to: the account, and the hash the password matched (none: it did not)."""

    user_id: int | None
    matched: str | None

    def holds_for(self, user: User | None) -> bool:
        """True for the account it was made for, while its password is still the one that was checked."""
        return user is not None and user.active and self.matched is not None and self.matched == user.password_hash


def hashed(password: str, *about: str) -> str:
    """Argon2id hash. Raises Invalid when it is short, or easy to guess from lists or words `about` its owner."""
    from zxcvbn import zxcvbn

    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid({"password": "too_short"})
    if zxcvbn(password[:SCORED], user_inputs=list(about))["score"] < 2:
        raise Invalid({"password": "too_easy"})
    with _turn():
        return _hasher.hash(password)


def demo_hash(password: str) -> str:
    """The hash of a demo account's password, however short; cheap, because the password is printed on the console."""
    return PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(password)


def check(username: str, password: str) -> Proof:
    """Whether the password is right. Reads only. Raises Busy while too many are being checked."""
    user = db.session.scalar(select(User).where(func.lower(User.username) == username.strip().lower()))
    stored = user.password_hash if user and user.active else None
    with _turn():
        right = _verifies(stored or _NOBODY, password)
    return Proof(user.id if user else None, stored if right else None)


def refuse_if_locked(username: str, address: str, now: datetime) -> None:
    """Raises Locked while this name was guessed at too often, whether there is such an account or not."""
    locks = select(func.max(LoginFailures.locked_until)).where(LoginFailures.key.in_(_keys(username, address)))
    until = db.session.scalar(locks)
    if until and until > now:
        raise Locked(until)


def count_failure(username: str, address: str, now: datetime) -> None:
    """One more wrong password; the count begins anew when the last one is long ago."""
    for key, most in _keys(username, address).items():
        values = {"key": key, "failures": 1, "at": now, "since": now - LOCK_FOR}
        failures = db.session.scalar(_count_up(db.engine.dialect.name), values) or 0
        if failures >= most:
            locked = {"locked_until": now + LOCK_FOR, "failures": 0}
            db.session.execute(update(LoginFailures).where(LoginFailures.key == key).values(locked))
    db.session.execute(delete(LoginFailures).where(LoginFailures.at < now - FORGET_AFTER))


def forget_failures(username: str, address: str) -> None:
    """The right password came: what was mistyped from this address before does not count."""
    mine, _all = _keys(username, address)
    db.session.execute(delete(LoginFailures).where(LoginFailures.key == mine))


def _keys(username: str, address: str) -> dict[str, int]:
    """What failures are counted under, this address first, and how many each takes. Hashes: no list of who tried."""
    name = username.strip().lower()
    return {
        hashlib.sha256(f"{name}\n{origin}".encode(errors="replace")).hexdigest(): most
        for origin, most in ((address, LOCK_AFTER), ("", LOCK_NAME_AFTER))
    }


@lru_cache
def _count_up(dialect: str) -> ReturningInsert[int]:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    old = LoginFailures.at < bindparam("since", type_=LoginFailures.at.type)
    again = {"failures": case((old, 1), else_=LoginFailures.failures + 1), "at": bindparam("at")}
    made = insert(LoginFailures).values(key=bindparam("key"), failures=bindparam("failures"), at=bindparam("at"))
    return made.on_conflict_do_update(index_elements=["key"], set_=again).returning(LoginFailures.failures)


@contextmanager
def _turn() -> Iterator[None]:
    """Hashing is slow and large on purpose; a crowd of guessers must not take the whole machine with it."""
    if not _turns.acquire(timeout=TURN_WITHIN_S):
        raise Busy
    try:
        yield
    finally:
        _turns.release()


def _verifies(stored: str, password: str) -> bool:
    try:
        return bool(_hasher.verify(stored, password))
    except (VerificationError, InvalidHashError, UnicodeError):
        return False

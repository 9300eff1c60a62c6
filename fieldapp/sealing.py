"""Sealing what must not be read from a copy of the database: gateways' secrets and people's own addresses there."""

import base64
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from fieldapp import accounts

KEY_FILE = "channels.key"


def seal(folder: Path, value: dict[str, str] | str) -> str:
    """The value as text that only this instance can open."""
    return _box(folder).encrypt(json.dumps(value, ensure_ascii=False).encode()).decode()


def unseal(folder: Path, sealed: str) -> Any:
    """What was sealed. Raises cryptography.fernet.InvalidToken when it was not sealed here."""
    return json.loads(_box(folder).decrypt(sealed.encode()))


@lru_cache
def _box(folder: Path) -> Fernet:
    secret = accounts.secret(folder, KEY_FILE).encode()
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret).digest()))

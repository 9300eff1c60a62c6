"""What many are sent alike is compressed once: a desk's list goes out to fifty screens within two seconds."""

import hashlib
import threading
from collections import OrderedDict

from flask import Request, request

MOST = 64
OWN = ";"  # flask-compress puts the algorithm and this sign before what `key_of` says
ALIKE = "fieldapp.alike"


class Packed:
    """Compressed bodies by what is in them, the latest few; the backend that flask-compress asks."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """The body that was kept under this key; none for a page that is one person's own."""
        return self._kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        """Keep it, unless it is one person's own."""
        if key.endswith(OWN):
            return
        with self._guard:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)


def alike(body: str) -> str:
    """The same body, which others will be sent too."""
    request.environ[ALIKE] = hashlib.sha256(body.encode()).hexdigest()
    return body


def key_of(asked: Request) -> str:
    """What the body of this request's answer is kept by; nothing when it is one person's own."""
    return str(asked.environ.get(ALIKE, ""))

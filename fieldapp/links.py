"""One-time links: they open the 签收 page without a login, for one delivery (so one person and one alert) only.

The code is derived from the delivery and the instance's secret, so that a repeated send carries the same one; the
database holds its hash alone. 80 bits, good until the delivery's horizon.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from fieldapp.db import db
from fieldapp.models import Delivery
from fieldapp.rules.delivery import DeliveryState

SEAT_LASTS = timedelta(days=14)
LENGTH = 16  # of a code, in letters and digits that cannot be mistaken for each other when read aloud


def code(key: str, delivery_id: UUID) -> str:
    """The code for one delivery."""
    mac = hmac.new(key.encode(), f"link:{delivery_id}".encode(), hashlib.sha256).digest()
    return base64.b32encode(mac)[:LENGTH].decode().lower()


def digest(code: str) -> str:
    """What the database keeps of a code."""
    return hashlib.sha256(code.encode()).hexdigest()


def path(code: str) -> str:
    """The page it opens."""
    return f"/r/{code}"


def find(code: str, now: datetime) -> Delivery | None:
    """The delivery behind a code while it can be used: sent, not expired, its person's account still active."""
    found = ever(code)
    return found if found is not None and not expired(found, now) and found.user.active else None


def expired(delivery: Delivery, now: datetime) -> bool:
    """Its time is up. A department's seat has no other way in: once it signed, the link goes on for two weeks."""
    signed = delivery.user.seat and delivery.state == DeliveryState.ACKNOWLEDGED
    return now >= (delivery.created_at + SEAT_LASTS if signed else delivery.expires_at)


def ever(code: str) -> Delivery | None:
    """The delivery that a code was for, also when it opens nothing any more."""
    return db.session.scalar(select(Delivery).where(Delivery.link_hash == digest(code)))

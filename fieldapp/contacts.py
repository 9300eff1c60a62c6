"""A person's own ways to be reached besides push: addresses at the town's gateways, their order, and quiet hours."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.fernet import InvalidToken
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from fieldapp import addresses, clock, gateways, notes, sealing
from fieldapp.addresses import ORDER, WEBPUSH, Address
from fieldapp.channels.kinds import KINDS, PERSONAL
from fieldapp.config import Settings
from fieldapp.db import db
from fieldapp.errors import Invalid, NotHere
from fieldapp.models import TOWN, Contact, Gateway, Preference, PushSubscription, User

MOST = 8
TRIES_A_DAY = 30
REMOVED = "removed"  # by its owner; one that died stays in sight until it is removed
_TOKEN = re.compile(r"([0-9]{1,12})-([0-9]{1,6})-([0-9a-f]{16})")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
DAY_S = 86400


@dataclass(frozen=True)
class Way:
    """One kind of channel as its person sees it, with the addresses there."""

    kind: str
    contacts: tuple[Contact, ...]


def of(person: User) -> list[Contact]:
    """The person's addresses, also those that died."""
    return list(db.session.scalars(_theirs(person).order_by(Contact.id)))


def one(person: User, contact_id: int, lock: bool = False) -> Contact:
    """One of them. Raises NotHere for anybody else's."""
    query = _theirs(person).where(Contact.id == contact_id)
    found = db.session.scalar(query.with_for_update(of=Contact) if lock else query)
    if found is None:
        raise NotHere(str(contact_id))
    return found


def open_gateways(person: User) -> list[Gateway]:
    """The gateways of the person's town at which he or she can have an address."""
    if len(person.town_code) < TOWN:
        return []
    theirs = (Gateway.town_code == person.town_code) & Gateway.active & Gateway.kind.in_(PERSONAL)
    return list(db.session.scalars(select(Gateway).where(theirs).order_by(Gateway.id)))


def add(person: User, gateway_id: int, address: str, settings: Settings, now: datetime) -> Contact:
    """Another address. Raises Invalid for one that cannot exist, is known already, or is one too many."""
    gateway = next((one for one in open_gateways(person) if one.id == gateway_id), None)
    if gateway is None:
        raise NotHere(str(gateway_id))
    address = gateways.address(gateway, address, settings)
    _held(person)
    known = [found for found in of(person) if found.disabled_at is None]
    if any(found.gateway_id == gateway_id and address_of(found, settings) == address for found in known):
        raise Invalid({"address": "address_known"})
    if len(known) >= MOST:
        raise Invalid({"address": "too_many"})
    made = Contact(
        user_id=person.id, gateway_id=gateway_id, gateway=gateway, created_at=now,
        sealed=sealing.seal(settings.instance, address), hint=KINDS[gateway.kind].hint(address)[:60],
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def remove(person: User, contact_id: int, now: datetime) -> None:
    """Forget an address: what is on its way to it is not sent any more, and the address itself is gone."""
    found = one(person, contact_id, lock=True)
    addresses.disable(found, REMOVED, now)
    found.disabled_why, found.sealed = REMOVED, ""


def in_order(person: User) -> list[Way]:
    """The kinds this person can be called by, in the order in which that happens. Push is always among them."""
    held: dict[str, list[Contact]] = {WEBPUSH: []}
    for contact in of(person):
        held.setdefault(contact.gateway.kind, []).append(contact)
    return [Way(kind, tuple(held[kind])) for kind in dict.fromkeys((*_chosen(person), *ORDER)) if kind in held]


def working(person: User, now: datetime) -> list[tuple[str, list[Address]]]:
    """The kinds and addresses by which an alert would go to this person now, in that order."""
    return addresses.ways([person], now)[person.id].in_order()


def hangs_on_devices(person: User, device_ids: Sequence[int], now: datetime) -> bool:
    """True when the person can be called now, but not without these devices."""
    left = [address for _kind, found in working(person, now) for address in found]
    return bool(left) and all(isinstance(one, PushSubscription) and one.device_id in device_ids for one in left)


def move(person: User, kind: str, steps: int) -> None:
    """Call by this kind sooner (-1) or later (1). Raises NotHere for a kind the person has no address of."""
    preference = _held(person)
    order = [way.kind for way in in_order(person)]
    if kind not in order:
        raise NotHere(kind)
    place = max(0, min(len(order) - 1, order.index(kind) + steps))
    order.remove(kind)
    order.insert(place, kind)
    preference.channels = order


def set_quiet(person: User, begins: str, ends: str) -> None:
    """Quiet hours from and to a time of day (`HH:MM`), or none when both are empty. Raises Invalid."""
    if not begins and not ends:
        preference = _held(person)
        preference.quiet_from = preference.quiet_to = None
        return
    first, last = _minutes(begins), _minutes(ends)
    if first is None or last is None or first == last:
        raise Invalid({"quiet": "quiet_times"})
    preference = _held(person)
    preference.quiet_from, preference.quiet_to = first, last


def quiet(person: User) -> tuple[str, str]:
    """The quiet hours as `HH:MM`, or two empty texts."""
    found = db.session.get(Preference, person.id)
    if found is None or found.quiet_from is None or found.quiet_to is None:
        return "", ""
    return _clock(found.quiet_from), _clock(found.quiet_to)


def address_of(contact: Contact, settings: Settings) -> str:
    """The address itself; empty when it cannot be read any more."""
    try:
        return str(sealing.unseal(settings.instance, contact.sealed))
    except InvalidToken:  # forgotten, or sealed with another instance's key
        return ""


def proof(key: str, contact: Contact, now: datetime) -> str:
    """What a message to this address carries, so that whoever reads it can show that it came; good for a day or two."""
    day = int(now.timestamp()) // DAY_S
    return f"{contact.id}-{day}-{_mac(key, contact, day)}"


def proved_by(key: str, token: str, now: datetime, lock: bool = False) -> Contact | None:
    """The address a proof was sent to; None when it is none of ours, too old, or the address was given up."""
    parts = _TOKEN.fullmatch(token)
    if parts is None or int(now.timestamp()) // DAY_S - int(parts[2]) not in (0, 1):
        return None
    query = select(Contact).where(Contact.id == int(parts[1]), Contact.disabled_at.is_(None))
    found = db.session.scalar(query.with_for_update(of=Contact) if lock else query)
    if found is None or not hmac.compare_digest(parts[3], _mac(key, found, int(parts[2]))):
        return None
    return found


def prove(key: str, token: str, now: datetime) -> bool:
    """Its owner read what was sent there; False for a token that proves nothing."""
    found = proved_by(key, token, now, lock=True)
    if found is None:
        return False
    found.proved_at = now
    return True


def may_try(person: User, now: datetime) -> bool:
    """Count a try to send something to the person's own addresses; False when that was enough for today. It is kept
    with the data: a text message costs money, also after a restart and whichever process sends it.
    """
    kept, today = notes.hold(f"tries of {person.id}"), f"{clock.local(now):%Y-%m-%d}"
    day, _, count = kept.value.partition(" ")
    tried = int(count) if day == today else 0
    if tried >= TRIES_A_DAY:
        return False
    kept.value = f"{today} {tried + 1}"
    return True


def note(contact_id: int, why: str, now: datetime) -> None:
    """The service says that nobody is at this address any more."""
    found = db.session.get(Contact, contact_id, with_for_update=True)
    if found is not None:
        addresses.disable(found, why, now)


def _theirs(person: User) -> Select[Contact]:
    kept = or_(Contact.disabled_why.is_(None), Contact.disabled_why != REMOVED)
    return select(Contact).where(Contact.user_id == person.id, kept).options(joinedload(Contact.gateway))


def _chosen(person: User) -> Sequence[str]:
    found = db.session.get(Preference, person.id)
    return found.channels if found else ()


def _held(person: User) -> Preference:
    """The person's preferences, held until the end of the transaction: two phones may press at once."""
    db.session.get(User, person.id, with_for_update=True)
    found = db.session.get(Preference, person.id, populate_existing=True)
    if found is None:
        found = Preference(user_id=person.id, channels=[])
        db.session.add(found)
        db.session.flush()
    return found


def _mac(key: str, contact: Contact, day: int) -> str:
    text = f"prove:{contact.id}:{contact.user_id}:{day}:{contact.sealed}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]


def _minutes(text: str) -> int | None:
    parts = _CLOCK.fullmatch(text)
    return int(parts[1]) * 60 + int(parts[2]) if parts else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"

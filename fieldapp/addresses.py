"""Where people can be reached: browsers that take pushes, and their own addresses at the town's gateways."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from fieldapp.channels.kinds import PERSONAL
from fieldapp.db import db, insert_once
from fieldapp.errors import Conflict
from fieldapp.models import Contact, Device, Gateway, Preference, PushSubscription, User

WEBPUSH = "webpush"
ORDER = (WEBPUSH, *PERSONAL)  # for whoever has chosen none
DEAD = frozenset({"service_404", "service_410", "bad_keys"})  # why an address will never work again

Address = PushSubscription | Contact


@dataclass(frozen=True)
class Ways:
    """All the ways to one person: addresses by kind of channel, and what he or she prefers."""

    by_kind: dict[str, list[Address]]
    preference: Preference | None

    def in_order(self, wanted: Sequence[str] = ()) -> list[tuple[str, list[Address]]]:
        """Kinds with their addresses, in the `wanted` order or else the person's own; none without an address."""
        own = self.preference.channels if self.preference else []
        order = dict.fromkeys(wanted or (*own, *ORDER))
        return [(kind, self.by_kind[kind]) for kind in order if kind in self.by_kind]


def ways(people: Iterable[User], now: datetime) -> dict[int, Ways]:
    """The ways to each of these people, by user id."""
    ids = [person.id for person in people]
    found: dict[int, dict[str, list[Address]]] = {user_id: {} for user_id in ids}
    for subscription in _subscriptions(ids, now):
        found[subscription.user_id].setdefault(WEBPUSH, []).append(subscription)
    for contact in _contacts(ids):
        found[contact.user_id].setdefault(contact.gateway.kind, []).append(contact)
    chosen = {row.user_id: row for row in db.session.scalars(select(Preference).where(Preference.user_id.in_(ids)))}
    return {user_id: Ways(by_kind, chosen.get(user_id)) for user_id, by_kind in found.items()}


def reachable(person: User, now: datetime) -> bool:
    """True when there is any way to this person."""
    return bool(ways([person], now)[person.id].by_kind)


def usable_subscriptions(user: User, now: datetime) -> list[PushSubscription]:
    """The addresses of the user's devices that are still logged in and not disabled."""
    return _subscriptions([user.id], now)


def subscribe(device: Device, endpoint: str, p256dh: str, auth: str, now: datetime) -> bool:
    """Remember where a device can be pushed; True when it is new. Any earlier address of the device is retired.

    Raises Conflict("endpoint_dead") for an address its push service has given up: the browser must make a new one.
    """
    for old in db.session.scalars(
        select(PushSubscription).where(PushSubscription.device_id == device.id, PushSubscription.endpoint != endpoint)
    ):
        disable(old, "replaced", now)
    fresh = PushSubscription(
        user_id=device.user_id, device_id=device.id, endpoint=endpoint, p256dh=p256dh, auth=auth,
        created_at=now, renewed_at=now,
    )  # fmt: skip
    if insert_once(fresh, "endpoint"):
        return True
    same = select(PushSubscription).where(PushSubscription.endpoint == endpoint).with_for_update()
    found = db.session.scalars(same.execution_options(populate_existing=True)).one()
    if found.disabled_why in DEAD:
        raise Conflict("endpoint_dead")
    if found.user_id != device.user_id:
        found.proved_at = None  # that was another person's tap
    found.user_id, found.device_id, found.p256dh, found.auth = device.user_id, device.id, p256dh, auth
    found.renewed_at, found.disabled_at, found.disabled_why = now, None, None
    return False


def disable(address: Address, why: str, now: datetime) -> None:
    """Stop using an address; the row stays so that its owner can be told."""
    if address.disabled_at is None:
        address.disabled_at, address.disabled_why = now, why[:120]


def _subscriptions(user_ids: Sequence[int], now: datetime) -> list[PushSubscription]:
    live = (PushSubscription.disabled_at.is_(None), Device.revoked_at.is_(None), Device.expires_at > now)
    query = select(PushSubscription).join(Device).where(PushSubscription.user_id.in_(user_ids), *live)
    return list(db.session.scalars(query.order_by(PushSubscription.id)))


def _contacts(user_ids: Sequence[int]) -> list[Contact]:
    # one that was never proved may be mistyped, and a stranger's: no signing link goes there
    live = (Contact.disabled_at.is_(None), Contact.proved_at.is_not(None), Gateway.active)
    query = select(Contact).join(Gateway).where(Contact.user_id.in_(user_ids), *live).order_by(Contact.id)
    return list(db.session.scalars(query.options(joinedload(Contact.gateway))))

"""What is known of one delivery: its state, when it was shown and opened, and what that proves of its address."""

from datetime import datetime

from fieldapp import tallies
from fieldapp.models import Delivery
from fieldapp.rules.delivery import WAITING, DeliveryState


def becomes(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    """Note a state. One that waits no more is nobody's lease."""
    if delivery.state == state:
        return
    delivery.state, delivery.updated_at = state, now
    if state not in WAITING:
        delivery.due_at = delivery.lease_owner = delivery.lease_until = None


def told(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    """This very delivery, by the token that only it carried, said so. Its first sign of life is measured; a tap proves
    that the address works and somebody is there.
    """
    if delivery.shown_at is None:
        delivery.shown_at = now
        tallies.measure(tallies.SHOWN, delivery.channel, (now - delivery.created_at).total_seconds())
    if state != DeliveryState.SHOWN:
        delivery.opened_at = delivery.opened_at or now
        _proves(delivery, state, now)


def _proves(delivery: Delivery, state: DeliveryState, now: datetime) -> None:
    """A tap on a notification was a person's; that a link was opened may have been a robot's that previews it."""
    address = delivery.subscription or delivery.contact
    by_hand = state == DeliveryState.ACKNOWLEDGED or delivery.subscription is not None
    if by_hand and address is not None and address.user_id == delivery.user_id:
        address.proved_at = now

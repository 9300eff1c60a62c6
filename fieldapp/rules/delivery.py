"""The states of one delivery, each saying no more than what is known."""

from enum import StrEnum


class DeliveryState(StrEnum):
    """queued and retrying wait; accepted is *not* delivered; shown, opened and acknowledged were confirmed."""

    QUEUED = "queued"
    RETRYING = "failed-temporary"
    ACCEPTED = "accepted"
    SHOWN = "shown"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed-permanent"
    EXPIRED = "expired"


WAITING = (DeliveryState.QUEUED, DeliveryState.RETRYING)
RECEIPTS = (DeliveryState.SHOWN, DeliveryState.OPENED, DeliveryState.ACKNOWLEDGED)
SEEN = frozenset(RECEIPTS)
HOPELESS = (DeliveryState.FAILED, DeliveryState.EXPIRED)

_KNOWN = {state: rank for rank, state in enumerate((DeliveryState.ACCEPTED, *RECEIPTS), start=1)}


def advance(current: DeliveryState, receipt: DeliveryState) -> DeliveryState:
    """The state after `receipt`: knowledge only grows, late or repeated receipts change nothing."""
    return receipt if _KNOWN[receipt] > _KNOWN.get(current, 0) else current

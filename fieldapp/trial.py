"""A push to one's own phone, to see whether it arrives. No alert and no delivery is made: nobody is called by it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import select

from fieldapp import addresses
from fieldapp.channels import Gone, webpush
from fieldapp.channels.webpush import Address, Push
from fieldapp.config import Settings
from fieldapp.db import db
from fieldapp.models import Device, PushSubscription

if TYPE_CHECKING:
    from fieldapp.channels.sender import Sender

LASTS_S = 60  # what comes later tells nothing: whoever asked has gone
PATIENCE_S, CONNECT_S = 8.0, 5.0  # a request waits for it


@dataclass(frozen=True)
class Words:
    """What the notification says, and the page a tap opens."""

    title: str
    body: str
    navigate: str
    lang: str


def pushes_to(device: Device, words: Words) -> list[Push]:
    """The pushes that try out every address this very device can be reached at."""
    mine = select(PushSubscription).where(
        PushSubscription.device_id == device.id,
        PushSubscription.user_id == device.user_id,
        PushSubscription.disabled_at.is_(None),
    )
    return [_push(subscription, words) for subscription in db.session.scalars(mine)]


def send(pushes: Sequence[Push], settings: Settings) -> list[Exception | None]:
    """Send outside any transaction, all at once; for each an error, or None when its service took it."""
    loop = asyncio.new_event_loop()  # `asyncio.run` would also wait for a name server that never answers
    try:
        return loop.run_until_complete(_send(pushes, settings))
    finally:
        loop.close()


def retire_dead(pushes: Sequence[Push], errors: Sequence[Exception | None], now: datetime) -> bool:
    """Stop using addresses that their service has given up; True when there was one."""
    dead = {push.address.endpoint: error for push, error in zip(pushes, errors, strict=True) if isinstance(error, Gone)}
    for subscription in db.session.scalars(select(PushSubscription).where(PushSubscription.endpoint.in_(dead))):
        addresses.disable(subscription, str(dead[subscription.endpoint]), now)
    return bool(dead)


async def _send(pushes: Sequence[Push], settings: Settings) -> list[Exception | None]:
    from aiohttp import ClientTimeout  # the web imports neither before somebody tries a phone out

    from fieldapp.channels.sender import Sender

    key, hosts, patience = (
        webpush.ensure_key(settings.instance),
        settings.push_hosts,
        ClientTimeout(PATIENCE_S, CONNECT_S),
    )
    async with Sender(key, settings.push_contact, hosts, settings.push_allow_loopback, patience) as sender:
        return await asyncio.gather(*(_outcome(sender, push) for push in pushes))


async def _outcome(sender: "Sender", push: Push) -> Exception | None:
    try:
        await sender.send(push)
    except Exception as error:
        return error
    return None


def _push(subscription: PushSubscription, words: Words) -> Push:
    trial = uuid4()
    notification: dict[str, object] = {
        "title": words.title, "body": words.body, "navigate": words.navigate, "tag": f"trial-{trial}",
        "lang": words.lang, "silent": False, "requireInteraction": False, "data": {},
    }  # fmt: skip
    address = Address(subscription.endpoint, subscription.p256dh, subscription.auth)
    return Push(address, {"web_push": 8030, "notification": notification}, ttl=LASTS_S, topic=trial.hex)

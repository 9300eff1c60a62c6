"""Other ways to push to many devices, in a process of their own: `push_sides.py SIDE FILE INSTANCE`.

Prints pushes per second. `webpush` is the loop of pywebpush's README; `send_async` is the same library at its best:
one session, 64 in flight, one token for the origin; `encrypt` sends nothing at all.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from py_vapid import Vapid02
from pywebpush import WebPusher, webpush

CONTACT = "mailto:bench@example.org"
PAYLOAD = json.dumps(
    {
        "web_push": 8030,
        "notification": {
            "title": "红 井盖破损,夜间危险", "body": "南门社区 · HC-20261123-001", "navigate": "http://127.0.0.1/tasks/1",
            "tag": "0" * 36, "lang": "zh-CN", "data": {"delivery": "0" * 36, "token": "0" * 40},
        },
    }
)  # fmt: skip
IN_FLIGHT = 64


def loop(found: list[dict[str, Any]], key: Path) -> None:
    for subscription in found:
        webpush(subscription, PAYLOAD, vapid_private_key=str(key), vapid_claims={"sub": CONTACT}, ttl=3600, timeout=10)


def encrypt(found: list[dict[str, Any]], key: Path) -> None:
    for subscription in found:
        assert WebPusher(subscription).encode(PAYLOAD.encode())["body"]


async def together(found: list[dict[str, Any]], key: Path) -> None:
    parts = urlsplit(found[0]["endpoint"])
    claims = {"sub": CONTACT, "aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + 3600}
    headers = Vapid02.from_file(key).sign(claims)
    gate = asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession() as session:

        async def one(subscription: dict[str, Any]) -> None:
            async with gate:
                pusher = WebPusher(subscription, aiohttp_session=session)
                answer = await pusher.send_async(PAYLOAD, headers=dict(headers), ttl=3600)
                assert answer.status == 201, answer.status

        await asyncio.gather(*[one(subscription) for subscription in found])


if __name__ == "__main__":
    side, subscriptions, instance = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    began = time.perf_counter()
    if side == "send_async":
        asyncio.run(together(subscriptions, instance / "vapid.pem"))
    else:
        {"webpush": loop, "encrypt": encrypt}[side](subscriptions, instance / "vapid.pem")
    print(len(subscriptions) / (time.perf_counter() - began))

"""Sending through gateways: opens what is sealed and hands it to the channel, in threads of its own.

Their libraries wait for an answer, so each gateway gets a few threads and no more: one that hangs holds up its own
messages only.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fieldapp import sealing
from fieldapp.channels import gateways
from fieldapp.channels.message import Message
from fieldapp.config import Settings

PATIENCE_S = 8.0
AT_ONCE = 4  # messages on their way to one gateway


class Post:
    """Hands messages to gateways without holding up the loop it is used in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads: dict[str, ThreadPoolExecutor] = {}

    async def send(self, origin: str, kind: str, sealed_settings: str, sealed_address: str, message: Message) -> None:
        """Returns when the gateway `origin` took it; raises Temporary, Gone or Permanent."""
        if origin not in self._threads:
            self._threads[origin] = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=origin)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads[origin], self._send, kind, sealed_settings, sealed_address, message)

    def close(self) -> None:
        """Let go of the threads; what hangs in one ends by its own patience."""
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, kind: str, sealed_settings: str, sealed_address: str, message: Message) -> None:
        folder, allow = self._settings.instance, self._settings.push_allow_loopback
        settings = sealing.unseal(folder, sealed_settings)
        address = sealing.unseal(folder, sealed_address) if sealed_address else ""
        gateways.send(
            kind, settings, address, message, patience_s=PATIENCE_S, allow_loopback=allow,
            more_hosts=self._settings.gateway_hosts,
        )  # fmt: skip

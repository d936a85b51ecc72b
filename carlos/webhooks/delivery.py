"""All receivers of a server process: begun at its start, drained at its end."""

from __future__ import annotations

import asyncio

from agent.record_writer import PROCESS, is_gone
from carlos.webhooks.body import body_of
from carlos.webhooks.post import Poster
from carlos.webhooks.schedule import Answer
from carlos.webhooks.sender import Send, Sender
from common.settings import Settings
from common.tasks import TaskSet
from common.times import Clock, utcnow
from data.store import Store
from data.webhooks import Letter

DRAIN_S = 5.0  # for what is due when the server ends; the rest waits in the store for the next one


class WebhookDelivery:
    """Sends what the store has for WEBHOOK_URLS; does nothing where there are none."""

    def __init__(self, settings: Settings, store: Store, name: str = PROCESS, *, clock: Clock = utcnow) -> None:
        self._store = store
        self._fields = settings.webhook_fields
        self._poster = Poster(settings.webhook_timeout_s, private=settings.webhook_private)
        self._senders = [
            Sender(receiver, store.webhooks, self._send_to(receiver.url, keys), name, is_gone=is_gone, clock=clock)
            for receiver, keys in zip(store.webhooks.receivers, settings.webhook_keys, strict=True)
        ]
        self._running = TaskSet()

    def start(self) -> None:
        self._store.webhooks.on_added = self._wake
        for sender in self._senders:
            self._running.create(sender.run(), f"webhooks to {sender.receiver.id}")

    async def close(self) -> None:
        """Send what is due now, as far as DRAIN_S goes."""
        self._store.webhooks.on_added = lambda: None
        await self._running.cancel()
        await asyncio.gather(*(sender.close(DRAIN_S) for sender in self._senders))
        await self._poster.close()

    def _wake(self) -> None:
        for sender in self._senders:
            sender.wake()

    def _send_to(self, url: str, keys: tuple[bytes, ...]) -> Send:
        async def send(letter: Letter) -> Answer:
            return await self._poster.post(url, keys, letter.id, await body_of(self._store, letter, self._fields))

        return send

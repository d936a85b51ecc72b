"""What the counting receiver calls missed, repeated and doubled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.webhook_receiver import WebhookReceiver, receiving
from carlos.webhooks.post import Poster
from common.webhooks import key_of, new_secret

SECRET = new_secret()


def order(number: str, version: int) -> dict[str, Any]:
    return {"type": "order.changed", "data": {"id": number, "version": version}}


async def sent(receiver: WebhookReceiver, *messages: tuple[str, dict[str, Any]]) -> list[int | None]:
    poster = Poster(60, private=True)
    async with receiving(receiver):
        answers = [
            await poster.post(receiver.url, [key_of(SECRET)], message_id, json.dumps(event).encode())
            for message_id, event in messages
        ]
    await poster.close()
    return [answer.status for answer in answers]


async def test_what_comes_again_under_its_id_is_repeated_and_under_another_doubled(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = WebhookReceiver(SECRET, answers=[503], kept=kept)
    messages = [("msg_1", order("1", 1)), ("msg_1", order("1", 1)), ("msg_2", order("1", 2)), ("msg_2", order("1", 2))]
    assert await sent(first, *messages) == [503, 204, 204, 204]
    assert first.summary() == {"messages": 3, "events": 2, "repeated": 1, "doubled": 0, "refused": 0}
    second = WebhookReceiver(SECRET, kept=kept)
    await sent(second, ("msg_3", order("1", 2)))
    assert second.summary() == {"messages": 4, "events": 3, "repeated": 1, "doubled": 1, "refused": 0}
    assert second.missed([("order.changed", "1", 2), ("order.changed", "2", 1)]) == [("order.changed", "2", 1)]

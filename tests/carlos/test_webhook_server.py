"""The server sends what people change over REST, and at its end what its last calls came to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from bench.webhook_receiver import WebhookReceiver, receiving
from common.times import utcnow
from common.webhooks import new_secret
from data.models import CallRecord, Line
from tests.console.served import patient, served
from tests.support.waiting import until


async def test_a_server_tells_what_happens_until_it_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(WebhookReceiver(new_secret())) as receiver:
        told: dict[str, Any] = {
            "webhook_urls": receiver.url,
            "webhook_secrets": receiver.secret,
            "webhook_private": True,
        }
        async with served(tmp_path, monkeypatch, patient([]), **told) as server:
            async with httpx.AsyncClient(base_url=server.url) as http:
                changed = await http.put("/orders/1", json={"trackingNumber": "TRK1"})
                assert changed.status_code == 200
            await until(lambda: receiver.events)
            store, began = server.services.store, utcnow()
            kept = await store.save_call(CallRecord("CA1", Line.PHONE, began))
            await store.save_call(replace(kept, ended_at=began, outcome="completed"), None, kept)
        kinds = sorted((event["type"], event["data"]["id"]) for event in receiver.events.values())
        assert kinds == [("call.ended", "CA1"), ("order.changed", "1")], "and nothing of the sample records"

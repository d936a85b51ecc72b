"""Processes that are killed while they write and send: every change is told, once for a receiver that keeps ids."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from bench.webhook_receiver import WebhookReceiver, receiving
from common.webhooks import new_secret
from data.open import open_sqlite
from sandbox.hang import HANG_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

# Makes orders as fast as it can, and says each that it has made; told to send only, says when nothing waits any more.
PROCESS = """
import asyncio, json, sys
from common.settings import Settings
from carlos.webhooks.delivery import WebhookDelivery
from data.open import open_store
from data.rules import create
from data.store import Change
from tests.data.test_store_contract import an_order

async def main(home, url, secret, makes):
    settings = Settings(
        _env_file=None, carlos_home=home, webhook_urls=url, webhook_secrets=secret, webhook_private=True
    )
    store = await open_store(settings)
    delivery = WebhookDelivery(settings, store)
    delivery.start()
    while makes:
        number = await store.next_id(type(an_order()))
        await store.commit(Change(None, an_order(number)))
        print(number, flush=True)
    while any([await store.webhooks.waiting(each.id) for each in store.webhooks.receivers]):
        await asyncio.sleep(0.05)
    await delivery.close()
    await store.close()

asyncio.run(main(*json.loads(sys.argv[1])))
"""


async def started(home: Path, receiver: WebhookReceiver, *, makes: bool) -> asyncio.subprocess.Process:
    words = json.dumps([str(home), receiver.url, receiver.secret, makes])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, words, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=ROOT, env=environment
    )


async def test_nothing_is_missed_and_nothing_invented_across_kills(tmp_path: Path) -> None:
    said: list[str] = []
    async with asyncio.timeout(HANG_S), receiving(WebhookReceiver(new_secret())) as receiver:
        for lines in (1, 7, 16):
            process = await started(tmp_path, receiver, makes=True)
            assert process.stdout is not None
            said += [(await process.stdout.readline()).decode().strip() for _ in range(lines)]
            process.send_signal(signal.SIGKILL)
            await process.communicate()
            assert process.returncode == -signal.SIGKILL
        sending = await started(tmp_path, receiver, makes=False)
        await sending.communicate()
        assert sending.returncode == 0
    store = await open_sqlite(tmp_path / "carlos.db")
    made = {order.id for order in (await store.orders()).items}
    await store.close()
    assert set(said) <= made
    assert receiver.missed(("order.changed", number, 1) for number in made) == []
    assert {about for _, about, _ in receiver.told()} == made, "nothing is told that did not happen"
    summary = receiver.summary()
    assert (summary["events"], summary["doubled"], summary["refused"]) == (len(made), 0, 0)

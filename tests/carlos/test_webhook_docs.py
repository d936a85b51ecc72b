"""docs/webhooks.md: its receivers accept what we send and nothing else, and its figures are the code's."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bench.stores import fresh_sqlite
from bench.write_units import Metered, units_of_a_call
from carlos.webhooks.post import Poster
from carlos.webhooks.schedule import ATTEMPTS, DELAYS
from common.webhooks import key_of, new_secret
from data.store import Change, Store
from data.webhooks import Receiver
from tests.data.test_store_contract import an_order
from tests.support.waiting import bounded

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
RUNS = {"python": (sys.executable, "receiver.py"), "js": ("node", "receiver.js")}


@asynccontextmanager
async def receiver(language: str, folder: Path, secret: str) -> AsyncIterator[tuple[str, Process]]:
    """The page's own receiver, and its address."""
    program, name = RUNS[language]
    if shutil.which(program) is None:
        pytest.skip(f"NOT RUN, the receiver in {language}: {program} is not installed")
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    (folder / name).write_text(code, encoding="utf-8")
    environment = os.environ | {"WEBHOOK_SECRET": secret, "PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        program, str(folder / name), stdout=PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment
    )
    assert process.stdout is not None
    try:
        async with bounded():
            yield (await process.stdout.readline()).decode().strip(), process
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("language", RUNS)
async def test_the_page_s_receivers_take_what_is_ours_once_and_nothing_else(language: str, tmp_path: Path) -> None:
    secret, body = new_secret(), '{"type":"order.changed","data":{"id":"ñ"}}'.encode()
    poster = Poster(60, private=True)
    async with receiver(language, tmp_path, secret) as (url, process):
        answers = [
            await poster.post(url, keys, message, body)
            for keys, message in (
                ([key_of(new_secret())], "msg_1"),
                ([key_of(new_secret()), key_of(secret)], "msg_1"),
                ([key_of(secret)], "msg_1"),
                ([key_of(secret)], "msg_2"),
            )
        ]
        assert [answer.status for answer in answers] == [401, 204, 204, 204]
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode() for _ in range(2)]
        assert lines == ["order.changed ñ\n"] * 2, "the second message is the same one again"
    await poster.close()


def test_the_page_s_table_of_tries_is_the_schedule() -> None:
    (row,) = re.findall(r"^\| after the one before \| at once \| (.*) \|$", PAGE, re.MULTILINE)
    units = {"s": 1, "min": 60, "h": 3600}
    told = [
        timedelta(seconds=int(number) * units[unit]) for number, unit in (each.split() for each in row.split(" | "))
    ]
    assert (tuple(told), len(told) + 1) == (DELAYS, ATTEMPTS)


async def units_of(store: Store, order: str) -> int:
    before = metered(store).units
    await store.commit(Change(None, an_order(order)))
    for receiver in store.webhooks.receivers:
        for letter in await store.webhooks.due(receiver.id, 10):
            await store.webhooks.delivered(letter)
    return metered(store).units - before


def metered(store: Store) -> Metered:
    if not isinstance(store.backend, Metered):
        store.backend = Metered(store.backend)
    return store.backend


async def test_an_event_costs_what_the_page_says(tmp_path: Path) -> None:
    here = (Receiver("https://example.com/"),)
    async with fresh_sqlite(tmp_path) as store:
        plain = await units_of(store, "1")
        store.webhooks.receivers = here
        assert await units_of(store, "2") - plain == 4
    calls = []
    for receivers in ((), here):
        async with fresh_sqlite(tmp_path) as store:
            store.webhooks.receivers = receivers
            calls.append(await units_of_a_call(store, 8))
    assert calls[1] - calls[0] == 5 - 2, "and two when it is delivered"

"""`carlos seed`: the records, for operators."""

from __future__ import annotations

import asyncio
from datetime import datetime

import typer
from rich.console import Console

from carlos.settings import Settings
from data.open import open_store
from data.seed import Seeded
from data.seed import seed as seed_store
from data.times import BUENOS_AIRES

_out = Console()


def register(app: typer.Typer) -> None:
    app.command()(seed)


def seed() -> None:
    """Add the demo's orders and appointments that are missing; nothing is overwritten."""

    async def work() -> Seeded:
        store = await open_store(Settings())
        try:
            return await seed_store(store, datetime.now(BUENOS_AIRES).date())
        finally:
            await store.close()

    done = asyncio.run(work())
    _out.print(f"{done.added} records added, {done.kept} left as they were")

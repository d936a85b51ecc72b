"""A start, and what goes on behind it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from agent.record_writer import CallRecordWriter
from carlos.app import open_services
from common.settings import Settings
from data.errors import Unavailable
from tests.support.logs import logged
from tests.support.sonic import aws_keys
from tests.support.waiting import until

__all__ = ["logged"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    aws_keys(monkeypatch)
    return Settings(_env_file=None, carlos_home=tmp_path, sonic="bedrock", emf_seconds=0)


async def test_no_caller_waits_until_old_records_are_ended(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def endless(self: CallRecordWriter, now: datetime | None = None) -> int:
        begun.set()
        await goes_on.wait()
        return 0

    monkeypatch.setattr(CallRecordWriter, "reconcile", endless)
    async with open_services(settings):
        await begun.wait()
    assert not goes_on.is_set()


async def test_a_store_that_does_not_answer_is_told_to_the_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    async def broken(self: CallRecordWriter, now: datetime | None = None) -> int:
        raise Unavailable("gone")

    monkeypatch.setattr(CallRecordWriter, "reconcile", broken)
    async with open_services(settings):
        await until(lambda: any("not reconciled" in line for line in logged))

"""Fixtures of the tools' tests."""

from __future__ import annotations

import pytest

from common.times import Clock
from data.store import Store
from tests.support.logs import logged
from tests.support.seeded import fill
from tests.tools.caller import Call

__all__ = ["logged"]


@pytest.fixture
async def seeded(store: Store, clock: Clock) -> Store:
    return await fill(store, clock().date())


@pytest.fixture
def call(seeded: Store, clock: Clock) -> Call:
    return Call(seeded, clock)

"""Fixtures of the tools' tests."""

from __future__ import annotations

import pytest

from common.times import Clock
from data.operators.seed import seed
from data.store import Store
from tests.support.logs import logged
from tests.tools.caller import Call

__all__ = ["logged"]


@pytest.fixture
async def seeded(store: Store, clock: Clock) -> Store:
    await seed(store, clock().date())
    return store


@pytest.fixture
def call(seeded: Store, clock: Clock) -> Call:
    return Call(seeded, clock)

"""Stream tokens while the store is down, on a virtual clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from data.errors import Unavailable
from telephony.errors import TokenRefused
from telephony.spent_nonces import AGAIN_S, SPEND_LIMIT_S, OutlastingNonces
from telephony.stream_tokens import StreamTokens, signing_keys
from tests.support.virtual_loop import run_virtually


@dataclass
class Shared:
    """A store of spent nonces: `state` is "up", "down" or "hanging"."""

    state: str = "up"
    spent: set[str] = field(default_factory=set)
    asked: int = 0

    async def consume_nonce(self, nonce: str, expires: datetime) -> bool:
        self.asked += 1
        if self.state == "hanging":
            await asyncio.Event().wait()
        if self.state == "down":
            raise Unavailable("no store")
        is_first = nonce not in self.spent
        self.spent.add(nonce)
        return is_first


def now() -> float:
    return asyncio.get_running_loop().time()


def in_a_minute() -> datetime:
    return datetime.fromtimestamp(now(), UTC) + timedelta(seconds=60)


def test_with_a_store_a_nonce_is_spent_once_in_all_processes() -> None:
    async def scene() -> None:
        shared = Shared()
        one, other = OutlastingNonces(shared, now), OutlastingNonces(shared, now)
        assert await one.consume_nonce("n", in_a_minute())
        assert not await other.consume_nonce("n", in_a_minute())
        assert not await one.consume_nonce("n", in_a_minute())
        assert shared.asked == 2, "what was spent here is asked of nobody"

    run_virtually(scene())


@pytest.mark.parametrize("state", ["down", "hanging"])
def test_without_a_store_a_nonce_is_good_once_here_and_spent_when_the_store_is_back(state: str) -> None:
    async def scene() -> None:
        shared = Shared(state)
        nonces, began = OutlastingNonces(shared, now), now()
        assert await nonces.consume_nonce("n", in_a_minute())
        assert now() - began <= SPEND_LIMIT_S
        assert not await nonces.consume_nonce("n", in_a_minute())
        await asyncio.sleep(20)
        shared.state = "up"
        await asyncio.sleep(AGAIN_S + SPEND_LIMIT_S)
        assert shared.spent == {"n"}
        assert not await OutlastingNonces(shared, now).consume_nonce("n", in_a_minute()), "nor elsewhere, from then on"
        asked = shared.asked
        await asyncio.sleep(100)
        assert shared.asked == asked

    run_virtually(scene())


def test_a_nonce_that_has_expired_is_spent_no_more() -> None:
    async def scene() -> None:
        shared = Shared("down")
        nonces = OutlastingNonces(shared, now)
        await nonces.consume_nonce("n", in_a_minute())
        await asyncio.sleep(70)
        asked = shared.asked
        await asyncio.sleep(100)
        assert shared.asked == asked
        assert asked <= 1 + 60 / AGAIN_S

    run_virtually(scene())


def test_a_server_that_ends_leaves_nothing_behind() -> None:
    async def scene() -> None:
        nonces = OutlastingNonces(Shared("down"), now)
        await nonces.consume_nonce("n", in_a_minute())
        await nonces.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(scene())


def test_what_is_forged_or_late_is_refused_without_a_store_too() -> None:
    async def scene() -> None:
        tokens = StreamTokens(signing_keys(["secret"]), OutlastingNonces(Shared("down"), now), clock=now)
        token = tokens.mint("CA1", "AC1")
        with pytest.raises(TokenRefused, match="another call's"):
            await tokens.redeem(token, "CA2", "AC1")
        await tokens.redeem(token, "CA1", "AC1")
        with pytest.raises(TokenRefused, match="spent before"):
            await tokens.redeem(token, "CA1", "AC1")
        late = tokens.mint("CA1", "AC1")
        await asyncio.sleep(61)
        with pytest.raises(TokenRefused, match="expired"):
            await tokens.redeem(late, "CA1", "AC1")

    run_virtually(scene())

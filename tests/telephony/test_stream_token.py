"""The one-time token of a stream, on a clock of our own (Unix seconds)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.errors import TokenRefused
from telephony.stream_tokens import SpentInMemory, StreamTokens, signing_keys
from tests.support.clocks import Seconds

NOW = 1_800_000_000.0


def tokens(clock: Seconds, *auth_tokens: str, spent: SpentInMemory | None = None) -> StreamTokens:
    return StreamTokens(signing_keys(auth_tokens or ("secret",)), spent or SpentInMemory(clock), clock=clock)


async def test_a_token_opens_one_stream_of_its_call_once() -> None:
    ours = tokens(Seconds(NOW))
    token = ours.mint("CA1", "AC1")
    await ours.redeem(token, "CA1", "AC1")
    with pytest.raises(TokenRefused, match="spent before"):
        await ours.redeem(token, "CA1", "AC1")


@pytest.mark.parametrize(("call_sid", "account_sid"), [("CA2", "AC1"), ("CA1", "AC2"), ("", "")])
async def test_a_token_does_not_open_another_call(call_sid: str, account_sid: str) -> None:
    ours = tokens(Seconds(NOW))
    with pytest.raises(TokenRefused, match="another call's"):
        await ours.redeem(ours.mint("CA1", "AC1"), call_sid, account_sid)


async def test_a_refused_token_is_not_spent() -> None:
    ours = tokens(Seconds(NOW))
    token = ours.mint("CA1", "AC1")
    with pytest.raises(TokenRefused):
        await ours.redeem(token, "CA2", "AC1")
    await ours.redeem(token, "CA1", "AC1")


async def test_a_token_dies_after_60_seconds() -> None:
    clock = Seconds(NOW)
    ours = tokens(clock)
    early, late = ours.mint("CA1", "AC1"), ours.mint("CA2", "AC1")
    clock.now += 59
    await ours.redeem(early, "CA1", "AC1")
    clock.now += 1
    with pytest.raises(TokenRefused, match="expired"):
        await ours.redeem(late, "CA2", "AC1")


@given(at=st.integers(0, 200), character=st.characters())
def test_no_changed_token_is_accepted(at: int, character: str) -> None:
    ours = tokens(Seconds(NOW))
    token = ours.mint("CA1", "AC1")
    at %= len(token)
    changed = token[:at] + character + token[at + 1 :]
    if changed != token:
        with pytest.raises(TokenRefused):
            ours._verify(changed, "CA1", "AC1")


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "9" * 5000 + "..", "1.2.3.4", "\ud800..", "²..ñ"])
async def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        await tokens(Seconds(NOW)).redeem(token, "CA\ud800", "AC1")


async def test_processes_with_the_same_auth_token_accept_each_others_tokens() -> None:
    clock = Seconds(NOW)
    token = tokens(clock, "secret").mint("CA1", "AC1")
    await tokens(clock, "secret").redeem(token, "CA1", "AC1")
    await tokens(clock, "new", "secret").redeem(token, "CA1", "AC1")
    with pytest.raises(TokenRefused):
        await tokens(clock, "new").redeem(token, "CA1", "AC1")


async def test_without_an_auth_token_the_key_is_the_process_own() -> None:
    assert signing_keys(()) != signing_keys(())


async def test_spent_nonces_are_forgotten_once_they_have_expired() -> None:
    clock = Seconds(NOW)
    spent = SpentInMemory(clock)
    assert await spent.consume_nonce("a", datetime.fromtimestamp(clock.now + 60, UTC))
    assert not await spent.consume_nonce("a", datetime.fromtimestamp(clock.now + 60, UTC))
    clock.now += 60
    await spent.consume_nonce("b", datetime.fromtimestamp(clock.now + 60, UTC))
    assert list(spent._spent) == ["b"]

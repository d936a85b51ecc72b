"""Too much audio, too many messages."""

from __future__ import annotations

import random

import pytest

from telephony.rate_guards import BURST_MESSAGES, BURST_TYPED, AudioRateGuard, Bucket, MessageRateLimit, typing

pytestmark = pytest.mark.slow

CHUNK_S = 171 / 16000


def feed(doubled: AudioRateGuard, seconds: float, microphones: float = 1.0, start: float = 100.0) -> float | None:
    """Seconds until the doubled audio was noticed."""
    now = start
    while now < start + seconds:
        now += CHUNK_S / microphones
        if doubled.push(CHUNK_S, now):
            return now - start
    return None


@pytest.mark.parametrize(("microphones", "noticed_s"), [(2, 5), (3, 2)])
def test_a_doubled_microphone_is_noticed_within_seconds(microphones: int, noticed_s: float) -> None:
    found = feed(AudioRateGuard(), 20, microphones)
    assert found is not None
    assert found < noticed_s


def test_an_hour_of_one_microphone_that_runs_a_little_fast_is_fine() -> None:
    assert feed(AudioRateGuard(), 3600, 1.002) is None


@pytest.mark.parametrize("stall_s", [1, 5, 20, 60])
def test_what_a_stalled_network_delivers_at_once_is_fine(stall_s: float) -> None:
    doubled = AudioRateGuard()
    feed(doubled, 30)
    late = 130 + stall_s
    assert not any(doubled.push(CHUNK_S, late) for _ in range(int(stall_s / CHUNK_S)))
    assert feed(doubled, 30, start=late) is None


def test_jitter_is_fine() -> None:
    doubled, jitter = AudioRateGuard(), random.Random(3)
    arrivals = sorted(100 + number * CHUNK_S + jitter.expovariate(5) for number in range(20000))
    assert not any([doubled.push(CHUNK_S, now) for now in arrivals])


def test_a_flood_is_noticed_and_the_originals_ninety_a_second_are_not() -> None:
    flood = MessageRateLimit()
    assert not any(flood.push(600, number / 280) for number in range(100_000)), "its microphone open three times"
    assert any(flood.push(1, 1000.0) for _ in range(BURST_MESSAGES + 2))


def test_a_bucket_that_ran_over_is_as_full_as_one_can_be() -> None:
    bucket = Bucket(per_s=1, burst=3)
    assert [bucket.push(1, now=10.0) for _ in range(100)] == [False] * 3 + [True] * 97
    assert not bucket.push(1, now=11.0)
    assert bucket.push(1, now=11.5)


def test_typing_is_as_fast_as_a_person_and_a_paste() -> None:
    person, program = typing(), typing()
    assert not any(person.push(1, now=second) for second in range(3600))
    assert [program.push(1, now=0.0) for _ in range(BURST_TYPED + 1)] == [False] * BURST_TYPED + [True]

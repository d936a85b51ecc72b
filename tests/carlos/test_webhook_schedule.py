"""When a webhook is tried again, and how much a receiver that fails is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from carlos.webhooks.schedule import (
    AT_ONCE,
    ATTEMPTS,
    FAILURES,
    JITTER,
    LONGEST_RETRY_AFTER,
    PROBE_EVERY,
    Answer,
    Circuit,
    Verdict,
    due_again,
    retry_after,
)

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


def test_the_tries_are_ten_and_span_three_days() -> None:
    moment, tries = NOW, 1
    while (due := due_again(tries, moment, 0)) is not None:
        assert due > moment
        moment, tries = due, tries + 1
    assert (tries, moment - NOW) == (ATTEMPTS, timedelta(hours=75, minutes=35, seconds=5))


@pytest.mark.parametrize("jitter", [-1, -0.5, 0.5, 1])
def test_a_delay_is_a_little_more_or_less(jitter: float) -> None:
    for tries in range(1, ATTEMPTS):
        exact, due = due_again(tries, NOW, 0), due_again(tries, NOW, jitter)
        assert exact is not None
        assert due is not None
        assert due - NOW == (exact - NOW) * (1 + JITTER * jitter)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.TAKEN) for status in (200, 201, 202, 204, 299)),
        *(
            (status, Verdict.LATER)
            for status in (100, 199, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503, 504, None)
        ),
        (410, Verdict.GONE),
    ],
)
def test_only_2xx_is_success_and_only_410_is_the_end(status: int | None, verdict: Verdict) -> None:
    assert Answer(status, "no connection").verdict is verdict


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("120", 120),
        ("-5", 0),
        ("soon", 0),
        ("²", 0),
        ("9" * 9, LONGEST_RETRY_AFTER.total_seconds()),
        ("9" * 5000, 0),
        ("Tue, 24 Nov 2026 15:01:00 GMT", 60),
        ("Tue, 24 Nov 2026 14:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 15:01:00", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER.total_seconds()),
    ],
)
def test_a_receiver_may_ask_for_time_within_bounds(header: str, seconds: float) -> None:
    assert retry_after(header, NOW) == timedelta(seconds=seconds)


def test_a_receiver_that_is_well_gets_several_at_a_time() -> None:
    circuit = Circuit()
    assert [circuit.places(NOW, under_way) for under_way in (0, 3, AT_ONCE)] == [AT_ONCE, AT_ONCE - 3, 0]


def test_one_that_is_down_gets_one_now_and_then_until_it_takes_it() -> None:
    circuit = Circuit()
    for _ in range(FAILURES):
        circuit.failed(NOW)
    assert circuit.places(NOW, 0) == 0
    assert [circuit.places(NOW + PROBE_EVERY, under_way) for under_way in (0, 1)] == [1, 0]
    circuit.failed(NOW + PROBE_EVERY)
    assert circuit.places(NOW + PROBE_EVERY, 0) == 0
    assert circuit.places(NOW + 2 * PROBE_EVERY, 0) == 1
    circuit.taken()
    assert circuit.places(NOW + 2 * PROBE_EVERY, 0) == AT_ONCE


def test_one_that_asks_for_time_gets_it() -> None:
    circuit = Circuit()
    circuit.failed(NOW, timedelta(minutes=10))
    circuit.failed(NOW, timedelta(minutes=2))
    assert circuit.places(NOW + timedelta(minutes=9), 0) == 0
    assert circuit.places(NOW + timedelta(minutes=10), 0) == AT_ONCE

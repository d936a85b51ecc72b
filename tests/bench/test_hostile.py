"""What the benchmark of a hostile browser makes of its figures, and what that browser sends."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from bench.flood import ATTACKS, Attack
from bench.hostile import CALLS, verdict


def watched(gap_ms: float, mb: float, alive: int = CALLS) -> dict[str, Any]:
    return {"alive": alive, "unanswered": 0, "gaps": [gap_ms] * 100, "rss_mb": {"min": 90.0, "max": mb}}


@pytest.mark.parametrize(
    ("during", "fails"),
    [
        (watched(24.0, 109.0), set()),
        (watched(26.0, 100.0), {"gaps"}),
        (watched(20.0, 111.0), {"memory"}),
        (watched(20.0, 100.0, alive=CALLS - 1), {"calls"}),
    ],
)
def test_a_browser_is_noticed_by_gaps_memory_and_calls_that_end(during: dict[str, Any], fails: set[str]) -> None:
    result = verdict(watched(20.0, 100.0), during, watched(20.0, 100.0))
    assert {what for what, held in result["held"].items() if not held} == fails


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_frames_that_a_client_may_send(attack: Attack) -> None:
    sent = [*attack.opening, *(islice(attack.flood(), 100) if attack.flood else ())]
    assert all(frame[0] & 0x80 and frame[1] & 0x80 for frame in sent), "whole and masked"

"""Arithmetic of the benchmark: gaps, stalls, delays, slopes, and what its summary says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import aims
from bench import page as pages
from bench.machine import core_number
from bench.measures import _delays_ms, holds, mb_per_call
from bench.profile import part_of, shares
from bench.report import summarise, table
from bench.stats import gaps_ms, slope, spread, stall_ms, summary


def test_gaps_are_those_of_messages_brought_to_20_ms() -> None:
    even = [(0.00, 0.02), (0.02, 0.02), (0.05, 0.02)]
    lumps = [(0.00, 0.16), (0.16, 0.16), (0.36, 0.16)]
    assert gaps_ms(even) == pytest.approx([20, 30])
    assert gaps_ms(lumps) == pytest.approx([20, 60])


def test_a_stall_is_what_a_listener_without_a_buffer_misses() -> None:
    assert stall_ms([(0.0, 0.02), (0.02, 0.02), (0.05, 0.02)]) == pytest.approx(10)
    assert stall_ms([(0.0, 0.06), (0.01, 0.02), (0.05, 0.02)]) == pytest.approx(0)


def test_delays_belong_to_the_last_cause_before_them() -> None:
    assert _delays_ms([1.0, 2.0, 3.0], [1.002, 3.001]) == pytest.approx([2, 1])
    assert _delays_ms([], [1.0]) == []


def test_a_summary_of_nothing_has_no_figures() -> None:
    assert summary([]) == {"n": 0}
    assert summary([1.0, 3.0])["p50"] == 2.0
    assert spread([]) == {}


def test_memory_per_call_is_the_slope_of_resident_memory() -> None:
    assert slope([(10, 150.0), (20, 160.0), (30, 170.0)]) == pytest.approx(1.0)
    assert slope([(10, 150.0)]) is None


def figures(calls: int = 10, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "calls": calls,
        "alive": calls,
        "unanswered": 0,
        "added_latency_ms": summary([4.0, 5.0]),
        "latencies": [4.0, 5.0],
        "gap_ms": summary([20.0, 21.0]),
        "lost_out": {"samples": 0, "worst": 0, "pieces": 2},
        "lost_in": {"samples": 0, "worst": 0, "pieces": 2},
        "caller_late_ms": summary([1.0]),
        "lag_ms": summary([1.0]),
        "rss_mb": 150.0,
        "use": {"cpu": 10.0, "others_on_core": 1.0},
    }
    return made | changes


@pytest.mark.parametrize(
    "broken",
    [
        {"gap_ms": summary([20.0, 90.0])},
        {"unanswered": 1},
        {"alive": 9},
        {"lost_out": {"samples": 1, "worst": 1, "pieces": 2}},
    ],
)
def test_a_step_holds_until_anything_breaks(broken: dict[str, Any]) -> None:
    assert holds(figures(), "ours")
    assert not holds(figures(**broken), "ours")


def test_stock_is_not_judged_by_the_ends_it_always_loses() -> None:
    assert holds(figures(lost_out={"samples": 600, "worst": 600, "pieces": 1}), "stock")


def test_memory_is_judged_on_the_first_way_up() -> None:
    way = [{"calls": calls, "rss_mb": rss} for calls, rss in ((10, 110.0), (40, 140.0), (25, 139.0), (30, 139.0))]
    assert mb_per_call(way) == 1.0
    assert mb_per_call(way[:1]) is None


def test_a_child_is_pinned_where_it_belongs_though_its_parent_is_pinned_elsewhere() -> None:
    places = sorted({core_number(0), core_number(1)})
    script = f"from bench.machine import pin; import os; pin({places[0]}); print(os.sched_getaffinity(0))"
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {places[-1]})
    try:
        told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    finally:
        os.sched_setaffinity(0, here)
    assert told.strip() == f"{{{places[0]}}}"


def test_the_summary_has_what_was_promised_and_owns_up_to_noise() -> None:
    visits = {"greeting_ms": summary([80.0]), "lost_at_start": 3, "lost_of_greeting": 0, "visits": 1}
    ours = {
        "kind": "ours", "round": 1, "ready_s": 2.5, "idle_mb": 130.0, "visits": visits, "levels": [figures()],
        "mb_per_call": 0.9, "ramp": {"held": 40, "steps": [figures(40, use={"cpu": 40.0, "others_on_core": 30.0})]},
        "barge_in": {"clear_ms": summary([1.0, 2.0]), "stale_frames": 0},
    }  # fmt: skip
    result: dict[str, Any] = {
        "plan": {"levels": [10]},
        "runs": [ours],
        "extras": {"rotation": {"streams": 7, "lost": 4}},
    }
    told = summarise(result)
    assert told["added_latency_ms"]["ours"] == {"p50": 4.5, "p99": 4.99}
    assert told["calls_per_core"] == {"ours": 40}
    assert told["samples_lost"] == 7
    assert told["noise"]["quiet"] is False
    assert "| added latency, 10 calls, p50 / p99 ms | 4.5 / 4.99 |" in table(result)
    held = {aim.text: aim.held for aim in aims.aims(result)}
    assert held["added latency at 10 calls, p50 ms"] is True
    assert held["samples lost"] is False
    assert held["calls per core, ours / stock"] is None, "stock was not measured"
    assert "| samples lost | ≤ 0 | 7 | **no** |" in aims.table(result)


def test_an_aim_from_below_is_held_from_above() -> None:
    assert aims.Aim("calls", 2.0, 2, at_least=True).held
    assert not aims.Aim("calls", 1.9, 2, at_least=True).held
    assert not aims.Aim("ms", 2.1, 2).held


def test_a_page_keeps_what_stands_around_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "plot", lambda result, folder: [folder / "picture.png"])
    monkeypatch.setattr(pages, "table", lambda result: "the table\n")
    monkeypatch.setattr(aims, "table", lambda result: "the aims\n")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{pages.BEGIN}\nold\n{pages.END}\nafter\n")
    machine = {"cpu": "a core", "python": "3.13", "profile_guided": False}
    result = {
        "began": "2026-01-02T03:04",
        "machine": machine,
        "plan": {"rounds": 2},
        "summary": {"noise": {"quiet": False}},
    }
    pages.publish(result, page)
    told = page.read_text()
    assert told.startswith(f"before\n{pages.BEGIN}\n\nMeasured on 2026-01-02, a core, Python 3.13 (built without")
    assert told.endswith(f"the aims\n\nthe table\n\n![picture](picture.png)\n\n{pages.END}\nafter\n")
    assert "old" not in told
    assert "**Others were using" in told


def test_a_sample_counts_for_the_innermost_part_it_was_in() -> None:
    stack = ("numpy/core.py:dot", "agent/audio/resample.py:Resampler._drain", "agent/playout.py:Playout.next_frame")
    assert part_of(stack) == "FIR"
    assert part_of(("asyncio/runners.py:Runner.run", "uvicorn/server.py:Server.run")) == "event loop"
    parts, own, total = shares([(stack, 3), (stack[1:], 1)])
    assert parts == {"FIR": 4}
    assert own["numpy/core.py:dot"] == 3
    assert total["agent/playout.py:Playout.next_frame"] == 4

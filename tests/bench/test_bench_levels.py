"""What `carlos bench --lines` works out beside measuring."""

from __future__ import annotations

import pytest

from bench.levels import KINDS, STORM, most_held, numbers, table
from bench.stats import summary

OURS, _, STOCK = KINDS


def row(server: str, lines: int, gap_ms: float, lost: int = 0) -> dict[str, object]:
    return {
        "server": server,
        "lines": lines,
        "calls": lines,
        "alive": lines,
        "unanswered": 0,
        "added_latency_ms": summary([]),
        "gap_ms": summary([gap_ms]),
        "caller_late_ms": summary([]),
        "lost_out": {"samples": lost},
        "lag_ms": {"n": 0, "busy_share": 0.25},
        "use": {"cpu": 50.0, "others_on_core": 1.0},
    }


def test_lines_are_measured_from_few_to_many_and_each_number_once() -> None:
    assert numbers("80,30, 40,30") == (30, 40, 80)


@pytest.mark.parametrize("text", ["", "forty", "30,,40", "0", "-1", "30;40", "161"])
def test_a_list_that_is_none_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"no list of numbers|1 to 160 lines"):
        numbers(text)


def test_stock_pipecat_begins_with_what_it_may_hold() -> None:
    assert OURS.lines([30, 80]) == [30, 80]
    assert STOCK.lines([30, 80]) == [10, 20, 30, 80]


def test_lines_are_held_as_far_as_all_fewer_are() -> None:
    rows = [row(OURS.name, 30, 21), row(OURS.name, 40, 61), row(OURS.name, 48, 20), row(STOCK.name, 10, 20, lost=9)]
    assert most_held(OURS, rows) == 30
    assert most_held(OURS, [row(OURS.name, 30, 21, lost=1)]) == 0
    assert most_held(STOCK, rows) == 10  # it loses the end of every answer


def test_the_table_has_a_row_for_each_measurement_and_says_when_the_machine_was_busy() -> None:
    storm = row(OURS.name, 40, 25) | {"new_calls": 120, "not_greeted": 3, "greeting_ms": summary([12.0])}
    result = {"rows": [row(OURS.name, 40, 24)], "storms": [storm], "held": {OURS.name: 40}, "quiet": False}
    text = table(result)
    assert text.count(f"| {OURS.name} | 40 | – / – |") == 2
    assert "| 50.0 | 25 | 1.0 | – | 120 | 3 | 12.0 / 12.0 |" in text
    assert f"beside {STORM['per_s']} new calls a second" in text
    assert "these figures say little" in text

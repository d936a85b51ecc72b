"""What `carlos bench --processes` works out beside measuring."""

from __future__ import annotations

import pytest

from bench.caller import media_path
from bench.processes import STORM, Cores, TooFewCores, numbers, shares, table, together
from bench.stats import summary


def test_each_process_has_a_core_and_so_have_the_calls_of_eighty() -> None:
    assert Cores.among(range(16), 4, 80) == Cores((0, 1, 2, 3), (4, 5, 6, 7))
    assert Cores.among(range(16), 8, 40) == Cores(tuple(range(8)), (8, 9, 10, 11))


def test_processes_with_few_calls_share_a_core() -> None:
    assert Cores.among([3, 5], 2, 5) == Cores((3,), (5,))


@pytest.mark.parametrize(("processes", "callers", "takes"), [(2, 40, 3), (1, 100, 3), (64, 200, 224)])
def test_what_the_machine_cannot_do_is_refused_with_what_it_takes(processes: int, callers: int, takes: int) -> None:
    with pytest.raises(TooFewCores, match=f"take {takes} cores, .* this machine has 2"):
        Cores.among([0, 1], processes, callers)


@pytest.mark.parametrize("text", ["", "one", "1,,2", "0", "-1", "1;2", "65", "1.5"])
def test_a_list_that_is_none_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"no list of numbers|1 to 64 processes"):
        numbers(text)


def test_processes_are_measured_in_the_order_they_are_asked_for() -> None:
    assert numbers("4,1, 2") == (4, 1, 2)


def test_calls_are_spread_and_none_is_forgotten() -> None:
    assert shares(7, 3) == [3, 2, 2]
    assert shares(1, 2) == [1, 0]


def seen(latencies: list[float], turns: int) -> dict[str, object]:
    figures = {"latency_ms": latencies, "gaps_ms": [20.0], "late_ms": [0.1]}
    return figures | {"calls": 2, "alive": 2, "turns": turns}


def test_figures_of_all_callers_are_one_distribution_and_not_a_mean_of_means() -> None:
    all_of_them = together([seen([1.0], 1), seen([3.0, 5.0], 4)])
    assert (all_of_them["calls"], all_of_them["turns"], all_of_them["unanswered"]) == (4, 5, 2)
    assert all_of_them["added_latency_ms"] == summary([1.0, 3.0, 5.0])


def test_the_table_has_a_row_for_each_number_and_survives_a_run_in_which_nothing_was_heard() -> None:
    row = together([seen([], 1)]) | {"processes": 2, "cores": 0.5, "others": 0.0, "rss_mb": 300}
    stormy = row | {"new_calls": 10, "failed": 1, "unheard": 2, "greeting_ms": summary([])}
    text = table({"rows": [row, row | {"storm": stormy}]})
    assert text.count("\n| 2 | 2 | – / – | 20.0 | 1 | 0 | 0.5 |") == 3
    assert f"beside {STORM['per_s']} new calls a second" in text


def test_the_media_stream_is_where_the_twiml_says() -> None:
    twiml = '<Connect><Stream name="carlos" url="ws://localhost:80/twilio/media/CA1"><Parameter name="a" value="b"/>'
    assert media_path(twiml) == "/twilio/media/CA1"
    assert media_path("") == ""

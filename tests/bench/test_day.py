"""The scripted day: each script once, as the owner is told of it; and a judge that sees what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.day import Told, judge, run
from bench.day_calls import SCRIPTS, Truth
from data.call_flags import Flag
from data.dispositions import Disposition


@pytest.mark.slow
async def test_the_owner_is_told_of_each_call_what_is_known_of_it(tmp_path: Path) -> None:
    result, verdict = await run(len(SCRIPTS), 1, tmp_path)
    assert verdict.wrong == []
    assert result == {
        "calls": len(SCRIPTS),
        "dispositions_wrong": 0,
        "flags_precision": 1.0,
        "flags_recall": 1.0,
        "webhooks_missed": 0,
        "webhooks_doubled": 0,
    }


KNOWN = {"CA1": Truth("booked", {"booked": 1}, frozenset({"dead_air"})), "CA2": Truth("nothing_done")}


def told(**changes: object) -> Told:
    calls = {
        "CA1": {"disposition": "booked", "done": {"booked": 1}, "flags": [{"flag": "dead_air", "at_ms": 1}]},
        "CA2": {"disposition": "nothing_done", "done": {}, "flags": []},
    }
    found = {str(each): frozenset[str]() for each in (*Disposition, *Flag)}
    found |= {"booked": frozenset({"CA1"}), "dead_air": frozenset({"CA1"}), "nothing_done": frozenset({"CA2"})}
    day = {"calls": 2, "dispositions": {"booked": 1, "nothing_done": 1}, "done": {"booked": 1}}
    return replace(Told(calls, found, day), **changes)  # type: ignore[arg-type]


def test_what_is_told_rightly_is_right() -> None:
    verdict = judge(KNOWN, told())
    assert (verdict.wrong, verdict.precision, verdict.recall) == ([], 1.0, 1.0)


def test_a_wrong_disposition_flag_search_or_sum_is_seen() -> None:
    right = told()
    booked = judge(KNOWN, told(calls={**right.calls, "CA2": right.calls["CA1"]}))
    assert (booked.calls_wrong, booked.precision, booked.recall) == ({"CA2"}, 0.5, 1.0)
    missed = judge(KNOWN, told(calls={**right.calls, "CA1": right.calls["CA1"] | {"flags": []}}))
    assert (missed.precision, missed.recall) == (1.0, 0.0)
    assert judge(KNOWN, told(calls={"CA1": right.calls["CA1"]})).calls_wrong == {"CA2"}
    assert judge(KNOWN, told(found=right.found | {"booked": frozenset()})).calls_wrong == {"CA1"}
    assert judge(KNOWN, told(day=right.day | {"done": {}})).calls_wrong == {"day"}

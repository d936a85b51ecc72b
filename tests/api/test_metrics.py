"""Metrics: one definition, two ways out."""

from __future__ import annotations

import io
import json
import sys

import pytest

from carlos.telemetry import MeasuredBackend, emf_interval, emit, telemetry
from common import metrics
from common.settings import Settings
from data.backends.base import Absent, ConditionFailed, Put
from data.errors import Unavailable
from data.store import Store
from data.tables import TableName


@pytest.fixture(autouse=True)
def _told_everything() -> None:
    list(metrics.emf(0))


def test_what_is_counted_comes_out_both_ways() -> None:
    before = _value("carlos_calls_total", line="phone", outcome="completed")
    metrics.CALLS.add(line="phone", outcome="completed")
    assert _value("carlos_calls_total", line="phone", outcome="completed") == before + 1
    line = next(line for line in metrics.emf(7) if "Calls" in line)
    assert line["_aws"] == {
        "Timestamp": 7,
        "CloudWatchMetrics": [
            {
                "Namespace": "Carlos",
                "Dimensions": [[]],
                "Metrics": [{"Name": "Calls", "Unit": "Count"}],
            }
        ],
    }
    assert (line["Calls"], line["line"], line["outcome"]) == (1, "phone", "completed")
    assert not any("Calls" in line for line in metrics.emf(8)), "told once"


def test_labels_are_dimensions_only_of_values_that_an_alarm_asks_for() -> None:
    metrics.REFUSALS.add(reason="full")
    metrics.REFUSALS.add(2, reason="blocked")
    told = {line["reason"]: line for line in metrics.emf(0) if "Refusals" in line}
    dimensions = {reason: line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for reason, line in told.items()}
    assert dimensions == {"full": [[], ["reason"]], "blocked": [[]]}
    assert [line["Refusals"] for line in told.values()] == [1, 2]


def test_active_calls_and_lost_audio_are_told_even_when_there_are_none() -> None:
    for _ in range(2):
        plain = list(metrics.emf(0))[-1]
        assert (plain["ActiveCalls"], plain["AudioLost"]) == (0, 0)
        assert plain["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]


def test_times_are_seconds_here_and_milliseconds_there() -> None:
    metrics.TURN_LATENCY.observe(0.75)
    metrics.TURN_LATENCY.observe(1.5)
    assert list(metrics.emf(0))[-1]["TurnLatency"] == [750, 1500]


def test_an_array_has_a_hundred_values_at_most_and_none_is_lost() -> None:
    for _ in range(250):
        metrics.TURN_LATENCY.observe(0.001)
    told = [line["TurnLatency"] for line in metrics.emf(0) if "TurnLatency" in line]
    assert sorted(len(part) for part in told) == [50, 100, 100]


def test_what_nobody_collects_does_not_pile_up() -> None:
    for _ in range(2 * metrics._KEPT_VALUES):
        metrics.TURN_LATENCY.observe(0.001)
    told = [value for line in metrics.emf(0) for value in line.get("TurnLatency", [])]
    assert len(told) == metrics._KEPT_VALUES


def test_what_happens_at_every_frame_is_told_by_its_worst() -> None:
    for seconds in (0.001, 0.040, 0.002):
        metrics.PACING_LATENESS.observe(seconds)
    assert list(metrics.emf(0))[-1]["PacingLateness"] == 40


def test_every_metric_has_a_place_in_the_exposition() -> None:
    text = metrics.exposition().decode()
    for metric in metrics.DEFINITIONS:
        assert f"# HELP {metrics._snake(metric.name)}" in text


async def test_the_store_is_timed_and_a_condition_is_no_failure(store: Store) -> None:
    backend = MeasuredBackend(store.backend)
    item = {"PK": "X", "SK": "X"}
    await backend.transact([Put(TableName.CALLS, item, Absent())])
    with pytest.raises(ConditionFailed):
        await backend.transact([Put(TableName.CALLS, item, Absent())])
    assert await backend.get(TableName.CALLS, "X", "X") == item
    told = {(line["operation"], line["outcome"]) for line in metrics.emf(0) if "StoreLatency" in line}
    assert told == {("transact", "done"), ("transact", "condition"), ("get", "done")}


async def test_a_store_that_does_not_answer_is_counted_once_an_operation(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> None:
        raise Unavailable("nobody there")

    monkeypatch.setattr(store.backend, "get", silent)
    backend = MeasuredBackend(store.backend)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await backend.get(TableName.CALLS, "X", "X")
    assert list(metrics.emf(0))[-1]["StoreErrors"] == 2


@pytest.mark.parametrize(
    ("setting", "terminal", "seconds"),
    [(None, True, 0), (None, False, 30), (5, True, 5), (5, False, 5), (0, False, 0)],
)
def test_a_terminal_is_spared_the_metrics_unless_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, setting: float | None, terminal: bool, seconds: float
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert emf_interval(setting) == seconds


async def test_what_is_left_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    async with telemetry(emf_seconds=3600):
        metrics.ROTATIONS.add()
    assert json.loads(out.getvalue().splitlines()[-1])["Rotations"] == 1
    emit()
    assert json.loads(out.getvalue().splitlines()[-1])["Rotations"] == 0


async def test_the_namespace_is_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.model_fields["metrics_namespace"].default == metrics.NAMESPACE
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    async with telemetry(3600, "Carlos/carlos-demo"):
        metrics.CALLS.add(line="phone", outcome="completed")
    told = [json.loads(line)["_aws"]["CloudWatchMetrics"] for line in out.getvalue().splitlines()]
    assert len(told) > 1
    assert {directive["Namespace"] for (directive,) in told} == {"Carlos/carlos-demo"}


def _value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0

"""Metrics: one definition, two ways out."""

from __future__ import annotations

import io
import json
import sys

import pytest

from carlos.telemetry import MeasuredBackend, emit, telemetry
from common import metrics
from common.settings import Settings
from data.backends.base import Absent, ConditionFailed, Put
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
                "Dimensions": [[], ["line", "outcome"]],
                "Metrics": [{"Name": "Calls", "Unit": "Count"}],
            }
        ],
    }
    assert (line["Calls"], line["line"], line["outcome"]) == (1, "phone", "completed")
    assert not any("Calls" in line for line in metrics.emf(8)), "told once"


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

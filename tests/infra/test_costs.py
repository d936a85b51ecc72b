"""docs/costs.md: its sums are its formula's, and what it counts is what there is."""

from __future__ import annotations

import json
import re
from itertools import product
from math import ceil

import pytest

from common import metrics
from tests.infra.planned_stage import INFRA, ROOT, STAGES, Stage

PAGE = (ROOT / "docs" / "costs.md").read_text()
MONTH_H = 730
OPEN_H = 9 * 22
CALL_MINUTES = 3
PEAK = 2  # times the average
TRAFFIC = 0.0003 + 0.00001  # USD a minute: NAT and load balancer
WRITE_UNITS = 60  # at most, of a call of 8 exchanges
READ_UNITS = 50
EMF_BYTES = 1400  # of the line that is written when nobody calls
MANY = ("a", "b", "c")  # values of a label


def prices() -> dict[str, float]:
    return {key: float(usd) for key, usd in re.findall(r"^\| `(\w+)` [^|]*\| ([\d.]+)", PAGE, re.MULTILINE)}


def sizes(stage: str) -> dict[str, int]:
    text = (INFRA / f"{stage}.tfvars").read_text()
    return {key: int(value) for key, value in re.findall(r"^(\w+) += (\d+)$", text, re.MULTILINE)}


def default(variable: str) -> int:
    declared = (INFRA / "variables.tf").read_text().partition(f'variable "{variable}"')[2].partition("\n}")[0]
    return int(re.findall(r"default += (\d+)", declared)[0])


def task_hour() -> float:
    return default("task_cpu") / 1024 * prices()["F_cpu"] + default("task_memory") / 1024 * prices()["F_mem"]


def hourly(stage: str) -> float:
    price, size = prices(), sizes(stage)
    addresses = 2 + (size["nat_gateways"] or size["min_tasks"])
    fixed = price["A"] + size["nat_gateways"] * price["N"] + addresses * price["I"]
    return size["min_tasks"] * task_hour() + fixed


def said(pattern: str) -> tuple[str, ...]:
    found = re.search(pattern, PAGE)
    assert found is not None, pattern
    return found.groups()


def watching() -> float:
    (own,) = said(r"\| metrics of our own \| (\d+)")
    (alarms,) = said(r"\| alarms \| (\d+) metrics")
    price = prices()
    return int(own) * price["C_metric"] + int(alarms) * price["C_alarm"] + price["C_board"] + price["K"]


def worked_out(calls: int) -> str:
    """The row of the table for so many calls a month."""
    price, least, minutes = prices(), sizes("prod")["min_tasks"], calls * CALL_MINUTES
    live = PEAK * minutes / (OPEN_H * 60)
    tasks = max(least, ceil(live / default("target_calls")))
    parts = [
        minutes * (price["P"] + price["S"]),
        minutes * price["M"],
        minutes * TRAFFIC,
        calls * (WRITE_UNITS * price["D_w"] + READ_UNITS * price["D_r"]) / 1e6,
        MONTH_H * hourly("prod") + OPEN_H * (tasks - least) * task_hour(),
        watching(),
    ]
    told = " | ".join(f"{part:,.2f}" for part in parts)
    return f"| {calls:,} | {ceil(live)} | {tasks} | {told} | **{sum(parts):,.0f}** | {sum(parts) / calls:.3f} |"


@pytest.mark.parametrize("stage", STAGES)
def test_the_months_sum_is_the_formulas(stage: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{stage}` |")]
    assert row.endswith(f"730 × {hourly(stage):.4f} = **{MONTH_H * hourly(stage):.0f}** |")


@pytest.mark.parametrize("calls", [500, 50_000, 1_000_000])
def test_a_month_that_is_worked_out_is_the_formulas(calls: int) -> None:
    assert worked_out(calls) in PAGE.splitlines()


def test_what_a_call_writes_is_what_the_store_may_write() -> None:
    assert said(r"`W` = (\d+) write units .* `R` = (\d+) read units: ([\d.]+\d)") == (
        str(WRITE_UNITS),
        str(READ_UNITS),
        f"{(WRITE_UNITS * prices()['D_w'] + READ_UNITS * prices()['D_r']) / 1e6:.6f}",
    )


def test_the_price_of_watching_is_the_sum_of_its_parts() -> None:
    assert said(r"Together \*\*([\d.]+)\*\* for each stage") == (f"{watching():.2f}",)
    for count, price, product_ in re.findall(r"(\d+) × (0\.\d0) = \*\*([\d.]+)\*\*", PAGE):
        assert f"{int(count) * float(price):.2f}" == product_


@pytest.fixture
def nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has just begun, whatever other tests have counted."""
    list(metrics.emf(0))
    for metric in metrics.DEFINITIONS:
        if isinstance(metric, metrics.Gauge) and metric.labels:
            monkeypatch.setattr(metric, "_now", {})


def test_the_metrics_that_are_paid_for_are_those_that_are_published_whatever_the_labels(nothing_yet: None) -> None:
    for metric in metrics.DEFINITIONS:
        for values in [*product(MANY, repeat=len(metric.labels)), *metric.watched]:
            happen(metric, dict(zip(metric.labels, values, strict=True)))
    billed: set[tuple[object, ...]] = set()
    for line in metrics.emf(0):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        for told, dimensions in product(directive["Metrics"], directive["Dimensions"]):
            billed.add((told["Name"], *((name, line[name]) for name in dimensions)))
    assert len(billed) == len(metrics.DEFINITIONS) + sum(len(metric.watched) for metric in metrics.DEFINITIONS)
    assert said(r"\| metrics of our own \| (\d+)") == (str(len(billed)),)


def happen(metric: metrics.Metric, labels: dict[str, str]) -> None:
    match metric:
        case metrics.Counter():
            metric.add(0, **labels)
        case metrics.Gauge():
            metric.set(0, **labels)
        case metrics.Timer():
            metric.observe(0.0, **labels)


def test_the_line_of_an_idle_server_is_as_long_as_is_reckoned(nothing_yet: None) -> None:
    size = sum(
        len(json.dumps(line)) + 1 for line in metrics.emf(1_800_000_000_000, "Carlos/nova-sonic-server-app-prod")
    )
    assert 0.8 * EMF_BYTES < size <= EMF_BYTES
    gigabytes = EMF_BYTES * 2 * 60 * MONTH_H / 1e9
    assert said(r"are ([\d.]+) kB each, two a minute, .*: ([\d.]+) GB a month of a task, ([\d.]+)\.") == (
        f"{EMF_BYTES / 1000:.1f}",
        f"{gigabytes:.1f}",
        f"{gigabytes * prices()['G']:.2f}",
    )


@pytest.mark.slow
def test_the_alarms_that_are_paid_for_are_those_that_terraform_makes(stage: Stage) -> None:
    alarms = stage.all("aws_cloudwatch_metric_alarm")
    watched = sum(
        len([metric for query in alarm["metric_query"] for metric in query["metric"]]) or 1 for alarm in alarms
    )
    assert said(r"\| alarms \| (\d+) metrics in (\d+) alarms") == (str(watched), str(len(alarms)))

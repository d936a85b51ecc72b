"""Alarms, dashboard and runbook: they watch what there is, are drawn, and say what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product

import pytest

from agent.capacity import Admission
from common import metrics
from common.settings import Settings
from data.records import TABLES
from tests.infra.planned_stage import ROOT, Json, Stage

pytestmark = pytest.mark.slow

MAX_METRICS_OF_AN_EXPRESSION = 10  # CloudWatch's, for an alarm
MAX_DESCRIPTION = 1024
ANSWERS = ("Means", "The caller hears", "First", "Over when")

type Dimensions = frozenset[tuple[str, str]]
type Watched = tuple[str, str, Dimensions]


def alarms(stage: Stage) -> dict[str, Json]:
    prefix = f"nova-sonic-server-app-{stage.name}-"
    return {alarm["alarm_name"].removeprefix(prefix): alarm for alarm in stage.all("aws_cloudwatch_metric_alarm")}


def watched_by(alarm: Json) -> list[Watched]:
    """Namespace, name and dimensions of each metric of an alarm."""
    asked = [metric for query in alarm["metric_query"] for metric in query["metric"]] or [alarm]
    return [(a["namespace"], a["metric_name"], frozenset((a["dimensions"] or {}).items())) for a in asked]


def charts(stage: Stage) -> list[Json]:
    widgets = json.loads(stage.one("aws_cloudwatch_dashboard")["dashboard_body"])["widgets"]
    return [widget["properties"] for widget in widgets]


def drawn_on(chart: Json) -> list[Watched]:
    """A metric is [namespace, name, dimension, value, ..., options]; an expression has its options alone."""
    plain = [[part for part in shown if isinstance(part, str)] for shown in chart["metrics"]]
    return [(p[0], p[1], frozenset(zip(p[2::2], p[3::2], strict=True))) for p in plain if p]


def of_the_server(stage: Stage) -> set[Watched]:
    """What scaling, an alarm or the dashboard reads of the server's own metrics."""
    (scaling,) = stage.one("aws_appautoscaling_policy")["target_tracking_scaling_policy_configuration"]
    (followed,) = scaling["customized_metric_specification"]
    assert not followed["dimensions"]
    seen = {(followed["namespace"], followed["metric_name"], frozenset[tuple[str, str]]())}
    seen.update(metric for alarm in alarms(stage).values() for metric in watched_by(alarm))
    seen.update(metric for chart in charts(stage) for metric in drawn_on(chart))
    return {metric for metric in seen if not metric[0].startswith("AWS/")}


def sections() -> dict[str, str]:
    """The runbook's parts by their headings, which are alarms' names."""
    page = (ROOT / "docs" / "runbook.md").read_text()
    parts = re.split(r"^### (.+)$", page, flags=re.MULTILINE)
    return {name: text.partition("\n## ")[0] for name, text in zip(parts[1::2], parts[2::2], strict=True)}


# --- what is watched -------------------------------------------------------------------------------------------


def test_every_metric_that_is_watched_is_one_that_the_server_emits(stage: Stage) -> None:
    seen = of_the_server(stage)
    assert len(seen) > 10
    assert {(name, dimensions) for _, name, dimensions in seen} <= set(published())


def published() -> Iterator[tuple[str, Dimensions]]:
    for metric in metrics.DEFINITIONS:
        yield metric.name, frozenset()
        for values in metric.watched:
            yield metric.name, frozenset(zip(metric.labels, values, strict=True))


def test_the_alarm_of_refused_calls_is_about_places_alone(stage: Stage) -> None:
    """A blocked number and a closed line are refused, too, as their owner wishes."""
    assert alarms(stage)["calls-refused"]["dimensions"] == {"reason": Admission.FULL.name.lower()}


def test_a_stages_metrics_are_watched_where_its_server_puts_them_and_nowhere_else(stages: dict[str, Stage]) -> None:
    emitted = {}
    for name, stage in stages.items():
        environment = {entry["name"]: entry["value"] for entry in stage.container()["environment"]}
        emitted[name] = Settings(_env_file=None, metrics_namespace=environment["METRICS_NAMESPACE"]).metrics_namespace
        assert {namespace for namespace, _, _ in of_the_server(stage)} == {emitted[name]}
    assert len(set(emitted.values())) == len(stages), "two stages in one account would add up"


def test_throttles_are_watched_of_each_table_and_each_index_that_the_code_declares(stage: Stage) -> None:
    seen = {
        metric
        for alarm in alarms(stage).values()
        for metric in watched_by(alarm)
        if metric[1].endswith("ThrottleEvents")
    }
    expected: set[Watched] = set()
    for table, kind in product(TABLES.values(), ("Read", "Write")):
        name = ("TableName", f"nova-sonic-server-app-{stage.name}-{table.name}")
        places = [{name}, *({name, ("GlobalSecondaryIndexName", index.name)} for index in table.indexes)]
        expected |= {("AWS/DynamoDB", f"{kind}ThrottleEvents", frozenset(place)) for place in places}
    assert seen == expected


def test_one_task_that_falls_silent_is_noticed_and_one_report_that_is_late_is_not(stage: Stage) -> None:
    environment = {entry["name"]: entry["value"] for entry in stage.container()["environment"]}
    alarm = alarms(stage)["no-heartbeat"]
    (scaling,) = stage.all("aws_appautoscaling_target")
    reports = alarm["period"] / float(environment["EMF_SECONDS"])
    assert reports * (scaling["min_capacity"] - 1) < alarm["threshold"] <= reports * scaling["min_capacity"] - 1
    assert (alarm["statistic"], alarm["comparison_operator"]) == ("SampleCount", "LessThanThreshold")
    assert alarm["treat_missing_data"] == "breaching"


def test_no_alarm_is_larger_than_cloudwatch_allows(stage: Stage) -> None:
    for name, alarm in alarms(stage).items():
        assert len(watched_by(alarm)) <= MAX_METRICS_OF_AN_EXPRESSION, name
        assert len(alarm["alarm_description"]) <= MAX_DESCRIPTION, name


# --- what is drawn and said ------------------------------------------------------------------------------------


def test_every_alarms_metrics_are_on_the_dashboard_in_a_chart_with_its_threshold(stage: Stage) -> None:
    for name, alarm in alarms(stage).items():
        found = [chart for chart in charts(stage) if set(watched_by(alarm)) <= set(drawn_on(chart))]
        lines = [line["value"] for chart in found for line in chart["annotations"]["horizontal"]]
        assert alarm["threshold"] in lines, name


def test_an_id_is_used_once_in_a_chart(stage: Stage) -> None:
    for chart in charts(stage):
        ids = [
            options["id"]
            for shown in chart["metrics"]
            for options in shown[-1:]
            if isinstance(options, dict) and "id" in options
        ]
        assert len(ids) == len(set(ids)), chart["title"]


def test_the_dashboard_reckons_with_the_servers_prices(stage: Stage) -> None:
    (costs,) = [chart for chart in charts(stage) if "costs" in chart["title"]]
    (reckoned,) = [shown[0]["expression"] for shown in costs["metrics"] if isinstance(shown[0], dict)]
    prices = {
        name.removeprefix("price_"): field.default
        for name, field in Settings.model_fields.items()
        if name.startswith("price_") and name != "price_phone_minute"
    }
    parts = {f"{name.replace('_', '')}tokens * {price:g} / 1000000" for name, price in prices.items()}
    assert set(reckoned.split(" + ")) == parts


def test_every_alarm_leads_to_its_part_of_the_runbook_and_no_part_is_about_nothing(stage: Stage) -> None:
    links = {name: alarm["alarm_description"].rpartition(" ")[2] for name, alarm in alarms(stage).items()}
    assert {link.partition("#")[0] for link in links.values()} == {"docs/runbook.md"}
    assert {link.partition("#")[2] for link in links.values()} == sections().keys()


@pytest.mark.parametrize("name", sections())
def test_each_part_of_the_runbook_answers_what_a_woken_person_asks(name: str) -> None:
    said = re.findall(r"^- \*\*(.+?)\.\*\* \S", sections()[name], re.MULTILINE)
    assert tuple(said) == ANSWERS

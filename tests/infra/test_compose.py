"""The compose file of one machine: what it names is there, its settings are accepted, what is shown is measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from common import metrics
from common.settings import Settings
from sandbox.hang import HANG_S
from sandbox.ministack import CREDENTIALS, REGION
from tests.infra.planned_stage import ROOT, TOOLS

DEPLOY = ROOT / "deploy"
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")

type Json = dict[str, Any]


def services() -> dict[str, Json]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"])


def dashboard() -> Json:
    return dict(json.loads((DEPLOY / "grafana" / "dashboards" / "carlos.json").read_text()))


# --- compose -------------------------------------------------------------------------------------------------


def test_every_image_that_is_not_built_here_is_named_with_its_digest() -> None:
    for name, service in services().items():
        built = {each["image"] for each in services().values() if "build" in each}
        assert service["image"] in built or DIGEST.search(service["image"]), name
    assert DIGEST.search(services()["image"]["build"]["args"]["BASE"]), "RELEASE=true asks for it"


def test_every_file_that_is_named_is_there() -> None:
    for service in services().values():
        if build := service.get("build"):
            assert (DEPLOY / build["context"] / build.get("dockerfile", "Dockerfile")).exists()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), source
    volumes = {volume.partition(":")[0] for service in services().values() for volume in service.get("volumes", [])}
    named = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["volumes"]
    assert {volume for volume in volumes if not volume.startswith(".")} == set(named)


def test_services_wait_for_services_that_there_are() -> None:
    for service in services().values():
        assert set(service.get("depends_on", {})) <= services().keys()
        for context in service.get("build", {}).get("additional_contexts", {}).values():
            assert context.removeprefix("service:") in services()


def test_nothing_can_be_reached_from_another_machine() -> None:
    for name, service in services().items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    of_the_host = {name for name, service in services().items() if service.get("network_mode") == "host"}
    assert of_the_host == {"server", "tables", "prometheus", "grafana"}
    assert "--web.listen-address=127.0.0.1:9090" in services()["prometheus"]["command"]
    assert services()["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize("name", ["server", "tables"])
def test_the_server_accepts_its_settings_and_needs_no_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = services()[name]["environment"]
    credentials = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert environment.keys() - credentials <= {field.upper() for field in Settings.model_fields}
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    settings = Settings(_env_file=None)
    assert not settings.is_public
    assert settings.sonic == "local"
    assert f"127.0.0.1:{settings.dynamodb_endpoint.rpartition(':')[2]}:8000" in services()["store"]["ports"]  # type: ignore[union-attr]


def test_the_server_can_write_where_its_image_says_and_nowhere_else() -> None:
    server = services()["server"]
    assert server["read_only"]
    written = {volume.partition(":")[2] for volume in server["volumes"]} | set(server["tmpfs"])
    declared = re.findall(r"^VOLUME (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert written == set(json.loads(declared[0]))


def test_the_stand_ins_image_gets_the_stand_in_and_is_nobody_special() -> None:
    text = (DEPLOY / "standin.Dockerfile").read_text()
    (user,) = re.findall(r"^USER (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1] == user
    copied = set(re.findall(r"(requirements/\S+\.txt|sandbox) ", text))
    allowed = (DEPLOY / "standin.Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in allowed if line.startswith("!")} == copied
    assert all((ROOT / path).exists() for path in copied)
    done = subprocess.run([TOOLS / "hadolint", DEPLOY / "standin.Dockerfile"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.ministack
def test_the_tables_and_the_demos_records_are_made_once(local_aws: Callable[[], str], tmp_path: Path) -> None:
    environment = dict(os.environ) | {
        "STORE": "dynamodb",
        "DYNAMODB_ENDPOINT": local_aws(),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
        "CARLOS_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    environment |= {f"{table}_TABLE": f"compose-{table.lower()}" for table in ("ORDERS", "APPOINTMENTS", "CALLS")}
    said = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, DEPLOY / "make_tables.py"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=True,
        )
        said.append(done.stdout)
    assert re.search(r"[1-9]\d* records added, 0 left", said[0])
    assert re.search(r" 0 records added, [1-9]\d* left", said[1])


@pytest.mark.slow
def test_a_store_that_is_not_local_gets_no_tables(tmp_path: Path) -> None:
    environment = dict(os.environ) | {"CARLOS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, DEPLOY / "make_tables.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "set STORE=dynamodb and DYNAMODB_ENDPOINT" in done.stderr


# --- what is scraped and shown -------------------------------------------------------------------------------


def test_the_server_is_scraped_where_it_listens() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())["scrape_configs"]
    port = services()["server"]["environment"]["WS_PORT"]
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]
    assert job["metrics_path"] == "/metrics"


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://127.0.0.1:9090"
    assert {panel["datasource"]["uid"] for panel in dashboard()["panels"]} == {source["uid"]}
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "carlos.yaml").read_text())["providers"]
    mounted = {volume.split(":")[1]: volume.split(":")[0] for volume in services()["grafana"]["volumes"]}
    assert mounted[provider["options"]["path"]] == "./grafana/dashboards"
    home = services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/carlos.json"


def exposed() -> Iterator[tuple[str, set[str]]]:
    """The name of each series of ours in Prometheus, and its labels."""
    for metric in metrics.DEFINITIONS:
        name = "carlos" + re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", metric.name)
        labels = set(metric.labels)
        match metric:
            case metrics.Counter():
                yield f"{name}_total", labels
            case metrics.Timer():
                yield from ((f"{name}_seconds_{part}", labels | {"le"}) for part in ("bucket", "sum", "count"))
            case _:
                yield name, labels


def test_every_query_is_about_a_metric_that_the_server_has_by_labels_that_it_has() -> None:
    series = dict(exposed())
    queries = [target for panel in dashboard()["panels"] for target in panel["targets"]]
    assert len(queries) > 20
    for query in queries:
        (name,) = re.findall(r"carlos_\w+", query["expr"])
        assert name in series, query["expr"]
        grouped = {label.strip() for part in re.findall(r"by \(([^)]*)\)", query["expr"]) for label in part.split(",")}
        assert grouped <= series[name], query["expr"]
        assert set(re.findall(r"{{(\w+)}}", query["legendFormat"])) <= grouped - {"le"}, query["legendFormat"]


def test_the_names_in_the_queries_are_the_expositions() -> None:
    text = metrics.exposition().decode()
    for name, labels in exposed():
        if not labels - {"le"}:
            assert re.search(rf"^{name}\b", text, re.MULTILINE), name

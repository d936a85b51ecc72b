"""Settings: each is described, a typing error is named, and the page about them is the code's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from common.settings import CONCERNS, Settings
from common.settings.misspelt import misspelt, names_given
from common.settings.page import page

ROOT = Path(__file__).parent.parent.parent


def test_every_setting_is_described_and_belongs_to_one_concern() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
    assert sorted(name for concern in CONCERNS for name in concern.model_fields) == sorted(Settings.model_fields)


def test_a_number_of_seconds_says_so() -> None:
    timed = {name: field.description or "" for name, field in Settings.model_fields.items() if name.endswith("_s")}
    assert [name for name, text in timed.items() if "econds" not in text] == []


def test_the_page_of_settings_is_made_from_them() -> None:
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page() + "\n", "python -m common.settings.page > docs/settings.md"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LOG_LEVEL", "LOGLEVEL"),
        ("MAX_CALL", "MAX_CALLS"),
        ("TWILIO_AUTHTOKEN", "TWILIO_AUTH_TOKEN"),
        ("order_table", "ORDERS_TABLE"),
        ("SONIC_REGION", "SONIC_REGIONS"),
        ("CARLOS_STORE", None),
    ],
)
def test_a_name_that_was_meant_for_carlos_is_named(name: str, meant: str | None) -> None:
    assert misspelt([name]) == {name.upper(): meant}


def test_names_that_are_others_are_let_be() -> None:
    others = ["HOSTNAME", "PORT", "PATH", "HOME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "TWILIO_API_KEY", "SHELL", "USER"]
    assert misspelt([*others, *(name.upper() for name in Settings.model_fields)]) == {}


def test_names_are_read_where_settings_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAX_CALL=3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    assert {"MAX_CALL", "LOG_LEVEL"} <= names_given()


@pytest.mark.parametrize(
    ("given", "streams"),
    [
        ({}, {"sa-east-1": 20}),
        ({"sonic_region_streams": "40"}, {"sa-east-1": 40}),
        ({"sonic_regions": "us-west-2,us-east-1"}, {"us-west-2": 20, "us-east-1": 20}),
        (
            {"sonic_regions": "us-east-1,us-west-2", "sonic_region_streams": "30, us-west-2=50"},
            {"us-east-1": 30, "us-west-2": 50},
        ),
    ],
)
def test_each_region_has_its_streams_the_preferred_one_first(given: dict[str, Any], streams: dict[str, int]) -> None:
    settings = Settings(_env_file=None, aws_default_region="sa-east-1", **given)
    assert list(settings.streams_in(settings.aws_default_region).items()) == list(streams.items())


@pytest.mark.parametrize(
    "given",
    [
        {"sonic_region_streams": "viele"},
        {"sonic_region_streams": "0"},
        {"sonic_region_streams": "us-west-2=40"},
        {"sonic_region_streams": "9" * 5000},
        {"sonic_region_streams": "2", "fleet_leases": "on"},
    ],
)
def test_streams_that_no_region_can_have_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, **given)


def test_streams_are_leased_where_tasks_share_a_store_and_none_is_opened_ahead_then() -> None:
    alone, shared = Settings(_env_file=None), Settings(_env_file=None, store="dynamodb")
    assert (alone.leases_streams, alone.preconnects) == (False, True)
    assert (shared.leases_streams, shared.preconnects) == (True, False)
    one_task = Settings(_env_file=None, store="dynamodb", preconnect="always")
    assert (one_task.leases_streams, one_task.preconnects) == (True, True)

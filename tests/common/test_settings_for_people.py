"""Settings as a person gives them: all that is wrong at once, empty values, doubts, and the file with all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from common.settings import Settings
from common.settings.concern import MAY_BE_EMPTY
from common.settings.doubts import SONIC_REGIONS, SONIC_VOICES, doubts
from common.settings.env_example import env_example
from common.settings.problems import problems

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nothing of ours is set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def told() -> list[str]:
    with pytest.raises(ValidationError) as error:
        Settings()
    return problems(error.value)


def test_bad_values_and_bad_combinations_are_told_at_once(bare: pytest.MonkeyPatch) -> None:
    for name, value in {
        "MAX_CALLS": "many",
        "STORE": "mysql",
        "HOST": "0.0.0.0",  # noqa: S104 - refused
        "FOLLOW_UP": "sms",
        "ADMIN_API_KEYS": "foo,ana:read:sha256=zzz",
    }.items():
        bare.setenv(name, value)
    lines = told()
    for each in (
        "MAX_CALLS: ",
        "STORE: ",
        "set TWILIO_AUTH_TOKEN",
        "set PUBLIC_BASE_URL",
        "FOLLOW_UP_FROM",
        "entry 1",
        "entry 2",
    ):
        assert any(each in line for line in lines), each
    assert not any("Value error" in line or "many" in line or "zzz" in line for line in lines)


def test_a_combination_is_not_told_of_a_value_that_could_not_be_read(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("RECORDINGS", "s3")
    bare.setenv("FOLLOW_UP", "telegram")
    lines = told()
    assert [line.partition(":")[0] for line in lines] == ["FOLLOW_UP", "RECORDINGS=s3"]


def test_an_empty_variable_is_one_that_is_not_set(bare: pytest.MonkeyPatch) -> None:
    defaults = Settings()
    for name in Settings.model_fields:
        bare.setenv(name.upper(), "")
    made = Settings()
    kept = {name for name in Settings.model_fields if getattr(made, name) != getattr(defaults, name)}
    lists = {name for name in kept if getattr(made, name) == ()}
    assert kept == lists | MAY_BE_EMPTY, "an empty list is a list, and empty prefixes and overrides mean something"


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("admin_api_keys", "ana:read:key-1, beto:read:key-2"),
        ("allowed_countries", "AR, UY"),
        ("allowed_origins", "http://localhost:3000, http://localhost:3001"),
        ("blocked_numbers", "+5491155550100, +882*"),
        ("sonic_region_streams", "20, us-east-1=40"),
        ("sonic_regions", "us-east-1, us-west-2"),
        ("twilio_auth_token", "old, new"),
    ],
)
def test_a_list_is_written_with_commas(bare: pytest.MonkeyPatch, name: str, entries: str) -> None:
    bare.setenv(name.upper(), entries)
    assert len(getattr(Settings(), name)) == 2


@pytest.mark.parametrize("name", Settings.model_fields)
def test_no_value_is_a_fault_that_cannot_be_told(bare: pytest.MonkeyPatch, name: str) -> None:
    """Of a setting that is taken for JSON pydantic-settings raises an error of its own, which nothing explains."""
    bare.setenv(name.upper(), "no, such [value")
    with suppress(ValidationError):
        Settings()


def test_an_empty_variable_also_takes_back_what_the_file_says(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HEALTH_PORT=8082\nMAX_CALLS=3\n")
    bare.setenv("HEALTH_PORT", "")
    made = Settings(_env_file=tmp_path / ".env")
    assert (made.health_port, made.max_calls) == (None, 3)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, []),
        ({"aws_default_region": "mars-1"}, ["AWS_DEFAULT_REGION"]),
        ({"aws_default_region": "sa-east-1"}, []),
        ({"aws_default_region": "sa-east-1", "sonic": "bedrock"}, ["AWS_DEFAULT_REGION"]),
        ({"aws_default_region": "sa-east-1", "sonic": "bedrock", "sonic_regions": "us-east-1"}, []),
        ({"sonic": "bedrock", "sonic_regions": "us-east-1,eu-west-1,venus"}, ["SONIC_REGIONS", "SONIC_REGIONS"]),
        ({"sonic_voice": "Matthew"}, ["SONIC_VOICE"]),
        ({"sonic_voice": "x" * 5000}, ["SONIC_VOICE"]),
        ({"twilio_auth_token": (SecretStr("t"),)}, ["TWILIO_AUTH_TOKEN without TWILIO_ACCOUNT_SID"]),
        ({"twilio_account_sid": "AC1"}, ["TWILIO_ACCOUNT_SID without TWILIO_AUTH_TOKEN"]),
        ({"twilio_account_sid": "AC1", "twilio_auth_token": (SecretStr("t"),)}, []),
    ],
)
def test_what_was_probably_not_meant_is_doubted_and_not_refused(given: dict[str, Any], names: list[str]) -> None:
    lines = doubts(Settings(_env_file=None, **given))
    assert [line.partition(":")[0] for line in lines] == names
    assert all(len(line) < 250 for line in lines)


def test_what_is_known_is_not_doubted() -> None:
    for region in SONIC_REGIONS:
        assert doubts(Settings(_env_file=None, sonic="bedrock", aws_default_region=region)) == []
    for voice in SONIC_VOICES:
        assert doubts(Settings(_env_file=None, sonic_voice=voice)) == []


def test_the_example_is_made_from_the_settings() -> None:
    written = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert written == env_example(), "python -m common.settings.env_example > .env.example"


def test_the_example_with_every_line_taken_in_is_the_defaults(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = [line.removeprefix("#") for line in env_example().splitlines() if line.startswith("#") and "=" in line]
    names = [line.partition("=")[0] for line in lines if not line.startswith(" ")]
    (tmp_path / ".env").write_text("\n".join(line for line in lines if not line.startswith(" ")))
    assert names == [name.upper() for name in sorted(Settings.model_fields, key=lambda each: names.index(each.upper()))]
    assert Settings(_env_file=tmp_path / ".env") == Settings(_env_file=None)


@pytest.mark.parametrize(
    ("variable", "calls"), [({}, 3), ({"CARLOS_ENV_FILE": "other.env"}, 5), ({"CARLOS_ENV_FILE": ""}, 16)]
)
@pytest.mark.slow
def test_the_file_is_read_where_the_server_starts_unless_another_is_named(
    tmp_path: Path, variable: dict[str, str], calls: int
) -> None:
    (tmp_path / ".env").write_text("MAX_CALLS=3\n")
    (tmp_path / "other.env").write_text("MAX_CALLS=5\n")
    code = "from common.settings import Settings; print(Settings().max_calls)"
    env = {name: value for name, value in os.environ.items() if name not in ("CARLOS_ENV_FILE", "MAX_CALLS")}
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env | variable | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(shown.stdout) == calls

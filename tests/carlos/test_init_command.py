"""`carlos init`: what it asks, what it writes, what it says is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from carlos.commands import init as command
from carlos.commands.init import Question, asked, written
from common.settings import Settings

ACCOUNT, TOKEN = "AC" + "1" * 32, "a token with ' # $ \\ in it"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_out", Console(highlight=False, width=200))
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def run(file: Path, *lines: str, options: tuple[str, ...] = ()) -> Result:
    app = typer.Typer()
    command.register(app)
    lines = (*lines, "")
    return CliRunner().invoke(app, ["--file", str(file), *options], input="\n".join(lines))


def test_enter_all_the_way_is_the_stand_in_on_this_machine(tmp_path: Path) -> None:
    done = run(tmp_path / ".env", "", "", "")
    assert done.exit_code == 0
    assert Settings(_env_file=tmp_path / ".env") == Settings(_env_file=None)
    assert done.output.splitlines()[-1].startswith("next: carlos check")


def test_a_public_server_gets_all_that_it_needs_and_no_secret_is_shown(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    url = "https://carlos.example"
    done = run(file, "bedrock", "dynamodb", "us-west-2", url, ACCOUNT, TOKEN, "true")
    assert done.exit_code == 0
    made = Settings(_env_file=file)
    assert (made.sonic, made.store, made.aws_default_region, made.public_base_url) == (
        "bedrock",
        "dynamodb",
        "us-west-2",
        url,
    )
    assert made.twilio_auth_token[0].get_secret_value() == TOKEN
    assert made.record_calls
    assert TOKEN not in done.output
    assert made.is_public
    assert file.stat().st_mode & 0o077 == 0
    told = done.output.splitlines()
    key = told[next(number for number, line in enumerate(told) if "shown this once" in line) + 1]
    assert len(key) > 40
    assert key not in file.read_text(), "only its hash is kept"


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    done = run(tmp_path / ".env", "local", "sqlite", "http://carlos.example", "", "", "")
    assert "before it can start, 2 to mend" in done.output
    for each in ("set TWILIO_AUTH_TOKEN", "PUBLIC_BASE_URL must be https"):
        assert each in done.output
    assert "Value error" not in done.output


def test_what_is_doubtful_is_said(tmp_path: Path) -> None:
    assert "doubtful: AWS_DEFAULT_REGION" in run(tmp_path / ".env", "bedrock", "sqlite", "mars-1", "").output


def test_a_variable_that_goes_before_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONIC", "local")
    assert "goes before the file: SONIC" in run(tmp_path / ".env", "bedrock", "sqlite", "", "").output


def test_an_answer_that_is_none_of_the_choices_is_asked_again(tmp_path: Path) -> None:
    done = run(tmp_path / ".env", "azure", "bedrock", "", "", "")
    assert "local or bedrock, please" in done.output
    assert Settings(_env_file=tmp_path / ".env").sonic == "bedrock"


def test_what_a_file_cannot_hold_is_asked_again(tmp_path: Path) -> None:
    done = run(tmp_path / ".env", "", "", "${HOME}", "https://carlos.example", "", "", "")
    assert "in the environment instead" in done.output
    assert "PUBLIC_BASE_URL=https://carlos.example" in (tmp_path / ".env").read_text()


def test_a_file_that_is_there_is_not_replaced_unasked_and_is_kept(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MAX_CALLS=3\n")
    assert run(file, "n").exit_code == 1
    assert file.read_text() == "MAX_CALLS=3\n"
    assert run(file, "y", "", "", "").exit_code == 0
    assert "MAX_CALLS" not in file.read_text()
    assert (tmp_path / ".env.before").read_text() == "MAX_CALLS=3\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", ".env.before"]


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    done = run(tmp_path / "nowhere" / ".env", "", "", "")
    assert done.exit_code == 1
    assert "cannot be written" in done.output


def test_input_that_ends_writes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path / ".env", "local").exit_code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value", ["plain", "two words", "it's", "a#b", 'say "x"', "$HOME", "back\\slash", "\\'", "ñandú"]
)
def test_any_answer_is_read_as_it_was_given(tmp_path: Path, value: str) -> None:
    written(tmp_path / ".env", {"SONIC_VOICE": value, "MAX_CALLS": "3"})
    made = Settings(_env_file=tmp_path / ".env")
    assert (made.sonic_voice, made.max_calls) == (value, 3)


def test_only_what_differs_from_the_default_is_kept() -> None:
    def ask(question: Question, default: str) -> str:
        return {"SONIC": "bedrock", "STORE": ""}.get(question.name, default)

    assert asked(ask) == {"SONIC": "bedrock"}

"""Settings: each is described, a typing error is named, and the page about them is the code's own."""

from __future__ import annotations

from pathlib import Path

import pytest

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
        ("SONIC_REGION", None),
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
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    assert {"MAX_CALL", "LOG_LEVEL"} <= names_given()

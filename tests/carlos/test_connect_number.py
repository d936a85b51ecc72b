"""`carlos connect-number`: shown, asked about, set, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from carlos.cli import app
from tests.support.twilio_account import NUMBER_SID, SID, TOKEN, TwilioAccount, account

NUMBER = "+541152750000"
BASE = "https://carlos.example.com"
OVERRIDES = "#rc=2&rp=ct,rt,5xx&ct=2000&rt=6000"
HERE = {
    "voice_url": f"{BASE}/twilio/voice{OVERRIDES}",
    "voice_method": "POST",
    "voice_fallback_url": f"{BASE}/twilio/fallback",
    "voice_fallback_method": "POST",
    "status_callback": f"{BASE}/twilio/status{OVERRIDES}",
    "status_callback_method": "POST",
    "voice_application_sid": "",
    "trunk_sid": None,
}
NEW = HERE | {"voice_url": "https://demo.twilio.com/welcome/voice/", "status_callback": "", "voice_fallback_url": ""}


@pytest.fixture
def twilio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioAccount]:
    monkeypatch.chdir(tmp_path)
    with account() as twilio:
        for name, value in {
            "TWILIO_API_BASE": twilio.base,
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "PUBLIC_BASE_URL": BASE,
            "ADMIN_API_KEYS": f"ana:read:sha256={'0' * 64}",
        }.items():
            monkeypatch.setenv(name, value)
        yield twilio


def has(twilio: TwilioAccount, fields: dict[str, Any], number: str = NUMBER) -> dict[str, Any]:
    """The account has this number, and Twilio keeps what it is set to."""
    item = {"sid": NUMBER_SID, "phone_number": number, **fields}
    twilio.answers["IncomingPhoneNumbers"] = (200, {"incoming_phone_numbers": [item]})
    twilio.answers[f"IncomingPhoneNumbers/{NUMBER_SID}"] = (200, item)
    return item


def connect(*arguments: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["connect-number", *arguments], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def posted(twilio: TwilioAccount) -> list[dict[str, str]]:
    return [dict(form) for method, _, form in twilio.asked if method == "POST"]


def test_what_differs_is_shown_asked_about_and_set(twilio: TwilioAccount) -> None:
    item = has(twilio, NEW)
    status, output = connect("+54 11 5275-0000", typed="y\n")
    assert status == 0, output
    assert f"VoiceUrl              https://demo.twilio.com/welcome/voice/  ->  {BASE}/twilio/voice{OVERRIDES}" in output
    assert "Set VoiceUrl, VoiceFallbackUrl, StatusCallback?" in output
    assert "no call was placed" in output
    assert item == {"sid": NUMBER_SID, "phone_number": NUMBER, **HERE}
    assert twilio.asked[0] == ("GET", "IncomingPhoneNumbers", {"PhoneNumber": NUMBER})
    assert connect(NUMBER, "--check")[0] == 0


def test_without_overrides_the_urls_are_plain(twilio: TwilioAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    item = has(twilio, NEW)
    monkeypatch.setenv("WEBHOOK_OVERRIDES", "")
    assert connect(NUMBER, "--yes")[0] == 0
    assert item["voice_url"] == f"{BASE}/twilio/voice"


def test_nothing_is_set_without_a_yes(twilio: TwilioAccount) -> None:
    has(twilio, NEW)
    assert connect(NUMBER, typed="n\n")[0] == 1
    assert posted(twilio) == []


def test_a_check_only_looks(twilio: TwilioAccount) -> None:
    has(twilio, NEW)
    status, output = connect(NUMBER, "--check", "--yes")
    assert (status, posted(twilio)) == (1, [])
    assert "no call was placed" in output


def test_what_is_right_is_left_alone(twilio: TwilioAccount) -> None:
    has(twilio, HERE)
    status, output = connect(NUMBER, "--yes")
    assert (status, posted(twilio)) == (0, [])
    assert "Everything is as it should be" in output


def test_an_application_that_takes_the_calls_is_taken_off(twilio: TwilioAccount) -> None:
    item = has(twilio, HERE | {"voice_application_sid": "AP" + "4" * 32})
    status, output = connect(NUMBER, "--yes")
    assert (status, item["voice_application_sid"]) == (0, "")
    assert "it overrides the URLs" in output


def test_a_fallback_elsewhere_is_kept_to(twilio: TwilioAccount) -> None:
    item = has(twilio, HERE)
    assert connect(NUMBER, "--yes", "--fallback-url", "https://handler.twilio.com/twiml/EH1")[0] == 0
    assert item["voice_fallback_url"] == "https://handler.twilio.com/twiml/EH1"


def test_what_twilio_does_not_take_is_told(twilio: TwilioAccount) -> None:
    has(twilio, NEW)
    twilio.answers[f"IncomingPhoneNumbers/{NUMBER_SID}"] = (201, {"sid": NUMBER_SID, "phone_number": NUMBER, **NEW})
    status, output = connect(NUMBER, "--yes")
    assert status == 1
    assert "Twilio did not take VoiceUrl" in output


def test_a_number_of_another_account_is_told_with_those_there_are(twilio: TwilioAccount) -> None:
    has(twilio, NEW, number="+541140000000")
    status, output = connect(NUMBER, "--yes")
    assert (status, posted(twilio)) == (1, [])
    assert f"no number {NUMBER}; it has +541140000000" in output


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, {"code": 20003, "message": "Authenticate", "status": 401}, "TWILIO_AUTH_TOKEN is not this account's"),
        (500, b"oops", "HTTP 500"),
        (200, b"<html>", "no JSON object"),
        (429, {"code": 20429, "message": "Too Many Requests [x]"}, "error 20429: Too Many Requests [x]"),
    ],
)
def test_a_refusal_of_twilio_is_one_line(twilio: TwilioAccount, status: int, body: Any, told: str) -> None:
    twilio.answers["IncomingPhoneNumbers"] = (status, body)
    exit_status, output = connect(NUMBER, "--yes")
    assert exit_status == 1
    assert told in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PUBLIC_BASE_URL", "http://localhost:8081", "set PUBLIC_BASE_URL to the https"),
        ("TWILIO_ACCOUNT_SID", "", "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        ("TWILIO_API_BASE", "http://127.0.0.1:9", "Twilio cannot be reached"),
        ("TWILIO_API_BASE", "no address", "Twilio cannot be reached"),
    ],
)
@pytest.mark.slow
def test_a_setting_that_is_missing_is_named(
    twilio: TwilioAccount, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    status, output = connect(NUMBER, "--yes")
    assert status == 1
    assert told in output


@pytest.mark.parametrize("number", ["11 5275 0000", "+54", "+54abc", "+" + "5" * 60, "", "+0541152750000"])
def test_what_is_no_number_with_its_country_is_refused(twilio: TwilioAccount, number: str) -> None:
    assert connect(number)[0] == 1
    assert twilio.asked == []

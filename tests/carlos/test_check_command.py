"""`carlos check`: a line for each thing, all faults at once, and what was not tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from carlos.checks import model, phone, records
from carlos.checks.finding import Finding, Mark
from carlos.cli import app
from carlos.commands.check import WITHOUT
from common.settings import Settings
from data.errors import Unavailable
from data.open import open_store
from data.recording_bucket import RecordingBucket
from sandbox.sonic.script import scripted
from telephony.twilio.routes import phone_routes
from tests.support.servers import loopback, serving
from tests.support.sonic import KEYS, aws_keys, sonic
from tests.support.twilio_account import SID, TOKEN, TwilioAccount, account
from tests.telephony.phone_doubles import FakeCalls
from tests.telephony.phone_doubles import settings as phone_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def checked() -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["check"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output.splitlines()


def settings(home: Path, **given: Any) -> Settings:
    public: dict[str, Any] = {"admin_api_keys": (f"ana:read:sha256={'0' * 64}",)} if "public_base_url" in given else {}
    return Settings(carlos_home=home, **public, **given)


def test_the_defaults_hold_and_say_what_was_not_tried(tmp_path: Path) -> None:
    status, lines = checked()
    assert status == 0
    assert [line.split("  ")[0].strip() for line in lines[:-1]] == ["ok", "ok", *["not tried"] * 7]
    assert "the stand-in on this machine answers" in lines[2]
    assert lines[-1] == "9 looked at: 0 failed, 7 not tried. No call was placed."
    assert not (tmp_path / ".carlos").exists(), "a check makes nothing"


def test_all_settings_that_do_not_hold_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HOST": "0.0.0.0",  # noqa: S104 - refused
        "PUBLIC_BASE_URL": "http://carlos.example.com",
        "FOLLOW_UP": "whatsapp",
        "MAX_CALL": "3",
    }.items():
        monkeypatch.setenv(name, value)
    status, lines = checked()
    told = "\n".join(line for line in lines if line.startswith("failed"))
    assert status == 1
    for each in ("TWILIO_AUTH_TOKEN", "ADMIN_API_KEYS", "must be https", "FOLLOW_UP_FROM", "FOLLOW_UP_TEMPLATE"):
        assert each in told
    assert "MAX_CALL is no setting" in told
    assert sum("the settings do not hold" in line for line in lines) == len(WITHOUT)


def test_a_value_that_does_not_hold_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_CALLS", "a-secret")
    monkeypatch.setenv("STORE", "mysql")
    monkeypatch.setenv("FOLLOW_UP", "sms")
    _, lines = checked()
    assert any("FOLLOW_UP needs FOLLOW_UP_FROM" in line for line in lines), "combinations are looked at, too"
    assert any("MAX_CALLS" in line for line in lines)
    assert any("STORE" in line for line in lines)
    assert "a-secret" not in "\n".join(lines)


async def test_a_store_that_stands_is_looked_at(tmp_path: Path) -> None:
    await (await open_store(settings(tmp_path))).close()
    found = await records.check_store(settings(tmp_path))
    assert found.mark is Mark.OK
    assert "indexes" in found.detail


async def test_a_store_that_is_broken_is_told(tmp_path: Path) -> None:
    (tmp_path / "carlos.db").write_bytes(b"no database at all" * 100)
    assert (await records.check_store(settings(tmp_path))).mark is Mark.FAILED


async def test_a_home_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    given = settings(tmp_path / "home", record_calls=True)
    assert (await records.check_store(given)).mark is Mark.FAILED
    assert (await records.check_recordings(given)).mark is Mark.FAILED


async def test_a_folder_of_recordings_is_written_to_and_left_empty(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    assert (await records.check_recordings(settings(tmp_path, record_calls=True))).mark is Mark.OK
    assert [*(tmp_path / "recordings").iterdir()] == []


async def test_a_bucket_for_recordings_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(tmp_path, record_calls=True, recordings="s3", recordings_bucket="calls")
    monkeypatch.setattr(RecordingBucket, "look", lambda bucket: None)
    found = await records.check_recordings(given)
    assert (found.mark, "was not written to" in found.detail) == (Mark.OK, True)

    def refuse(bucket: RecordingBucket) -> None:
        raise Unavailable("recordings cannot be listed: NoSuchBucket")

    monkeypatch.setattr(RecordingBucket, "look", refuse)
    found = await records.check_recordings(given)
    assert (found.mark, "NoSuchBucket, in calls" in found.detail) == (Mark.FAILED, True)


async def test_people_are_counted_and_not_rung(tmp_path: Path) -> None:
    people = "+541150310001|*|24h; sip:ana@pbx.example|*|24h"
    found = await phone.check_people(settings(tmp_path, transfer_targets=people, transfer_mode="cold"))
    assert (found.mark, found.detail.partition(":")[0]) == (Mark.NOT_TRIED, "2 people are named")


async def test_a_model_that_may_be_used_opens_one_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_keys(monkeypatch)
    async with sonic(tmp_path, scripted([])) as server:
        given = settings(tmp_path, sonic_endpoint=server.endpoint, sonic_ca_file=server.ca_file)
        found = await model.check_model(given)
        assert found.mark is Mark.OK, found
        assert server.open_streams == 0


async def test_a_wrong_key_and_a_wrong_voice_fail_in_their_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_keys(monkeypatch)
    async with sonic(tmp_path, scripted([])) as server:
        given = settings(tmp_path, sonic_endpoint=server.endpoint, sonic_ca_file=server.ca_file)
        found = await model.check_model(given.model_copy(update={"sonic_voice": "nobody"}))
        assert (found.mark, "nobody" in found.detail) == (Mark.FAILED, True), found
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret_access_key[::-1])
        found = await model.check_model(given)
        assert (found.mark, "bedrock:InvokeModel" in found.detail) == (Mark.FAILED, True), found


@pytest.fixture
def twilio() -> Iterator[TwilioAccount]:
    with account() as twilio:
        yield twilio


async def look_at(twilio: TwilioAccount, home: Path) -> Finding:
    given = settings(home, twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_api_base=twilio.base)
    return await phone.check_account(given)


async def test_an_account_is_active_or_not(twilio: TwilioAccount, tmp_path: Path) -> None:
    twilio.answers[""] = (200, {"status": "active", "type": "Full"})
    assert (await look_at(twilio, tmp_path)) == Finding(phone.ACCOUNT, Mark.OK, "active")
    twilio.answers[""] = (200, {"status": "active", "type": "Trial"})
    assert "verified numbers only" in (await look_at(twilio, tmp_path)).detail
    twilio.answers[""] = (200, {"status": "suspended", "type": "Full"})
    assert (await look_at(twilio, tmp_path)).mark is Mark.FAILED
    twilio.answers[""] = (401, {"code": 20003})
    assert "is not this account's" in (await look_at(twilio, tmp_path)).detail


async def test_half_of_the_credentials_is_a_fault(tmp_path: Path) -> None:
    assert (await phone.check_account(settings(tmp_path, twilio_auth_token=TOKEN))).mark is Mark.FAILED
    assert (await phone.check_account(settings(tmp_path, twilio_account_sid=SID))).mark is Mark.FAILED


async def test_an_address_is_asked_for_its_health(tmp_path: Path) -> None:
    site = FastAPI()

    @site.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "healthy"}

    with loopback() as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with serving(site, listener):
            found = await phone.check_address(settings(tmp_path, public_base_url=base))
            assert (found.mark, phone.NOT_TWILIO in found.detail) == (Mark.OK, True), found
            other = await phone.check_address(settings(tmp_path, public_base_url=f"{base}/elsewhere"))
            assert other.mark is Mark.FAILED
    gone = await phone.check_address(settings(tmp_path, public_base_url=base))
    assert gone.mark is Mark.FAILED


@pytest.mark.parametrize(("theirs", "mark"), [(TOKEN, Mark.OK), ("another-token", Mark.FAILED)])
async def test_a_server_with_another_token_is_found_out_and_nothing_rings(
    tmp_path: Path, theirs: str, mark: Mark
) -> None:
    with loopback() as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        calls = FakeCalls()
        site = FastAPI()
        served = phone_settings(public_base_url=base, twilio_auth_token=theirs)

        async def nobody(*_: object) -> None: ...

        site.include_router(phone_routes(served, calls, nobody))
        async with serving(site, listener):
            found = await phone.check_signature(settings(tmp_path, public_base_url=base, twilio_auth_token=TOKEN))
    assert (found.mark, calls.asked) == (mark, []), found

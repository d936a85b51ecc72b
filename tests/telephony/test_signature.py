"""X-Twilio-Signature over what Twilio signs, and over what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection

from telephony.twilio.signature import Signatures
from tests.telephony.phone_doubles import AUTH_TOKEN, BASE_URL, settings, sign

VOICE = f"{BASE_URL}/twilio/voice"


def connection(
    path: str, headers: dict[str, str], *, kind: str = "http", query: str = "", host: str = "internal:8081"
) -> HTTPConnection:
    sent = {"Host": host, **headers}
    return HTTPConnection(
        {
            "type": kind,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(key.lower().encode(), value.encode()) for key, value in sent.items()],
        }
    )


def checker(*tokens: str, base_url: str = BASE_URL) -> Signatures:
    return Signatures(base_url, tokens or (AUTH_TOKEN,), public=True)


@pytest.mark.parametrize(
    ("base_url", "signed"),
    [
        pytest.param(BASE_URL, VOICE, id="as configured"),
        pytest.param(BASE_URL + "/", VOICE, id="configured with a slash"),
        pytest.param(BASE_URL, VOICE.replace(".com", ".com:443"), id="signed with the default port"),
        pytest.param(BASE_URL + ":8443", VOICE.replace(".com", ".com:8443"), id="another port"),
        pytest.param(BASE_URL + ":8443", VOICE, id="another port, signed without"),
        pytest.param(BASE_URL + "/carlos", BASE_URL + "/carlos/twilio/voice", id="behind a path"),
    ],
)
def test_a_webhook_is_checked_against_the_configured_address(base_url: str, signed: str) -> None:
    form = FormData([("CallSid", "CA1"), ("From", "+5491155550100")])
    request = connection("/twilio/voice", sign(signed, form))
    assert checker(base_url=base_url).valid(request, form)


@pytest.mark.parametrize(
    "signed",
    [
        VOICE.replace("https", "http"),
        VOICE.replace("carlos.", "Carlos."),
        VOICE + "/",
        VOICE + "?a=1",
        VOICE.replace("carlos.example.com", "internal:8081"),
    ],
)
def test_a_signature_of_another_address_is_refused(signed: str) -> None:
    assert not checker().valid(connection("/twilio/voice", sign(signed)), FormData())


@pytest.mark.parametrize(
    "signed", ["wss://carlos.example.com/twilio/media", "wss://carlos.example.com:80/twilio/media"]
)
def test_an_upgrade_is_signed_over_its_wss_address(signed: str) -> None:
    assert checker().valid(connection("/twilio/media", sign(signed), kind="websocket"))


@pytest.mark.parametrize("signed", ["https://carlos.example.com/twilio/media", "ws://carlos.example.com/twilio/media"])
def test_an_upgrade_signed_over_another_scheme_is_refused(signed: str) -> None:
    assert not checker().valid(connection("/twilio/media", sign(signed), kind="websocket"))


def test_each_value_of_a_repeated_key_counts() -> None:
    form = FormData([("a", "1"), ("a", "2")])
    headers = sign(VOICE, form)
    assert checker().valid(connection("/twilio/voice", headers), form)
    assert not checker().valid(connection("/twilio/voice", headers), FormData([("a", "2")]))


def test_a_blank_value_counts() -> None:
    form = FormData([("CallSid", "CA1"), ("CallerName", "")])
    assert checker().valid(connection("/twilio/voice", sign(VOICE, form)), form)
    assert not checker().valid(connection("/twilio/voice", sign(VOICE, {"CallSid": "CA1"})), form)


@pytest.mark.parametrize(("query", "valid"), [("to=a%20b", True), ("to=a+b", False)])
def test_the_query_counts_byte_for_byte(query: str, valid: bool) -> None:
    headers = sign(f"{VOICE}?to=a%20b")
    assert checker().valid(connection("/twilio/voice", headers, query=query)) is valid


def test_either_token_is_good_while_one_is_rotated_out() -> None:
    both = checker("old", "new")
    for token, valid in (("old", True), ("new", True), ("older", False)):
        assert both.valid(connection("/twilio/voice", sign(VOICE, token=token)), FormData()) is valid


def test_the_algorithm_in_the_header_is_used() -> None:
    settings_header = {"X-Twilio-Webhooks-Signature-Settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}
    sha256 = sign(VOICE, algorithm="HMAC_SHA256")
    assert checker().valid(connection("/twilio/voice", sha256 | settings_header))
    assert not checker().valid(connection("/twilio/voice", sha256))
    assert not checker().valid(connection("/twilio/voice", sign(VOICE) | settings_header))


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Twilio-Signature": ""},
        {"X-Twilio-Signature": "ñ"},
        {"X-Twilio-Signature": "A" * 28},
        sign(VOICE) | {"X-Twilio-Webhooks-Signature-Settings": "algorithm=NONE"},
    ],
)
def test_no_signature_or_nonsense_is_refused(headers: dict[str, str]) -> None:
    assert not checker().valid(connection("/twilio/voice", headers), FormData())


def test_checking_is_off_on_loopback_without_a_token_and_nowhere_else() -> None:
    local: dict[str, Any] = {"twilio_auth_token": (), "public_base_url": None, "admin_api_keys": ()}
    off = Signatures.from_settings(settings(**local))
    assert not off.checked
    assert off.valid(connection("/twilio/voice", {}, host="localhost:8081"), FormData())
    assert Signatures.from_settings(settings()).checked
    with pytest.raises(ValueError, match="TWILIO_AUTH_TOKEN"):
        Signatures(BASE_URL, (), public=True)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("host", "origin", "valid"),
    [
        ("localhost:8081", None, True),
        ("127.0.0.1:8081", None, True),
        ("[::1]:8081", None, True),
        ("rebound.example:8081", None, False),
        ("127.0.0.1.rebound.example", None, False),
        ("[", None, False),
        ("", None, False),
        ("localhost:8081", "http://evil.example", False),
        ("localhost:8081", "null", False),
        ("localhost:8081", "http://[", False),
    ],
)
def test_without_a_token_programs_of_this_machine_pass_and_pages_do_not(
    kind: str, host: str, origin: str | None, valid: bool
) -> None:
    off = Signatures("http://localhost:8081", (), public=False)
    headers = {} if origin is None else {"Origin": origin}
    assert off.valid(connection("/twilio/voice", headers, kind=kind, host=host)) is valid

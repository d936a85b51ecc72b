"""What a server says to the person who started it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from carlos import server
from carlos.listen import _banner, address_of
from carlos.standin import missing_packages
from common.running import may_be_rung
from common.settings import Settings

PUBLIC = {
    "host": "0.0.0.0",
    "twilio_auth_token": (SecretStr("t"),),
    "public_base_url": "https://carlos.example/",
    "admin_api_keys": (SecretStr("ana:read:sha256=" + "0" * 64),),
}


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://localhost:8081/"),
        ({"host": "127.0.0.1", "ws_port": 9}, "http://127.0.0.1:9/"),
        ({"host": "::1"}, "http://[::1]:8081/"),
        (PUBLIC, "https://carlos.example/"),
        ({**PUBLIC, "public_base_url": "https://carlos.example/a"}, "https://carlos.example/a/"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(given: dict[str, Any], address: str) -> None:
    assert address_of(settings(**given)) == address


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_nobody_is_sent_to_every_address_at_once(host: str) -> None:
    made = settings().model_copy(update={"host": host})
    assert address_of(made) == "http://localhost:8081/"


@pytest.mark.parametrize("notice", [None, "hears with Whisper base, understands by rules"])
def test_it_says_what_to_say_what_that_means_and_how_to_stop(notice: str | None) -> None:
    lines = _banner(settings(), notice)
    assert [word for word, _, _ in lines if word] == ["open", "say", "dial", "stand-in" if notice else "real", "stop"]
    told = dict((word, text) for word, _, text in lines)
    assert "«Hola, " in told["say"]
    assert told[""].startswith("(Hello, ")
    assert told["stop"] == "Ctrl-C"
    assert all(10 + len(text) <= 80 for word, _, text in lines if word not in ("stand-in", "real"))


def test_a_server_that_is_not_rung_unasked_says_how_to_ring_it() -> None:
    told = {word: text for word, _, text in _banner(settings(sonic="bedrock"), None)}
    assert told["dial"].startswith("carlos call --server http://localhost:8081/")


@pytest.mark.parametrize(
    ("given", "rung"),
    [
        ({}, True),
        ({"sonic": "bedrock"}, False),
        ({"store": "dynamodb"}, False),
        ({"twilio_auth_token": (SecretStr("t"),)}, False),
        ({"public_base_url": "http://localhost:9"}, False),
        ({"sonic_endpoint": "https://localhost:1"}, False),
        (PUBLIC, False),
    ],
)
def test_a_made_up_caller_rings_only_where_nothing_real_is_touched(
    tmp_path: Path, given: dict[str, Any], rung: bool
) -> None:
    assert may_be_rung(settings(carlos_home=tmp_path, **given)) is rung


def test_a_stand_in_that_is_not_installed_is_told_before_anything_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "missing_packages", lambda: ["espeakng_loader"])
    monkeypatch.setattr(server, "listen", lambda settings: pytest.fail("it is not to listen"))
    with pytest.raises(SystemExit, match="the Sonic stand-in needs espeakng_loader: start with `make run`"):
        server.serve(settings())


def test_here_everything_is_installed_that_the_stand_in_needs() -> None:
    assert missing_packages() == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "udp:127.0.0.1:5060; calls of nobody: set SIP_ALLOW"),
        ({"sip_allow": ("127.0.0.1",)}, "udp:127.0.0.1:5060; calls from 127.0.0.1"),
        (
            {"sip_users": (SecretStr("pbx:secret"),), "sip_registrar": "trunk.example", "sip_user": "54"},
            "udp:127.0.0.1:5060; calls with a password of SIP_USERS and from the trunk trunk.example",
        ),
    ],
)
def test_a_sip_line_is_named_with_those_who_may_call_and_no_password(given: dict[str, Any], told: str) -> None:
    lines = _banner(settings(sip_listen=("udp:127.0.0.1:5060",), **given), None)
    assert [text for word, _, text in lines if word == "sip"] == [told]

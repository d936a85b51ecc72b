"""Our place at a trunk: asked for, proven, refreshed, and tried again."""

from __future__ import annotations

import pytest
from aiosipua import SipRequest, SipResponse, parse_auth

from common.settings.sip import SipRegistrar
from telephony.sip.registration import FIRST_RETRY_S, LAST_RETRY_S, Registration

CONTACT = "<sip:541143210000@198.51.100.4:5060>"


@pytest.fixture
def registration() -> Registration:
    return registration_at(SipRegistrar("udp", "sip.trunk.example", 5062))


def registration_at(registrar: SipRegistrar) -> Registration:
    made = Registration(registrar, "541143210000", "secret")
    made.reach_us("198.51.100.4:5060")
    return made


@pytest.mark.parametrize(
    ("registrar", "uri", "via", "contact"),
    [
        (SipRegistrar("udp", "t.example", 5060), "sip:t.example", "SIP/2.0/UDP", CONTACT),
        (
            SipRegistrar("tcp", "[::1]", 5062),
            "sip:[::1]:5062;transport=tcp",
            "SIP/2.0/TCP",
            "<sip:541143210000@198.51.100.4:5060;transport=tcp>",
        ),
        (
            SipRegistrar("tls", "t.example", 5061),
            "sip:t.example;transport=tls",
            "SIP/2.0/TLS",
            "<sip:541143210000@198.51.100.4:5060;transport=tls>",
        ),
    ],
    ids=["udp", "tcp", "tls"],
)
def test_a_place_is_asked_for_over_the_transport_that_it_is_reached_by(
    registrar: SipRegistrar, uri: str, via: str, contact: str
) -> None:
    asked = registration_at(registrar).request()
    assert (asked.uri, asked.get_header("contact")) == (uri, contact)
    assert (asked.get_header("via") or "").startswith(f"{via} 198.51.100.4:5060;")
    assert asked.get_header("to") == f"<sip:541143210000@{registrar.host}>"


def response(status: int, **headers: str) -> SipResponse:
    made = SipResponse(status_code=status, reason_phrase="Said")
    for name, value in headers.items():
        made.headers.set_single(name.replace("_", "-"), value)
    return made


def challenge(nonce: str = "n1") -> SipResponse:
    return response(401, www_authenticate=f'Digest realm="trunk", nonce="{nonce}", qop="auth", algorithm=MD5')


def test_a_place_is_asked_for_proven_and_refreshed_in_time(registration: Registration) -> None:
    first = registration.request()
    assert (first.uri, first.get_header("contact")) == ("sip:sip.trunk.example:5062", CONTACT)
    assert first.get_header("to") == "<sip:541143210000@sip.trunk.example>"
    proven = registration.answered(challenge())
    assert isinstance(proven, SipRequest)
    proof = parse_auth(proven.get_header("authorization") or "", credentials=True)
    assert (proof.params["username"], proof.params["nonce"]) == ("541143210000", "n1")
    assert proven.cseq is not None
    assert proven.cseq.seq == 2
    wait = registration.answered(response(200, contact=f"{CONTACT};expires=100", expires="3600"))
    assert (wait, registration.is_registered) == (80.0, True)


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (("SHA-256", "MD5"), "SHA-256"),
        (("SHA-512-256", "MD5"), "MD5"),
        (("MD5", "SHA-256"), "MD5"),
        (("SHA-512-256",), None),
    ],
)
def test_the_first_challenge_that_we_can_answer_is_answered(
    registration: Registration, offered: tuple[str, ...], answered: str | None
) -> None:
    registration.request()
    asked = response(401)
    for algorithm in offered:
        asked.headers.append("WWW-Authenticate", f'Digest realm="t", nonce="n", qop="auth", algorithm={algorithm}')
    proven = registration.answered(asked)
    if answered is None:
        assert proven == FIRST_RETRY_S
        return
    assert isinstance(proven, SipRequest)
    params = parse_auth(proven.get_header("authorization") or "", credentials=True).params
    assert (params["algorithm"], len(params["response"])) == (answered, {"MD5": 32, "SHA-256": 64}[answered])


def test_a_proxy_on_the_way_is_answered_too(registration: Registration) -> None:
    registration.request()
    asked = response(407, proxy_authenticate='Digest realm="proxy", nonce="n", qop="auth"')
    proven = registration.answered(asked)
    assert isinstance(proven, SipRequest)
    assert 'realm="proxy"' in (proven.get_header("proxy-authorization") or "")


def test_what_the_registrar_grants_is_kept_within_bounds(registration: Registration) -> None:
    registration.request()
    assert registration.answered(response(200, expires="1")) == 24.0
    assert registration.answered(response(200, expires="999999")) == 2880.0
    assert registration.answered(response(200, expires="soon")) == 240.0


def test_a_longer_time_is_asked_for_where_the_registrar_wants_one(registration: Registration) -> None:
    registration.request()
    longer = registration.answered(response(423, min_expires="1800"))
    assert isinstance(longer, SipRequest)
    assert longer.get_header("expires") == "1800"
    assert registration.answered(response(423, min_expires="1800")) == FIRST_RETRY_S


def test_a_wrong_password_is_no_endless_loop(registration: Registration) -> None:
    registration.request()
    steps = [registration.answered(challenge(f"n{number}")) for number in range(3)]
    assert [isinstance(step, SipRequest) for step in steps] == [True, True, False]


def test_a_trunk_that_is_away_is_tried_later_and_later(registration: Registration) -> None:
    registration.request()
    waits = [registration.answered(None if number % 2 else response(503)) for number in range(9)]
    assert waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, LAST_RETRY_S, LAST_RETRY_S, LAST_RETRY_S]
    assert not registration.is_registered
    registration.answered(response(200))
    assert registration.answered(None) == FIRST_RETRY_S


def test_a_place_is_given_up(registration: Registration) -> None:
    assert registration.request(leave=True).get_header("expires") == "0"
    proven = registration.answered(challenge(), leave=True)
    assert isinstance(proven, SipRequest)
    assert proven.get_header("expires") == "0"

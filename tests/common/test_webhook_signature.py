"""Signatures of webhooks. The first vector is that of the Standard Webhooks libraries' own tests ("sign function
works", libraries/javascript/src/webhook.test.ts, https://github.com/standard-webhooks/standard-webhooks)."""

from __future__ import annotations

import pytest

from common.webhooks import ID, SIGNATURE, TIMESTAMP, TOLERANCE_S, Unverified, key_of, new_secret, signature, verify
from common.webhooks import signed_headers as signed

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
KEY = key_of(SECRET)
HEADERS = signed([KEY], MESSAGE, STAMP, BODY)


def test_the_specification_s_own_vector_is_signed_as_its_libraries_sign_it() -> None:
    assert signature(KEY, MESSAGE, STAMP, BODY) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert {ID: MESSAGE, TIMESTAMP: "1614265330", SIGNATURE: signature(KEY, MESSAGE, STAMP, BODY)} == HEADERS


def test_each_secret_signs_and_one_of_them_is_enough() -> None:
    other = key_of(new_secret())
    headers = signed([other, KEY], MESSAGE, STAMP, BODY)
    assert len(headers[SIGNATURE].split(" ")) == 2
    verify([KEY], headers, BODY, STAMP)
    verify([key_of(new_secret()), other], headers, BODY, STAMP)


def test_signatures_of_other_kinds_beside_it_do_no_harm() -> None:
    wrong = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
    headers = {**HEADERS, SIGNATURE: f"v1,{wrong} v2,{wrong} {HEADERS[SIGNATURE]} v1a,{wrong}"}
    verify([KEY], headers, BODY, STAMP)


@pytest.mark.parametrize("seconds", [-TOLERANCE_S, 0, TOLERANCE_S])
def test_clocks_may_differ_a_little(seconds: int) -> None:
    verify([KEY], HEADERS, BODY, STAMP + seconds)


@pytest.mark.parametrize(
    ("headers", "body", "now", "why"),
    [
        ({ID: ""}, BODY, STAMP, "without webhook-id"),
        ({TIMESTAMP: ""}, BODY, STAMP, "without webhook-timestamp"),
        ({SIGNATURE: ""}, BODY, STAMP, "without webhook-signature"),
        ({TIMESTAMP: "hello"}, BODY, STAMP, "no number"),
        ({TIMESTAMP: "1" * 5000}, BODY, STAMP, "no number"),
        ({TIMESTAMP: "²"}, BODY, STAMP, "no number"),
        ({}, BODY, STAMP + TOLERANCE_S + 1, "away from the clock"),
        ({}, BODY, STAMP - TOLERANCE_S - 1, "away from the clock"),
        ({SIGNATURE: "v1,"}, BODY, STAMP, "no signature"),
        ({SIGNATURE: HEADERS[SIGNATURE][:8]}, BODY, STAMP, "no signature"),
        ({SIGNATURE: "v1,dawfeoifkpqwoekfpqoekf"}, BODY, STAMP, "no signature"),
        ({SIGNATURE: HEADERS[SIGNATURE].removeprefix("v1,")}, BODY, STAMP, "no signature"),
        ({SIGNATURE: "ñ v1,ü"}, BODY, STAMP, "no signature"),
        ({ID: "msg_another"}, BODY, STAMP, "no signature"),
        ({TIMESTAMP: str(STAMP + 1)}, BODY, STAMP, "no signature"),
        ({}, BODY + b" ", STAMP, "no signature"),
    ],
)
def test_what_was_changed_or_is_missing_is_not_ours(headers: dict[str, str], body: bytes, now: int, why: str) -> None:
    with pytest.raises(Unverified, match=why):
        verify([KEY], {**HEADERS, **headers}, body, now)


def test_a_secret_that_we_make_is_one() -> None:
    assert len(key_of(new_secret())) == 32
    assert new_secret() != new_secret()


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short", "whsec_MfKQ9r8GKYqr!!!!", "whsec_" + "A" * 200],
)
def test_what_is_no_secret_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and the base64 of 24 to 64 bytes") as told:
        key_of(text)
    assert len(text) < 10 or text not in str(told.value)

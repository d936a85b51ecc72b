"""Signatures of requests and chunks, made by the client's own signer and judged by AWS's."""

from __future__ import annotations

from itertools import count

import pytest
from smithy_aws_event_stream.events import EventMessage

from agent.sonic.wire.credentials import Credentials
from agent.sonic.wire.eventstream import ChunkSigner
from sandbox.sonic.eventstream import decode_frame
from sandbox.sonic.signature import ChunkVerifier, Keys, Request, SignatureRefused, verify_request

KEYS = Keys("AKID", "SECRET")
SEED = "ab" * 32
MIDNIGHT = 1_795_305_600  # 2026-11-22T00:00:00Z


def signer(keys: Keys = KEYS) -> ChunkSigner:
    """A client's side of a chain, one millisecond a chunk, from 50 ms before midnight."""
    clock = count(MIDNIGHT * 1000 - 50)
    return ChunkSigner(
        SEED, Credentials(keys.access_key_id, keys.secret_access_key), "us-east-1", lambda: next(clock) / 1000
    )


@pytest.fixture
def verifier() -> ChunkVerifier:
    return ChunkVerifier("us-east-1", "bedrock", KEYS, SEED)


def test_a_chain_verifies_over_midnight_to_its_empty_end(verifier: ChunkVerifier) -> None:
    ours = signer()
    chunks = [ours.chunk(b"{}") for _ in range(100)] + [ours.last()]
    assert all(verifier.verify(decode_frame(chunk)) for chunk in chunks)
    assert verifier.verified == 101


def test_a_lost_chunk_breaks_the_chain(verifier: ChunkVerifier) -> None:
    ours = signer()
    ours.chunk(b"{}")
    assert not verifier.verify(decode_frame(ours.chunk(b"{}")))
    assert verifier.verified == 0


def test_another_secret_does_not_verify(verifier: ChunkVerifier) -> None:
    assert not verifier.verify(decode_frame(signer(Keys("AKID", "GUESS")).chunk(b"{}")))


def test_a_changed_payload_does_not_verify(verifier: ChunkVerifier) -> None:
    frame = decode_frame(signer().chunk(b"{}"))
    assert not verifier.verify(EventMessage(headers=frame.headers, payload=frame.payload + b" "))


def test_an_unsigned_chunk_does_not_verify(verifier: ChunkVerifier) -> None:
    assert not verifier.verify(EventMessage(payload=b"{}"))


# From AWS's "Signature Version 4 test suite", case get-vanilla: the keys and the signature are public.
AWS_KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
EMPTY_BODY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def vanilla(signature: str, key: str = "AKIDEXAMPLE") -> Request:
    scope = f"{key}/20150830/us-east-1/service/aws4_request"
    headers = {
        "host": "example.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
        "x-amz-content-sha256": EMPTY_BODY,
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={signature}",
    }
    return Request("GET", "/", headers)


SIGNATURE = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"


def test_aws_own_example_verifies() -> None:
    assert verify_request(vanilla(SIGNATURE), AWS_KEYS).verified == 0


@pytest.mark.parametrize(
    ("request_", "error_type"),
    [
        (vanilla("0" * 64), "InvalidSignatureException"),
        (vanilla(SIGNATURE, key="AKIDOTHER"), "UnrecognizedClientException"),
        (Request("GET", "/", {}), "UnrecognizedClientException"),
        (Request("GET", "/", {"authorization": "Bearer token"}), "UnrecognizedClientException"),
    ],
)
def test_a_request_that_is_not_signed_right_is_refused(request_: Request, error_type: str) -> None:
    with pytest.raises(SignatureRefused) as caught:
        verify_request(request_, AWS_KEYS)
    assert caught.value.error_type == error_type


def test_a_session_token_must_be_the_one_of_the_keys() -> None:
    keys = Keys(AWS_KEYS.access_key_id, AWS_KEYS.secret_access_key, "token")
    with pytest.raises(SignatureRefused):
        verify_request(vanilla(SIGNATURE), keys)

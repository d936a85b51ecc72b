"""Signatures of requests and chunks, made by the SDK's signer and checked by the stand-in's verifier."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from aws_sdk_signers import AsyncEventSigner, SigV4SigningProperties
from smithy_aws_core.identity import AWSCredentialsIdentity
from smithy_aws_event_stream.events import EventHeaderEncoder, EventMessage

from sandbox.sonic.eventstream import Frame, decode_frame
from sandbox.sonic.signature import ChunkVerifier, Keys, Request, Scope, SignatureRefused, verify_request

KEYS = Keys("AKID", "SECRET")
SEED = "ab" * 32


class Signer:
    """The SDK's side of a chain."""

    def __init__(self, secret: str) -> None:
        self._signer = AsyncEventSigner(initial_signature=SEED.encode(), event_encoder_cls=EventHeaderEncoder)
        self._options: dict[str, Any] = {
            "identity": AWSCredentialsIdentity(access_key_id="AKID", secret_access_key=secret),
            "properties": SigV4SigningProperties(region="us-east-1", service="bedrock"),
        }

    async def chunk(self, payload: bytes = b"{}") -> Frame:
        inner = EventMessage(headers={":message-type": "event"}, payload=payload)
        return decode_frame((await self._signer.sign(event=inner, **self._options)).encode())

    async def end(self) -> Frame:
        return decode_frame((await self._signer.sign_empty(event=EventMessage(), **self._options)).encode())


@pytest.fixture
def verifier() -> ChunkVerifier:
    return ChunkVerifier(Scope("us-east-1", "bedrock", KEYS), SEED)


async def test_a_chain_verifies_to_its_empty_end(verifier: ChunkVerifier) -> None:
    signer = Signer("SECRET")
    frames = [await signer.chunk(), await signer.chunk(b"[]"), await signer.end()]
    assert [verifier.verify(frame) for frame in frames] == [True, True, True]
    assert verifier.verified == 3


async def test_a_lost_chunk_breaks_the_chain(verifier: ChunkVerifier) -> None:
    signer = Signer("SECRET")
    await signer.chunk()
    assert not verifier.verify(await signer.chunk())
    assert verifier.verified == 0


async def test_another_secret_does_not_verify(verifier: ChunkVerifier) -> None:
    assert not verifier.verify(await Signer("GUESS").chunk())


async def test_a_changed_payload_does_not_verify(verifier: ChunkVerifier) -> None:
    frame = await Signer("SECRET").chunk()
    assert not verifier.verify(Frame(frame.headers, frame.payload + b" "))


def test_an_unsigned_chunk_does_not_verify(verifier: ChunkVerifier) -> None:
    assert not verifier.verify(Frame({}, b"{}"))


async def test_a_stream_lives_across_midnight(verifier: ChunkVerifier) -> None:
    signer = Signer("SECRET")
    for moment in (datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC)):
        with time_machine.travel(moment, tick=False):
            assert verifier.verify(await signer.chunk())


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

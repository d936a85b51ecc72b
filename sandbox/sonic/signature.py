"""AWS Signature Version 4 of an event stream, judged by AWS's own signer: the request's signature seeds a chain over
its chunks.

The client signs with its own code (`agent.sonic.wire.eventstream`) or through the SDK; either way this signs the same
request and the same chunks anew and compares.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aws_sdk_signers import (
    URI,
    AsyncEventSigner,
    AsyncSigV4Signer,
    AWSCredentialIdentity,
    AWSRequest,
    Field,
    Fields,
    SigV4SigningProperties,
)
from smithy_aws_event_stream.events import EventHeaderEncoder, EventMessage

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)

INVALID_TOKEN = "The security token included in the request is invalid."  # AWS's own words
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


class SignatureRefused(Exception):
    """`error_type` and `message` are what AWS answers with HTTP 403."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


@dataclass(frozen=True, slots=True)
class Keys:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @property
    def identity(self) -> AWSCredentialIdentity:
        return AWSCredentialIdentity(
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            session_token=self.session_token,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """The signed part of a request; `headers` with lower-case names, `host` among them."""

    method: str
    path: str  # as on the wire, without the query
    headers: Mapping[str, str]


def verify_request(request: Request, keys: Keys) -> ChunkVerifier:
    """Check the request's signature. Returns the verifier of its chunks; raises SignatureRefused."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None or match["key"] != keys.access_key_id:
        raise SignatureRefused("UnrecognizedClientException", INVALID_TOKEN)
    if request.headers.get("x-amz-security-token") != keys.session_token:
        raise SignatureRefused("UnrecognizedClientException", INVALID_TOKEN)
    properties = SigV4SigningProperties(
        region=match["region"], service=match["service"], date=request.headers.get("x-amz-date", "")
    )
    signed = AWSRequest(
        destination=URI(host=request.headers.get("host", ""), path=request.path),
        method=request.method,
        body=None,
        fields=Fields(Field(name=name, values=[request.headers.get(name, "")]) for name in match["signed"].split(";")),
    )
    again = _finish(AsyncSigV4Signer().sign(request=signed, identity=keys.identity, properties=properties))
    expected = _AUTHORIZATION.fullmatch(again.fields["authorization"].as_string())
    if expected is None or not hmac.compare_digest(expected["signature"], match["signature"]):
        raise SignatureRefused("InvalidSignatureException", MISMATCH)
    return ChunkVerifier(match["region"], match["service"], keys, match["signature"])


class ChunkVerifier:
    """Follows one stream's chain: each chunk's signature covers the one before it."""

    def __init__(self, region: str, service: str, keys: Keys, seed: str) -> None:
        self._signer = AsyncEventSigner(initial_signature=seed.encode(), event_encoder_cls=EventHeaderEncoder)
        self._region = region
        self._service = service
        self._identity = keys.identity
        self._prior = seed
        self.verified = 0

    def verify(self, frame: EventMessage) -> bool:
        """True when the chunk's signature is right; the chain goes on only then.

        The day is that of the chunk, not of the request: streams live across midnight UTC (measured).
        """
        date, signature = frame.headers.get(":date"), frame.headers.get(":chunk-signature")
        if not isinstance(date, datetime) or not isinstance(signature, bytes):
            return False
        expected = self._sign(date, frame.payload)
        if not hmac.compare_digest(expected, signature):
            return False
        self._prior = expected.hex()
        self.verified += 1
        return True

    def _sign(self, date: datetime, payload: bytes) -> bytes:
        """The signer's two halves: what it offers as a whole signs for the present moment only."""
        stamp = date.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        properties = SigV4SigningProperties(region=self._region, service=self._service, date=stamp)
        text = _finish(
            self._signer._event_string_to_sign(
                timestamp=stamp,
                scope=self._signer._scope(properties),
                encoded_headers=_DATE + round(date.timestamp() * 1000).to_bytes(8),
                payload=payload,
                prior_signature=self._prior.encode(),
            )
        )
        signature: bytes = _finish(
            self._signer._sign_event(
                timestamp=stamp, string_to_sign=text, identity=self._identity, properties=properties
            )
        )
        return signature


_DATE = b"\x05:date\x08"  # name and type; the codec's own encoder rounds a millisecond down now and then


def _finish(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing, as the signer's are."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a signature waits for something")

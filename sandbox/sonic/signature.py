"""AWS Signature Version 4 of an event stream: the request's signature seeds a chain over its chunks.

Sources: AWS "Create a signed AWS API request" and, for the chunks, Amazon Transcribe's page "Event stream
encoding"; the order and forms were checked against aws_sdk_bedrock_runtime 0.9.0.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from sandbox.sonic.eventstream import Frame, encode_headers

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
    scope = Scope(match["region"], match["service"], keys)
    text = _request_text(request, match["signed"].split(";"), scope)
    expected = hmac.new(scope.key(match["day"]), text.encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected, match["signature"]):
        raise SignatureRefused("InvalidSignatureException", MISMATCH)
    return ChunkVerifier(scope, match["signature"])


def _request_text(request: Request, signed: Iterable[str], scope: Scope) -> str:
    headers = {name: " ".join(request.headers.get(name, "").split()) for name in signed}
    canonical = "\n".join(
        (
            request.method,
            quote(request.path, safe="/"),  # encoded once on the wire, once more for the signature
            "",
            *(f"{name}:{value}" for name, value in headers.items()),
            "",
            ";".join(headers),
            request.headers.get("x-amz-content-sha256", ""),
        )
    )
    date = request.headers.get("x-amz-date", "")
    return "\n".join(("AWS4-HMAC-SHA256", date, scope.text(date[:8]), sha256(canonical.encode()).hexdigest()))


class Scope:
    """Region, service and secret; one key a day."""

    def __init__(self, region: str, service: str, keys: Keys) -> None:
        self._region = region
        self._service = service
        self._secret = keys.secret_access_key
        self._keys: dict[str, bytes] = {}

    def text(self, day: str) -> str:
        return f"{day}/{self._region}/{self._service}/aws4_request"

    def key(self, day: str) -> bytes:
        if day not in self._keys:
            key = b"AWS4" + self._secret.encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._keys[day] = key
        return self._keys[day]


class ChunkVerifier:
    """Follows one stream's chain: each chunk's signature covers the one before it."""

    def __init__(self, scope: Scope, seed: str) -> None:
        self._scope = scope
        self._prior = seed
        self.verified = 0

    def verify(self, frame: Frame) -> bool:
        """True when the chunk's signature is right; the chain goes on only then.

        The day is that of the chunk, not of the request: streams live across midnight UTC (measured).
        """
        date, signature = frame.headers.get(":date"), frame.headers.get(":chunk-signature")
        if not isinstance(date, datetime) or not isinstance(signature, bytes):
            return False
        expected = self._sign(date, frame)
        if not hmac.compare_digest(expected, signature):
            return False
        self._prior = expected.hex()
        self.verified += 1
        return True

    def _sign(self, date: datetime, frame: Frame) -> bytes:
        stamp = date.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {name: value for name, value in frame.headers.items() if name != ":chunk-signature"}
        text = "\n".join(
            (
                "AWS4-HMAC-SHA256-PAYLOAD",
                stamp,
                self._scope.text(stamp[:8]),
                self._prior,
                sha256(encode_headers(signed)).hexdigest(),
                sha256(frame.payload).hexdigest(),
            )
        )
        return hmac.digest(self._scope.key(stamp[:8]), text.encode(), "sha256")

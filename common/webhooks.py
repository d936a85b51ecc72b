"""Signatures of webhooks, as Standard Webhooks 1.0.0 has them.

A message has the headers `webhook-id`, `webhook-timestamp` (Unix seconds of this attempt) and `webhook-signature`:
`v1,` and the base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`, one for each secret that is valid, with spaces
between. A secret is `whsec_` and the base64 of 24 to 64 bytes.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, "Signature scheme".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
TOLERANCE_S = 300  # between a message's timestamp and the receiver's clock: as the reference libraries have it
_VERSION = "v1,"
_KEY_BYTES = range(24, 65)
_MOST_SIGNATURES = 16  # of one message, that are looked at


class Unverified(Exception):
    """A message that is not to be trusted. The text says why, and quotes nothing of it."""


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for. Raise ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError("a secret is whsec_ and the base64 of 24 to 64 bytes: `carlos webhooks secret` makes one")
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return `v1,…`, for one key."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return _VERSION + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def signed_headers(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a message."""
    signatures = " ".join(signature(key, message_id, timestamp, body) for key in keys)
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: signatures}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raise Unverified for a message that none of the keys has signed, or not around `now` in Unix seconds. The names
    of the `headers` are in lower case."""
    if missing := [name for name in (ID, TIMESTAMP, SIGNATURE) if not headers.get(name)]:
        raise Unverified(f"without {', '.join(missing)}")
    stamp = headers[TIMESTAMP]
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        raise Unverified(f"{TIMESTAMP} is no number of seconds")
    if abs(int(stamp) - now) > TOLERANCE_S:
        raise Unverified(f"{TIMESTAMP} is more than {TOLERANCE_S} s away from the clock")
    given = [each.encode() for each in headers[SIGNATURE].split()[:_MOST_SIGNATURES]]
    ours = [signature(key, headers[ID], int(stamp), body).encode() for key in keys]
    if not any([hmac.compare_digest(one, other) for one in ours for other in given]):  # all, in constant time
        raise Unverified("no signature is that of the secret over these bytes")

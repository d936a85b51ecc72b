"""The one-time token that ties a media socket to the call that the signed webhook announced.

Twilio's signature of the upgrade has no timestamp and names no call, so it could be replayed. The webhook puts a
token into the TwiML (`<Parameter name="token">`; query strings of a stream's URL are stripped) and the socket
must bring it back in `start`: bound to CallSid and AccountSid, valid for a minute, good for one stream.

    <expiry, Unix seconds>.<nonce>.<HMAC-SHA256 over call, account, expiry and nonce>

It carries all that is needed to check it, so any process with the same key can. Only the spent nonces are shared, and
while these cannot be asked for, a token is good by what it carries (telephony.spent_nonces).
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol

from telephony.errors import TokenRefused

TOKEN_TTL_S = 60.0
KEY_LABEL = b"carlos media stream token v1"


class SpentNonces(Protocol):
    """Where spent tokens are remembered until they expire; shared by all processes that answer one number."""

    async def consume_nonce(self, nonce: str, expires: datetime) -> bool:
        """Remember `nonce` until `expires`. Return False if it was spent before. Atomic."""
        ...


class SpentInMemory:
    """Spent tokens of one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._spent: dict[str, datetime] = {}

    async def consume_nonce(self, nonce: str, expires: datetime) -> bool:
        now = datetime.fromtimestamp(self._clock(), UTC)
        self._spent = {old: until for old, until in self._spent.items() if until > now}
        if nonce in self._spent:
            return False
        self._spent[nonce] = expires
        return True


def signing_keys(shared: Sequence[str]) -> tuple[bytes, ...]:
    """Return one key for each secret that the processes share, so that all accept each other's tokens; without any
    secret, a random key of this process alone."""
    if not shared:
        return (secrets.token_bytes(32),)
    return tuple(hmac.digest(secret.encode(), KEY_LABEL, "sha256") for secret in shared)


class StreamTokens:
    """Mints with the first key, accepts any of them. `clock` gives Unix seconds."""

    def __init__(
        self,
        keys: Sequence[bytes],
        spent: SpentNonces,
        ttl_s: float = TOKEN_TTL_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._spent = spent
        self._ttl_s = ttl_s
        self._clock = clock

    def mint(self, call_sid: str, account_sid: str) -> str:
        """Return a new token for one stream of this call."""
        expires_at = str(int(self._clock() + self._ttl_s))
        nonce = secrets.token_urlsafe(16)
        return f"{expires_at}.{nonce}.{_mac(self._keys[0], call_sid, account_sid, expires_at, nonce)}"

    async def redeem(self, token: str, call_sid: str, account_sid: str) -> None:
        """Spend a token. Raise TokenRefused if it is forged, another call's, expired or already spent."""
        expires_at, nonce = self._verify(token, call_sid, account_sid)
        if int(expires_at) <= self._clock():
            raise TokenRefused("the token has expired")
        if not await self._spent.consume_nonce(nonce, datetime.fromtimestamp(int(expires_at), UTC)):
            raise TokenRefused("the token was spent before")

    def _verify(self, token: str, call_sid: str, account_sid: str) -> tuple[str, str]:
        parts = token.split(".")
        if len(parts) != 3 or not token.isascii():
            raise TokenRefused("the token is malformed" if token else "there is no token")
        expires_at, nonce, mac = parts
        expected = [_mac(key, call_sid, account_sid, expires_at, nonce) for key in self._keys]
        if not any([hmac.compare_digest(mac, good) for good in expected]):
            raise TokenRefused("the token is forged or another call's")
        return expires_at, nonce


def _mac(key: bytes, *fields: str) -> str:
    return hmac.new(key, json.dumps(fields).encode(), sha256).hexdigest()

"""Bearer tokens: JSON Web Tokens, signed by one of the keys that a JWKS URL lists (RFC 7519, RFC 7517)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from loguru import logger

from common.log import error_text
from common.settings import Settings

if TYPE_CHECKING:
    from jwt import PyJWK

FETCH_TIMEOUT_S = 3.0
KEYS_FRESH_S = 300.0  # after that the keys are asked for again
KEYS_KEPT_S = 3600.0  # for so long they hold while nobody answers at the URL
MIN_FETCH_INTERVAL_S = 30.0  # between two requests to the URL, whatever strangers send and whatever came of the first


class KeysUnavailable(Exception):
    """Nobody answers at JWT_JWKS_URL, and has not for KEYS_KEPT_S: no token can be told from another."""


class KeySet:
    """The keys of a JWKS URL, by `kid`. `fetch` blocks; it is run off the event loop, one at a time."""

    def __init__(self, fetch: Callable[[], Iterable[PyJWK]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> PyJWK | None:
        """None for a key that is not in the set. Raises KeysUnavailable."""
        if kid not in self._keys or self._age > KEYS_FRESH_S:
            await self._refresh()
        if self._age > KEYS_KEPT_S:
            raise KeysUnavailable
        return self._keys.get(kid)

    @property
    def _age(self) -> float:
        return self._clock() - self._fetched_at

    async def _refresh(self) -> None:
        from jwt import PyJWTError

        async with self._lock:
            if self._clock() - self._asked_at < MIN_FETCH_INTERVAL_S:
                return
            self._asked_at = self._clock()
            try:
                keys = await asyncio.to_thread(self._fetch)
            except (PyJWTError, OSError, ValueError) as error:  # what came may be no JSON, or end halfway
                logger.warning("JWT_JWKS_URL gives no keys: {}", error_text(error))
                return
            self._keys = {str(key.key_id): key for key in keys}
            self._fetched_at = self._clock()


class Tokens:
    """Checks tokens for one audience of one issuer; the scopes are in `scope`, separated by spaces."""

    ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")

    def __init__(self, keys: KeySet, audience: str, issuer: str) -> None:
        self._keys = keys
        self._audience = audience
        self._issuer = issuer

    @classmethod
    def from_settings(cls, settings: Settings) -> Tokens | None:
        if not settings.jwt_jwks_url:
            return None
        from jwt import PyJWKClient

        client = PyJWKClient(settings.jwt_jwks_url, cache_jwk_set=False, timeout=FETCH_TIMEOUT_S)
        return cls(KeySet(client.get_signing_keys), settings.jwt_audience or "", settings.jwt_issuer or "")

    async def claims(self, token: str) -> Mapping[str, Any] | None:
        """What a token says; None for one that does not hold. Raises KeysUnavailable."""
        import jwt

        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = await self._keys.key(kid) if kid else None
            if key is None:
                return None
            return dict(
                jwt.decode(
                    token,
                    key,
                    algorithms=list(self.ALGORITHMS),
                    audience=self._audience,
                    issuer=self._issuer,
                    options={"require": ["exp", "sub", "aud", "iss"]},
                )
            )
        except jwt.PyJWTError:
            return None

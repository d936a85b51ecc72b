"""Who may open a browser's socket: pages of this server and of an allow-list, with a token where one is asked for.

A WebSocket is not covered by CORS: any page that a person visits may open one to any server, and only the server can
look at `Origin` (RFC 6455, 10.2). A page's own host name proves nothing either, since a stranger's name may be made
to point at us (DNS rebinding): it must be a name of ours.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection

from common.settings import Settings, is_loopback
from data.addresses import network_of
from telephony.browser.close_reasons import BAD_TOKEN, NO_TOKEN, STRANGER, TOO_MANY, CloseReason
from telephony.errors import TokenRefused
from telephony.rate_guards import Bucket
from telephony.stream_tokens import TOKEN_TTL_S, SpentInMemory, SpentNonces, StreamTokens, signing_keys

DEFAULT_PORTS = {"http": 80, "https": 443}
STARTS_PER_S = 0.5  # new sockets of one address, beyond so many at once; each begins a call
STARTS_BURST = 30
MAX_ADDRESSES = 10_000  # whose starts are remembered
TOKEN_SUBJECT = "browser", ""  # what a token is bound to, in the place of a call and an account


class UpgradePolicy:
    """Checks upgrades. `admit` counts each address's open sockets, and how fast it opens them; `clock` in seconds."""

    def __init__(
        self,
        allowed: Sequence[str],
        own_hosts: Sequence[str],
        *,
        public: bool,
        tokens: StreamTokens | None = None,
        max_per_address: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self._own_hosts = frozenset(own_hosts)
        self._public = public
        self.tokens = tokens
        self._max_per_address = max_per_address
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._starts: dict[str, Bucket] = {}

    @classmethod
    def from_settings(cls, settings: Settings, spent: SpentNonces | None = None) -> UpgradePolicy:
        own = [urlsplit(settings.base_url).hostname or "", settings.host]
        keys = signing_keys(settings.token_secrets)
        tokens = StreamTokens(keys, spent or SpentInMemory()) if settings.asks_browser_tokens else None
        return cls(
            settings.allowed_origins,
            own,
            public=settings.is_public,
            tokens=tokens,
            max_per_address=settings.browser_max_per_address,
        )

    def knows(self, upgrade: HTTPConnection) -> bool:
        """Return True for a page of ours or of the allow-list, and on loopback for what is no browser at all."""
        origin = upgrade.headers.get("origin")
        if origin is None:
            return not self._public and is_loopback(upgrade.client.host if upgrade.client else "")
        return origin.lower() in self._allowed or self._is_own(origin.lower(), upgrade.headers.get("host", "").lower())

    def _is_own(self, origin: str, host: str) -> bool:
        try:
            page, ours = urlsplit(origin), urlsplit(f"//{host}")
            default = DEFAULT_PORTS.get(page.scheme)
            same = (page.hostname, page.port or default) == (ours.hostname, ours.port or default)
        except ValueError:
            return False
        name = page.hostname or ""
        return default is not None and same and (is_loopback(name) or name in self._own_hosts)

    async def refusal(self, upgrade: HTTPConnection) -> CloseReason | None:
        """Return why this socket may not stay; None when it may."""
        if not self.knows(upgrade):
            return STRANGER
        if self.tokens is None:
            return None
        token = upgrade.query_params.get("token")
        if not token:
            return NO_TOKEN
        try:
            await self.tokens.redeem(token, *TOKEN_SUBJECT)
        except TokenRefused:
            return BAD_TOKEN
        return None

    @contextmanager
    def admit(self, upgrade: HTTPConnection) -> Iterator[CloseReason | None]:
        """Count a socket while it is open. Gives the refusal when its address has too many, or opens them too fast."""
        address = network_of(upgrade.client.host) if upgrade.client else ""
        self._open[address] += 1
        too_many = self._max_per_address > 0 and (
            self._open[address] > self._max_per_address or self._starts_too_often(address)
        )
        try:
            yield TOO_MANY if too_many else None
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def _starts_too_often(self, address: str) -> bool:
        starts = self._starts.pop(address, None) or Bucket(STARTS_PER_S, STARTS_BURST)
        self._starts[address] = starts
        if len(self._starts) > MAX_ADDRESSES:
            del self._starts[next(iter(self._starts))]  # the one that has been quiet longest
        return starts.push(1, self._clock())


def token_routes(tokens: StreamTokens) -> APIRouter:
    """Return `POST /browser/tokens`, which gives a token for one socket to the console, or to the server side of a page
    that embeds Carlos. Like every route that writes, it wants an API key, which is checked before requests come here.
    """
    router = APIRouter(tags=["browser"])

    @router.post("/browser/tokens")
    async def mint_token() -> JSONResponse:
        return JSONResponse(
            {"success": True, "data": {"token": tokens.mint(*TOKEN_SUBJECT), "expiresIn": int(TOKEN_TTL_S)}}
        )

    return router

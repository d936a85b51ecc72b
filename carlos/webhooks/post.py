"""Posts a signed body to a receiver: once, to the address that the settings name and to no other.

No redirect is followed, no cookie is kept, and no answer is read beyond its head. A name that leads to a private
address is not connected to, unless that is allowed.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from carlos.webhooks.schedule import Answer
from common.settings.webhooks import is_private
from common.webhooks import signed_headers


class PrivateAddress(OSError):
    """A name leads to nothing but private addresses."""


class PublicResolver(AbstractResolver):
    """Leaves private addresses out."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raise PrivateAddress where none is left, OSError where there is none at all."""
        found = await self._inner.resolve(host, port, family)
        public = [each for each in found if not is_private(each["host"])]
        if not public:
            raise PrivateAddress
        return public

    async def close(self) -> None:
        await self._inner.close()


class Poster:
    """Posts to receivers. `close` it at the end."""

    def __init__(self, timeout_s: float, *, private: bool, unix_time: Callable[[], float] = time.time) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._private = private
        self._unix_time = unix_time
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, keys: Sequence[bytes], message_id: str, body: bytes) -> Answer:
        """Send a message once, and return what came of it."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Carlos-Webhooks",
            **signed_headers(keys, message_id, int(self._unix_time()), body),
        }
        try:
            async with self._opened().post(url, data=body, headers=headers, allow_redirects=False) as response:
                return Answer(response.status, retry_after=response.headers.get("Retry-After", ""))
        except TimeoutError:
            return Answer(None, "no answer in time")
        except aiohttp.ClientSSLError:
            return Answer(None, "the certificate is not trusted, or TLS failed")
        except aiohttp.ClientConnectorError as error:
            is_private_name = isinstance(error.os_error, PrivateAddress)
            return Answer(None, "a private address: WEBHOOK_PRIVATE is false" if is_private_name else "no connection")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, type(error).__name__)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = aiohttp.DefaultResolver()
            connector = aiohttp.TCPConnector(resolver=resolver if self._private else PublicResolver(resolver))
            jar = aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=jar, timeout=self._timeout)
        return self._session

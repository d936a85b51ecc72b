"""Our own call control over Twilio's REST API.

pipecat's serializer can hang up too, but inline, with a 300 s time-out, and even on a call that was just
redirected to a person; so its `auto_hang_up` stays off.
"""

from __future__ import annotations

from typing import Self
from urllib.parse import quote

import aiohttp
from loguru import logger

from common.log import error_text
from common.settings import Settings

REQUEST_TIMEOUT_S = 5.0
API_ROOT = "/2010-04-01"


class CallControl:
    """Ends calls. One HTTP session for the process, opened at the first use; `close` it at the end."""

    def __init__(
        self,
        account_sid: str | None,
        auth_token: str | None,
        api_base: str = "https://api.twilio.com",
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._api_base = api_base.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        token = settings.twilio_auth_token[0].get_secret_value() if settings.twilio_auth_token else None
        return cls(settings.twilio_account_sid, token, settings.twilio_api_base, REQUEST_TIMEOUT_S)

    async def hang_up(self, call_sid: str) -> bool:
        """End the call; True once Twilio says that it is over, again and again.

        False without credentials or when Twilio cannot be reached: close the stream's socket then, and the
        action of `<Connect>` answers with `<Hangup/>`. Never raises for what Twilio does.
        """
        if not self._account_sid or not self._auth_token:
            return False
        try:
            status = await self._complete(call_sid)
        except (aiohttp.ClientError, TimeoutError) as error:
            logger.warning("hanging up {} failed: {}", call_sid, error_text(error))
            return False
        if status < 300 or status == 404:  # 20404: the caller was faster
            return True
        logger.warning("hanging up {} was refused with HTTP {}", call_sid, status)
        return False

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _complete(self, call_sid: str) -> int:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        account = quote(self._account_sid or "", safe="")
        url = f"{self._api_base}{API_ROOT}/Accounts/{account}/Calls/{quote(call_sid, safe='')}.json"
        headers = {"Authorization": aiohttp.encode_basic_auth(self._account_sid or "", self._auth_token or "")}
        async with self._session.post(url, data={"Status": "completed"}, headers=headers) as response:
            return response.status

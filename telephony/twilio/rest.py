"""Our own call control over Twilio's REST API.

pipecat's serializer can hang up too, but inline, with a 300 s time-out, and even on a call that was just
redirected to a person; so its `auto_hang_up` stays off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote

import aiohttp
from loguru import logger

from common.log import error_text
from common.settings import Settings

REQUEST_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 64 * 1024
API_ROOT = "/2010-04-01"


class Unreached(Exception):
    """Twilio could not be asked, or did not answer; the text is for the log."""


class CallControl:
    """Makes calls, redirects and ends them. One HTTP session for the process, opened at the first use; `close` it at
    the end."""

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
        if not self.has_credentials:
            return False
        try:
            status, _ = await self._post(_call(call_sid), {"Status": "completed"})
        except Unreached as error:
            logger.warning("hanging up {} failed: {}", call_sid, error)
            return False
        if status < 300 or status == 404:  # 20404: the caller was faster
            return True
        logger.warning("hanging up {} was refused with HTTP {}", call_sid, status)
        return False

    @property
    def has_credentials(self) -> bool:
        return bool(self._account_sid and self._auth_token)

    async def redirect(self, call_sid: str, url: str) -> bool:
        """Have the call go on with the document of a URL of ours. False where that was not done: the call may be over.

        https://www.twilio.com/docs/voice/tutorials/how-to-modify-calls-in-progress
        """
        if not self.has_credentials:
            return False
        try:
            status, answer = await self._post(_call(call_sid), {"Url": url, "Method": "POST"})
        except Unreached as error:
            logger.warning("redirecting {} failed: {}", call_sid, error)
            return False
        if status >= 300:
            logger.warning("redirecting {} was refused with HTTP {}, code {}", call_sid, status, answer.get("code"))
        return status < 300

    async def create_call(self, fields: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        """Make a call, and return HTTP's status and the answer's JSON. Raise Unreached."""
        if not self.has_credentials:
            raise Unreached("no credentials")
        return await self._post("Calls.json", fields)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        account = quote(self._account_sid or "", safe="")
        url = f"{self._api_base}{API_ROOT}/Accounts/{account}/{path}"
        headers = {"Authorization": aiohttp.encode_basic_auth(self._account_sid or "", self._auth_token or "")}
        try:
            async with self._session.post(url, data=dict(fields), headers=headers) as response:
                return response.status, _object(await response.content.read(MAX_ANSWER_BYTES))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreached(error_text(error)) from error


def _call(call_sid: str) -> str:
    return f"Calls/{quote(call_sid, safe='')}.json"


def _object(body: bytes) -> Mapping[str, Any]:
    """The answer's JSON object; empty for what is none."""
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}

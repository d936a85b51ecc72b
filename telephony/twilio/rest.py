"""Our own call control over Twilio's REST API.

pipecat's serializer can hang up too, but inline, with a 300 s time-out, and even on a call that was just
redirected to a person; so its `auto_hang_up` stays off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from loguru import logger

from common.settings import Settings
from telephony.twilio.api import NotAsked, TwilioApi, TwilioError

REQUEST_TIMEOUT_S = 5.0


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
        has_credentials = account_sid and auth_token
        self._api = TwilioApi(account_sid or "", auth_token or "", api_base, timeout_s) if has_credentials else None

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
            status, _ = await self._post({"Status": "completed"}, call_sid)
        except TwilioError as error:
            logger.warning("hanging up {} failed: {}", call_sid, error)
            return False
        if status < 300 or status == 404:  # 20404: the caller was faster
            return True
        logger.warning("hanging up {} was refused with HTTP {}", call_sid, status)
        return False

    @property
    def has_credentials(self) -> bool:
        return self._api is not None

    async def redirect(self, call_sid: str, url: str) -> bool:
        """Have the call go on with the document of a URL of ours. False where that was not done: the call may be over.

        https://www.twilio.com/docs/voice/tutorials/how-to-modify-calls-in-progress
        """
        if not self.has_credentials:
            return False
        try:
            status, answer = await self._post({"Url": url, "Method": "POST"}, call_sid)
        except TwilioError as error:
            logger.warning("redirecting {} failed: {}", call_sid, error)
            return False
        if status >= 300:
            logger.warning("redirecting {} was refused with HTTP {}, code {}", call_sid, status, answer.get("code"))
        return status < 300

    async def create_call(self, fields: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        """Make a call, and return HTTP's status and the answer's JSON. Raise NotAsked or Unanswered."""
        return await self._post(fields)

    async def close(self) -> None:
        if self._api is not None:
            await self._api.close()

    async def _post(self, fields: Mapping[str, str], call_sid: str = "") -> tuple[int, Mapping[str, Any]]:
        if self._api is None:
            raise NotAsked("no credentials")
        return await self._api.send("POST", "Calls", call_sid, data=fields)

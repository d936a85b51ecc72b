"""Webhooks of a call that Carlos does not answer, or could not: a message, a call back, Twilio's fallback URL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from loguru import logger
from starlette.responses import Response

from common import metrics
from telephony.twilio import door_twiml, twiml
from telephony.twilio.closed import ClosedLineWebhooks
from telephony.twilio.fallback import FALLBACK_PATH, asked_again, error_code
from telephony.twilio.webhooks import ENDED_STATUSES, FOLDER, Webhooks, with_slash, xml

Params = Mapping[str, str]


class DoorWebhooks:
    """`webhooks` checks signatures, and answers where a handler fails."""

    def __init__(self, base_url: str, webhooks: Webhooks, closed: ClosedLineWebhooks, overrides: str) -> None:
        self._base_url = base_url
        self._webhooks = webhooks
        self._closed = closed
        self._overrides = overrides

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        for path, handler in (
            (FALLBACK_PATH, self._spoken(self._fallback)),
            (door_twiml.VOICEMAIL_PATH, self._spoken(self._closed.voicemail)),
            (door_twiml.VOICEMAIL_STATUS_PATH, self._closed.voicemail_status),
            (door_twiml.CALLBACK_PATH, self._spoken(self._closed.callback)),
        ):
            for typed in with_slash(path):
                router.add_api_route(typed, self._webhooks.signed(handler), methods=["GET", "POST"])
        return router

    async def _fallback(self, params: Params) -> str:
        """Twilio could not use an answer of ours: have it ask once more, or apologise."""
        if params.get("CallStatus") in ENDED_STATUSES:
            return twiml.hang_up()
        target = asked_again(self._base_url, FOLDER, params)
        outcome = "apology" if target is None else "retry"
        logger.error("Twilio asks the fallback URL, error {}: {}", error_code(params), outcome)
        metrics.FALLBACKS.add(outcome=outcome)
        return twiml.apology() if target is None else door_twiml.try_again(self._base_url, target, self._overrides)

    def _spoken(self, handler: Callable[[Params], Awaitable[str]]) -> Callable[[Params], Awaitable[Response]]:
        async def answer(params: Params) -> Response:
            return xml(await handler(params))

        return self._webhooks.or_apologise(answer)

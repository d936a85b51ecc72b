"""Twilio as a carrier: its routes, its way to say which call a request is about, and its REST API to hang up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.types import Scope
from starlette.websockets import WebSocket

from common.settings import Settings
from telephony.carrier import Caller, CarrierHandler
from telephony.person_line import PersonLine
from telephony.stream_tokens import SpentNonces
from telephony.twilio.line import PhoneLine
from telephony.twilio.media_stream import MediaStream, Started
from telephony.twilio.people import TwilioPeople
from telephony.twilio.rest import CallControl
from telephony.twilio.routes import phone_routes
from telephony.twilio.transfer_twiml import AFTER_TRANSFER_PATH, BACK_PATH
from telephony.twilio.twiml import AFTER_STREAM_PATH, MEDIA_PATH
from telephony.twilio.webhooks import FOLDER, VOICE_PATH, with_slash


class Twilio:
    """`telephony.carrier.Carrier`."""

    name = "twilio"
    folder = FOLDER
    begins = frozenset({*with_slash(VOICE_PATH), AFTER_STREAM_PATH, AFTER_TRANSFER_PATH, BACK_PATH})

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._control = CallControl.from_settings(settings)
        self.person_line: PersonLine | None = (
            TwilioPeople(self._control, settings) if self._control.has_credentials else None
        )

    def routes(self, calls: CarrierHandler, spent: SpentNonces, *, call_in_path: bool = False) -> APIRouter:
        async def answer(websocket: WebSocket, stream: MediaStream, started: Started, caller: Caller) -> None:
            await calls.answer(lambda on_end: PhoneLine(websocket, stream, on_end), caller)

        return phone_routes(self._settings, calls, answer, spent=spent, call_in_path=call_in_path)

    async def call_id(self, scope: Scope, body: Callable[[], Awaitable[bytes | None]]) -> str:
        path: str = scope["path"]
        if scope["type"] == "websocket":
            folder, _, call_sid = path.rpartition("/")
            return call_sid if folder == MEDIA_PATH else ""
        if not path.startswith(FOLDER) or (form := await body()) is None:
            return ""
        return _call_sid(form) or _call_sid(scope["query_string"])

    async def hang_up(self, call_id: str) -> bool:
        return await self._control.hang_up(call_id)

    async def close(self) -> None:
        await self._control.close()


def _call_sid(form: bytes) -> str:
    """The last one counts, as it does for the webhook. A form that is none names nobody; the webhook refuses it."""
    try:
        return dict(parse_qsl(form.decode())).get("CallSid", "")
    except ValueError:
        return ""

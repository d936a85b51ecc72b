"""A closed line's webhooks: what it says, a message that a caller leaves, and a call back that he asks for.

Twilio tells of a message twice: when the caller has ended it, with his number (`action`), and when its file is ready
(`recordingStatusCallback`). Either suffices. Its URL is kept, and never the audio, which stays in the Twilio account.
https://www.twilio.com/docs/voice/twiml/record
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from loguru import logger
from starlette.responses import Response

from data.errors import DataError
from telephony.caller_id import CallerKind, caller_id
from telephony.carrier import CarrierHandler
from telephony.twilio import door_twiml

_URL = re.compile(r"https?://[!-~]{1,380}", re.ASCII)
_SECONDS = re.compile(r"\d{1,6}", re.ASCII)

Params = Mapping[str, str]


class ClosedLineWebhooks:
    def __init__(self, base_url: str, phone_calls: CarrierHandler, voicemail_max_s: int, overrides: str) -> None:
        self._base_url = base_url
        self._phone_calls = phone_calls
        self._voicemail_max_s = voicemail_max_s
        self._overrides = overrides

    async def answer(self, params: Params) -> str:
        """Return the document for a call that is CLOSED. Nobody can be called back without a number."""
        line = await self._phone_calls.closed_line()
        if line.offer == "voicemail":
            return door_twiml.voicemail(line.said, self._voicemail_max_s, self._base_url, self._overrides)
        if line.offer == "callback" and _number_of(params):
            return door_twiml.offer_callback(line.said, self._base_url, self._overrides)
        return door_twiml.said(line.said)

    async def voicemail(self, params: Params) -> str:
        """The message is over. Where its place cannot be kept now, the file's own callback brings it again."""
        try:
            await self._note_voicemail(params)
        except DataError as error:
            logger.error("a message is not noted yet: {!r}", error)
        return door_twiml.said(door_twiml.MESSAGE_KEPT)

    async def voicemail_status(self, params: Params) -> Response:
        """The message's file is ready. 503 where that cannot be kept, so that Twilio may tell it again."""
        try:
            await self._note_voicemail(params)
        except DataError as error:
            logger.error("a message is not noted: {!r}", error)
            return Response(status_code=503)
        return Response(status_code=204)

    async def callback(self, params: Params) -> str:
        """A key was pressed after the offer of a call back."""
        number = _number_of(params)
        if params.get("Digits") != door_twiml.CALLBACK_KEY or not number:
            return door_twiml.said(door_twiml.GOODBYE)
        try:
            await self._phone_calls.note_callback(params["CallSid"], number)
        except DataError as error:
            logger.error("a call back is not noted: {!r}", error)
            return door_twiml.said(door_twiml.CALLBACK_FAILED)
        return door_twiml.said(door_twiml.CALLBACK_NOTED)

    async def _note_voicemail(self, params: Params) -> None:
        url, seconds = params.get("RecordingUrl", ""), params.get("RecordingDuration", "")
        if not _URL.fullmatch(url):
            logger.warning("a message without a URL")
            return
        facts = {"url": url} | ({"duration_s": seconds} if _SECONDS.fullmatch(seconds) else {})
        await self._phone_calls.note_voicemail(params["CallSid"], params.get("From", ""), facts)


def _number_of(params: Params) -> str:
    """Return the caller's number in E.164; empty for a caller without one."""
    caller = caller_id(params.get("From", ""))
    return caller.id if caller.kind is CallerKind.NUMBER else ""

"""Twilio's HTTP webhooks: a call rings, a stream ends, a status changes. All signed, all answered at once.

Twilio waits 15 s for TwiML and then plays an error in English: a slow or failing server becomes a spoken apology.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter
from loguru import logger
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from agent.capacity import Admission
from telephony.carrier import (
    AfterStream,
    Apologise,
    AskAgain,
    CallStatus,
    CarrierHandler,
    Dial,
    Hold,
    OpenAgain,
    Resume,
)
from telephony.stream_tokens import StreamTokens
from telephony.twilio import door_twiml, transfer_twiml, twiml
from telephony.twilio.closed import ClosedLineWebhooks
from telephony.twilio.signature import Signatures

MAX_FORM_BYTES = 64 * 1024  # bytes; Twilio's forms are one or two thousand
MAX_FORM_FIELDS = 200
ANSWER_TIMEOUT_S = 5.0

FOLDER = "/twilio/"
VOICE_PATH = "/twilio/voice"
STATUS_PATH = "/twilio/status"

ENDED_STATUSES = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})  # values of CallStatus
_FACT_NAMES = {"CallStatus": "status", "CallDuration": "duration_s", "SipResponseCode": "sip", "Direction": "direction"}

_CALL_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Params = Mapping[str, str]


class BadForm(Exception):
    """A body that is not a form as Twilio sends them; `status` is what to answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Webhooks:
    """The webhooks of an answered call as one router. 403 with an empty body for what Twilio did not sign.

    `closed` answers for a closed line. `call_in_path` puts the call's id into the media stream's URL, whose path Twilio
    keeps and signs. `overrides` are connection overrides for the URLs that Twilio gets from us.
    """

    def __init__(
        self,
        base_url: str,
        signatures: Signatures,
        tokens: StreamTokens,
        phone_calls: CarrierHandler,
        *,
        closed: ClosedLineWebhooks,
        call_in_path: bool = False,
        overrides: str = "",
    ) -> None:
        self._base_url = base_url
        self._signatures = signatures
        self._tokens = tokens
        self._phone_calls = phone_calls
        self._call_in_path = call_in_path
        self._overrides = overrides
        self._closed = closed

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        for path, handler in (
            (VOICE_PATH, self.or_apologise(self._voice)),
            (twiml.AFTER_STREAM_PATH, self.or_apologise(self._after_stream)),
            (STATUS_PATH, self._status),
            (twiml.STREAM_STATUS_PATH, self._stream_status),
        ):
            for typed in with_slash(path):
                router.add_api_route(typed, self.signed(handler), methods=["GET", "POST"])
        return router

    # What Twilio asks.

    async def _voice(self, params: Params) -> Response:
        """Answer a ringing call: open its stream, or say why not. A call that is over is hung up: the request is a
        replay."""
        call_sid = params["CallSid"]
        if params.get("CallStatus") in ENDED_STATUSES or await self._phone_calls.is_over(call_sid):
            logger.warning("call {} is over and rings again", call_sid)
            return xml(twiml.hang_up())
        tries = twiml.tries_of(params)
        admission = await self._phone_calls.admit(call_sid, params.get("From", ""), tries=tries)
        ring = logger.bind(call_id=call_sid, event="rings", admission=admission.name.lower())
        ring.info("call {} rings: {}", call_sid, admission.name.lower())
        if admission is Admission.ELSEWHERE:
            return xml(twiml.ask_again(self._base_url, VOICE_PATH, tries=tries + 1, overrides=self._overrides))
        if admission is Admission.CLOSED:
            return xml(await self._closed.answer(params))
        if admission is not Admission.ACCEPTED:
            return xml(door_twiml.refused(admission))
        return self._connect(params, resumes=0, tries=tries)

    async def _after_stream(self, params: Params) -> Response:
        """The stream is over, whoever ended it, or could not be opened; the call may be over with it."""
        if params.get("CallStatus") in ENDED_STATUSES:
            await self._phone_calls.status(params["CallSid"], status_of(params))
            return xml(twiml.hang_up())
        resumes = twiml.resumes_of(params)
        after = await self._phone_calls.ended(params["CallSid"], resumes, tries=twiml.tries_of(params))
        logger.info("stream of {} is over: {}", params["CallSid"], type(after).__name__)
        return self.next_step(params, after, twiml.AFTER_STREAM_PATH)

    def next_step(self, params: Params, after: AfterStream, path: str) -> Response:
        """Return the TwiML for what comes after a call's stream, or after a transfer. `path` is where to ask again. The
        counts of the request go on with the call: every answer raises one of them, and both are bounded."""
        resumes, tries = twiml.resumes_of(params), twiml.tries_of(params)
        match after:
            case Resume():
                return self._connect(params, resumes + 1, tries=0)
            case OpenAgain():
                return self._connect(params, resumes, tries + 1)
            case AskAgain():
                return xml(twiml.ask_again(self._base_url, path, resumes, tries + 1, self._overrides))
            case Hold(transfer):
                to = twiml.printable(params.get("To", ""))
                return xml(transfer_twiml.hold(self._base_url, transfer, to, self._overrides))
            case Dial(transfer, caller_id):
                return xml(transfer_twiml.dial_cold(self._base_url, transfer, caller_id, self._overrides))
            case Apologise():
                return xml(twiml.apology())
        return xml(twiml.hang_up())

    def _connect(self, params: Params, resumes: int, tries: int) -> Response:
        token = self._tokens.mint(params["CallSid"], params.get("AccountSid", ""))
        parameters = twiml.StreamParameters(token, params.get("From", ""), params.get("To", ""), resumes, tries)
        path = f"{twiml.MEDIA_PATH}/{quote(params['CallSid'], safe='')}" if self._call_in_path else twiml.MEDIA_PATH
        return xml(twiml.connect(self._base_url, parameters, path, overrides=self._overrides))

    async def _status(self, params: Params) -> Response:
        await self._phone_calls.status(params["CallSid"], status_of(params))
        return Response(status_code=204)

    async def _stream_status(self, params: Params) -> Response:
        event, error = params.get("StreamEvent", ""), params.get("StreamError", "")
        logger.log("WARNING" if error else "INFO", "call {}: {} {}", params["CallSid"], event, error)
        return Response(status_code=204)

    # Around every answer.

    def signed(self, handler: Callable[[Params], Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                form = await read_form(request)
            except BadForm as bad:
                return Response(status_code=bad.status)
            if not self._signatures.valid(request, form):
                logger.warning("{} without a valid signature", request.url.path)
                return Response(status_code=403)
            params = {key: str(value) for key, value in (*request.query_params.items(), *form.items())}
            if not _CALL_SID.fullmatch(params.get("CallSid", "")):
                return Response(status_code=400)
            with logger.contextualize(call_id=params["CallSid"]):
                return await handler(params)

        return endpoint

    def or_apologise(self, handler: Callable[[Params], Awaitable[Response]]) -> Callable[[Params], Awaitable[Response]]:
        async def answer(params: Params) -> Response:
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    return await handler(params)
            except Exception:
                logger.exception("no answer for call {}", params["CallSid"])
                return xml(twiml.apology())

        return answer


def with_slash(path: str) -> tuple[str, str]:
    """Return a path as it is and with a slash at its end, an easy slip where a person types it into Twilio's console.
    Either is answered; the signature is over the one that Twilio used."""
    return path, f"{path}/"


def status_of(params: Params) -> CallStatus:
    """Return what a request says of its call."""
    facts = {ours: params[theirs] for theirs, ours in _FACT_NAMES.items() if theirs in params}
    word = params.get("CallStatus", "?")
    return CallStatus(word, word in ENDED_STATUSES, facts)


async def read_form(request: Request) -> FormData:
    """Return a POST's form with blank values and repeated keys, empty for a GET. Raise BadForm for 413 and 400."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise BadForm(413)
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        raise BadForm(400) from None
    return FormData([*fields])


def xml(document: str) -> Response:
    return Response(document, media_type="application/xml")

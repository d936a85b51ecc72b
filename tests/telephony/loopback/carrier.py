"""A carrier in one file, as somebody would add it to `telephony/`: a signed GET says that a call rings, a WebSocket
brings its audio as binary messages of mu-law at 8 kHz.

    GET /loopback/ring?call=…&from=…   {"stream": "/loopback/stream/…"}, or 403, 410, 503
    WS  /loopback/stream/{call}        audio both ways; "clear" and "hangup" as text to the client, "hangup" from it
    GET /loopback/over?call=…&seconds=…   204; the client's word that the call has ended

`X-Loopback-Signature` is the HMAC of path and query in hexadecimal.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter
from loguru import logger
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.audio.resample import Resampler
from agent.audio.ulaw import ULAW_RATE, ulaw_decode, ulaw_encode
from agent.capacity import Admission
from agent.line import INPUT_RATE, AudioSink, CallerAudio, LineDropped, LineEvent, SinkClosed
from agent.persona.prompt import LineKind
from common.settings import Settings
from telephony.carrier import Caller, CallStatus, CarrierHandler, OnEnd
from telephony.errors import TokenRefused
from telephony.rate_guards import media_ahead
from telephony.read_timeout import ReadTimeout
from telephony.sockets import close
from telephony.stream_tokens import SpentNonces, StreamTokens, signing_keys

FOLDER = "/loopback/"
RING_PATH, OVER_PATH, STREAM_PATH = FOLDER + "ring", FOLDER + "over", FOLDER + "stream"
HANG_UP, CLEAR = "hangup", "clear"
SILENCE_LIMIT_S = 15.0  # without a message the client is gone
INTERNAL_ERROR, TRY_AGAIN_LATER = 1011, 1013
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class LoopbackSink:
    """Carlos's audio to the client."""

    rate = ULAW_RATE
    lead = 3  # frames: 60 ms
    piece = 1
    acknowledges = False  # what was heard is told by the clock
    tail_s = 0.0

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def send_audio(self, pcm: bytes) -> None:
        try:
            await self._websocket.send_bytes(ulaw_encode(pcm))
        except (WebSocketDisconnect, RuntimeError) as error:
            raise SinkClosed from error

    async def send_mark(self, name: str) -> None:
        """Nothing: marks do not come back."""

    async def send_clear(self) -> None:
        try:
            await self._websocket.send_text(CLEAR)
        except (WebSocketDisconnect, RuntimeError) as error:
            raise SinkClosed from error


class LoopbackLine:
    """One open stream (agent.call.Line)."""

    kind: LineKind = "phone"

    def __init__(self, websocket: WebSocket, on_end: OnEnd) -> None:
        self.sink: AudioSink = LoopbackSink(websocket)
        self._websocket = websocket
        self._on_end = on_end

    async def events(self) -> AsyncIterator[LineEvent]:
        upsample, ahead = Resampler(ULAW_RATE, INPUT_RATE), media_ahead()
        timeout, loop = ReadTimeout(SILENCE_LIMIT_S), asyncio.get_running_loop()
        try:
            while audio := await self._audio(timeout):
                if ahead.push(len(audio) / ULAW_RATE, loop.time()):
                    raise LineDropped("audio ahead of real time", "flooded")
                yield CallerAudio(upsample.push(ulaw_decode(audio)))
        finally:
            timeout.stop()

    async def _audio(self, timeout: ReadTimeout) -> bytes:
        """The next message's; empty when the caller hangs up."""
        try:
            message = await timeout.wait(self._websocket.receive())
        except TimeoutError as error:
            raise LineDropped(f"no message for {SILENCE_LIMIT_S:g} s") from error
        if message.get("text") == HANG_UP:
            return b""
        if not (audio := message.get("bytes")):
            raise LineDropped("the socket closed, or a message that is no audio")
        return bytes(audio)

    async def end(self, outcome: str) -> None:
        await self._on_end(outcome)
        await close(self._websocket)


class Loopback:
    """`telephony.carrier.Carrier`."""

    name = "loopback"
    folder = FOLDER
    begins = frozenset({RING_PATH})
    person_line = None

    def __init__(self, settings: Settings) -> None:
        self._secrets = settings.token_secrets
        self._streams: dict[str, WebSocket] = {}

    def routes(self, calls: CarrierHandler, spent: SpentNonces, *, call_in_path: bool = False) -> APIRouter:
        tokens = StreamTokens(signing_keys(self._secrets), spent)

        async def ring(request: Request) -> Response:
            call_id, number = request.query_params.get("call", ""), request.query_params.get("from", "")
            if not self._is_signed(request) or not _CALL_ID.fullmatch(call_id):
                return Response(status_code=403)
            if await calls.is_over(call_id):
                return Response(status_code=410)
            if await calls.admit(call_id, number) is not Admission.ACCEPTED:
                return Response(status_code=503)
            query = urlencode({"from": number, "token": tokens.mint(call_id, number)})
            return JSONResponse({"stream": f"{STREAM_PATH}/{call_id}?{query}"})

        async def stream(websocket: WebSocket, call_id: str) -> None:
            token, number = websocket.query_params.get("token", ""), websocket.query_params.get("from", "")
            try:
                await tokens.redeem(token, call_id, number)
            except TokenRefused:
                await websocket.send_denial_response(Response(status_code=403))
                return
            await websocket.accept()
            if await calls.started(call_id):
                await self._answer(calls, websocket, Caller(call_id, number))
            else:
                await close(websocket, TRY_AGAIN_LATER)

        async def over(request: Request) -> Response:
            call_id, seconds = request.query_params.get("call", ""), request.query_params.get("seconds", "")
            if not self._is_signed(request) or not _CALL_ID.fullmatch(call_id):
                return Response(status_code=403)
            await calls.status(call_id, CallStatus("over", is_over=True, facts={"duration_s": seconds}))
            return Response(status_code=204)

        router = APIRouter(include_in_schema=False)
        router.add_api_route(RING_PATH, ring)
        router.add_api_route(OVER_PATH, over)
        router.add_api_websocket_route(STREAM_PATH + "/{call_id}", stream)
        return router

    async def _answer(self, calls: CarrierHandler, websocket: WebSocket, caller: Caller) -> None:
        """Hold the call to its end. Its place is free before its socket is closed."""
        self._streams[caller.call_id] = websocket
        failed = True
        try:
            await calls.answer(lambda on_end: LoopbackLine(websocket, on_end), caller)
            failed = False
        except Exception:
            logger.exception("call {} failed", caller.call_id)
        finally:
            del self._streams[caller.call_id]
            await calls.release(caller.call_id, failed=failed)
        await close(websocket, INTERNAL_ERROR if failed else 1000)

    async def call_id(self, scope: Scope, body: Callable[[], Awaitable[bytes | None]]) -> str:
        path: str = scope["path"]
        if path.startswith(STREAM_PATH):
            return path.rpartition("/")[2]
        query: bytes = scope["query_string"]
        return parse_qs(query.decode("latin-1")).get("call", [""])[0]

    async def hang_up(self, call_id: str) -> bool:
        if (websocket := self._streams.get(call_id)) is None:
            return False
        try:
            await websocket.send_text(HANG_UP)
        except (WebSocketDisconnect, RuntimeError):
            return False
        return True

    async def close(self) -> None:
        """Nothing of its own is open."""

    def _is_signed(self, request: Request) -> bool:
        given = request.headers.get("x-loopback-signature", "").encode()
        target = f"{request.url.path}?{request.url.query}"
        expected = [signature(secret, target).encode() for secret in self._secrets]
        return any([hmac.compare_digest(given, good) for good in expected])


def signature(secret: str, target: str) -> str:
    """What goes into X-Loopback-Signature; `target` is path and query."""
    return hmac.digest(secret.encode(), target.encode(), "sha256").hex()

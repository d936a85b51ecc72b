"""`WS /twilio/media`: from the upgrade to a started, authenticated stream. What happens on it is `Answer`'s.

    upgrade ──signature──▶ accept ──connected, start in time──▶ token, call, account ──place──▶ answer ──▶ close
        └ 403, 503                    └ 1008                        └ 1008               └ 1013

A stranger is turned away as early as can be, and holds a socket for `start_timeout_s` at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from loguru import logger
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from telephony.carrier import Caller, CarrierHandler
from telephony.errors import RemoteProtocolError, TokenRefused
from telephony.sockets import close, receive_message
from telephony.stream_tokens import StreamTokens
from telephony.twilio import twiml
from telephony.twilio.media_stream import MAX_MESSAGE, MediaStream, Started
from telephony.twilio.signature import Signatures

WS_MAX_SIZE = MAX_MESSAGE  # bytes; for uvicorn's ws_max_size, so that a larger frame is never held in memory
START_TIMEOUT_S = 5.0  # Twilio sends `connected` and `start` at once
MAX_PENDING_SOCKETS = 64  # sockets that have not shown their token yet
MAX_MESSAGES_BEFORE_START = 16  # messages; Twilio sends one

POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013

Answer = Callable[[WebSocket, MediaStream, Started, Caller], Awaitable[None]]
"""Runs a whole call on a started stream; every message after `start` is still in the socket. May close it."""


class MediaSocket:
    """The endpoint. `waiting` counts the sockets that are not authenticated yet."""

    def __init__(
        self,
        signatures: Signatures,
        tokens: StreamTokens,
        phone_calls: CarrierHandler,
        answer: Answer,
        *,
        start_timeout_s: float = START_TIMEOUT_S,
        max_waiting: int = MAX_PENDING_SOCKETS,
    ) -> None:
        self.waiting = 0
        self._signatures = signatures
        self._tokens = tokens
        self._phone_calls = phone_calls
        self._answer = answer
        self._start_timeout_s = start_timeout_s
        self._max_waiting = max_waiting

    async def serve(self, websocket: WebSocket) -> None:
        """Handle one socket from upgrade to close."""
        if not self._signatures.valid(websocket):
            logger.warning("media socket without a valid signature")
            await websocket.send_denial_response(Response(status_code=403))
            return
        if self.waiting >= self._max_waiting:
            logger.warning("{} media sockets wait for their start: one more turned away", self.waiting)
            await websocket.send_denial_response(Response(status_code=503))
            return
        self.waiting += 1
        try:
            opened = await self._open(websocket)
        finally:
            self.waiting -= 1
        if opened is not None:
            await self._run(websocket, *opened)

    async def _open(self, websocket: WebSocket) -> tuple[MediaStream, Started] | None:
        """Authenticate the stream and take its place; None when the socket was turned away."""
        stream = MediaStream()
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await websocket.accept()
                started = await receive_start(websocket, stream)
                token = started.parameters.get("token", "")
                await self._tokens.redeem(token, started.call_sid, started.account_sid)
                seated = await self._phone_calls.started(started.call_sid)
        except WebSocketDisconnect:
            logger.info("media socket left before its start")
        except TimeoutError:
            await self._turn_away(websocket, "no start in time")
        except RemoteProtocolError as error:
            await self._turn_away(websocket, f"not a media stream: {error}")
        except TokenRefused as error:
            await self._turn_away(websocket, str(error))
        except Exception:
            logger.exception("a media socket could not be seated")
            await close(websocket, INTERNAL_ERROR)
        else:
            if seated:
                return stream, started
            await self._turn_away(websocket, "no place", TRY_AGAIN_LATER)
        return None

    async def _turn_away(self, websocket: WebSocket, why: str, code: int = POLICY_VIOLATION) -> None:
        logger.warning("media socket turned away: {}", why)
        await close(websocket, code)

    async def _run(self, websocket: WebSocket, stream: MediaStream, started: Started) -> None:
        """Have the call answered. The place is free before the socket closes: Twilio asks what is next at once."""
        call_sid, parameters = started.call_sid, started.parameters
        caller = Caller(call_sid, parameters.get("from", ""), twiml.resumes_of(parameters))
        failed = True
        try:
            await self._answer(websocket, stream, started, caller)
            failed = False
        except Exception:
            logger.exception("call {} failed", call_sid)
        finally:
            await self._phone_calls.release(call_sid, failed=failed)
        await close(websocket, INTERNAL_ERROR if failed else 1000)


async def receive_start(websocket: WebSocket, stream: MediaStream) -> Started:
    """Read up to `start` and no further: the caller's first words stay in the socket."""
    for _ in range(MAX_MESSAGES_BEFORE_START):
        event = stream.receive(await receive_message(websocket))
        if isinstance(event, Started):
            return event
    raise RemoteProtocolError(f"no start in {MAX_MESSAGES_BEFORE_START} messages")

"""`WS /twilio/media`: from the upgrade to a started, authenticated stream. What happens on it is `Answer`'s.

    upgrade ──signature──▶ accept ──connected, start in time──▶ token, call, account ──seat──▶ answer ──▶ close
        └ 403, 503                    └ 1008                        └ 1008               └ 1013

A stranger is turned away as early as can be, and holds a socket for `start_timeout_s` at most.
"""

from __future__ import annotations

import asyncio

from loguru import logger
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from carlos.log import error_text
from telephony import twiml
from telephony.errors import RemoteProtocolError, TokenRefused
from telephony.media_stream import MAX_MESSAGE, MediaStream, Started
from telephony.ports import Answer, Caller, Desk
from telephony.signature import Signatures
from telephony.token import StreamTokens

WS_MAX_SIZE = MAX_MESSAGE  # bytes; for uvicorn's ws_max_size, so that a larger frame is never held in memory
START_TIMEOUT_S = 5.0  # Twilio sends `connected` and `start` at once
MAX_WAITING = 64  # sockets that have not shown their token yet
MAX_BEFORE_START = 16  # messages; Twilio sends one

POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013


class MediaSocket:
    """The endpoint. `waiting` counts the sockets that are not authenticated yet."""

    def __init__(
        self,
        signatures: Signatures,
        tokens: StreamTokens,
        desk: Desk,
        answer: Answer,
        *,
        start_timeout_s: float = START_TIMEOUT_S,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.waiting = 0
        self._signatures = signatures
        self._tokens = tokens
        self._desk = desk
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
        """Authenticate the stream and take its seat; None when the socket was turned away."""
        stream = MediaStream()
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await websocket.accept()
                started = await receive_start(websocket, stream)
                token = started.parameters.get("token", "")
                await self._tokens.redeem(token, started.call_sid, started.account_sid)
                seated = await self._desk.started(started.call_sid, started.stream_sid)
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
            await self._turn_away(websocket, "no seat", TRY_AGAIN_LATER)
        return None

    async def _turn_away(self, websocket: WebSocket, why: str, code: int = POLICY_VIOLATION) -> None:
        logger.warning("media socket turned away: {}", why)
        await close(websocket, code)

    async def _run(self, websocket: WebSocket, stream: MediaStream, started: Started) -> None:
        """Have the call answered. The seat is free before the socket closes: Twilio asks what is next at once."""
        call_sid, parameters = started.call_sid, started.parameters
        resumes = twiml.resumes_of(parameters)
        caller = Caller(call_sid, parameters.get("from", ""), line=parameters.get("to", ""), resumes=resumes)
        failed = True
        try:
            await self._answer(websocket, stream, started, caller)
            failed = False
        except Exception:
            logger.exception("call {} failed", call_sid)
        finally:
            await self._desk.release(call_sid, failed=failed)
        await close(websocket, INTERNAL_ERROR if failed else 1000)


async def receive_message(websocket: WebSocket) -> str | bytes:
    """The next message, text or binary. Raises WebSocketDisconnect when the peer is gone."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    text: str | None = message.get("text")
    binary: bytes | None = message.get("bytes")
    return text if text is not None else binary or b""


async def receive_start(websocket: WebSocket, stream: MediaStream) -> Started:
    """Read up to `start` and no further: the caller's first words stay in the socket."""
    for _ in range(MAX_BEFORE_START):
        event = stream.receive(await receive_message(websocket))
        if isinstance(event, Started):
            return event
    raise RemoteProtocolError(f"no start in {MAX_BEFORE_START} messages")


async def close(websocket: WebSocket, code: int = 1000) -> None:
    """Close a socket that may be closed already, by either side."""
    if WebSocketState.DISCONNECTED in (websocket.client_state, websocket.application_state):
        return
    try:
        await websocket.close(code)
    except (RuntimeError, WebSocketDisconnect) as error:
        logger.debug("the media socket was gone before its close: {}", error_text(error))

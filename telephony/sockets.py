"""A WebSocket, whichever line it is of: reading a message, and closing one that may be closed already."""

from __future__ import annotations

from loguru import logger
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from common.log import error_text


async def receive_message(websocket: WebSocket) -> str | bytes:
    """Return the next message, text or binary. Raise WebSocketDisconnect when the peer is gone."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    text: str | None = message.get("text")
    binary: bytes | None = message.get("bytes")
    return text if text is not None else binary or b""


async def close(websocket: WebSocket, code: int = 1000) -> None:
    """Close a socket that may be closed already, by either side."""
    if WebSocketState.DISCONNECTED in (websocket.client_state, websocket.application_state):
        return
    try:
        await websocket.close(code)
    except (RuntimeError, WebSocketDisconnect) as error:
        logger.debug("the media socket was gone before its close: {}", error_text(error))

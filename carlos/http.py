"""uvicorn's HTTP protocol with limits for the peer; uvicorn itself has one for idle connections only.

    connected ──▶ head ──────────────▶ body ──────────────▶ answer ───────────────▶ idle ──▶ head
                  HEAD_TIMEOUT_S       BODY_TIMEOUT_S       WRITE_TIMEOUT_S
                  MAX_HEAD_BYTES                            without taking any

Without them a request that is never finished holds its connection for ever. An answer may take as long as it takes:
streams of events are answers, too.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from carlos.cutoff import CutOff

HEAD_TIMEOUT_S = 10.0  # from the connection, or a request's first byte, to the end of its head
BODY_TIMEOUT_S = 30.0  # from there to its last byte
WRITE_TIMEOUT_S = 30.0  # without taking what waits to be sent
CLOSE_TIMEOUT_S = 10.0  # to take the rest of what was sent last
MAX_HEAD_BYTES = 64 * 1024  # bytes


class BoundedHttp(HttpToolsProtocol):
    """Give it to `uvicorn.Config(http=...)`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._request = CutOff(self.loop)  # while a request is not whole
        self._answer = CutOff(self.loop)  # while an answer is not taken
        self._head: int | None = 0  # bytes of a head that is not complete; None when there is none to come
        self._upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._request.after(HEAD_TIMEOUT_S, transport)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._upgraded:
            return
        if self._head is not None:
            self._head += len(data)
            if self._head > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")
        if self.transport.is_closing():
            self._answer.after(CLOSE_TIMEOUT_S, self.transport)
        elif self._is_idle and not self._request.is_set:
            self._request.after(HEAD_TIMEOUT_S, self.transport)  # an empty line came: it is before a request

    @property
    def _is_idle(self) -> bool:
        """Nothing is being answered, and uvicorn does not count the time either."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and self.timeout_keep_alive_task is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._request.never()
        self._answer.never()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True
        self._request.never()
        self._answer.never()
        super().handle_websocket_upgrade()

    # What the parser finds.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._request.after(HEAD_TIMEOUT_S, self.transport)

    def on_headers_complete(self) -> None:
        self._head = None
        self._request.after(BODY_TIMEOUT_S, self.transport)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._request.never()
        super().on_message_complete()

    # Peers that take nothing.

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._answer.after(CLOSE_TIMEOUT_S, self.transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._answer.after(WRITE_TIMEOUT_S, self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._answer.never()

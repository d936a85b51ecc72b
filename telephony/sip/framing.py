"""SIP messages out of a stream of bytes: Content-Length says where one ends (RFC 3261, section 18.3). Sans-IO."""

from __future__ import annotations

import re

from telephony.errors import RemoteProtocolError
from telephony.sip.message import MAX_MESSAGE_BYTES

_LENGTH = re.compile(rb"(?:^|\r\n)(?:content-length|l)[ \t]*:[ \t]*(\d{1,7})[ \t]*(?:\r\n|$)", re.IGNORECASE)
_END = b"\r\n\r\n"


class Framing:
    def __init__(self) -> None:
        self._buffer = bytearray()

    def push(self, data: bytes | bytearray) -> list[bytes]:
        """Return the messages that are complete. Raise RemoteProtocolError where the end of one cannot be found."""
        self._buffer += data
        messages: list[bytes] = []
        while (message := self._next()) is not None:
            messages.append(message)
        if len(self._buffer) > MAX_MESSAGE_BYTES:
            raise RemoteProtocolError(f"a message longer than {MAX_MESSAGE_BYTES} bytes")
        return messages

    def _next(self) -> bytes | None:
        while self._buffer[:2] == b"\r\n":  # between messages: a keep-alive (RFC 5626, section 3.5.1)
            del self._buffer[:2]
        end = self._buffer.find(_END)
        if end < 0:
            return None
        head = bytes(self._buffer[:end])
        length = _LENGTH.search(head)
        if length is None:
            raise RemoteProtocolError("a message without a Content-Length on a stream")
        size = end + len(_END) + int(length[1])
        if size > MAX_MESSAGE_BYTES:
            raise RemoteProtocolError(f"a message of {size} bytes, more than {MAX_MESSAGE_BYTES}")
        if len(self._buffer) < size:
            return None
        message = bytes(self._buffer[:size])
        del self._buffer[:size]
        return message

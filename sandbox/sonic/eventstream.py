"""`application/vnd.amazon.eventstream`, read and written by AWS's own codec: frames out of bytes, bytes out of frames.

The client's frames are its own work (`agent.sonic.wire.eventstream`), so that what judges them here is nobody's
second copy.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from smithy_aws_event_stream.events import Event, EventMessage
from smithy_aws_event_stream.exceptions import EventError, InvalidEventBytes

_PRELUDE = 12  # bytes: total length, headers' length, their checksum
_LEAST = 16  # the prelude and the checksum of all

_BROKEN = (EventError, struct.error, KeyError, ValueError, OverflowError)  # what the codec raises for bad headers


class FrameError(ValueError):
    """The bytes are no frame: a wrong checksum, an impossible length, a header that does not fit."""


def encode_frame(headers: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """One frame as bytes."""
    encoded: bytes = EventMessage(headers=dict(headers), payload=payload).encode()
    return encoded


def decode_frame(frame: bytes) -> EventMessage:
    """Read exactly one whole frame. Raises FrameError."""
    source = BytesIO(frame)
    try:
        event = Event.decode(source)
    except _BROKEN as error:
        raise FrameError(f"{type(error).__name__}: {error}") from error
    if event is None or source.tell() != len(frame):
        raise FrameError(f"a frame of {len(frame)} bytes is not one whole frame")
    return event.message


class FrameDecoder:
    """Feeds on pieces of any size and yields whole frames; after a FrameError it is of no more use."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[EventMessage]:
        """Yield the frames that `data` completes. Raises FrameError at the first bad one."""
        self._buffer += data
        while len(self._buffer) >= _PRELUDE:
            total = int.from_bytes(self._buffer[:4])
            if len(self._buffer) < total:
                self._judge_prelude()
                return
            frame = bytes(self._buffer[: max(total, _LEAST)])
            del self._buffer[:total]
            yield decode_frame(frame)

    def _judge_prelude(self) -> None:
        """A length that is a lie would be waited for."""
        try:
            Event.decode(BytesIO(bytes(self._buffer[:_PRELUDE])))
        except InvalidEventBytes:
            return  # the prelude was right, and that was all there was
        except _BROKEN as error:
            raise FrameError(f"{type(error).__name__}: {error}") from error

"""HTTP/2's plain DATA frames, sans-IO: nearly all that an open stream is made of, and all that it is made for.

A frame is nine bytes of head - length, type, flags, stream - and its payload (RFC 9113, 4.1). A DATA frame without
flags moves nothing but the windows of flow control, so it can be made and read beside a library that holds the
connection's state: `make bench-paths` says what that spares.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEAD = 9
LONGEST = 16_384  # bytes of payload: what a peer may send that was told nothing else (RFC 9113, 4.2)
DATA = 0x0

_HEAD = struct.Struct(">HBBBL")  # the length's upper 16 bits, its lower 8, type, flags, stream


def data_frame(stream: int, payload: bytes) -> bytes:
    """A DATA frame that ends nothing. The sender keeps the windows."""
    return _HEAD.pack(len(payload) >> 8, len(payload) & 0xFF, DATA, 0, stream) + payload


class Splitter:
    """Cuts what comes into frames, and tells the plain DATA frames of one stream from all others."""

    def __init__(self, stream: int) -> None:
        self._stream = stream
        self._unread = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """Yield (True, payload) for a plain DATA frame, (False, frame) for any other, one that is too long too."""
        unread = self._unread
        unread += data
        while len(unread) >= HEAD:
            high, low, kind, flags, stream = _HEAD.unpack_from(unread)
            length = high << 8 | low
            end = HEAD + length
            if len(unread) < end:
                return
            plain = kind == DATA and not flags and stream == self._stream and length <= LONGEST
            frame = bytes(unread[HEAD if plain else 0 : end])
            del unread[:end]
            yield plain, frame

"""`application/vnd.amazon.eventstream`, sans-IO: frames out of bytes and bytes out of frames.

A frame, all integers big-endian: total length, headers' length, CRC-32 of those eight bytes, headers, payload,
CRC-32 of everything before. A header: length and name, a type byte, a value. Source: Amazon Transcribe's page
"Event stream encoding" and the Smithy event stream specification; limits as in AWS's SDKs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID
from zlib import crc32

HEADERS_LIMIT = 128 * 1024
PAYLOAD_LIMIT = 16 * 1024**2
VALUE_LIMIT = 32767

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(IntEnum):
    TRUE = 0
    FALSE = 1
    INT8 = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    BYTES = 6
    STRING = 7
    TIMESTAMP = 8
    UUID = 9


_INTEGERS = {
    Kind.INT8: struct.Struct(">b"),
    Kind.INT16: struct.Struct(">h"),
    Kind.INT32: struct.Struct(">i"),
    Kind.INT64: struct.Struct(">q"),
}

type HeaderValue = bool | int | bytes | str | datetime | UUID


class FrameError(ValueError):
    """The bytes are no frame: a wrong checksum, an impossible length, a header that does not fit."""


@dataclass(frozen=True, slots=True)
class Frame:
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    payload: bytes = b""


def encode_frame(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """One frame as bytes. Integers go out as int64, the widest type."""
    encoded = encode_headers(headers)
    head = struct.pack(">II", _OVERHEAD + len(encoded) + len(payload), len(encoded))
    body = head + _CRC.pack(crc32(head)) + encoded + payload
    return body + _CRC.pack(crc32(body))


def encode_headers(headers: Mapping[str, HeaderValue]) -> bytes:
    return b"".join(_encode_header(name.encode(), value) for name, value in headers.items())


def _encode_header(name: bytes, value: HeaderValue) -> bytes:
    return bytes([len(name)]) + name + _encode_value(value)


def _encode_value(value: HeaderValue) -> bytes:
    match value:
        case bool():
            return bytes([Kind.TRUE if value else Kind.FALSE])
        case int():
            return struct.pack(">Bq", Kind.INT64, value)
        case bytes():
            return _encode_blob(Kind.BYTES, value)
        case str():
            return _encode_blob(Kind.STRING, value.encode())
        case datetime():
            return struct.pack(">Bq", Kind.TIMESTAMP, (value - _EPOCH) // timedelta(milliseconds=1))
        case UUID():
            return bytes([Kind.UUID]) + value.bytes


def _encode_blob(kind: Kind, value: bytes) -> bytes:
    if len(value) > VALUE_LIMIT:
        raise FrameError(f"a header value of {len(value)} bytes, more than {VALUE_LIMIT}")
    return struct.pack(">BH", kind, len(value)) + value


class FrameDecoder:
    """Feeds on pieces of any size and yields whole frames; after a FrameError it is of no more use."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes. Raises FrameError at the first bad one."""
        self._buffer += data
        while (length := self._frame_length()) is not None and len(self._buffer) >= length:
            frame = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield decode_frame(frame)

    def _frame_length(self) -> int | None:
        """The length of the first frame, once its prelude is here and proved right."""
        if len(self._buffer) < _PRELUDE.size:
            return None
        total, headers_length, checksum = _PRELUDE.unpack_from(self._buffer)
        if crc32(self._buffer[:8]) != checksum:
            raise FrameError("the prelude's checksum does not match")
        if headers_length > HEADERS_LIMIT or not 0 <= total - _OVERHEAD - headers_length <= PAYLOAD_LIMIT:
            raise FrameError(f"impossible lengths: {total} in all, {headers_length} of headers")
        return int(total)


def decode_frame(frame: bytes) -> Frame:
    """Read exactly one whole frame. Raises FrameError."""
    if len(frame) < _OVERHEAD:
        raise FrameError(f"a frame of {len(frame)} bytes")
    total, headers_length, checksum = _PRELUDE.unpack_from(frame)
    if crc32(frame[:8]) != checksum or crc32(frame[:-4]) != _CRC.unpack_from(frame, len(frame) - 4)[0]:
        raise FrameError("a checksum does not match")
    if total != len(frame) or headers_length > total - _OVERHEAD:
        raise FrameError(f"a frame of {len(frame)} bytes that says {total}")
    end = _PRELUDE.size + headers_length
    return Frame(dict(_decode_headers(frame[_PRELUDE.size : end])), frame[end:-4])


def _decode_headers(raw: bytes) -> Iterator[tuple[str, HeaderValue]]:
    reader = _Reader(raw)
    try:
        while reader:
            name = reader.take(reader.take(1)[0]).decode()
            yield name, _decode_value(Kind(reader.take(1)[0]), reader)
    except (ValueError, struct.error, OverflowError) as error:
        raise FrameError(f"bad header: {error}") from error


def _decode_value(kind: Kind, reader: _Reader) -> HeaderValue:
    match kind:
        case Kind.TRUE | Kind.FALSE:
            return kind is Kind.TRUE
        case Kind.BYTES:
            return reader.blob()
        case Kind.STRING:
            return reader.blob().decode()
        case Kind.TIMESTAMP:
            return _EPOCH + timedelta(milliseconds=reader.integer(Kind.INT64))
        case Kind.UUID:
            return UUID(bytes=reader.take(16))
        case _:
            return reader.integer(kind)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise FrameError(f"bad header: it ends {count - len(piece)} bytes early")
        self._at += count
        return piece

    def integer(self, kind: Kind) -> int:
        form = _INTEGERS[kind]
        return int(form.unpack(self.take(form.size))[0])

    def blob(self) -> bytes:
        return self.take(int.from_bytes(self.take(2)))

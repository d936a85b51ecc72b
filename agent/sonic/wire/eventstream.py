"""The frames of a Bedrock stream: events signed, framed and read, without the SDK's shapes, schemas and codecs.

A frame of `application/vnd.amazon.eventstream`, integers big-endian: total length, headers' length, CRC-32 of those
eight bytes, headers, payload, CRC-32 of all before. What we send is a frame in a frame: the outer one has `:date`
and `:chunk-signature`, and each signature covers the one before it. What we get is not signed.

The SDK spends most of its time on describing one constant structure; these take a seventh of it (`make bench-paths`).
Sources: Amazon Transcribe's page "Event stream encoding", and the SDK's own signer (aws_sdk_signers 0.4), with which
this one agrees byte for byte.
"""

from __future__ import annotations

import struct
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator
from hashlib import sha256
from hmac import digest as hmac_digest
from zlib import crc32

from agent.sonic import bounded_json
from agent.sonic.errors import SonicLost
from agent.sonic.reading import count_unknown
from agent.sonic.wire.credentials import Credentials

SERVICE = "bedrock"
LONGEST = 24 * 1024 * 1024  # the SDK's limits on headers and payload, together
LONGEST_HEADERS = 8 * 1024  # of a frame that is read; the service's have 100 bytes
LONGEST_PAYLOAD = 2 * 1024 * 1024  # the same: base64 and padding of the longest event that is read

_LENGTHS = struct.Struct(">II")
_CRC = struct.Struct(">I")
_PRELUDE = _LENGTHS.size + _CRC.size
_OVERHEAD = _PRELUDE + _CRC.size
_STRING, _BYTES, _TIMESTAMP = 7, 6, 8
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, _TIMESTAMP: 8, 9: 16}  # of a header's value, by its type


def encode_frame(headers: bytes, payload: bytes) -> bytes:
    """`headers` are encoded already."""
    lengths = _LENGTHS.pack(_OVERHEAD + len(headers) + len(payload), len(headers))
    body = b"".join((lengths, _CRC.pack(crc32(lengths)), headers, payload))
    return body + _CRC.pack(crc32(body))


def _string_header(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + bytes([_STRING]) + len(value).to_bytes(2) + value


_OF_A_CHUNK = _string_header(b":message-type", b"event"), _string_header(b":event-type", b"chunk")
EVENT_HEADERS = b"".join(_OF_A_CHUNK) + _string_header(b":content-type", b"application/json")
_PLAIN = b'{"bytes":"'  # how the payload begins, unless somebody sorts or pads it
_DATE = b"\x05:date" + bytes([_TIMESTAMP])
_SIGNATURE = b"\x10:chunk-signature" + bytes([_BYTES]) + (32).to_bytes(2)


class ChunkSigner:
    """Makes the chunks of one stream, in the order in which they must be written.

    `seed` is the hexadecimal signature of the request; `clock` gives Unix seconds. Key and scope are those of each
    chunk's own day, as the SDK has them.
    """

    def __init__(self, seed: str, keys: Credentials, region: str, clock: Callable[[], float] = time.time) -> None:
        self._prior = seed
        self._secret = keys.secret_access_key
        self._region = region
        self._clock = clock
        self._second = -1
        self._time = self._scope = ""
        self._key = b""

    def chunk(self, event: bytes) -> bytes:
        """One event of the protocol, as it goes on the wire."""
        payload = _PLAIN + b2a_base64(event, newline=False) + b'"}'
        return self._signed(encode_frame(EVENT_HEADERS, payload))

    def last(self) -> bytes:
        """The empty chunk that ends the input."""
        return self._signed(b"")

    def _signed(self, payload: bytes) -> bytes:
        milliseconds = int(self._clock() * 1000)
        if milliseconds // 1000 != self._second:
            self._tick(milliseconds // 1000)
        date = _DATE + milliseconds.to_bytes(8)
        text = (
            f"AWS4-HMAC-SHA256-PAYLOAD\n{self._time}\n{self._scope}\n{self._prior}\n"
            f"{sha256(date).hexdigest()}\n{sha256(payload).hexdigest()}"
        )
        signature = hmac_digest(self._key, text.encode(), "sha256")
        self._prior = signature.hex()
        return encode_frame(date + _SIGNATURE + signature, payload)

    def _tick(self, second: int) -> None:
        self._second = second
        self._time = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        day = self._time[:8]
        scope = f"{day}/{self._region}/{SERVICE}/aws4_request"
        if scope != self._scope:
            self._scope = scope
            key = f"AWS4{self._secret}".encode()
            for part in scope.split("/"):
                key = hmac_digest(key, part.encode(), "sha256")
            self._key = key


class FrameReader:
    """Feeds on pieces of any size and yields whole frames, checked. After an error it is of no more use.

    A frame that is too long is passed over as it comes, unchecked and counted: 24 MB would be a pause of 40 ms in every
    call, and three seconds where they are read as an exception's JSON (measured).
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._passing = 0  # bytes of a frame that is too long

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the frames that `data` completes. Raises SonicLost for a frame that is none."""
        buffer = self._buffer
        buffer += data
        while self._pass() and len(buffer) >= _PRELUDE:
            total, headers = _LENGTHS.unpack_from(buffer)
            if crc32(buffer[:8]) != _CRC.unpack_from(buffer, 8)[0] or not _OVERHEAD + headers <= total <= LONGEST:
                raise SonicLost("malformed frame: its lengths do not match their checksum")
            if headers > LONGEST_HEADERS or total - headers - _OVERHEAD > LONGEST_PAYLOAD:
                count_unknown("frame", "too long")
                self._passing = total
                continue
            if len(buffer) < total:
                return
            frame = bytes(buffer[:total])
            del buffer[:total]
            if crc32(frame[:-4]) != _CRC.unpack_from(frame, total - 4)[0]:
                raise SonicLost("malformed frame: its checksum does not match")
            yield frame

    def _pass(self) -> bool:
        """Pass over what has come of a frame that is too long; False while more of it is to come."""
        passed = min(self._passing, len(self._buffer))
        del self._buffer[:passed]
        self._passing -= passed
        return not self._passing

    def finish(self) -> None:
        """The body has ended. Raises SonicLost in the middle of a frame."""
        if self._buffer or self._passing:
            raise SonicLost(f"the stream ended {len(self._buffer)} bytes into a frame")


def event_of(frame: bytes) -> bytes | None:
    """The event in a frame, empty where it cannot be read; None for a frame that is none: an exception, an error."""
    _, length = _LENGTHS.unpack_from(frame)
    headers = frame[_PRELUDE : _PRELUDE + length]
    if not all(header in headers for header in _OF_A_CHUNK):
        return None
    payload = payload_of(frame)
    try:
        if payload.startswith(_PLAIN):
            return a2b_base64(payload[len(_PLAIN) : payload.index(b'"', len(_PLAIN))])
        return a2b_base64(bounded_json.loads(payload)["bytes"])
    except (ValueError, KeyError, TypeError):
        return b""


def payload_of(frame: bytes) -> bytes:
    return frame[_PRELUDE + _LENGTHS.unpack_from(frame)[1] : -4]


def headers_of(frame: bytes) -> dict[str, str]:
    """The headers of a frame that are text. Raises SonicLost."""
    rest = frame[_PRELUDE : _PRELUDE + _LENGTHS.unpack_from(frame)[1]]
    found: dict[str, str] = {}
    try:
        while rest:
            name, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
            kind, rest = rest[0], rest[1:]
            if kind in (_STRING, _BYTES):
                end = 2 + int.from_bytes(rest[:2])
                value, rest = rest[2:end], rest[end:]
                if kind == _STRING:
                    found[name.decode()] = value.decode()
            else:
                rest = rest[_SIZES[kind] :]
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise SonicLost(f"malformed frame: {error!r}") from error
    return found

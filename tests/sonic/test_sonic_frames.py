"""Our frames against the SDK's own publisher, and frames that are none."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from aws_sdk_bedrock_runtime.models import (
    BidirectionalInputPayloadPart,
    InvokeModelWithBidirectionalStreamInputChunk,
)
from hypothesis import given
from hypothesis import strategies as st
from smithy_aws_event_stream.events import EventMessage

from agent.sonic import bounded_json
from agent.sonic.errors import SonicLost
from agent.sonic.wire.aws_errors import frame_error
from agent.sonic.wire.credentials import Credentials
from agent.sonic.wire.eventstream import (
    EVENT_HEADERS,
    LONGEST_HEADERS,
    LONGEST_PAYLOAD,
    ChunkSigner,
    FrameReader,
    encode_frame,
    event_of,
    headers_of,
    payload_of,
)
from bench.fast_paths import sdk_publisher

SEED = "0123456789abcdef" * 4
EVENTS = (b'{"event":{"sessionStart":{}}}', b'{"event":{"audioInput":{"content":"AAAA"}}}', "ñandú €".encode())
EVENING, MORNING = datetime(2026, 11, 22, 23, 59, 59, 999000, UTC), datetime(2026, 11, 23, 0, 0, 0, 1000, UTC)


class Written:
    """An AsyncWriter that remembers."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    async def write(self, data: bytes) -> None:
        self.chunks.append(data)


async def test_chunks_are_the_sdks_byte_for_byte_over_midnight_and_to_the_last() -> None:
    written, ours = Written(), ChunkSigner(SEED, Credentials("AKID", "SECRET"), "us-east-1")
    publisher = sdk_publisher(written, SEED)
    made = []
    for moment in (EVENING, MORNING):
        with time_machine.travel(moment, tick=False):
            for event in EVENTS:
                part = BidirectionalInputPayloadPart(bytes_=event)
                await publisher.send(InvokeModelWithBidirectionalStreamInputChunk(value=part))
                made.append(ours.chunk(event))
    with time_machine.travel(MORNING, tick=False):
        await publisher.close()
        made.append(ours.last())
    assert made == written.chunks


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_frames_come_whole_out_of_pieces_of_any_size(size: int) -> None:
    sent = [encode_frame(EVENT_HEADERS, b'{"bytes":"aG9sYQ=="}'), encode_frame(EVENT_HEADERS, b'{"p":"x","bytes":""}')]
    stream, reader = b"".join(sent), FrameReader()
    frames = [frame for at in range(0, len(stream), size) for frame in reader.feed(stream[at : at + size])]
    reader.finish()
    assert frames == sent
    assert [event_of(frame) for frame in frames] == [b"hola", b""]


@pytest.mark.parametrize("position", [0, 5, 9, 20, -1])
def test_a_flipped_bit_ends_the_stream(position: int) -> None:
    frame = bytearray(encode_frame(EVENT_HEADERS, b'{"bytes":"aG9sYQ=="}'))
    frame[position] ^= 1
    with pytest.raises(SonicLost, match="checksum"):
        list(FrameReader().feed(bytes(frame)))


def test_half_a_frame_at_the_end_is_a_loss() -> None:
    reader = FrameReader()
    assert list(reader.feed(encode_frame(EVENT_HEADERS, b'{"bytes":""}')[:-1])) == []
    with pytest.raises(SonicLost, match="into a frame"):
        reader.finish()


def test_an_exception_is_no_event() -> None:
    headers = b"\x0d:message-type\x07\x00\x09exception"
    assert event_of(encode_frame(headers, b"{}")) is None


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"bytes":7}', b'{"bytes":"aG9', b"[]"])
def test_an_event_without_its_bytes_is_empty(payload: bytes) -> None:
    assert event_of(encode_frame(EVENT_HEADERS, payload)) == b""


@pytest.mark.parametrize(
    ("headers", "payload"),
    [(EVENT_HEADERS, b"A" * (LONGEST_PAYLOAD + 1)), (b"\x01x\x00" * LONGEST_HEADERS, b"{}")],
    ids=["payload", "headers"],
)
@pytest.mark.parametrize("piece", [1000, 262_144, 2**30])
def test_a_frame_that_is_too_long_is_passed_over_and_never_held(headers: bytes, payload: bytes, piece: int) -> None:
    plain = encode_frame(EVENT_HEADERS, b'{"bytes":""}')
    data = plain + encode_frame(headers, payload) + plain
    reader = FrameReader()
    found: list[bytes] = []
    for at in range(0, len(data), piece):
        found += reader.feed(data[at : at + piece])
        assert len(reader._buffer) < max(piece, len(plain) + 12)
    assert found == [plain, plain]
    reader.finish()


def test_a_frame_that_is_too_long_ends_with_its_last_byte() -> None:
    reader = FrameReader()
    assert list(reader.feed(encode_frame(EVENT_HEADERS, bytes(LONGEST_PAYLOAD + 1))[:-1])) == []
    with pytest.raises(SonicLost, match="into a frame"):
        reader.finish()


def test_the_longest_frame_is_read() -> None:
    frame = encode_frame(EVENT_HEADERS.ljust(LONGEST_HEADERS, b"\0"), bytes(LONGEST_PAYLOAD))
    assert list(FrameReader().feed(frame)) == [frame]


def test_an_event_with_too_many_values_around_it_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("json.loads", parsed_nothing)
    payload = b'{"p":[' + b"0," * bounded_json.MAX_VALUES + b'0],"bytes":"aG9sYQ=="}'
    assert event_of(encode_frame(EVENT_HEADERS, payload)) == b""
    assert frame_error({":message-type": "exception"}, payload).detail.startswith("unnamed error")


def parsed_nothing(text: str) -> Any:
    raise AssertionError(f"{len(text)} characters were parsed")


@given(st.dictionaries(st.text(max_size=20), st.one_of(st.text(max_size=30), st.booleans(), st.integers(0, 99))))
def test_the_headers_that_are_text_are_read_among_all_others(headers: dict[str, str | bool | int]) -> None:
    frame = EventMessage(headers=dict(headers), payload=b"{}").encode()
    assert headers_of(frame) == {name: value for name, value in headers.items() if isinstance(value, str)}
    assert payload_of(frame) == b"{}"


@given(st.binary(max_size=60))
def test_headers_that_are_none_are_a_loss_and_nothing_worse(headers: bytes) -> None:
    with suppress(SonicLost):
        headers_of(encode_frame(headers, b""))

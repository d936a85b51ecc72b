"""The event stream codec, against itself and against the SDK's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smithy_aws_event_stream.events import Event, EventMessage

from sandbox.sonic.eventstream import (
    Frame,
    FrameDecoder,
    FrameError,
    HeaderValue,
    decode_frame,
    encode_frame,
)

moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
values: st.SearchStrategy[HeaderValue] = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=50),
    st.text(max_size=50),
    moments,
    st.uuids(),
)
header_names = st.text(min_size=1, max_size=20, alphabet=st.characters(codec="ascii"))
headers = st.dictionaries(header_names, values, max_size=5)
frames = st.tuples(headers, st.binary(max_size=200))


def decode_all(data: bytes, pieces: list[int]) -> list[Frame]:
    """Feed `data` in pieces of these sizes, the rest at once."""
    decoder, found, at = FrameDecoder(), list[Frame](), 0
    for size in [*pieces, len(data)]:
        found += decoder.feed(data[at : at + size])
        at += size
    return found


@given(st.lists(frames, max_size=4), st.lists(st.integers(0, 60), max_size=30))
def test_frames_come_back_whole_however_the_bytes_are_cut(
    sent: list[tuple[dict[str, HeaderValue], bytes]], pieces: list[int]
) -> None:
    data = b"".join(encode_frame(*frame) for frame in sent)
    assert [(frame.headers, frame.payload) for frame in decode_all(data, pieces)] == sent


@given(headers, st.binary(max_size=100), st.data())
def test_a_flipped_bit_never_gets_through(sent: dict[str, HeaderValue], payload: bytes, data: st.DataObject) -> None:
    frame = bytearray(encode_frame(sent, payload))
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        decode_frame(bytes(frame))


@given(st.binary(min_size=12, max_size=300))
def test_noise_is_a_frame_error_and_nothing_worse(data: bytes) -> None:
    with pytest.raises(FrameError):
        list(FrameDecoder().feed(data))


@given(headers, st.binary(max_size=100))
def test_the_sdk_reads_what_we_write(sent: dict[str, HeaderValue], payload: bytes) -> None:
    event = Event.decode(_Source(encode_frame(sent, payload)))
    assert event is not None
    assert event.message.headers == sent
    assert event.message.payload == payload


seconds = moments.map(lambda moment: moment.replace(microsecond=0))  # the SDK's milliseconds are inexact


@given(st.dictionaries(header_names, st.one_of(st.booleans(), st.text(max_size=9), seconds), max_size=5))
def test_we_read_what_the_sdk_writes(sent: dict[str, HeaderValue]) -> None:
    frame = decode_frame(EventMessage(headers=dict(sent), payload=b"{}").encode())
    assert (dict(frame.headers), frame.payload) == (sent, b"{}")


class _Source:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        piece, self._data = self._data[:size], self._data[size:]
        return piece


@pytest.mark.parametrize("value", [b"x" * 40_000, "x" * 40_000])
def test_a_header_value_over_the_limit_is_refused(value: HeaderValue) -> None:
    with pytest.raises(FrameError):
        encode_frame({"long": value})

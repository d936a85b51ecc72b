"""AWS's event stream codec as the stand-in uses it: whole frames out of any pieces, and no noise gets through."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.sonic.eventstream import FrameDecoder, FrameError, decode_frame, encode_frame

moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)  # the codec's milliseconds are inexact
)
values: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.binary(max_size=50),
    st.text(max_size=50),
    moments,
    st.uuids(),
)
header_names = st.text(min_size=1, max_size=20, alphabet=st.characters(codec="ascii"))
headers = st.dictionaries(header_names, values, max_size=5)
frames = st.tuples(headers, st.binary(max_size=200))


def decode_all(data: bytes, pieces: list[int]) -> list[tuple[dict[str, Any], bytes]]:
    """Feed `data` in pieces of these sizes, the rest at once."""
    decoder, found, at = FrameDecoder(), list[Any](), 0
    for size in [*pieces, len(data)]:
        found += decoder.feed(data[at : at + size])
        at += size
    return [(frame.headers, frame.payload) for frame in found]


@given(st.lists(frames, max_size=4), st.lists(st.integers(0, 60), max_size=30))
def test_frames_come_back_whole_however_the_bytes_are_cut(
    sent: list[tuple[dict[str, Any], bytes]], pieces: list[int]
) -> None:
    data = b"".join(encode_frame(*frame) for frame in sent)
    assert decode_all(data, pieces) == sent


@given(headers, st.binary(max_size=100), st.data())
def test_a_flipped_bit_never_gets_through(sent: dict[str, Any], payload: bytes, data: st.DataObject) -> None:
    frame = bytearray(encode_frame(sent, payload))
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        decode_frame(bytes(frame))


@given(st.binary(min_size=12, max_size=300))
def test_noise_is_a_frame_error_and_nothing_worse(data: bytes) -> None:
    with pytest.raises(FrameError):
        list(FrameDecoder().feed(data))


@given(st.binary(max_size=40))
def test_headers_that_are_none_are_a_frame_error_and_nothing_worse(raw: bytes) -> None:
    lengths = struct.pack(">II", 16 + len(raw), len(raw))
    body = lengths + struct.pack(">I", crc32(lengths)) + raw
    frame = body + struct.pack(">I", crc32(body))
    try:
        decode_frame(frame)
    except FrameError:
        assert raw


@pytest.mark.parametrize(("total", "headers_length"), [(5, 0), (17 * 1024**2, 0), (200 * 1024, 190 * 1024)])
def test_an_impossible_length_is_not_waited_for(total: int, headers_length: int) -> None:
    lengths = struct.pack(">II", total, headers_length)
    with pytest.raises(FrameError):
        list(FrameDecoder().feed(lengths + struct.pack(">I", crc32(lengths))))


def test_two_frames_are_not_one() -> None:
    with pytest.raises(FrameError):
        decode_frame(encode_frame({}) * 2)

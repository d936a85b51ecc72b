"""Plain DATA frames, made and told from all others without the library that holds the connection."""

from __future__ import annotations

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived
from hyperframe.frame import DataFrame, Frame, PingFrame
from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.wire.plain_data import HEAD, LONGEST, Splitter, data_frame

OURS = 1


def a_frame(stream: int, payload: bytes, *flags: str) -> bytes:
    return bytes(DataFrame(stream, payload, flags=flags).serialize())


FRAMES = st.one_of(
    st.binary(max_size=40).map(lambda payload: (True, payload, data_frame(OURS, payload))),
    st.binary(max_size=40).map(lambda payload: (False, frame := a_frame(OURS, payload, "END_STREAM"), frame)),
    st.binary(max_size=40).map(lambda payload: (False, frame := a_frame(3, payload), frame)),
    st.binary(min_size=8, max_size=8).map(lambda payload: (False, frame := PingFrame(0, payload).serialize(), frame)),
)


@given(frames=st.lists(FRAMES, max_size=6), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_frames_come_whole_and_in_order_however_they_arrive(
    frames: list[tuple[bool, bytes, bytes]], cuts: list[int]
) -> None:
    wire = b"".join(frame for _, _, frame in frames)
    splitter, edges = Splitter(OURS), [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    seen = [told for begin, end in zip(edges, edges[1:], strict=False) for told in splitter.feed(wire[begin:end])]
    assert seen == [(plain, told) for plain, told, _ in frames]


def test_a_frame_of_ours_is_the_librarys_byte_for_byte() -> None:
    payload = bytes(range(256)) * 8
    assert data_frame(7, payload) == a_frame(7, payload)
    assert Frame.parse_frame_header(memoryview(data_frame(7, payload)[:HEAD]))[1] == len(payload)


@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1])
def test_a_frame_that_is_too_long_is_the_librarys_to_refuse(length: int) -> None:
    frame = data_frame(OURS, bytes(length))
    assert list(Splitter(OURS).feed(frame)) == [(True, bytes(length)) if length == LONGEST else (False, frame)]


def test_padding_is_left_to_the_library() -> None:
    frame = DataFrame(OURS, b"padded", flags=["PADDED"])
    frame.pad_length = 4
    assert list(Splitter(OURS).feed(frame.serialize())) == [(False, frame.serialize())]


def test_what_the_library_reads_is_what_was_sent() -> None:
    client, server = H2Connection(H2Configuration(client_side=True)), H2Connection(H2Configuration(client_side=False))
    client.initiate_connection()
    client.send_headers(OURS, [(":method", "POST"), (":scheme", "https"), (":authority", "x"), (":path", "/")])
    server.receive_data(client.data_to_send())
    events = server.receive_data(data_frame(OURS, b"one") + data_frame(OURS, b"two"))
    assert [event.data for event in events if isinstance(event, DataReceived)] == [b"one", b"two"]

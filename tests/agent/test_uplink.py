from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.sonic.uplink import KEEP_S, LOOKBACK_S, Uplink

RATE = 16000
SECOND = 2 * RATE


def drain(uplink: Uplink) -> bytes:
    sent = b""
    while piece := uplink.take():
        sent += piece
    return sent


@given(st.lists(st.binary(max_size=5000), max_size=30))
def test_what_is_pushed_is_sent_in_order(pieces: list[bytes]) -> None:
    uplink = Uplink(RATE)
    for piece in pieces:
        uplink.push(piece)
    assert drain(uplink) == b"".join(pieces)


def test_the_oldest_audio_is_dropped_and_counted_when_no_stream_comes() -> None:
    uplink = Uplink(RATE)
    dropped = sum(uplink.push(bytes([second]) * SECOND) for second in range(int(KEEP_S) + 2))
    assert dropped == 2 * SECOND
    assert uplink.take()[:1] == b"\x02"


def test_an_open_utterance_is_given_to_the_next_stream_from_its_beginning() -> None:
    uplink = Uplink(RATE)
    uplink.push(bytes(SECOND) + b"\x01" * SECOND)
    drain(uplink)
    uplink.speech_started(1200)
    uplink.begin_stream(0)
    assert drain(uplink) == b"\x01" * SECOND, "200 ms before the offset that was reported"


def test_what_was_understood_is_not_said_twice() -> None:
    uplink = Uplink(RATE)
    uplink.push(b"\x01" * SECOND)
    drain(uplink)
    uplink.speech_started(200)
    uplink.speech_ended(1000)
    uplink.understood()
    uplink.begin_stream(0)
    assert drain(uplink) == b""


def test_a_moment_is_repeated_when_nobody_knows_whether_speech_had_begun() -> None:
    uplink = Uplink(RATE)
    uplink.push(b"\x01" * SECOND)
    drain(uplink)
    uplink.begin_stream(0)
    assert len(drain(uplink)) == LOOKBACK_S * SECOND


def test_positions_are_of_the_live_stream() -> None:
    uplink = Uplink(RATE)
    uplink.push(bytes(10 * SECOND))
    drain(uplink)
    uplink.speech_ended(9000)
    uplink.begin_stream(primed=3200)
    drain(uplink)
    uplink.push(b"\x01" * (SECOND // 2))
    drain(uplink)
    uplink.begin_stream(0)
    assert b"\x01" * (SECOND // 2) in drain(uplink)

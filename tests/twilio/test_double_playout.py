"""What a caller hears of what the server sent, sample by sample."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sandbox.twilio.playout import SILENCE, Playout

VOICE = b"\x20"


def test_audio_is_heard_from_the_moment_it_arrives() -> None:
    playout = Playout()
    playout.advance(100)
    playout.add(VOICE * 50)
    playout.advance(200)
    assert bytes(playout.heard) == bytes([SILENCE]) * 100 + VOICE * 50 + bytes([SILENCE]) * 50


def test_audio_sent_faster_than_real_time_waits_its_turn() -> None:
    playout = Playout()
    playout.add(VOICE * 800)
    playout.advance(160)
    assert len(playout.heard) == 160
    assert playout.queued == 640


def test_a_mark_returns_when_the_audio_before_it_has_been_heard() -> None:
    playout = Playout()
    playout.add(VOICE * 160)
    assert playout.mark("u1") == []
    assert playout.advance(159) == []
    assert playout.advance(160) == ["u1"]


def test_a_mark_on_an_empty_buffer_returns_at_once() -> None:
    assert Playout().mark("u1") == ["u1"]


def test_a_mark_behind_another_mark_keeps_its_place() -> None:
    playout = Playout()
    playout.add(VOICE * 10)
    playout.mark("first")
    playout.mark("second")
    assert playout.advance(10) == ["first", "second"]


def test_a_clear_returns_every_pending_mark_and_silences_the_rest() -> None:
    playout = Playout()
    playout.add(VOICE * 160)
    playout.mark("heard")
    playout.add(VOICE * 1600)
    playout.mark("cut")
    playout.mark("cut too")
    assert playout.advance(200) == ["heard"]
    assert playout.clear() == ["cut", "cut too"]
    playout.advance(400)
    assert bytes(playout.heard[200:]) == bytes([SILENCE]) * 200


def test_time_never_runs_back() -> None:
    playout = Playout()
    playout.advance(320)
    playout.add(VOICE * 10)
    assert playout.advance(160) == []
    assert playout.position == 320
    assert playout.queued == 10


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 600)), max_size=20))
def test_every_sample_sent_is_heard_once_and_in_order(steps: list[tuple[int, int]]) -> None:
    playout = Playout()
    sent = bytearray()
    position = 0
    for size, wait in steps:
        audio = bytes((len(sent) + index) % 200 for index in range(size))
        playout.add(audio)
        sent += audio
        position += wait
        playout.advance(position)
    playout.advance(position + playout.queued)
    assert bytes(byte for byte in playout.heard if byte != SILENCE) == bytes(sent)

"""Two calls' sound that goes from each to the other."""

from __future__ import annotations

from typing import Any, cast

from agent.audio.resample import Resampler
from agent.line import INPUT_RATE, CallerAudio, CallerDigit, MarkBack
from telephony.sip.bridge import FRAME_BYTES, MARK, MOST_AHEAD, Bridge
from telephony.sip.line import SILENCE_LIMIT_S
from telephony.sip.media import Media

PIECE = CallerAudio(b"\0\1" * (INPUT_RATE // 50))  # 20 ms as a line hands it on


class Side:
    """A call's audio without a wire."""

    def __init__(self) -> None:
        self.observer: Any = None
        self.played: list[bytes] = []
        self.marks = 0
        self.cleared = False

    def play(self, pcm: bytes) -> None:
        self.played.append(pcm)

    def mark(self, name: str) -> None:
        self.marks += 1

    def clear(self) -> None:
        self.cleared = True

    def sends(self, frames: int) -> None:
        """So many frames have gone out."""
        for _ in range(frames):
            self.observer.happened(MarkBack(MARK))


def bridged() -> tuple[Bridge, Side, Side]:
    one, other = Side(), Side()
    return Bridge(cast(Media, one), cast(Media, other)), one, other


def test_what_each_says_goes_to_the_other_in_whole_frames() -> None:
    _, one, other = bridged()
    for _ in range(5):
        one.observer.happened(PIECE)
    other.observer.happened(PIECE)
    assert {len(frame) for frame in other.played} == {FRAME_BYTES}
    assert 4 <= len(other.played) <= 5, "what a filter keeps back comes with the next"
    down = Resampler(INPUT_RATE, 8000)
    assert b"".join(other.played) == b"".join(down.push(PIECE.pcm) for _ in range(5))[: len(other.played) * FRAME_BYTES]
    assert len(one.played) <= 1


def test_what_waits_for_a_side_is_bounded_and_goes_on_when_it_has_gone_out() -> None:
    _, one, other = bridged()
    for _ in range(5 * MOST_AHEAD):
        one.observer.happened(PIECE)
    assert len(other.played) == MOST_AHEAD
    other.sends(3)
    for _ in range(5 * MOST_AHEAD):
        one.observer.happened(PIECE)
    assert len(other.played) == MOST_AHEAD + 3


def test_keys_and_marks_of_others_change_nothing() -> None:
    _, one, other = bridged()
    for event in (CallerDigit("1"), MarkBack("said")):
        one.observer.happened(event)
    assert (one.observer.ahead, other.observer.ahead, other.played) == (0, 0, [])


def test_a_side_that_sends_nothing_any_more_ends_it_and_nothing_is_left() -> None:
    bridge, one, other = bridged()
    other.observer.heard_nothing(SILENCE_LIMIT_S - 1)
    assert not bridge.over.is_set()
    other.observer.heard_nothing(SILENCE_LIMIT_S)
    assert bridge.over.is_set()
    bridge.end()
    assert [(side.observer, side.cleared) for side in (one, other)] == [(None, True)] * 2

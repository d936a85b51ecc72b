"""A recording's two sides stay together, and a pause is silence on both."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from agent import recorder as recorder_module
from agent.recorder import RATE, Recorder
from agent.recording_sides import MOST_AHEAD, TOLERANCE, Sides
from sandbox.hang import HANG_S

FRAME = RATE // 50
HOUR_S = 3600
CLICK = 30_000

type Samples = NDArray[np.int16]
type Arrivals = Iterator[tuple[float, Samples]]


@pytest.fixture(autouse=True)
def at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine loses no sound: what is tested here is where it is put."""
    monkeypatch.setattr(recorder_module, "MAX_BACKLOG_CHUNKS", 1_000_000)
    monkeypatch.setattr(recorder_module, "FINISH_S", HANG_S)


def read(path: Path) -> tuple[Samples, Samples]:
    with wave.open(str(path)) as wav:
        assert (wav.getnchannels(), wav.getframerate(), wav.getsampwidth()) == (2, RATE, 2)
        samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").reshape(-1, 2)
    return samples[:, 0], samples[:, 1]


def pcm(value: int, samples: int = FRAME) -> bytes:
    return np.full(samples, value, dtype="<i2").tobytes()


class Timeline:
    """A recorder on a clock that a test moves."""

    def __init__(self, path: Path) -> None:
        self.now = 0.0
        self.path = path
        self.recorder = Recorder(path, RATE, clock=lambda: self.now)

    def hear(self, seconds: float, caller: int, carlos: int = 0) -> None:
        for _ in range(round(seconds * 50)):
            self.recorder.carlos(pcm(carlos))
            self.now += 0.02
            self.recorder.caller(pcm(caller))


# --- an hour


def caller_of_an_hour(ppm: float, stalls: bool) -> Arrivals:
    """Frames of a caller whose clock is off by so much, and when they arrive: jitter, and now and then a stall of up to
    4 s that ends in a burst. A click each minute."""
    random, held_until = Random(19), 0.0
    step_s = 0.02 / (1 + ppm / 1e6)
    noise = np.random.default_rng(19).integers(-150, 150, FRAME).astype("<i2")  # a line's silence
    for number in range(int(HOUR_S / step_s)):
        said = (number + 1) * step_s
        frame = noise
        if int(said / 60) != int((said - step_s) / 60):
            frame = noise.copy()
            frame[-1] = CLICK  # its last sample is of this moment
        if stalls and said > held_until and random.random() < 0.0005:
            held_until = said + random.uniform(0.5, 4.0)
        yield max(held_until, said + random.uniform(0.03, 0.06)), frame


def both_sides(arrivals: Arrivals) -> tuple[Samples, Samples]:
    """What is recorded of these, and of Carlos clicking each minute."""
    sides, left, right, minute = Sides(), [], [], 1

    def take(length: int) -> None:
        caller, carlos = sides.take(length)
        left.append(caller)
        right.append(carlos)

    click = np.zeros(FRAME, dtype="<i2")
    click[0] = CLICK
    for at, frame in arrivals:
        if at >= minute * 60:
            sides.carlos(minute * 60 * RATE, click.tobytes())
            minute += 1
        sides.caller(int(at * RATE), frame.tobytes())
        if sides.ready >= 10 * RATE:
            take(sides.ready)
    take(sides.finish())
    return np.concatenate(left), np.concatenate(right)


@pytest.mark.parametrize(("ppm", "stalls"), [(0.0, True), (200.0, False), (-200.0, True)])
@pytest.mark.slow
def test_after_an_hour_of_jitter_drift_and_bursts_both_sides_are_together_and_as_long(ppm: float, stalls: bool) -> None:
    left, right = both_sides(caller_of_an_hour(ppm, stalls))
    assert len(left) == len(right)
    assert abs(len(left) - HOUR_S * RATE) <= RATE
    callers, his = (np.flatnonzero(side == CLICK)[:59] for side in (left, right))  # the last may be in no frame
    assert len(callers) == len(his) == 59, "what is left out of a side is silence"
    assert np.abs(callers - his).max() <= 2 * TOLERANCE


def test_a_burst_after_a_stall_is_put_where_it_was_said() -> None:
    def stalled() -> Arrivals:
        for number in range(500):
            said = (number + 1) * 0.02
            frame = np.full(FRAME, number + 1, dtype="<i2")
            yield (7.0 if 4.0 < said < 7.0 else said), frame

    left, _ = both_sides(stalled())
    assert [int(np.flatnonzero(left == value)[0]) // FRAME for value in (100, 250, 300, 450)] == [99, 249, 299, 449]
    assert len(left) == 500 * FRAME


def test_after_a_gap_in_which_nothing_was_sent_the_sound_is_where_it_came() -> None:
    def paused() -> Arrivals:
        for number in range(500):
            said = (number + 1) * 0.02
            if not 3.0 < said <= 6.0:
                yield said, np.full(FRAME, number + 1, dtype="<i2")

    left, _ = both_sides(paused())
    assert int(np.flatnonzero(left == 301)[0]) // FRAME == 300
    assert len(left) == 500 * FRAME


def test_a_client_that_sends_ahead_of_time_pulls_its_side_no_further_ahead_than_a_quarter_of_a_second() -> None:
    sides = Sides()
    for number in range(500):
        sides.caller((number + 1) * FRAME // 2, pcm(9000))  # twice as fast
        sides.carlos((number + 1) * FRAME // 2, b"")
    assert sides.finish() <= 250 * FRAME + MOST_AHEAD + FRAME


def test_odd_bytes_and_empty_pieces_do_no_harm() -> None:
    sides = Sides()
    for piece in (b"", b"\x01", b"\x01\x02\x03", pcm(5)):
        sides.caller(FRAME, piece)
    assert sides.finish() >= FRAME
    caller, carlos = sides.take(sides.ready)
    assert len(caller) == len(carlos)


# --- pauses


def test_a_pause_is_silence_on_both_sides_and_keeps_their_length(tmp_path: Path) -> None:
    there = Timeline(tmp_path / "a.wav")
    there.hear(3.0, 11, 21)
    there.recorder.pause(there.now)
    there.hear(4.0, 12, 22)
    there.recorder.resume()
    there.hear(3.0, 13, 23)
    assert there.recorder.finish()
    for side, (before, hidden, after) in zip(read(there.path), ((11, 12, 13), (21, 22, 23)), strict=True):
        assert len(side) == 10 * RATE
        assert not (side == hidden).any()
        assert (side == 0).sum() == pytest.approx(4 * RATE, abs=2 * FRAME)
        assert (side[: 3 * RATE - FRAME] == before).all()
        assert (side[7 * RATE + FRAME :] == after).all()


def test_what_is_written_already_can_be_taken_back(tmp_path: Path) -> None:
    there = Timeline(tmp_path / "a.wav")
    there.hear(10.0, 11, 21)
    there.hear(5.0, 12, 22)
    there.recorder.pause(10.0)
    there.hear(5.0, 13, 23)
    there.recorder.resume()
    there.hear(2.0, 14, 24)
    there.recorder.finish()
    for side, (kept, last) in zip(read(there.path), ((11, 14), (21, 24)), strict=True):
        assert len(side) == 22 * RATE
        assert set(np.unique(side)) == {0, kept, last}
        assert (side[: 10 * RATE] == kept).all()


def test_a_pause_that_is_never_over_lasts_to_the_end(tmp_path: Path) -> None:
    there = Timeline(tmp_path / "a.wav")
    there.hear(2.0, 11)
    there.recorder.pause(there.now - 0.5)
    there.hear(2.0, 12)
    there.recorder.finish()
    left, _ = read(there.path)
    assert not (left == 12).any()
    assert len(left) == 4 * RATE


# --- the disk


def test_a_recording_that_is_discarded_leaves_no_file(tmp_path: Path) -> None:
    there = Timeline(tmp_path / "a.wav")
    there.hear(3.0, 11)
    assert there.recorder.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_costs_the_recording_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    there = Timeline(tmp_path / "file" / "a.wav")
    there.hear(2.0, 11)
    there.recorder.pause(1.0)
    assert there.recorder.finish()
    assert there.recorder.failed


def test_a_disk_that_hangs_holds_up_nobody_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(recorder_module, "MAX_BACKLOG_CHUNKS", 10)
    monkeypatch.setattr(recorder_module, "FINISH_S", 0.01)
    monkeypatch.setattr(Recorder, "_work", lambda self: _hang(self, waiting))
    there = Timeline(tmp_path / "a.wav")
    there.hear(2.0, 11)
    assert not there.recorder.finish()
    for release in waiting:
        release()
    assert there.recorder._lost > 0


def _hang(recorder: Recorder, waiting: list[Callable[[], None]]) -> None:
    from threading import Event

    over = Event()
    waiting.append(over.set)
    over.wait()


# --- where a sound ends


def test_a_sound_that_was_cut_leaves_nothing_at_the_beginning_of_the_next_one(tmp_path: Path) -> None:
    now = 0.0
    recorder = Recorder(tmp_path / "call.wav", 8000, clock=lambda: now)
    for begins in (0.0, 2.0):
        now = begins
        recorder.carlos(pcm(9000 if begins == 0.0 else 0, 8000 // 50))
    now = 2.02
    recorder.carlos(pcm(9000, 8000 // 50))
    recorder.finish()
    _, carlos = read(tmp_path / "call.wav")
    loud = np.flatnonzero(np.abs(carlos.astype(np.int32)) > CLICK // 10)
    assert loud[loud < RATE].max() >= FRAME - 2
    assert loud[loud > RATE].min() >= 2.02 * RATE - 60  # the filter rings before an edge

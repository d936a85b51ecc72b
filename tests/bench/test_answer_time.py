from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.audio.ulaw import ulaw_encode
from bench.answer import answer_times, heard_after, percentiles
from sandbox.twilio.script import load_script
from sandbox.twilio.wav import write_stereo

RATE = 8_000


def track(*parts: tuple[str, int]) -> bytes:
    """Mu-law of "tone" and "quiet" parts, each so many ms."""
    sound = np.concatenate([_part(kind, milliseconds) for kind, milliseconds in parts])
    return ulaw_encode(sound.astype("<i2").tobytes())


def _part(kind: str, milliseconds: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    time = np.arange(milliseconds * RATE // 1000) / RATE
    return (4000 if kind == "tone" else 0) * np.sin(2 * np.pi * 400 * time)


def measured(tmp_path: Path, caller: bytes, carlos: bytes) -> list[int]:
    write_stereo(tmp_path / "call.wav", caller, carlos)
    return answer_times(tmp_path / "call.wav")


def test_each_turn_waits_from_its_last_sound_to_the_answers_first(tmp_path: Path) -> None:
    caller = track(("quiet", 3000), ("tone", 1000), ("quiet", 4000), ("tone", 500), ("quiet", 3000))
    carlos = track(("tone", 2000), ("quiet", 2780), ("tone", 2000), ("quiet", 2370), ("tone", 1000))
    assert measured(tmp_path, caller, carlos) == [780, 650]


def test_a_breath_in_a_turn_ends_none(tmp_path: Path) -> None:
    caller = track(("tone", 1000), ("quiet", 700), ("tone", 1000), ("quiet", 3000))
    assert measured(tmp_path, caller, track(("quiet", 3500), ("tone", 1000))) == [800]


def test_nobody_waits_for_one_who_is_talking_or_never_answers(tmp_path: Path) -> None:
    caller = track(("tone", 1000), ("quiet", 3000), ("tone", 1000), ("quiet", 2000))
    assert measured(tmp_path, caller, track(("tone", 1500))) == []


def test_a_silent_call_has_no_times(tmp_path: Path) -> None:
    assert measured(tmp_path, track(("quiet", 1000)), track(("tone", 1000))) == []
    assert percentiles([]) == {"n": 0}


def test_endpointing_is_counted_in_the_callers_samples() -> None:
    [turn, *_] = load_script("order-status-dni").turns
    [(waited, audio)] = heard_after(turn)
    assert 500 <= waited <= 900
    assert audio

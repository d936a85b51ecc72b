"""Recordings in and out: rates, alignment, what is refused."""

from __future__ import annotations

import audioop
import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sandbox.twilio.clock import ScaledClock
from sandbox.twilio.errors import ScriptError
from sandbox.twilio.playout import Playout
from sandbox.twilio.script import ad_hoc_script
from sandbox.twilio.stream import FRAME, Timeline
from sandbox.twilio.wav import decode, first_sound, loudness, read_speech, write_stereo

VOICE = b"\x20"


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_recording_of_any_rate_becomes_8_khz_mu_law(tmp_path: Path, rate: int, channels: int) -> None:
    tone = 0.25 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "a.wav", np.stack([tone] * channels, axis=1), rate)
    speech = read_speech(tmp_path / "a.wav")
    assert abs(len(speech) - 8000) <= 1
    assert loudness(speech) == pytest.approx(0.25 * 32768 / np.sqrt(2), rel=0.02)
    spectrum = np.abs(np.fft.rfft(decode(speech).astype(float)))
    assert np.argmax(spectrum) * 8000 / len(speech) == pytest.approx(440, abs=1)


def test_audio_that_is_not_wav_is_refused_by_name(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.zeros(800), 8000)
    with pytest.raises(ScriptError, match=r"a\.flac is FLAC"):
        read_speech(tmp_path / "a.flac")
    (tmp_path / "b.wav").write_bytes(b"not audio")
    with pytest.raises(ScriptError, match=r"b\.wav"):
        read_speech(tmp_path / "b.wav")


def test_audio_fetched_by_twilio_is_read_from_memory() -> None:
    file = io.BytesIO()
    soundfile.write(file, np.full(800, 0.1), 8000, format="WAV")
    assert len(read_speech(file.getvalue())) == 800


def test_both_sides_of_a_call_lie_on_one_clock(tmp_path: Path) -> None:
    timeline = Timeline(ScaledClock(), Playout(), bytearray())
    timeline.playout.advance(4000)
    timeline.playout.add(VOICE * 800)
    timeline.playout.advance(8000)
    timeline.record(VOICE * FRAME, 12_000)
    write_stereo(tmp_path / "call" / "a.wav", bytes(timeline.sent), bytes(timeline.playout.heard))
    with wave.open(str(tmp_path / "call" / "a.wav"), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    left, right = np.flatnonzero(samples[:, 0]), np.flatnonzero(samples[:, 1])
    assert (left[0], left[-1]) == (12_000, 12_000 + FRAME - 1)
    assert (right[0], right[-1]) == (4000, 4799)


def test_the_first_sound_is_the_first_sample_that_can_be_heard() -> None:
    pcm = np.zeros(800, dtype="<i2")
    pcm[100] = 30
    pcm[300] = -2000
    assert first_sound(audioop.lin2ulaw(pcm.tobytes(), 2)) == 300
    assert first_sound(b"\xff" * 800) is None


def test_a_file_that_is_no_wav_and_one_without_a_sound_are_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("# Carlos")
    write_stereo(tmp_path / "b.wav", b"", b"")
    for name, sentence in (
        ("a.wav", "is no WAV that can be read: Format not recognised"),
        ("b.wav", "holds no sound"),
        ("c.wav", "is no WAV that can be read: System error"),
    ):
        with pytest.raises(ScriptError) as told:
            ad_hoc_script([tmp_path / name])
        assert str(told.value) == f"{tmp_path / name} {sentence}"

from __future__ import annotations

import subprocess
import sys

import numpy as np

from agent.audio import ULAW_SILENCE, ulaw_decode, ulaw_encode
from agent.audio.pcm import PCM16, duration_ms, pcm16, samples


def test_each_of_the_256_codes_survives_a_round_trip() -> None:
    codes = bytes(range(256))
    back = ulaw_encode(ulaw_decode(codes))
    assert back == codes.replace(b"\x7f", ULAW_SILENCE), "0x7f is the negative zero"


def test_mu_law_keeps_its_34_db() -> None:
    wave = 16000 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000 + 0.1)
    decoded = np.frombuffer(ulaw_decode(ulaw_encode(pcm16(wave))), dtype=PCM16)
    assert 20 * np.log10(np.std(wave) / np.std(decoded - wave)) > 33


def test_silence_is_silence() -> None:
    assert ulaw_encode(bytes(4)) == ULAW_SILENCE * 2
    assert ulaw_decode(ULAW_SILENCE) == bytes(2)


def test_samples_are_rounded_and_clipped() -> None:
    packed = pcm16(np.array([1.6, -1.4, 40000.0, -40000.0]))
    assert samples(packed).tolist() == [2, -1, 32767, -32768]


def test_a_duration_is_in_milliseconds() -> None:
    assert duration_ms(bytes(320), 8000) == 20


def test_the_import_is_quiet_and_needs_no_scipy() -> None:
    code = "import sys, agent.audio; raise SystemExit('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")

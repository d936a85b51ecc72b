"""Real calls on a real server: sipp signals, recorded callers speak G.711 of both laws, and Carlos is understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sip import place, share_of_words
from sandbox.dialogue.lines import GREETING
from sandbox.sip.rtp import PCMA, PCMU
from sandbox.speech.errors import WeightsMissing
from sandbox.speech.weights import load_weights
from sandbox.speech.whisper import Recognizer
from sandbox.twilio.script import load_script

# Twenty calls take a core: beside other tests the server would fall behind, and they would talk past each other.
pytestmark = [pytest.mark.sip, pytest.mark.speech, pytest.mark.slow, pytest.mark.alone]

CALLS = 20  # at once, ten of each law
UNDERSTOOD = 2  # of them, one of each law: to recognise what Carlos said takes more CPU than the call
GREETED = 3  # times that he speaks without a pause, in which he has said the greeting, however late
LEAST_WORDS = 0.7  # of the greeting; the product's name is no Spanish


async def test_recorded_callers_are_served_and_carlos_is_heard_without_a_gap(tmp_path: Path) -> None:
    try:
        recognizer = Recognizer(load_weights())
    except WeightsMissing as missing:
        pytest.skip(f"SPEECH NOT TESTED: {missing}")
    asks, _, thanks = load_script("order-status-dni").turns
    placed = await place([(asks, thanks)] * CALLS, tmp_path)
    assert placed.ran.code == 0, placed.ran.trouble
    assert [call.codec for call in placed.calls] == [PCMA, PCMU] * (CALLS // 2)
    for call in placed.calls:
        received, record = call.phone.received, placed.records[call.number]
        assert call.is_whole, (received.codecs, received.sources, received.jumps, received.longest_gap_ms)
        assert record["outcome"] == "completed"
        assert any(turn["role"] == "caller" for turn in record["turns"])
    for call in placed.calls[:UNDERSTOOD]:
        assert share_of_words(GREETING, call.words(recognizer, GREETED)) >= LEAST_WORDS

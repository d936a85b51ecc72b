"""Real calls on a real server: sipp signals, recorded callers speak G.711 of both laws, and Carlos is understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.sip import Placed, place, share_of_words
from sandbox.dialogue.lines import GREETING
from sandbox.sip.rtp import PCMA, PCMU
from sandbox.speech.errors import WeightsMissing
from sandbox.speech.weights import load_weights
from sandbox.speech.whisper import Recognizer
from sandbox.twilio.script import load_script

pytestmark = [pytest.mark.sip, pytest.mark.speech, pytest.mark.slow]

RINGS_PER_S = 2.0
UNDERSTOOD = 2  # calls, one of each law: to recognise what Carlos said takes more CPU than the call
GREETED = 3  # times that he speaks without a pause, in which he has said the greeting, however late
LEAST_WORDS = 0.7  # of the greeting; the product's name is no Spanish


def times(placed: Placed) -> list[tuple[str, str]]:
    return [(record["startedAt"], record["endedAt"]) for record in placed.records.values()]


# Twenty take a core. Beside other tests the server would fall behind, and they would talk past each other.
@pytest.mark.parametrize("calls", [4, pytest.param(20, marks=pytest.mark.alone)])
async def test_recorded_callers_are_served_and_carlos_is_heard_without_a_gap(calls: int, tmp_path: Path) -> None:
    try:
        recognizer = Recognizer(load_weights())
    except WeightsMissing as missing:
        pytest.skip(f"SPEECH NOT TESTED: {missing}")
    asks, _, thanks = load_script("order-status-dni").turns
    placed = await place([(asks, thanks)] * calls, tmp_path, per_s=RINGS_PER_S)
    assert placed.ran.code == 0, placed.ran.trouble
    assert [call.codec for call in placed.calls] == [PCMA, PCMU] * (calls // 2)
    began, ended = zip(*times(placed), strict=True)
    assert max(began) < min(ended), "not all at once"
    for call in placed.calls:
        received, record = call.phone.received, placed.records[call.number]
        assert call.is_whole, (received.codecs, received.sources, received.jumps, received.longest_gap_ms)
        assert record["outcome"] == "completed"
        assert any(turn["role"] == "caller" for turn in record["turns"])
    for call in placed.calls[:UNDERSTOOD]:
        assert share_of_words(GREETING, call.words(recognizer, GREETED)) >= LEAST_WORDS

"""What `make floor` counts, on sounds that need no recogniser."""

from __future__ import annotations

from functools import partial

import pytest

from agent.filler import clip
from bench.floor import ANSWER, SORRY, Sound, coughs, is_kept, is_stopped, speak_over, stop_ms
from bench.virtual_call import SlowTools, VirtualCall, virtual_call
from sandbox.brain import Floor, Utterance
from sandbox.sonic.ear import EnergyEar
from sandbox.utterances import BACKCHANNELS, load_utterances
from tests.agent.call_stage import loud
from tests.support.virtual_loop import run_virtually

VOICE = Sound("a voice", b"".join(loud(0.6)), EnergyEar)


def spoken_over(sound: Sound, words: str) -> VirtualCall:
    async def says(heard: Utterance, floor: Floor) -> None:
        if heard.text is None and words:
            await floor.transcript(words)
        if heard.text is not None or words:
            await floor.say(ANSWER if (heard.text or "").startswith("[llamada]") else SORRY)

    then = partial(speak_over, sound=sound, at_s=2.0)
    return run_virtually(virtual_call(says, then, {ANSWER: clip("apology.wav")}, ear=EnergyEar))


@pytest.mark.parametrize("words", ["Ajá.", ""])
def test_an_answer_that_goes_on_is_kept(words: str) -> None:
    call = spoken_over(VOICE, words)
    assert (is_kept(call), is_stopped(call)) == (True, False)
    assert len(call.line.far_end.clears) == 1, "the service broke it off"


def test_an_answer_that_words_end_is_stopped() -> None:
    call = spoken_over(VOICE, "Quiero cancelar el pedido seis.")
    assert (is_kept(call), is_stopped(call)) == (False, True)
    assert len(stop_ms(call)) == 1


def test_a_cough_is_one_to_an_ear_that_knows_no_better() -> None:
    for cough in coughs(2):
        call = spoken_over(cough, "")
        assert is_kept(call)
        assert len(call.line.far_end.clears) == 1


def test_a_silence_counts_while_an_answer_is_owed() -> None:
    async def says(heard: Utterance, floor: Floor) -> None:
        if heard.text is None:
            await floor.transcript("¿Y mi pedido?")
            await floor.use_tool("consultarOrder", {})
        await floor.say(SORRY)

    async def asks(call: VirtualCall) -> None:
        await call.silence(3.0)
        before = call.longest_silence_s
        await call.hear(VOICE.pcm)
        await call.silence(9.0)
        assert before < call.longest_silence_s < 4.0

    run_virtually(virtual_call(says, asks, {}, ear=EnergyEar, tools=SlowTools(6.0)))


def test_every_backchannel_that_is_listed_was_recorded_and_no_other() -> None:
    assert {each.file for each in load_utterances(BACKCHANNELS)} == {path.name for path in BACKCHANNELS.glob("*.flac")}

"""The benchmark of faults: its caller, its ear and its verdicts, in frames and without a socket; one whole call."""

from __future__ import annotations

import warnings
from itertools import repeat

import pytest

from agent.audio.resample import Resampler
from agent.audio.ulaw import ULAW_SILENCE, ulaw_encode
from agent.call import apology_audio
from bench.faults.caller import ENOUGH, PATIENCE, PAUSE, Caller, State, utterance
from bench.faults.ear import Earpiece, Sound, sound_of
from bench.faults.matrix import IN_ANSWER, STALL_S, Row, Since, rows
from bench.faults.model import ANSWER, GREETING
from bench.faults.report import failings, result, table
from bench.faults.trial import trial
from bench.line import FRAME
from bench.speech import missing, ulaw_samples
from sandbox.sonic.script import PIECE_S, ToneVoice
from tests.support.waiting import bounded

SERVED = {"recovered": True, "told": False, "dead_air_s": 0.4, "answer_s": 0.4, "lost_ms": 0.0, "left": 0, "opens": 2}
QUIET = ULAW_SILENCE * FRAME


async def frames_of(text: str) -> list[bytes]:
    """The stand-in's voice on the line, whole frames only."""
    pcm = b"".join([piece async for piece in ToneVoice().speak(text, 8000)])
    line = ulaw_encode(pcm)
    return [line[at : at + FRAME] for at in range(0, len(line) - FRAME + 1, FRAME)]


def apology() -> list[bytes]:
    pcm, rate = apology_audio()
    down = Resampler(rate, 8000)
    line = ulaw_encode(down.push(pcm) + down.flush())
    return [line[at : at + FRAME] for at in range(0, len(line) - FRAME + 1, FRAME)]


def hear(caller: Caller, *heard: bytes) -> list[bytes]:
    return [caller.frame(frame) for frame in heard]


async def test_the_model_and_a_clip_of_our_own_are_told_apart() -> None:
    assert {sound_of(frame) for frame in await frames_of("Hola")} == {Sound.MODEL}
    assert sound_of(QUIET) is Sound.SILENCE
    assert [sound_of(frame) for frame in apology()].count(Sound.MODEL) < 3


async def test_a_caller_speaks_after_the_answer_and_leaves_after_the_last_one() -> None:
    words = utterance(0.5, 1)
    caller = Caller([words])
    tone = (await frames_of("x" * 40))[: ENOUGH + 10]
    hear(caller, *repeat(QUIET, 30), *tone)
    assert caller.state is State.HEARING
    said = b"".join(hear(caller, *repeat(QUIET, PAUSE + len(words) // FRAME)))
    assert missing(ulaw_samples(words), [ulaw_samples(said)]) == 0
    hear(caller, *repeat(QUIET, 40), *tone)
    assert (caller.gone, caller.recovered, caller.dead_air, caller.slowest, caller.waits) == (
        True,
        True,
        40,
        40,
        [30, 40],
    )


async def test_a_stump_of_an_answer_leaves_the_answer_owed() -> None:
    caller = Caller([])
    hear(caller, *(await frames_of("x" * 40))[: ENOUGH - 1], *repeat(QUIET, PATIENCE))
    assert (caller.gone, caller.recovered, caller.told, caller.dead_air) == (True, False, False, PATIENCE)


def test_an_apology_is_told_and_its_beginning_is_not() -> None:
    whole, cut = Caller([]), Caller([])
    hear(whole, *apology(), *repeat(QUIET, 200))
    hear(cut, *apology()[:40], *repeat(QUIET, 200))
    assert (whole.told, whole.gone, whole.recovered) == (True, True, False)
    assert (cut.told, cut.gone) == (False, False)


def test_the_telephone_plays_in_order_and_returns_marks_when_their_turn_has_come() -> None:
    telephone = Earpiece()
    telephone.media(b"\x01" * 200)
    telephone.mark("one")
    telephone.media(b"\x02" * 100)
    assert telephone.play() == (b"\x01" * 160, [])
    assert telephone.play() == (b"\x01" * 40 + b"\x02" * 100 + ULAW_SILENCE * 20, ["one"])
    telephone.mark("two")
    assert telephone.clear() == ["two"]
    assert telephone.play() == (QUIET, [])


async def test_the_fault_in_an_answer_strikes_after_the_greeting_and_before_the_answer_ends() -> None:
    greeting, answer = [len(await frames_of(say.text)) * 0.02 / PIECE_S for say in (GREETING, ANSWER)]
    assert greeting < IN_ANSWER < greeting + answer


def test_every_fault_has_a_name_of_its_own() -> None:
    names = [row.name for row in rows()]
    assert len(set(names)) == len(names) > 60


def test_an_outage_lasts_from_its_first_stream_on() -> None:
    now = 100.0
    outage = Since(2, 3.0, lambda: now)
    assert 1 not in outage
    now = 200.0
    assert 2 in outage
    now = 202.9
    assert 3 in outage
    now = 203.0
    assert 4 not in outage


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, []),
        ({"recovered": False, "told": True}, []),
        ({"recovered": False}, ["neither answered nor told"]),
        ({"dead_air_s": 4.1}, ["dead air"]),
        ({"answer_s": 6.1}, ["answered late"]),
        ({"lost_ms": 20.0}, ["speech lost"]),
        ({"opens": 13}, ["storm"]),
        ({"left": 1}, ["left over"]),
    ],
)
def test_a_row_fails_by_what_the_caller_has_to_bear(changed: dict[str, object], wrong: list[str]) -> None:
    served = {
        "recovered": True,
        "told": False,
        "dead_air_s": 0.4,
        "answer_s": 0.4,
        "lost_ms": 0.0,
        "left": 0,
        "opens": 2,
    }
    assert failings(Row("a fault", answer_s=STALL_S), served | changed) == wrong


def test_a_stall_may_take_longer_to_be_found_out_and_a_dead_process_is_a_failure() -> None:
    slow = SERVED | {"dead_air_s": 5.0, "answer_s": 5.0}
    assert failings(Row("a stall", dead_air_s=STALL_S), slow) == []
    told = result({("nothing", "ours"): None, ("nothing", "stock"): slow})
    assert told["ours_failed"] == 1
    assert "hung" in table(told)


@pytest.mark.slow
async def test_a_call_without_a_fault_loses_nothing_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.stage import KEYS

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        async with bounded():
            outcome = await trial(Row("nothing", talk=(0.6,)), "ours")
    assert (outcome["recovered"], outcome["told"]) == (True, False)
    assert (outcome["lost_ms"], outcome["left"], outcome["opens"]) == (0.0, 0, 1)

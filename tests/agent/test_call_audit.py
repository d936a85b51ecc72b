"""What is measured on a recording whose truth is known, because it was made here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.call_audit import Answer, CallAudit, Claim, audited, claims, matched

RATE = 16000


def voice(seconds: float, rate: int, seed: int, rms: float = 3000.0) -> NDArray[np.float64]:
    """Sound that swells for 30 ms and dies away for 60, as words do."""
    sound = np.random.default_rng(seed).normal(0, rms, round(seconds * rate))
    rise, fall = round(0.03 * rate), round(0.06 * rate)
    sound[:rise] *= np.linspace(0, 1, rise)
    sound[-fall:] *= np.geomspace(1, 0.001, fall)
    return sound


@dataclass
class Tape:
    """Two sides of silence that sounds are put on; seconds."""

    seconds: float
    rate: int = RATE
    noise_rms: float = 0.0
    sides: list[NDArray[np.float64]] = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        self.sides = [np.zeros(round(self.seconds * self.rate)) for _ in range(2)]
        self.sides[0] += np.random.default_rng(1).normal(0, 1, len(self.sides[0])) * self.noise_rms

    def put(self, side: int, start: float, end: float) -> None:
        self.made += 1
        sound = voice(end - start, self.rate, self.made)
        at = round(start * self.rate)
        self.sides[side][at : at + len(sound)] += sound

    def caller(self, start: float, end: float) -> None:
        self.put(0, start, end)

    def carlos(self, start: float, end: float) -> None:
        self.put(1, start, end)

    def carlos_stops(self, start: float, end: float) -> None:
        """Silence in the middle of whatever he says."""
        self.sides[1][round(start * self.rate) : round(end * self.rate)] = 0

    @property
    def audit(self) -> CallAudit:
        left, right = (np.clip(side, -32768, 32767).astype("<i2") for side in self.sides)
        return audited(left, right, self.rate)


def near(value: float) -> Any:
    return pytest.approx(value, abs=0.06)


def ms(value: int) -> Any:
    return pytest.approx(value, abs=60)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
@pytest.mark.parametrize("noise_rms", [0.0, 60.0])
def test_an_answer_time_is_from_the_last_word_to_the_first_sound(rate: int, noise_rms: float) -> None:
    tape = Tape(12.0, rate, noise_rms)
    tape.carlos(0.5, 2.0)
    tape.caller(3.0, 4.0)
    tape.carlos(5.2, 6.0)
    tape.carlos(6.5, 7.0)  # a second sentence of the same answer
    tape.caller(8.0, 8.6)
    tape.carlos(10.8, 11.5)
    first, second = tape.audit.answers
    assert (first.words_end_s, first.at_s, first.answer_ms) == (near(4.0), near(5.2), ms(1200))
    assert (second.words_end_s, second.at_s, second.answer_ms) == (near(8.6), near(10.8), ms(2200))


def test_an_answer_that_begins_before_the_words_have_ended_is_an_overlap_of_carlos() -> None:
    tape = Tape(8.0)
    tape.caller(1.0, 4.0)
    tape.carlos(3.0, 6.0)
    assert tape.audit.answers == ()
    [overlap] = tape.audit.overlaps
    assert (overlap.at_s, overlap.seconds, overlap.by) == (near(3.0), near(1.0), "carlos")


def test_a_caller_who_interrupts_speaks_over_carlos_and_is_answered() -> None:
    tape = Tape(9.0, noise_rms=20.0)
    tape.carlos(0.5, 4.0)
    tape.caller(3.0, 4.5)
    tape.carlos_stops(3.6, 9.0)
    tape.carlos(6.0, 8.0)
    audit = tape.audit
    [overlap], [cut], [answer] = audit.overlaps, audit.cuts, audit.answers
    assert (overlap.at_s, overlap.seconds, overlap.by) == (near(3.0), near(0.6), "caller")
    assert cut.at_s == near(3.6)
    assert cut.kind == "interruption"
    assert answer.answer_ms == ms(1500)


def test_who_goes_on_after_an_aside_has_not_answered_it() -> None:
    tape = Tape(9.0)
    tape.carlos(0.5, 5.0)
    tape.caller(2.0, 2.4)
    tape.carlos(5.5, 7.0)
    assert tape.audit.answers == ()
    assert len(tape.audit.overlaps) == 1


def test_dead_air_is_more_than_three_seconds_in_which_nobody_is_heard() -> None:
    tape = Tape(20.0, noise_rms=20.0)
    tape.carlos(3.5, 5.0)
    tape.caller(7.5, 8.5)
    tape.carlos(13.0, 14.0)
    dead = [(each.at_s, each.seconds, each.after) for each in tape.audit.dead_air]
    assert dead == [(near(0), near(3.5), None), (near(8.5), near(4.5), "caller"), (near(14), near(6), "carlos")]


@pytest.mark.parametrize("lost_ms", [20, 60, 400])
def test_a_hole_in_a_word_is_a_gap(lost_ms: int) -> None:
    tape = Tape(6.0)
    tape.carlos(1.0, 4.0)
    tape.carlos_stops(2.5, 2.5 + lost_ms / 1000)
    [cut] = tape.audit.cuts
    assert cut.at_s == pytest.approx(2.5, abs=0.002)
    assert cut.kind == "gap"
    assert cut.silent_ms == pytest.approx(lost_ms, abs=2)


def test_a_sound_that_stops_for_good_was_cut_and_one_that_dies_away_was_not() -> None:
    tape = Tape(8.0)
    tape.carlos(1.0, 2.0)
    tape.carlos(3.0, 5.0)
    tape.carlos_stops(4.0, 8.0)
    [cut] = tape.audit.cuts
    assert cut.at_s == pytest.approx(4.0, abs=0.002)
    assert (cut.kind, cut.silent_ms) == ("stop", None)


def test_silence_is_a_call_in_which_nothing_happens() -> None:
    audit = Tape(2.0).audit
    assert (audit.answers, audit.overlaps, audit.dead_air, audit.cuts) == ((), (), (), ())
    assert audit.totals["answer_ms_median"] is None
    assert Tape(0.001).audit.seconds == 0.0


def test_totals_are_of_all_there_is() -> None:
    tape = Tape(20.0)
    for start in (1.0, 7.0, 13.0):
        tape.caller(start, start + 1.0)
        tape.carlos(start + 1.5 + start / 10, start + 4.0)
    totals = tape.audit.totals
    assert (totals["answers"], totals["overlap_s"], totals["gaps"]) == (3, 0, 0)
    assert totals["answer_ms_median"] == ms(1200)
    assert totals["answer_ms_max"] == ms(1800)
    assert totals["caller_s"] == pytest.approx(3.0, abs=0.2)


# --- beside a record


def a_record(*turns: dict[str, Any], **fields: Any) -> dict[str, Any]:
    details = {"recording_notice_at": "2026-11-28T10:00:05.000Z"}
    return {"startedAt": "2026-11-28T10:00:00.000Z", "interruptions": 1, "details": details, "turns": turns, **fields}


def turn(at_s: float, latency_ms: int | None, detected_ms: int | None = None) -> dict[str, Any]:
    return {"role": "carlos", "at_ms": at_s * 1000, "latency_ms": latency_ms, "sonic_detected_ms": detected_ms}


def answer(at_s: float, answer_ms: int) -> Answer:
    return Answer(at_s, at_s - answer_ms / 1000, answer_ms)


def test_what_a_record_says_is_placed_on_the_recordings_clock() -> None:
    told = claims(a_record({"role": "caller", "at_ms": 9000}, turn(12.0, 1700, 900), durationSeconds=60.0))
    assert told.turns == (Claim(7.0, 1700, None, 900),)
    assert (told.interruptions, told.seconds) == (1, 60.0)


@pytest.mark.parametrize("record", [None, [], {}, {"startedAt": 7}, a_record({"role": "carlos"}), a_record(turns=3)])
def test_what_is_no_record_is_said_to_be_none(record: Any) -> None:
    with pytest.raises(ValueError, match="no record of a call"):
        claims(record)


def test_each_answer_is_held_against_what_the_record_says_of_it() -> None:
    turns = claims(
        a_record(turn(6.0, None), turn(12.0, 1700), turn(20.0, None), turn(31.0, 900), turn(40.0, 800))
    ).turns
    first, unclaimed, second = answer(5.0, 1720), answer(14.0, 2500), answer(25.0, 910)
    assert matched([first, unclaimed, second], turns) == [
        (first, turns[1]),
        (unclaimed, None),
        (second, turns[3]),
        (None, turns[4]),
    ]


def test_answers_that_no_record_knows_of_stand_alone() -> None:
    alone = answer(5.0, 1000)
    assert matched([alone], []) == [(alone, None)]
    assert matched([], []) == []

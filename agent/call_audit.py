"""What a call's stereo recording tells of how it went, from the sound alone: sans-IO, on samples.

It asks nobody: no record, no transcript, no clock but the file's. So what a server says of the same call can be held
against it (`matched`). Words, noise and echo are told apart as in a live call (`agent.audio.speech`).

A sound that stops in the middle of a wave was cut: speech dies away, and takes some hundredths of a second to do so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.answer_times import GOES_ON_S, PAUSE_S
from agent.audio.speech import AUDIBLE_RMS, FRAME_S, GAP_S, Utterance, levels, runs, utterances

DEAD_AIR_S = 3.0
OVERLAP_S = 0.1  # less is the edge of a word
QUIET = 64  # the loudest sample of silence: above a filter's ringing and mu-law's idle noise
SILENT_MS = 12  # of a gap: a lost frame is 20 ms, and a filter rings into both of its ends
EDGE_MS, BODY_MS = 4, 40  # before a stop
CUT_SHARE = 0.3  # of the body's level is left at the edge of a sound that was cut
CUT_RMS = 500.0  # -36 dBFS: what stops more softly is not missed
BARGE_IN_S = 2.0  # before the cut, the caller had begun: the line waits for words before it gives up the floor
REACTION_S = 0.3  # after the cut; it may be known sooner to the server than to this measure
RESUMES_S = 2.0  # after a gap

CLOCKS_S = 0.5  # a record's clock and a recording's may differ so much
_TIMES = ("latency_ms", "sonic_end_ms", "sonic_detected_ms")

type Samples = NDArray[np.int16]
type Who = Literal["caller", "carlos"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Carlos begins to speak after the caller. Times are seconds from the file's beginning."""

    at_s: float
    words_end_s: float
    answer_ms: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Both speak; `by` is who began while the other spoke."""

    at_s: float
    seconds: float
    by: Who


@dataclass(frozen=True, slots=True)
class DeadAir:
    """Nobody is heard; `after` is who was last."""

    at_s: float
    seconds: float
    after: Who | None


@dataclass(frozen=True, slots=True)
class Cut:
    """Carlos's sound stops in the middle of a wave. `interruption`: the caller had begun to speak; `gap`: it goes on
    after `silent_ms`, nobody having spoken; `stop`: it does not go on."""

    at_s: float
    kind: Literal["interruption", "gap", "stop"]
    silent_ms: int | None


@dataclass(frozen=True, slots=True)
class CallAudit:
    seconds: float
    caller_s: float  # of the caller's words
    carlos_s: float  # of Carlos's sound
    answers: tuple[Answer, ...]
    overlaps: tuple[Overlap, ...]
    dead_air: tuple[DeadAir, ...]
    cuts: tuple[Cut, ...]

    @property
    def totals(self) -> dict[str, Any]:
        times = [answer.answer_ms for answer in self.answers]
        kinds = [cut.kind for cut in self.cuts]
        return {
            "seconds": self.seconds,
            "caller_s": self.caller_s,
            "carlos_s": self.carlos_s,
            "answers": len(times),
            "answer_ms_median": round(median(times)) if times else None,
            "answer_ms_max": max(times, default=None),
            "overlaps": len(self.overlaps),
            "overlap_s": round(sum(each.seconds for each in self.overlaps), 2),
            "dead_air": len(self.dead_air),
            "dead_air_s": round(sum(each.seconds for each in self.dead_air), 2),
            "interruptions": kinds.count("interruption"),
            "gaps": kinds.count("gap"),
            "stops": kinds.count("stop"),
        }

    def json(self) -> dict[str, Any]:
        """As JSON values, totals included."""
        return {**asdict(self), "totals": self.totals}


def audited(caller: Samples, carlos: Samples, rate: int) -> CallAudit:
    """Measure a call: both sides on one clock, as long as each other, at `rate` Hz."""
    played = levels(carlos, rate)
    said = utterances(levels(caller, rate), played)
    sounded = runs(played >= AUDIBLE_RMS, _frames(GAP_S))
    seconds = len(caller) / rate
    return CallAudit(
        round(seconds, 2),
        _length_s(said),
        _length_s(sounded),
        tuple(_answers(said, runs(played >= AUDIBLE_RMS, _frames(PAUSE_S)))),
        tuple(_overlaps(said, sounded)),
        tuple(_dead_air(said, sounded, len(played))),
        tuple(_cuts(carlos, rate, said)),
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a record says of one answer's time, in milliseconds, and when in the recording its first words had been
    heard."""

    at_s: float
    latency_ms: int | None
    sonic_end_ms: int | None
    sonic_detected_ms: int | None


@dataclass(frozen=True, slots=True)
class Claims:
    """What a record says of a call: of each thing that Carlos said, and in all."""

    turns: tuple[Claim, ...]
    interruptions: int
    seconds: float | None


def claims(record: Mapping[str, Any]) -> Claims:
    """Read a call's record, as `GET /calls/{id}` gives it. A recording begins when its notice had been heard; one
    without a notice is taken to begin with the call. Raise ValueError for what is no such record."""
    try:
        began = datetime.fromisoformat(record["startedAt"])
        notice = record["details"].get("recording_notice_at")
        before_s = (datetime.fromisoformat(notice) - began).total_seconds() if notice else 0.0
        turns = [turn for turn in record["turns"] if turn["role"] == "carlos"]
        told = tuple(Claim(turn["at_ms"] / 1000 - before_s, *map(turn.get, _TIMES)) for turn in turns)
        return Claims(told, int(record["interruptions"]), record.get("durationSeconds"))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no record of a call: {error!r}") from error


def matched(answers: Sequence[Answer], turns: Sequence[Claim]) -> list[tuple[Answer | None, Claim | None]]:
    """Each answer of the recording with what the record says of it, in order. An answer began after the turn before was
    heard, and before its own first words were. A turn without any time answered nobody."""
    pairs: list[tuple[Answer | None, Claim | None]] = []
    left, before_s = list(answers), float("-inf")
    for claim in turns:
        timed = any(getattr(claim, name) is not None for name in _TIMES)
        while timed and left and left[0].at_s <= before_s:
            pairs.append((left.pop(0), None))
        own = [answer for answer in left if answer.at_s <= claim.at_s + CLOCKS_S] if timed else []
        pairs += [(answer, None) for answer in own[:-1]]
        if timed:
            pairs.append((own[-1] if own else None, claim))
        left, before_s = left[len(own) :], claim.at_s
    return pairs + [(answer, None) for answer in left]


def _answers(said: Sequence[Utterance], sounded: Sequence[Utterance]) -> list[Answer]:
    """One for each time that Carlos begins after words that nothing of his has answered."""
    found = []
    before = Utterance(-1, -1)
    for sound in sounded:
        heard = [each for each in said if each.start < sound.start]
        if heard and _answered(heard[-1], before, sound):
            end = heard[-1].end
            found.append(Answer(_s(sound.start), _s(end), round((sound.start - end) * FRAME_S * 1000)))
        before = sound
    return found


def _answered(words: Utterance, before: Utterance, sound: Utterance) -> bool:
    was_over = words.end + _frames(GAP_S) <= sound.start
    return was_over and before.start < words.end and before.end <= words.end + _frames(GOES_ON_S)


def _overlaps(said: Sequence[Utterance], sounded: Sequence[Utterance]) -> list[Overlap]:
    found = []
    for words in said:
        for sound in sounded:
            start, end = max(words.start, sound.start), min(words.end, sound.end)
            if end - start >= _frames(OVERLAP_S):
                by: Who = "caller" if words.start >= sound.start else "carlos"
                found.append(Overlap(_s(start), _s(end - start), by))
    return found


def _dead_air(said: Sequence[Utterance], sounded: Sequence[Utterance], length: int) -> list[DeadAir]:
    found, until, last = [], 0, None
    sides: list[tuple[Utterance, Who | None]] = [(each, "caller") for each in said]
    sides += [(each, "carlos") for each in sounded]
    for sound, who in [*sorted(sides), (Utterance(length, length), None)]:
        if sound.start - until > _frames(DEAD_AIR_S):
            found.append(DeadAir(_s(until), _s(sound.start - until), last))
        if sound.end >= until:
            until, last = sound.end, who
    return found


def _cuts(carlos: Samples, rate: int, said: Sequence[Utterance]) -> list[Cut]:
    found = []
    sounds = runs(_peaks(carlos, rate) > QUIET, SILENT_MS)
    for number, sound in enumerate(sounds):
        if not _is_cut(carlos[: sound.end * rate // 1000], rate):
            continue
        resumes = sounds[number + 1].start if number + 1 < len(sounds) else None
        silent_ms = None if resumes is None else resumes - sound.end
        at = sound.end / 1000
        if any(each.start * FRAME_S - REACTION_S <= at <= each.end * FRAME_S + BARGE_IN_S for each in said):
            found.append(Cut(at, "interruption", silent_ms))
        elif silent_ms is not None and silent_ms <= RESUMES_S * 1000:
            found.append(Cut(at, "gap", silent_ms))
        else:
            found.append(Cut(at, "stop", None))
    return found


def _peaks(samples: Samples, rate: int) -> NDArray[np.int16]:
    """The loudest sample of each millisecond."""
    step = rate // 1000
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    return np.maximum(frames.max(axis=1), -np.maximum(frames.min(axis=1), -32767))


def _is_cut(until: Samples, rate: int) -> bool:
    edge, body = (until[-rate * ms // 1000 :].astype(np.float32) for ms in (EDGE_MS, BODY_MS))
    left, level = (float(np.sqrt((each * each).mean())) for each in (edge, body))
    return left >= max(CUT_RMS, level * CUT_SHARE)


def _length_s(stretches: Sequence[Utterance]) -> float:
    return _s(sum(each.end - each.start for each in stretches))


def _frames(seconds: float) -> int:
    return round(seconds / FRAME_S)


def _s(frames: int) -> float:
    return round(frames * FRAME_S, 2)

"""Where somebody speaks, told from the levels of a line: the measure behind every answer time.

A level is the RMS of 10 ms of 16-bit samples, about their mean: a microphone's offset and a car's rumble are no sound.
A live call's answer times and `carlos audit` use the same measure, the one on the last seconds of the line, the other
on a file, so that they can be held against each other.

A word is what stands out of the line's noise, which is followed as it changes, and is no echo of what the line played.
It ends where it is 25 dB below the loud parts of its own utterance: what is left then is breath and the room. So the
end does not depend on how loud somebody speaks. What stands out for a few hundredths of a second is a click.
"""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FRAME_S = 0.01
AUDIBLE_RMS = 100.0  # -50 dBFS: what is played below it, nobody hears
QUIETEST_RMS = 25.0  # -62 dBFS: nobody speaks to a phone more softly
OVER_NOISE = 1.8  # times the noise's level: 5 dB
NOISE_SHARE = 10  # percent of a second's frames that are noise alone: between words, and within them
NOISE_REACH_S = 4  # the noise of a moment is the median of the seconds around it
TAIL = 0.056  # of an utterance's loud frames: -25 dB
LOUD_SHARE = 90  # percentile
GAP_S = 0.2  # a longer one ends an utterance: consonants that are silent take half of it
WORD_S = 0.06  # the shortest; less is a click
ECHO_S = 0.6  # how late an echo comes back at most
ECHO_HEADROOM = 4.0  # how far its peaks are above its median
LOUDEST_ECHO = 0.5  # of what was played: -6 dB. What is louder is a voice

type Levels = NDArray[np.float32]
type Flags = NDArray[np.bool_]


class Utterance(NamedTuple):
    """A stretch of words; positions are frames, `end` is behind the last one."""

    start: int
    end: int


def levels(samples: NDArray[np.int16], rate: int) -> Levels:
    """Return the levels of mono samples at `rate` Hz; what is left of the last frame is passed over."""
    frame = int(rate * FRAME_S)
    count = len(samples) // frame
    found = np.empty(count, dtype=np.float32)
    piece = 6000  # frames: a minute at a time, of a file of any length
    for start in range(0, count, piece):
        last = min(count, start + piece)
        frames = samples[start * frame : last * frame].astype(np.float32).reshape(-1, frame)
        found[start:last] = frames.std(axis=1)
    return found


def utterances(heard: Levels, played: Levels) -> list[Utterance]:
    """Return where there are words in `heard`, while the line played what `played`, as long, says."""
    if not len(heard):
        return []
    loud = heard > np.maximum(QUIETEST_RMS, noise(heard) * OVER_NOISE)
    loud &= heard > echo(heard, played)
    said = [_without_tail(heard, loud, each) for each in runs(loud, _frames(GAP_S))]
    return [each for each in said if loud[each.start : each.end].sum() >= _frames(WORD_S)]


def runs(flags: Flags, gap: int = 1) -> list[Utterance]:
    """Return the stretches of True; less than `gap` frames of False between two of them are part of one."""
    at = np.flatnonzero(flags)
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > gap)
    starts, ends = at[np.concatenate(([0], breaks + 1))], at[np.concatenate((breaks, [len(at) - 1]))] + 1
    return [Utterance(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def noise(heard: Levels) -> Levels:
    """Return the level of the line's noise at each frame."""
    second, reach = _frames(1.0), NOISE_REACH_S
    whole = len(heard) - len(heard) % second
    quiet: list[float] = np.percentile(heard[:whole].reshape(-1, second), NOISE_SHARE, axis=1).tolist()
    if whole < len(heard):
        quiet.append(float(np.percentile(heard[whole:], NOISE_SHARE)))
    floor = [median(quiet[max(0, at - reach) : at + reach + 1]) for at in range(len(quiet))]
    return np.repeat(np.asarray(floor, dtype=np.float32), second)[: len(heard)]


def echo(heard: Levels, played: Levels) -> Levels:
    """Return how loud an echo of what was played may be at each frame. Who is silent while the line plays shows how
    much of it comes back; that is the median, since nobody speaks over most of what he hears."""
    reach = _frames(ECHO_S)
    recent: Levels = sliding_window_view(np.concatenate((np.zeros(reach - 1, np.float32), played)), reach).max(axis=1)
    sounding = recent > AUDIBLE_RMS
    if not sounding.any():
        return np.zeros_like(heard)
    back = float(np.median(heard[sounding] / recent[sounding])) * ECHO_HEADROOM
    return recent * np.float32(min(back, LOUDEST_ECHO)) * sounding


def _without_tail(heard: Levels, loud: Flags, said: Utterance) -> Utterance:
    inside = heard[said.start : said.end]
    words = np.flatnonzero(loud[said.start : said.end] & (inside >= np.percentile(inside, LOUD_SHARE) * TAIL))
    return Utterance(said.start + int(words[0]), said.start + int(words[-1]) + 1)


def _frames(seconds: float) -> int:
    return round(seconds / FRAME_S)

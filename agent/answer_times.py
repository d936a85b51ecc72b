"""How long a caller waits for an answer: from the end of his last word to the first sound of Carlos on his line.

Both ends are told from the sound itself, as one would measure them on the call's stereo recording, and by its clock
(`agent.recording_sides`): Carlos's sound is where it was sent, or behind what is being played; the caller's is where it
arrived, without what the network held it up. Sonic's own word of when the speech ended, and of when it was sure, is
kept beside that: it is sure some tenths of a second after the end, and the caller waits for that, too.

What an answer is, the call knows: `expect` says that one begins, and the next sound after a silence is its first.

Sans-IO, in seconds of one clock. A frame of 20 ms costs two levels and a few sums; words are looked for once an answer.
"""

from __future__ import annotations

import audioop
from array import array
from dataclasses import dataclass
from math import sqrt

import numpy as np

from agent.audio.speech import AUDIBLE_RMS, FRAME_S, GAP_S, Levels, utterances

SAMPLE = 2  # bytes
KEPT_S = 20.0  # of both sides: nobody waits longer for an answer, or is told in between that it takes a while
PAUSE_S = 0.3  # of silence before an answer: less is a pause between two of its words
STEP = 500  # frames: what is too old is forgotten in steps
GOES_ON_S = 1.0  # Carlos is heard so long after the words: he went on, and what he says next is no answer to them
LATENESS_S = 2.0  # the caller's clock is known from the frames of so long, and of as long before


@dataclass(frozen=True, slots=True)
class AnswerTime:
    """Milliseconds to the first sound of an answer; None for what is not known.

    `words_ms` from the end of the caller's last word, as our detector hears it: the answer time. None where he was
    still speaking, or Carlos was. `sonic_end_ms` from where Sonic says that the speech ended, `sonic_detected_ms` from
    where it was sure of that.
    """

    words_ms: int | None = None
    sonic_end_ms: int | None = None
    sonic_detected_ms: int | None = None


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """What Sonic says of the end of the caller's speech; None where it says nothing."""

    at: float | None = None
    detected_at: float | None = None


class _Side:
    """The latest levels of one side of a line. Positions are frames since its first sample."""

    def __init__(self, rate: int) -> None:
        self._frame = int(rate * FRAME_S) * SAMPLE
        self._rest = b""
        self._kept = round(KEPT_S / FRAME_S)
        self._levels = array("f")
        self.end = 0

    def add(self, pcm: bytes) -> tuple[int, int] | None:
        """Return where what can be heard of this begins and ends; None for silence."""
        pcm, size = self._rest + pcm, self._frame
        first = last = None
        for start in range(0, len(pcm) - size + 1, size):
            level = _level(pcm[start : start + size])
            self._levels.append(level)
            self.end += 1
            if level >= AUDIBLE_RMS:
                first, last = self.end - 1 if first is None else first, self.end
        self._rest = pcm[len(pcm) - len(pcm) % size :]
        self._forget()
        return None if first is None or last is None else (first, last)

    def silent_until(self, position: int) -> None:
        """Nothing was played up to there."""
        missing = position - self.end
        if missing > 0:
            self._rest = b""
            self._levels.frombytes(bytes(min(missing, self._kept) * self._levels.itemsize))
            self._forget()
            self.end = position

    def between(self, start: int, end: int) -> Levels:
        """Return these frames; what was forgotten, or was not yet, is silence."""
        found = np.zeros(end - start, dtype=np.float32)
        oldest = self.end - len(self._levels)
        first, last = max(start, oldest), min(end, self.end)
        if first < last:
            found[first - start : last - start] = self._levels[first - oldest : last - oldest]
        return found

    @property
    def first(self) -> int:
        """The oldest position that is kept."""
        return self.end - min(len(self._levels), self._kept)

    def _forget(self) -> None:
        if len(self._levels) > self._kept + STEP:
            del self._levels[: -self._kept]


class AnswerTimes:
    """One call's. PCM 16-bit mono at the sides' rates, in pieces of any length."""

    def __init__(self, caller_rate: int, carlos_rate: int) -> None:
        self._caller, self._carlos = _Side(caller_rate), _Side(carlos_rate)
        self._caller_second, self._carlos_second = caller_rate * SAMPLE, carlos_rate * SAMPLE
        self._heard = 0  # bytes of the caller's
        self._began: float | None = None  # when the first sound was sent to him
        self._played_at = 0.0  # when he will have heard all of it
        self._offset = self._offset_before = float("inf")  # of his clock to ours: the least late of some frames
        self._offset_since = 0.0
        self._sound_until = float("-inf")
        self._expected: SpeechEnd | None = None

    def caller(self, pcm: bytes, now: float) -> None:
        """His sound has come."""
        self._heard += len(pcm)
        offset = now - self._heard / self._caller_second
        if now - self._offset_since > LATENESS_S:
            self._offset_before, self._offset, self._offset_since = self._offset, offset, now
        self._offset = min(self._offset, offset)
        self._caller.add(pcm)

    def expect(self, speech: SpeechEnd) -> None:
        """The next sound after a silence answers what he said."""
        self._expected = speech

    def forget(self) -> None:
        """It does not: he speaks again."""
        self._expected = None

    def carlos(self, pcm: bytes, now: float) -> AnswerTime | None:
        """This is sent to the caller. Return the time of the answer that begins with it, if one does."""
        at = max(now, self._played_at)
        if self._began is None:
            self._began = at
        self._carlos.silent_until(round((at - self._began) / FRAME_S))
        before = self._sound_until
        sound = self._carlos.add(pcm)
        self._played_at = at + len(pcm) / self._carlos_second
        if sound is None:
            return None
        began, self._sound_until = (self._began + position * FRAME_S for position in sound)
        if self._expected is None or began - before < PAUSE_S:
            return None
        speech, self._expected = self._expected, None
        return AnswerTime(
            _ms(self._last_word(began, before), began), _ms(speech.at, began), _ms(speech.detected_at, began)
        )

    def _last_word(self, began: float, silent_since: float) -> float | None:
        """When the words ended that the sound which `began` answers."""
        side, offset = self._caller, min(self._offset, self._offset_before)
        if self._began is None or side.first == side.end:
            return None
        shift = round((offset - self._began) / FRAME_S)  # from the caller's frames to Carlos's
        played = self._carlos.between(side.first + shift, side.end + shift)
        said = utterances(side.between(side.first, side.end), played)
        if not said:
            return None
        end = (side.first + said[-1].end) * FRAME_S + offset
        return None if began - end < GAP_S or silent_since - end > GOES_ON_S else end


def _level(frame: bytes) -> float:
    power, mean = audioop.rms(frame, SAMPLE) ** 2, audioop.avg(frame, SAMPLE)
    return sqrt(max(0.0, power - mean * mean))


def _ms(since: float | None, until: float) -> int | None:
    return None if since is None or since > until else round((until - since) * 1000)

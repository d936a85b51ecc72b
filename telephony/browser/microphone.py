"""One microphone's sound, from a page that may send it several times.

The original client never closes its microphone: a second conversation on the same page sends it twice, and a third one
three times, in messages without a number. Nothing can be understood of them all. So the messages are dealt out to the
page's pipelines (`tracks.py`), and one pipeline is heard.

How many there are, the pace says first: no microphone makes more than a second of audio in a second, and none was
recorded before its socket was open. Audio that is more than that is of several. Audio that comes late, and then at
once, is not, and the joints of its messages tell the two apart: messages of one microphone go on where the last one
stopped, those of several do not.
"""

from __future__ import annotations

from collections import deque

from agent.audio.pcm import samples
from telephony.browser.pieces import Piece, chained
from telephony.browser.tracks import Tracks

CLOCKS_APART = 1.0025  # the original rounds each block up, at 48 kHz by 0.2 %; clocks differ by less
MAX_COPIES = 4  # more of them are too many messages
EARLY = 2.2  # messages before they can have been recorded: one client sends them in pairs
OBSERVED = 24  # messages whose pace is known, and by which it is judged how many copies there are
JUDGED_EVERY = 6  # messages
LONGEST_GAP = 3.0  # times a message's own length; what is longer was a stall, and says nothing of the pace
CERTAIN = 30.0  # how much likelier more copies must be than fewer, as a logarithm, where the clock does not prove them
AS_LIKELY = -6.0  # and fewer than more


class Pace:
    """How fast audio comes, in seconds of audio a second. `opened` is when the socket was accepted."""

    def __init__(self, opened: float) -> None:
        self._opened = opened
        self._came_s = 0.0
        self._seen: deque[tuple[float, float]] = deque(maxlen=OBSERVED)  # seconds of audio, and since the one before
        self._last = opened

    def push(self, seconds: float, now: float) -> None:
        gap = now - self._last if self._seen else seconds
        self._last = now
        self._came_s += seconds
        self._seen.append((seconds, min(gap, LONGEST_GAP * seconds)))

    @property
    def copies(self) -> int:
        """How many microphones it is the pace of, of late, stalls left out."""
        rate = sum(seconds for seconds, _ in self._seen) / max(1e-6, sum(gap for _, gap in self._seen))
        return max(1, min(MAX_COPIES, round(rate)))

    def proves_more_than(self, copies: int) -> bool:
        """Whether so many cannot have made so much audio since the socket was opened."""
        return self._came_s - copies * CLOCKS_APART * (self._last - self._opened) > EARLY * self._seen[-1][0]


class Microphone:
    """`rate` is in Hz. `opened` is when the socket was accepted, in seconds of a monotonic clock."""

    def __init__(self, rate: int, opened: float) -> None:
        self._rate = rate
        self._pace = Pace(opened)
        self._recent: deque[Piece] = deque(maxlen=OBSERVED)
        self._tracks = Tracks(1)
        self._heard = 0  # the track
        self._last_heard = 0  # the number of the last message that was heard
        self._decided_to = 0  # and of the last one that was heard or left out
        self._came = 0

    @property
    def copies(self) -> int:
        """How many copies are told apart."""
        return self._tracks.copies

    def push(self, pcm: bytes, now: float) -> bytes:
        """Take a message's audio as it comes; return what is to be heard, which may be nothing, or more than it."""
        self._came += 1
        piece = Piece(self._came, samples(pcm))
        self._pace.push(len(piece) / self._rate, now)
        self._recent.append(piece)
        dealt = self._tracks.push(piece) if self.copies > 1 else [(0, piece)]
        sound = self._take(dealt)
        if self._came % JUDGED_EVERY == 0 and (copies := self._judged()) != self.copies:
            sound += self._tell_apart(copies)
        return sound

    def _judged(self) -> int:
        """Return how many copies there are by the pace, or as many as there seemed to be if that is as likely."""
        paced = self._pace.copies
        if self.copies > 1 and self._came % OBSERVED == 0 and self._weight(1) > self._weight(self.copies) + CERTAIN:
            return 1
        return paced if paced != self.copies and self._likely(paced) else self.copies

    def _take(self, dealt: list[tuple[int, Piece]]) -> bytes:
        """Return the heard track's sound that is new."""
        heard = []
        for track, piece in dealt:
            if piece.number > self._decided_to:
                self._decided_to = piece.number
                if track == self._heard:
                    self._last_heard = piece.number
                    heard.append(piece.samples.tobytes())
        return b"".join(heard)

    def _likely(self, wanted: int) -> bool:
        """Whether so many copies explain the last messages better than as many as there seemed to be."""
        if self.copies == 1 and not self._pace.proves_more_than(1) and self._weight(1) > 0:
            return False
        gain = self._weight(wanted) - self._weight(self.copies)
        if wanted < self.copies:
            return gain >= AS_LIKELY
        return gain >= (0 if self._pace.proves_more_than(self.copies) else CERTAIN)

    def _weight(self, copies: int) -> float:
        return chained(list(self._recent)) if copies == 1 else self._replayed(copies)[0].weight

    def _replayed(self, copies: int) -> tuple[Tracks, list[tuple[int, Piece]]]:
        tracks = Tracks(copies)
        return tracks, [dealt for piece in self._recent for dealt in tracks.push(piece)]

    def _tell_apart(self, copies: int) -> bytes:
        """Go on with so many copies, on the track that was heard last; return what it has new."""
        if copies == 1:
            self._tracks, dealt = Tracks(1), [(0, piece) for piece in self._recent]
        else:
            self._tracks, dealt = self._replayed(copies)
        owners = {piece.number: track for track, piece in [*dealt, *self._tracks.rest()]}
        self._heard = owners.get(self._last_heard, 0)
        return self._take(dealt)

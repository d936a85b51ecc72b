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
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Dealing:
    """The last messages, dealt out to so many tracks: whose those are that are decided, and how likely that is."""

    tracks: Tracks
    dealt: list[tuple[int, Piece]]
    weight: float


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
        if self._came % JUDGED_EVERY == 0 and (other := self._better()) is not None:
            sound += self._go_on_with(other)
        return sound

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

    def _better(self) -> Dealing | None:
        """Return the last messages dealt to another number of copies, where that explains them as well as the pace
        wants it; None where nothing speaks against as many as there seemed to be."""
        copies, paced = self.copies, self._pace.copies
        may_be_one = copies > 1 and self._came % OBSERVED == 0
        if paced == copies and not may_be_one:
            return None
        seemed = self._dealing(copies)
        if may_be_one and (one := self._dealing(1)).weight > seemed.weight + CERTAIN:
            return one
        proven = self._pace.proves_more_than(copies)
        if paced == copies or (copies == 1 and seemed.weight > 0 and not proven):
            return None
        wanted = self._dealing(paced)
        least = AS_LIKELY if paced < copies else 0.0 if proven else CERTAIN
        return wanted if wanted.weight - seemed.weight >= least else None

    def _dealing(self, copies: int) -> Dealing:
        tracks = Tracks(copies)
        if copies == 1:
            return Dealing(tracks, [(0, piece) for piece in self._recent], chained(list(self._recent)))
        dealt = [decided for piece in self._recent for decided in tracks.push(piece)]
        return Dealing(tracks, dealt, tracks.weight)

    def _go_on_with(self, dealing: Dealing) -> bytes:
        """Go on with other tracks, on the one that was heard last; return what it has new."""
        self._tracks = dealing.tracks
        owners = {piece.number: track for track, piece in [*dealing.dealt, *self._tracks.rest()]}
        self._heard = owners.get(self._last_heard, 0)
        return self._take(dealing.dealt)

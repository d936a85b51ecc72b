"""One microphone's sound, from a page that may send it several times.

    one ──a piece that is there already──▶ doubted ──the copies agree──▶ several
     ▲                                        │                              │
     └──────────one piece contradicts─────────┴──────a copy has stopped──────┘

The original client never closes its microphone: a second conversation on the same page sends it twice, and a third one
three times, in messages without a number. Nothing can be understood of them all. But each copy goes on where it
stopped, and all of them are one sound: a message that begins where a copy stopped, and sounds like what the others
said of that moment, is this copy's. One copy is heard, sample for sample; the others bear witness.

No microphone makes more than a second of audio in a second, and none was recorded before its socket was open. So
that much is never too much, however late and in whatever bursts it comes; and what is more is no one microphone's.
Silence, and whatever sounds the same everywhere, tells nothing: then the copies have their turns, and a silence that is
more than the clock allows is left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from agent.audio.pcm import Samples, samples
from telephony.browser.timeline import Timeline, loud

CLOCKS_APART = 1.0025  # the original rounds each block up, at 48 kHz by 0.2 %; clocks differ by less
MAX_COPIES = 4  # more of them are too many messages
LIKE, UNLIKE = 0.15, 0.4  # how far apart a copy's sound may be, and must be to be another's
CERTAIN = 24  # agreements that are believed where all might be one microphone's, but late
MAX_DOUBTED_S = 0.5  # of audio; doubted, it waits
MAX_WAITING = 16  # messages that wait for what was sent before them, 85 ms of two copies
BLIND_S = 0.25  # of audio that tells nothing
OBSERVED = 24  # messages whose pace is known
LONGEST_GAP = 3.0  # times a message's own length; what is longer was a stall, and says nothing of the pace
EARLY = {False: 2.2, True: 1.1}  # messages before they can have been recorded: one client sends them in pairs
LEAK = 1.05  # of which the pace of one microphone may be above its clock
CROWDED = 1.25  # messages at once: more than one that comes when it is due


@dataclass(slots=True)
class Copy:
    """One of the page's pipelines. `end` is the place at which its next message begins."""

    end: int


class Pace:
    """How fast audio comes, in seconds of audio a second."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=OBSERVED)  # seconds of audio, and since the one before
        self._last: float | None = None
        self._level = 0.0

    def push(self, seconds: float, now: float) -> bool:
        """Count a message. True when it comes sooner than a single microphone's that is in time."""
        gap = seconds if self._last is None else now - self._last
        self._last = now
        self._level = max(0.0, self._level - LEAK * gap) + seconds
        self._seen.append((seconds, min(gap, LONGEST_GAP * seconds)))
        return self._level > CROWDED * seconds

    @property
    def rate(self) -> float:
        """Seconds of audio a second, stalls left out."""
        return sum(seconds for seconds, _ in self._seen) / max(1e-6, sum(gap for _, gap in self._seen))


class Microphone:
    """`rate` is in Hz. `opened` is when the socket was accepted, in seconds of a monotonic clock."""

    def __init__(self, rate: int, opened: float) -> None:
        self._rate = rate
        self._opened = opened
        self._heard_s = 0.0  # passed on
        self._pace = Pace()
        self._timeline = Timeline(rate)
        self._copies = [Copy(0)]  # the first one is heard
        self._heard_to = 0  # the place up to which sound was passed on, or left out
        self._doubted: list[Samples] = []  # all messages since the first that seemed a copy's
        self._agreed = 0
        self._waiting: list[Samples] = []  # messages that continue no copy yet
        self._blind_s = 0.0

    @property
    def copies(self) -> int:
        """How many copies are told apart; 1 as long as they are doubted."""
        return 1 if self._doubted else len(self._copies)

    def push(self, pcm: bytes, now: float) -> bytes:
        """Take a message's audio as it comes; return what is to be heard, which may be nothing, or more than it."""
        piece = samples(pcm)
        seconds = len(piece) / self._rate
        crowded = self._pace.push(seconds, now)
        if len(self._copies) > 1:
            self._sort(piece, seconds, now)
        elif not (crowded and self._doubt(piece)):
            self._continue(self._copies[0], piece)
        return self._take(seconds, now)

    def _ahead(self, pieces: Sequence[Samples], now: float) -> float:
        """Return by how much what was heard, and these, are more than a microphone can have made, in seconds."""
        more_s = sum(map(len, pieces)) / self._rate
        return self._heard_s + more_s - CLOCKS_APART * (now - self._opened)

    def _take(self, seconds: float, now: float) -> bytes:
        """Return what the first copy has new."""
        if self._doubted:
            return b""
        sound = self._timeline.between(self._heard_to, self._copies[0].end)
        self._heard_to = max(self._heard_to, self._copies[0].end)
        early_s = self._ahead([sound], now) - EARLY[self.copies > 1] * seconds
        if early_s > 0 and not loud(sound):
            sound = sound[: max(0, len(sound) - int(early_s * self._rate))]
        self._heard_s += len(sound) / self._rate
        return sound.tobytes()

    # One, and one that is doubted.

    def _doubt(self, piece: Samples) -> bool:
        """See whether the piece is there already: then there is a copy, or a sound that repeats itself."""
        if not self._add(piece):
            return False
        self._doubted = [piece]
        self._agreed, self._blind_s = 1, 0.0
        return True

    def _decide(self, seconds: float, now: float) -> None:
        if self._agreed >= CERTAIN or self._ahead(self._doubted, now) > EARLY[False] * seconds:
            self._doubted = []
        elif self._waiting or self._blind_s > BLIND_S or sum(map(len, self._doubted)) > MAX_DOUBTED_S * self._rate:
            self._acquit()

    def _acquit(self) -> None:
        """There was one microphone: put its messages one after another."""
        self._timeline.rewind(self._heard_to)
        self._copies = [Copy(self._heard_to)]
        pieces, self._doubted, self._waiting = self._doubted, [], []
        for piece in pieces:
            self._continue(self._copies[0], piece)

    # Which copy's a message is.

    def _sort(self, piece: Samples, seconds: float, now: float) -> None:
        if self._doubted:
            self._doubted.append(piece)
        if self._place(piece, may_be_new=self._pace.rate > len(self._copies) + 0.5) or self._add(piece):
            self._settle()
        else:
            self._waiting.append(piece)
        if self._doubted:
            self._decide(seconds, now)
        else:
            self._count_copies()

    def _place(self, piece: Samples, may_be_new: bool = False) -> bool:
        """Put a message where the copy stopped that it continues. False when it is none's, as far as is known."""
        copies = sorted(self._copies, key=lambda copy: copy.end)
        apart = [self._timeline.apart(piece, copy.end) for copy in copies]
        for copy, far in zip(copies, apart, strict=True):
            if far is not None and far <= LIKE:
                self._agreed += 1
                self._blind_s = 0.0
                self._continue(copy, piece)
                return True
        if apart[0] is not None and apart[0] >= UNLIKE:
            return False
        if may_be_new and apart[0] is None and loud(piece) and self._add(piece):
            return True
        self._blind_s += len(piece) / self._rate
        self._continue(copies[0], piece)
        return True

    def _continue(self, copy: Copy, piece: Samples) -> None:
        """The first copy's sound counts, the others' where it has not come yet."""
        known = 0 if copy is self._copies[0] else min(len(piece), self._timeline.end - copy.end)
        self._timeline.put(copy.end + known, piece[known:])
        copy.end += len(piece)

    def _add(self, piece: Samples) -> bool:
        """Begin another copy where the piece is found."""
        if len(self._copies) == MAX_COPIES or (place := self._timeline.find(piece)) is None:
            return False
        self._copies.append(Copy(place))
        self._continue(self._copies[-1], piece)
        return True

    def _settle(self) -> None:
        """Look again at those that wait, now that more is known."""
        index = 0
        while index < len(self._waiting):
            if self._place(self._waiting[index]):
                del self._waiting[index]
                index = 0
            else:
                index += 1

    # A copy that has stopped.

    def _count_copies(self) -> None:
        """Give up a copy that nothing continues, or the last one where nothing tells and the pace is of fewer."""
        if self._blind_s >= BLIND_S:
            self._blind_s = 0.0
            if self._pace_is_of_fewer():
                self._copies.pop()
        while len(self._waiting) > MAX_WAITING or (self._waiting and len(self._copies) == 1):
            behind = min(self._copies, key=lambda copy: copy.end)
            if len(self._copies) > 1 and self._pace_is_of_fewer():
                self._copies.remove(behind)
            else:
                self._continue(behind, self._waiting.pop(0))
            self._settle()

    def _pace_is_of_fewer(self) -> bool:
        return self._pace.rate < len(self._copies) - 0.5

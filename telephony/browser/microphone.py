"""One microphone's sound, from a page that may send it several times.

    one ──a piece that is there already──▶ doubted ──the copies agree──▶ several
     ▲                                        │                              │
     └──────────some contradict it────────────┴──────a copy has stopped──────┘

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
from telephony.browser.timeline import HUSHED, SAME, Timeline, loud

CLOCKS_APART = 1.0025  # the original rounds each block up, at 48 kHz by 0.2 %; clocks differ by less
MAX_COPIES = 4  # more of them are too many messages
LIKE, LIKE_IN_RHYTHM = 0.15, 0.3  # how far apart a copy's sound may be; what is farther apart is another's
OUT_OF_RHYTHM = 0.005  # how far apart a copy's may be whose turn it is not: vowels resemble themselves
PROVEN = 6  # agreements, where there is more audio than one microphone makes
CERTAIN = 24  # agreements, where there may be one that is late
MAX_DOUBTED_S = 0.5  # of audio; doubted, it waits
MAX_UNEXPLAINED = 8  # messages that go on where no copy is known to be; copies may come in pairs, or a few at once
MAX_WAITING = 16  # messages that wait for what was sent before them, 85 ms of two copies
REMEMBERED, REPEATED, LONGEST_PERIOD = 48, 12, 16  # messages whose owners are known, that agree, and in a rhythm
BLIND_S = 0.25  # of audio that tells nothing
OBSERVED = 24  # messages whose pace is known
LONGEST_GAP = 3.0  # times a message's own length; what is longer was a stall, and says nothing of the pace
EARLY = {False: 2.2, True: 1.1}  # messages before they can have been recorded: one client sends them in pairs
LEAK = 1.05  # of which the pace of one microphone may be above its clock
CROWDED = 1.25  # messages at once: more than one that comes when it is due


@dataclass(slots=True, eq=False)
class Copy:
    """One of the page's pipelines. `end` is the place at which its next message begins."""

    end: int
    size: int = 0  # of its last message, in samples

    @property
    def due(self) -> int:
        """The place at which its next message ends, if that is as long."""
        return self.end + self.size


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


class Turns:
    """Whose turn it is, by the rhythm of the last messages: one of each copy, or some one after another of one, then of
    another. Two messages that have changed places change no rhythm."""

    def __init__(self) -> None:
        self._came = 0
        self._owners: dict[int, Copy] = {}  # whose turn it was, by the message's number
        self._instead: dict[int, Copy] = {}  # who has the turn of a message whose own copy has taken a later one
        self._period = 0

    def come(self) -> int:
        """Return the number of the next message."""
        self._came += 1
        for known in (self._owners, self._instead):
            known.pop(self._came - REMEMBERED, None)
        return self._came

    def took(self, number: int, copy: Copy) -> None:
        expected = self.of(number)
        if expected is copy:
            self._owners[number] = self._owners.get(number - self._period, copy)
        elif expected is not None and (earlier := self._passed_over(number, copy)) is not None:
            self._owners[number] = expected
            self._instead[earlier] = expected
        else:
            self._owners[number] = copy
            self._period = next((period for period in range(2, LONGEST_PERIOD + 1) if self._repeats(period)), 0)

    def of(self, number: int) -> Copy | None:
        """Return the copy whose turn it is with this message; None without a rhythm."""
        return self._instead.get(number) or (self._owners.get(number - self._period) if self._period else None)

    def has_all(self, copies: Sequence[Copy]) -> bool:
        """Whether each of them has had a turn of late."""
        long = 2 * max(self._period, len(copies))
        of_late = {self._owners.get(number) for number in range(self._came - long, self._came)}
        return of_late.issuperset(copies)

    def _passed_over(self, number: int, copy: Copy) -> int | None:
        """Return the number of an earlier message that waits though it is this copy's turn."""
        before = range(max(1, number - LONGEST_PERIOD), number)
        return next((each for each in before if each not in self._owners and self.of(each) is copy), None)

    def _repeats(self, period: int) -> bool:
        pairs = [(owner, self._owners.get(number - period)) for number, owner in self._owners.items()]
        known = [owner is before for owner, before in pairs if before is not None]
        return len(known) >= REPEATED and sum(known) >= 0.9 * len(known)


class Microphone:
    """`rate` is in Hz. `opened` is when the socket was accepted, in seconds of a monotonic clock."""

    def __init__(self, rate: int, opened: float) -> None:
        self._rate = rate
        self._opened = opened
        self._came_s = 0.0
        self._heard_s = 0.0  # passed on
        self._pace = Pace()
        self._timeline = Timeline(rate)
        self._copies = [Copy(0)]  # the first one is heard
        self._heard_to = 0  # the place up to which sound was passed on, or left out
        self._doubted: list[Samples] = []  # all messages since the first that seemed a copy's
        self._agreed = 0
        self._waiting: list[tuple[int, Samples]] = []  # messages that continue no copy yet, with their numbers
        self._turns = Turns()
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
        self._came_s += seconds
        self._hear(piece, now, crowded=crowded)
        return self._take(seconds, now)

    def _hear(self, piece: Samples, now: float, *, crowded: bool) -> None:
        if len(self._copies) > 1:
            self._sort(piece, now)
        elif not (crowded and self._doubt(piece)):
            self._continue(self._copies[0], piece)

    def _beyond(self, audio_s: float, now: float, copies: int = 1) -> float:
        """Return by how much so much audio is more than so many copies can have made until now, in seconds."""
        return audio_s - copies * CLOCKS_APART * (now - self._opened)

    def _take(self, seconds: float, now: float) -> bytes:
        """Return what the first copy has new."""
        if self._doubted:
            return b""
        sound = self._timeline.between(self._heard_to, self._copies[0].end)
        self._heard_to = max(self._heard_to, self._copies[0].end)
        early_s = self._beyond(self._heard_s + len(sound) / self._rate, now) - EARLY[self.copies > 1] * seconds
        if early_s > 0 and not loud(sound, HUSHED):
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
        self._turns = Turns()
        return True

    def _decide(self, piece: Samples, now: float) -> None:
        doubted_s = sum(map(len, self._doubted)) / self._rate
        proof = self._beyond(self._heard_s + doubted_s, now) > EARLY[False] * len(piece) / self._rate
        if self._agreed >= (PROVEN if proof else CERTAIN):
            self._doubted = []
        elif len(self._waiting) > MAX_UNEXPLAINED or self._blind_s > BLIND_S or doubted_s > MAX_DOUBTED_S:
            self._acquit()

    def _acquit(self) -> None:
        """There was one microphone: put its messages one after another."""
        self._timeline.rewind(self._heard_to)
        self._copies = [Copy(self._heard_to)]
        pieces, self._doubted, self._waiting = self._doubted, [], []
        for piece in pieces:
            self._continue(self._copies[0], piece)

    # Which copy's a message is.

    def _sort(self, piece: Samples, now: float) -> None:
        if self._doubted:
            self._doubted.append(piece)
        number = self._turns.come()
        more = self._beyond(self._came_s, now, len(self._copies)) > EARLY[True] * len(piece) / self._rate
        if more and self._unplaced(piece, number) and self._add(piece):
            self._turns.took(number, self._copies[-1])
            self._settle()
        elif self._place(piece, number, overtakes=bool(self._waiting)):
            self._settle()
        else:
            self._waiting.append((number, piece))
        if self._doubted:
            self._decide(piece, now)
        else:
            self._count_copies(now)

    def _turn(self, number: int) -> Copy:
        """Return the copy whose turn it is: by their rhythm, or without one, the one that is farthest behind."""
        copy = self._turns.of(number)
        return copy if copy in self._copies and self._turns.has_all(self._copies) else self._behind()

    def _behind(self) -> Copy:
        return min(self._copies, key=lambda copy: copy.due)

    def _unplaced(self, piece: Samples, number: int) -> bool:
        """Whether nothing says that the piece is of the copy whose turn it is."""
        apart = self._timeline.apart(piece, self._turn(number).end)
        return loud(piece) if apart is None else apart > LIKE

    def _place(self, piece: Samples, number: int, *, overtakes: bool = False) -> bool:
        """Put a message where the copy stopped that it continues. False when it is none's, as far as is known.

        Where nothing tells, the copies have their turns; but a message that overtakes others must be told.
        """
        turn = self._turn(number)
        rhythm = self._turns.of(number) is turn
        in_turn = SAME if overtakes else LIKE_IN_RHYTHM if rhythm else LIKE
        out_of_turn = OUT_OF_RHYTHM if rhythm and not overtakes else SAME
        copies = [turn, *sorted((copy for copy in self._copies if copy is not turn), key=lambda copy: copy.due)]
        apart = [self._timeline.apart(piece, copy.end, brief=overtakes) for copy in copies]
        for copy, far in zip(copies, apart, strict=True):
            if far is not None and far <= (in_turn if copy is turn else out_of_turn):
                self._agreed += 1
                self._blind_s = 0.0
                self._give(copy, piece, number)
                return True
        if overtakes or apart[0] is not None:
            return False
        self._blind_s += len(piece) / self._rate
        self._give(turn, piece, number)
        return True

    def _give(self, copy: Copy, piece: Samples, number: int) -> None:
        self._continue(copy, piece)
        self._turns.took(number, copy)

    def _continue(self, copy: Copy, piece: Samples) -> None:
        """The first copy's sound counts, the others' where it has not come yet."""
        known = 0 if copy is self._copies[0] else min(len(piece), self._timeline.end - copy.end)
        self._timeline.put(copy.end + known, piece[known:])
        copy.end += len(piece)
        copy.size = len(piece)

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
            number, piece = self._waiting[index]
            if self._place(piece, number, overtakes=index > 0):
                del self._waiting[index]
                index = 0
            else:
                index += 1

    # A copy that has stopped.

    def _count_copies(self, now: float) -> None:
        """Give up a copy that nothing continues, or the last one where nothing tells and the pace is of fewer."""
        if self._blind_s >= BLIND_S:
            self._blind_s = 0.0
            if self._pace_is_of_fewer():
                self._copies.pop()
        if len(self._waiting) > MAX_WAITING:
            if self._pace_is_of_fewer():
                self._copies.remove(self._behind())
                self._settle()
            else:
                self._start_again(now)
        if len(self._copies) == 1:
            waiting, self._waiting = self._waiting, []
            for _, piece in waiting:
                self._continue(self._copies[0], piece)

    def _start_again(self, now: float) -> None:
        """Nothing fits any more: take up from what was heard, with the messages that wait."""
        self._timeline.rewind(self._heard_to)
        self._copies = [Copy(self._heard_to)]
        waiting, self._waiting = self._waiting, []
        for _, piece in waiting:
            self._hear(piece, now, crowded=True)

    def _pace_is_of_fewer(self) -> bool:
        return self._pace.rate < len(self._copies) - 0.5

"""A caller's audio as the network brings it, put into order and handed on. Sans-IO; 20 ms a frame, at its codec's rate.

Who listens is a model, which need not hear in even steps: a frame that is in order is handed on at once, and nobody
waits for those that may come late. Only a gap is waited for, as long as the network's jitter says that it may take, and
then filled: the last sound, fading (aiortp's concealer). What comes in a burst after a stall is all handed on. Where
nothing comes, because the other side sends nothing in silence, or stalls, there is silence, or the noise that it asked
for.
"""

from __future__ import annotations

from collections.abc import Callable

from aiortp import NoiseGenerator, PcmConcealer

from telephony.sip.sdp import CLOCK_HZ

FRAME = 160  # of RTP's clock, 8 kHz: 20 ms, and the bytes that G.711 and G.722 make of them (RFC 3551, section 4.5)
FRAMES_PER_S = 50
LEAST_WAIT_S, MOST_WAIT_S = 0.02, 0.1  # for what is missing in between
MOST_MISSING = 6 * FRAME  # of the clock; more is a pause of the sender's, or a burst of losses that nothing can hide
RESTART = CLOCK_HZ  # a second: a clock that is so far behind is another one
QUIET_S = 0.06  # without a packet; later than the jitter of a good network
MOST_WAITING = 16  # frames
LOUDEST_NOISE = 50  # -dBov: an RMS of 100 of 32768, which agent.audio.speech takes for no word
_HALF, _WHOLE = 1 << 31, 1 << 32


class Arrivals:
    """`decode` makes a frame PCM at `rate` Hz, and `hand_on` gets it. Times are seconds of one clock; positions RTP's
    timestamps."""

    def __init__(
        self,
        decode: Callable[[bytes], bytes],
        hand_on: Callable[[bytes], None],
        now: float,
        rate: int = CLOCK_HZ,
    ) -> None:
        self._decode = decode
        self._hand_on = hand_on
        self._next: int | None = None
        self._waiting: dict[int, bytes] = {}
        self._gap_since = self._heard_at = now
        self._samples = rate // FRAMES_PER_S  # of a frame
        self._concealer = PcmConcealer(rate)
        self._noise: NoiseGenerator | None = None
        self.concealed = self.late = 0  # frames

    def put(self, at: int, frame: bytes, now: float) -> None:
        """A frame has come."""
        self._heard_at = now
        ahead = 0 if self._next is None else _between(self._next, at)
        if self._next is None or ahead < -RESTART:
            self.restart()
            self._next = at
        elif ahead < 0:
            self.late += 1
            return
        elif ahead > MOST_MISSING or self._noise is not None:  # nothing was sent in between
            self._give_up_waiting()
            self._next = at
        self._noise = None
        if not self._waiting:
            self._gap_since = now
        self._waiting[at] = frame
        self._in_order()
        if len(self._waiting) > MOST_WAITING:
            self._fill()

    def quiet(self, level: int, now: float) -> None:
        """The sender is silent, and says how much noise there is meanwhile (RFC 3389): -dBov. A level of speech is none
        of noise."""
        self._heard_at, self._noise = now, NoiseGenerator(max(level, LOUDEST_NOISE))

    def restart(self) -> None:
        """What comes next follows nothing: another source, or a key that took the place of sound."""
        self._give_up_waiting()
        self._next = None

    def tick(self, now: float, jitter_s: float) -> None:
        """20 ms have passed, or more."""
        if self._waiting:
            if now - self._gap_since >= min(MOST_WAIT_S, max(LEAST_WAIT_S, 2 * jitter_s)):
                self._fill()
                self._gap_since = now
        elif self._noise is not None:
            self._hand_on(self._noise.generate(self._samples))
        elif now - self._heard_at >= QUIET_S:
            self._hand_on(bytes(2 * self._samples))

    def _in_order(self) -> None:
        while self._next is not None and (frame := self._waiting.pop(self._next, None)) is not None:
            self._next = (self._next + FRAME) % _WHOLE
            self._say(frame)

    def _say(self, frame: bytes) -> None:
        pcm = self._decode(frame)
        self._concealer.update(pcm)
        self._hand_on(pcm)

    def _fill(self) -> None:
        """What is missing before the next frame will not come."""
        if self._next is None:
            return
        begin = self._next
        missing, self._next = min((_between(begin, at), at) for at in self._waiting)
        for _ in range(missing // FRAME):
            self.concealed += 1
            self._hand_on(self._concealer.conceal(self._samples))
        self._in_order()

    def _give_up_waiting(self) -> None:
        while self._waiting and self._next is not None:
            self._fill()
        self._waiting.clear()


def _between(begin: int, end: int) -> int:
    """The clock's ticks from one timestamp to another; less than 0 for one that is behind."""
    return (end - begin + _HALF) % _WHOLE - _HALF

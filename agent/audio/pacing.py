"""When the next frame is due: an absolute clock of 20 ms frames, arithmetic only.

Frame n is due at `origin + (n - lead) * frame`. A wake-up that comes late finds several frames due and the
next deadline where it always was; re-basing the clock on each late wake-up, as a "sleep 20 ms after sending"
loop does, turns every slip into lasting delay. The clock moves only after an idle period, when the queue ran
empty and everything sent has been played.
"""

from __future__ import annotations

from math import floor

FRAME_S = 0.02  # 20 ms: Twilio's own frame, 160 bytes of mu-law
EPSILON = 1e-6  # frames; a timer that fires a rounding error early is on time


class Pacer:
    """Says how many frames to send now and when to wake up next; times are seconds of one monotonic clock.

    `lead` frames may be sent ahead of real time: the far end buffers them, and a late wake-up is not heard.

        pacer.start(now)
        while True:
            for frame in queue.take(pacer.due(now)): send(frame); pacer.sent()
            if queue.empty: pacer.idle()
            sleep_until(pacer.next_deadline())
    """

    def __init__(self, frame_s: float = FRAME_S, lead: int = 0) -> None:
        if frame_s <= 0 or lead < 0:
            raise ValueError(f"expected a positive frame and no negative lead, got {frame_s} s and {lead}")
        self.frame_s = frame_s
        self.lead = lead
        self._origin: float | None = None
        self._sent = 0
        self._idle = False

    def start(self, now: float) -> None:
        """Begin a clock at `now`, forgetting what was sent: also after the far end dropped its buffer."""
        self._origin = now
        self._sent = 0
        self._idle = False

    def due(self, now: float) -> int:
        """Frames to send now: several after a late wake-up, 0 when early. The first call starts the clock."""
        if self._origin is None or (self._idle and now > self.played_at()):
            self.start(now)
        elapsed = floor((now - self._at(0)) / self.frame_s + EPSILON) + 1
        return max(0, elapsed + self.lead - self._sent)

    def sent(self, frames: int = 1) -> None:
        """Count frames that were really sent."""
        self._sent += frames
        self._idle = False

    def idle(self) -> None:
        """The queue ran empty: the clock may be re-based once all that was sent has been played."""
        self._idle = True

    def next_deadline(self, frames: int = 1) -> float:
        """When so many frames become due; raises RuntimeError before the clock was started."""
        return self._at(self._sent - self.lead + frames - 1)

    def played_at(self) -> float:
        """When the far end will have played everything sent so far; raises RuntimeError before the start."""
        return self._at(self._sent)

    def _at(self, frame: int) -> float:
        if self._origin is None:
            raise RuntimeError("the pacer was not started")
        return self._origin + frame * self.frame_s

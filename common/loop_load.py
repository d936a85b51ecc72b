"""How busy this process's event loop is. Sans-IO: times go in, and `level` stands until the next window ends.

A window is busy when the loop's thread has used most of a core for it, or when timers were late at half of the looks:
where a container may use less than a core, or others take it, the first alone would say nothing. One long step is no
load. Each busy window is a level up, at which a part more of the calls is served with less work and a little later (see
telephony.twilio.line): no more of them than the load asks for. A level down takes windows of clearly less, one after
another, for the level itself spares work and must not go up and down by what it spares.

At 85 % of a core the p99 of the gaps between the frames of 80 calls was 41 ms, that of 40 calls 40 ms, and it grew
above that (docs/performance.md).
"""

from __future__ import annotations

WINDOW_S = 1.0
BUSY_SHARE, CALM_SHARE = 0.85, 0.75  # of a core; what one level spares is less than the difference
LATE_S = 0.01  # a look at the loop that comes so late is late
BUSY_LATE, CALM_LATE = 0.5, 0.1  # shares of the looks of a window
CALM_WINDOWS = 2  # one after another, until it is a level down
LEVELS = 4


class LoopLoad:
    """The load of one loop, from looks at it many times a second."""

    def __init__(self) -> None:
        self.level = 0  # to LEVELS
        self._began: tuple[float, float] | None = None  # of the window: its time, and the thread's CPU time
        self._looks = self._late = self._calm = 0

    @property
    def busy(self) -> bool:
        return self.level > 0

    def look(self, now: float, cpu_s: float, late_s: float) -> None:
        """Count a look at `now`, in seconds of the loop's clock: the CPU seconds that its thread has used in all, and
        how late the look was."""
        if self._began is None:
            self._began = now, cpu_s
            return
        self._looks += 1
        self._late += late_s >= LATE_S
        elapsed = now - self._began[0]
        if elapsed >= WINDOW_S:
            self._judge((cpu_s - self._began[1]) / elapsed, self._late / self._looks)
            self._began, self._looks, self._late = (now, cpu_s), 0, 0

    def forget(self) -> None:
        """Begin anew: nobody looks at this loop any more."""
        self.level, self._began = 0, None
        self._looks = self._late = self._calm = 0

    def _judge(self, share: float, late: float) -> None:
        if share >= BUSY_SHARE or late >= BUSY_LATE:
            self.level, self._calm = min(LEVELS, self.level + 1), 0
        elif share <= CALM_SHARE and late <= CALM_LATE:
            self._calm += 1
            if self._calm == CALM_WINDOWS:
                self.level, self._calm = max(0, self.level - 1), 0
        else:
            self._calm = 0


LOOP_LOAD = LoopLoad()  # of the loop that serves the calls of this process

"""One table of calls for the processes that share a port: who has a place, and which process holds which call.

    id          process     line    at      caller  rang
    CA123…      1           0       inf     77ab…   8060.1  live
    CA456…      0           0       8137.2  77ab…   8077.2  rings: its place is held until then
    CA789…      1           0       8090.4  0       0       over since then: Twilio and people may still ask for it
    CA777…      255         0       8091.0  77ab…   8091.0  refused then: nobody's, and counted for its caller
    d6a0…       0           1       inf     0       0       a browser's

`caller` is a hash of the number that it rang from, where that number is somebody's; its limits hold over all processes.

A file in memory that each process maps, and a lock around every look at it, so that the last place is taken once. A row
is of use after its call, too: whoever is asked about a call finds who knows of it. Times are of the machine's monotonic
clock, which its processes have in common.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from hashlib import blake2b
from tempfile import TemporaryFile
from typing import Self
from zlib import crc32

import numpy as np

from agent.caller_limits import WINDOW_S, CallerLimits
from agent.capacity import HOLD_S, Admission

MAX_ENDED_CALLS = 1000  # calls that are over
LOAD_TOLERANCE_CALLS = 2  # processes that differ by no more have the same load
_ROW = np.dtype([("id", "S64"), ("process", "u1"), ("line", "u1"), ("at", "f8"), ("caller", "u8"), ("rang", "f8")])
_PHONE, _BROWSER = 0, 1
_ID_BYTES = 64  # bytes
_LIVE = np.inf
_NOBODY = 0  # the caller of a call without a limit
_NO_PROCESS = 255  # the holder of a call that never had a place
_FREE = b"", 0, _PHONE, 0.0, _NOBODY, 0.0


class Register:
    """The table as process `number` sees it, and the phone's capacity in it (agent.capacity.CapacityCounter);
    `browsers` is the same table with the browsers' capacity. The supervisor takes none.

    `seats_ringing` is as in agent.capacity.CallCapacity. False: the media of a call that rings here may come to
    another host, which counts it then; until this one learned of that, the call would have two seats.
    """

    def __init__(
        self,
        fd: int,
        processes: int,
        capacity: int,
        number: int = -1,
        *,
        browsers: int = 0,
        hold_s: float = HOLD_S,
        clock: Callable[[], float] = time.monotonic,
        limits: CallerLimits = CallerLimits(),  # noqa: B008 - frozen
        seats_ringing: bool = True,
    ) -> None:
        self.fd = fd
        self.processes = processes
        self.capacity = capacity
        self.number = number
        self.draining = False
        self._hold_s = hold_s
        self._clock = clock
        self._limits = limits
        self._seats_ringing = seats_ringing
        self._line = _PHONE
        rows = capacity + browsers + MAX_ENDED_CALLS
        memory = mmap.mmap(fd, size_of(processes, capacity + browsers))
        self._rows = np.frombuffer(memory, _ROW, rows)
        self._open = np.frombuffer(memory, np.uint8, processes, rows * _ROW.itemsize)
        self.browsers = copy(self)
        self.browsers.capacity, self.browsers._line = browsers, _BROWSER

    @classmethod
    def create(cls, processes: int, capacity: int, browsers: int = 0) -> Self:
        """Return a new register, as the supervisor sees it; processes get its `fd`."""
        with TemporaryFile() as file:
            file.truncate(size_of(processes, capacity + browsers))
            return cls(os.dup(file.fileno()), processes, capacity, browsers=browsers)

    # Places.

    @property
    def live(self) -> int:
        """The line's calls whose stream runs, in any process."""
        with self._locked():
            return int(np.count_nonzero(self._ours & (self._rows["at"] == _LIVE)))

    @property
    def taken(self) -> int:
        """The line's calls that have a seat, in any process: those that are live and, where ringing takes one, those
        that are admitted and about to start."""
        with self._locked():
            return self._seats(self._taken())

    def drain(self) -> None:
        """Admit no more calls in this process; those already admitted may start."""
        self.draining = True
        with self._locked():
            self._open[self.number] = 0

    def holds(self, call_sid: str) -> bool:
        """Return whether the call has a place, in any process."""
        with self._locked():
            row = self._find(call_sid)
            return row is not None and bool(self._taken()[row])

    def admit(self, call_sid: str, caller: str = "") -> Admission:
        """Hold a place for a ringing call. Return ACCEPTED, or why there is none. A call that is refused for another
        reason than TOO_OFTEN counts as one of its caller's in this minute."""
        with self._locked():
            return self._admit(call_sid, caller)

    def start(self, call_sid: str) -> bool:
        """Take the held place, whichever process held it, or a free one. Return False if there is none, or for a live
        call."""
        with self._locked():
            row = self._find(call_sid)
            if row is not None and self._rows["at"][row] == _LIVE:
                return False
            if self._admit(call_sid) is not Admission.ACCEPTED:
                return False
            if self._seats(self._rows["at"] == _LIVE) >= self.capacity:  # it rang here, which is no seat
                return False
            row = self._find(call_sid)
            assert row is not None  # noqa: S101 - it was admitted
            self._rows[["process", "at"]][row] = self.number, _LIVE
            return True

    def release(self, call_sid: str) -> None:
        """Free the call's place, held or taken, if it is in this process."""
        with self._locked():
            row = self._find(call_sid)
            if row is not None and self._rows["process"][row] == self.number:
                self._rows["at"][row] = min(self._rows["at"][row], self._clock())

    def _admit(self, call_sid: str, caller: str = "") -> Admission:
        row, taken = self._find(call_sid), self._taken()
        if row is not None and taken[row]:
            return Admission.ACCEPTED
        if caller:
            whose = _hash(caller)
            others = (self._rows["caller"] == whose) & (self._rows["id"] != _key(call_sid))
            recent = others & (self._rows["rang"] > self._clock() - WINDOW_S)
            if self._limits.too_often(int(np.count_nonzero(recent))):
                return Admission.TOO_OFTEN
            if row is None:
                row = self._write(call_sid, self._clock(), whose)
            elif self._rows["caller"][row] == _NOBODY:
                self._rows[["caller", "rang"]][row] = whose, self._clock()
            if self._limits.seated(int(np.count_nonzero(others & taken))):
                return Admission.SEATED
        if self.draining:
            return Admission.DRAINING
        if self._seats(taken) >= self.capacity:
            return Admission.FULL
        if row is None:
            row = self._write(call_sid, self._clock(), _NOBODY)
        self._rows[["process", "at"]][row] = self.number, self._clock() + self._hold_s
        return Admission.ACCEPTED

    def _write(self, call_sid: str, at: float, caller: int) -> int:
        """Write a call down that is in no row yet, without a place or a holder; return its row. If it is refused and
        asks again, any process may take it."""
        row = int(np.argmin(self._rows["at"]))  # free, or over for longest
        self._rows[row] = _key(call_sid), _NO_PROCESS, self._line, at, caller, at
        return row

    def _seats(self, taken: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
        """Return how many of the line's calls have a seat, of those that are `taken` or about to be."""
        live = taken if self._seats_ringing else taken & (self._rows["at"] == _LIVE)
        return int(np.count_nonzero(self._ours & live))

    # Who holds what.

    def holder(self, call_id: str) -> int | None:
        """Return the process that holds a call, or held it; None for a call that no process knows."""
        with self._locked():
            row = self._find(call_id)
            number = _NO_PROCESS if row is None else int(self._rows["process"][row])
            return None if number == _NO_PROCESS else number

    def __contains__(self, call_id: object) -> bool:
        """Return whether a call is live, in any process."""
        with self._locked():
            row = self._find(str(call_id))
            return row is not None and bool(self._rows["at"][row] == _LIVE)

    def place_for(self, call_id: str) -> int:
        """Where a new call goes: to one of the processes with the fewest calls. This one, where none is open.

        Which of them is the id's to say: calls that ring at once are not counted yet, and would all go the same way.
        """
        with self._locked():
            calls = np.bincount(self._rows["process"][self._taken()], minlength=self.processes)
            ready = np.flatnonzero(self._open)
        if not ready.size:
            return self.number
        few = ready[calls[ready] <= calls[ready].min() + LOAD_TOLERANCE_CALLS]
        return int(few[crc32(_key(call_id)) % few.size])

    def disown(self, call_id: str, number: int) -> None:
        """Forget that process `number` holds the call, because it is gone: the next process that is asked about the
        call may take it."""
        with self._locked():
            row = self._find(call_id)
            if row is not None and self._rows["process"][row] == number:
                self._rows[row] = _FREE

    # Processes that come and go.

    def open(self) -> None:
        """Let this process take new calls."""
        with self._locked():
            self._open[self.number] = 1

    def clear(self, number: int) -> None:
        """Forget a process that has ended and has not been replaced yet: free its places and forget its calls."""
        with self._locked():
            self._open[number] = 0
            rows = (self._rows["process"] == number) & (self._rows["at"] > 0)
            self._rows[rows] = _FREE

    def _find(self, call_id: str) -> int | None:
        found = np.flatnonzero(self._rows["id"] == _key(call_id))
        return int(found[0]) if found.size and call_id else None

    @property
    def _ours(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        ours: np.ndarray[tuple[int], np.dtype[np.bool_]] = self._rows["line"] == self._line
        return ours

    def _taken(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        taken: np.ndarray[tuple[int], np.dtype[np.bool_]] = self._rows["at"] > self._clock()
        return taken

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process in at a time; the kernel releases the lock of a process that dies."""
        fcntl.lockf(self.fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self.fd, fcntl.LOCK_UN)


def size_of(processes: int, capacity: int) -> int:
    """Return the size of the file in bytes."""
    return (capacity + MAX_ENDED_CALLS) * _ROW.itemsize + processes


def _key(call_id: str) -> bytes:
    return call_id.encode()[:_ID_BYTES]


def _hash(caller: str) -> int:
    """Return a number that stands for the caller; never `_NOBODY`."""
    return int.from_bytes(blake2b(caller.encode(), digest_size=8).digest()) or 1

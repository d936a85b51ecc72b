"""UDP ports for calls' audio: RTP's is even, RTCP's the odd one above it (RFC 3550, section 11)."""

from __future__ import annotations

from telephony.errors import TelephonyError


class NoPorts(TelephonyError):
    """All of SIP_RTP_PORTS are taken, by calls or by other programs."""


class Ports:
    """A port that is given back is given out again last, so that nobody hears a late packet of another call."""

    def __init__(self, even: range) -> None:
        self._free: dict[int, None] = dict.fromkeys(even)
        self._taken: set[int] = set()

    @property
    def taken(self) -> int:
        return len(self._taken)

    def __len__(self) -> int:
        return len(self._free)

    def take(self) -> int:
        """Return an even port; the one above it is taken, too. Raise NoPorts."""
        if not self._free:
            raise NoPorts
        port = next(iter(self._free))
        del self._free[port]
        self._taken.add(port)
        return port

    def give_back(self, port: int) -> None:
        if port in self._taken:
            self._taken.remove(port)
            self._free[port] = None

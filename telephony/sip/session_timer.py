"""How long a call lives without a sign of life from the other side (RFC 4028). Sans-IO.

A PBX that died, or a network that lost it, says no BYE. One that asks for a session timer has the session refreshed,
by a re-INVITE or an UPDATE, and a session that is not refreshed in time is over.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiosipua import SipRequest
from aiosipua.session_timer import parse_session_expires, watchdog_delay

MIN_SE_S = 90  # RFC 4028, section 4
MAX_SE_S = 24 * 3600


class TooShort(Exception):
    """An interval below MIN_SE_S: 422."""


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """`interval_s` between refreshes; `ours`: we send them, at half of it."""

    interval_s: int
    ours: bool

    @property
    def header(self) -> str:
        return f"{self.interval_s};refresher={'uas' if self.ours else 'uac'}"

    @property
    def refresh_s(self) -> float:
        return self.interval_s / 2

    @property
    def gives_up_s(self) -> float:
        """Seconds after the last refresh, when a session is over."""
        return watchdog_delay(self.interval_s)


def session_timer(request: SipRequest) -> SessionTimer | None:
    """Return what an INVITE or UPDATE asks for, as we grant it; None where it asks for nothing. Raise TooShort."""
    asked = request.headers.get_first("session-expires") or request.headers.get_first("x")
    if asked is None:
        return None
    interval_s, refresher = parse_session_expires(asked[:100])
    if interval_s <= 0:
        return None
    if interval_s < MIN_SE_S:
        raise TooShort
    return SessionTimer(min(interval_s, MAX_SE_S), ours=refresher == "uas")

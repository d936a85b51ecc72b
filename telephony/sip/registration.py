"""Our place at a trunk's registrar: registered, refreshed, and tried again where it cannot be had.

RFC 3261, section 10. Requests come out and answers go in, and with them how long to wait until the next request.
"""

from __future__ import annotations

import secrets

from aiosipua import SipDigestAuth, SipRequest, SipResponse
from aiosipua.headers import CaseInsensitiveDict
from loguru import logger

from common.settings.sip import SipRegistrar
from telephony.sip.digest import answered_challenge
from telephony.sip.message import new_branch

EXPIRES_S = 300
REFRESH_SHARE = 0.8  # of what was granted: time for two tries more
FIRST_RETRY_S, LAST_RETRY_S = 5.0, 300.0
MIN_EXPIRES_S, MAX_EXPIRES_S = 30, 3600
MAX_CHALLENGES = 2  # of one registration: the second says that the nonce was old


class Registration:
    """`reach_us` says where answers and calls are to go; before, there is no request."""

    def __init__(self, registrar: SipRegistrar, user: str, password: str) -> None:
        self._transport = "" if registrar.transport == "udp" else f";transport={registrar.transport}"
        self._uri = f"sip:{registrar.address}{self._transport}"
        self._host = registrar.host
        self._protocol = registrar.transport.upper()
        self._user = user
        self._auth = SipDigestAuth(user, password)
        self._here = ""
        self._call_id = secrets.token_hex(16)
        self._tag = secrets.token_hex(8)
        self._number = 0
        self._expires_s = EXPIRES_S
        self._challenges = 0
        self._failures = 0
        self.is_registered = False

    def reach_us(self, here: str) -> None:
        """From now on we are reached under `here`, host:port."""
        self._here = here

    def request(self, *, leave: bool = False) -> SipRequest:
        """Return the next REGISTER; with `leave` one that gives the place up."""
        self._number += 1
        address = f"<sip:{self._user}@{self._host}>"
        request = SipRequest(CaseInsensitiveDict(), b"", "REGISTER", self._uri)
        for name, value in (
            ("Via", f"SIP/2.0/{self._protocol} {self._here};branch={new_branch()};rport"),
            ("Max-Forwards", "70"),
            ("From", f"{address};tag={self._tag}"),
            ("To", address),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._number} REGISTER"),
            ("Contact", f"<sip:{self._user}@{self._here}{self._transport}>"),
            ("Expires", "0" if leave else str(self._expires_s)),
            ("User-Agent", "Carlos"),
        ):
            request.headers.set_single(name, value)
        return request

    def answered(self, response: SipResponse | None, *, leave: bool = False) -> SipRequest | float:
        """Read an answer, None for one that did not come. Return a request to send at once, or how many seconds to wait
        until the next one."""
        status = response.status_code if response is not None else 0
        if response is not None and status in (401, 407) and self._challenges < MAX_CHALLENGES:
            self._challenges += 1
            proof = answered_challenge(self._auth, response, "REGISTER", self._uri)
            if proof is not None:
                request = self.request(leave=leave)
                request.headers.set_single(*proof)
                return request
        least = _seconds(response.get_header("min-expires")) if response is not None and status == 423 else None
        if least is not None and self._expires_s < least <= MAX_EXPIRES_S:
            self._expires_s = least
            return self.request(leave=leave)
        self._challenges = 0
        if response is None or not 200 <= status < 300:
            return self.failed(str(status or "no answer"))
        if not self.is_registered:
            logger.info("sip: registered with {}", self._host)
        self.is_registered, self._failures = True, 0
        granted = self._granted(response)
        return max(MIN_EXPIRES_S, granted) * REFRESH_SHARE

    def failed(self, why: str) -> float:
        """Return how many seconds to wait until the next try."""
        self.is_registered = False
        wait_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        logger.warning("sip: not registered with {} ({}); again in {:g} s", self._host, why, wait_s)
        return wait_s

    def _granted(self, response: SipResponse) -> int:
        """Seconds: the contact's own, or the header's, or what was asked for."""
        own = [each.params.get("expires") for each in response.contact if each.uri.user == self._user]
        for value in (*own, response.get_header("expires")):
            if (seconds := _seconds(value)) is not None:
                return min(seconds, MAX_EXPIRES_S)
        return self._expires_s


def _seconds(value: str | None) -> int | None:
    value = (value or "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 7 else None

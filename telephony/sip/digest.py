"""Passwords and their proofs: HTTP digest, as SIP has it (RFC 3261, section 22; RFC 8760). Sans-IO.

As a server we challenge callers, a header for each algorithm that we take, the strongest first. A nonce is a time and
its HMAC, so none is kept that nobody has used. It holds for one caller's address and for NONCE_S, and each count of it
(`nc`) once, so an answer that was overheard opens nothing. MD5 is what every PBX has; TLS keeps the exchange itself
from others. As a client we answer the first challenge that we can.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from aiosipua import (
    AuthChallenge,
    SipDigestAuth,
    SipRequest,
    SipResponse,
    build_credentials,
    parse_auth,
    stringify_auth,
)

REALM = "carlos"
MD5 = "MD5"
NONCE_S = 60
MAX_NONCES = 2000  # used ones that are remembered; each is void after NONCE_S anyway
_HEX = 16


class Proof(Enum):
    NONE = auto()  # nothing was proven, or another challenge answered: challenge
    STALE = auto()  # the password is right and the nonce is old: challenge again
    WRONG = auto()
    GOOD = auto()


_WEIGHT: Mapping[Proof, int] = {Proof.NONE: 0, Proof.WRONG: 1, Proof.STALE: 2, Proof.GOOD: 3}


class Digests:
    """`passwords` by user; `algorithms` in the order of the challenges. Times are seconds of a monotonic clock."""

    def __init__(self, passwords: Mapping[str, str], algorithms: Sequence[str] = (MD5,)) -> None:
        self._passwords = dict(passwords)
        self._algorithms = tuple(name.upper() for name in algorithms)
        self._key = secrets.token_bytes(32)
        self._counts: OrderedDict[str, int] = OrderedDict()  # nonce: the highest count that was used

    def challenges(self, host: str, now: float, *, stale: bool = False) -> list[str]:
        """Return the values of WWW-Authenticate, one for each algorithm."""
        nonce, again = self._nonce(host, int(now)), {"stale": "true"} if stale else {}
        return [stringify_auth(_challenge(nonce, algorithm, again)) for algorithm in self._algorithms]

    def proof(self, request: SipRequest, host: str, now: float) -> Proof:
        """Judge a request's Authorization: one for each algorithm at most, since there are phones that answer every
        challenge. What proves most counts."""
        found = Proof.NONE
        for given in request.headers.get("authorization")[: len(self._algorithms)]:
            params = {name.lower(): value for name, value in parse_auth(given, credentials=True).params.items()}
            judged = self._judged(params, request.method, host, now)
            if judged is Proof.GOOD:
                return judged
            found = max(found, judged, key=_WEIGHT.__getitem__)
        return found

    def _judged(self, params: Mapping[str, str], method: str, host: str, now: float) -> Proof:
        if params.get("algorithm", MD5).upper() not in self._algorithms:
            return Proof.NONE
        nonce = params.get("nonce", "")
        is_right, is_ours = self._is_right(params, method), self._is_ours(nonce, host, now)
        if is_right:
            return Proof.GOOD if is_ours and self._is_unused(nonce, params.get("nc", "")) else Proof.STALE
        return Proof.WRONG if is_ours else Proof.NONE  # what answers no challenge of ours is no guess

    def _is_right(self, params: Mapping[str, str], method: str) -> bool:
        """Whether the answer is the password's. An unknown user costs as much as a known one."""
        user, uri = params.get("username", ""), params.get("uri", "")
        password = self._passwords.get(user, self._key.hex())
        count = params.get("nc", "")
        if len(count) != 8 or not all(digit in "0123456789abcdefABCDEF" for digit in count):
            return False
        good = build_credentials(
            SipDigestAuth(user, password),
            _challenge(params.get("nonce", ""), params.get("algorithm", MD5)),
            method,
            uri,
            nonce_count=int(count, 16),
            cnonce=params.get("cnonce"),
        )
        expected = good.params["response"] if good is not None else ""
        same = hmac.compare_digest(expected.encode(), params.get("response", "").lower().encode())
        return same and bool(expected) and user in self._passwords

    def _nonce(self, host: str, second: int) -> str:
        sealed = hmac.digest(self._key, f"{second} {host}".encode(), "sha256").hex()[: 2 * _HEX]
        return f"{second:x}.{sealed}"

    def _is_ours(self, nonce: str, host: str, now: float) -> bool:
        moment = nonce.partition(".")[0]
        if not (0 < len(moment) < 16 and all(digit in "0123456789abcdef" for digit in moment)):
            return False
        second = int(moment, 16)
        is_made_here = hmac.compare_digest(self._nonce(host, second).encode(), nonce.encode())
        return is_made_here and 0 <= now - second < NONCE_S

    def _is_unused(self, nonce: str, count: str) -> bool:
        number = int(count, 16)
        if number <= self._counts.get(nonce, 0):
            return False
        self._counts[nonce] = number
        while len(self._counts) > MAX_NONCES:
            self._counts.popitem(last=False)
        return True


def _challenge(nonce: str, algorithm: str, more: Mapping[str, str] | None = None) -> AuthChallenge:
    params = {"realm": REALM, "nonce": nonce, "algorithm": algorithm, "qop": "auth"}
    return AuthChallenge("Digest", params | dict(more or {}))


def answered_challenge(user: SipDigestAuth, response: SipResponse, method: str, uri: str) -> tuple[str, str] | None:
    """Return the header, name and value, that answers a 401 or a 407: its first challenge that we can answer (RFC 8760,
    section 2.4). None where there is no such challenge."""
    theirs, ours = (
        ("www-authenticate", "Authorization")
        if response.status_code == 401
        else ("proxy-authenticate", "Proxy-Authorization")
    )
    for value in response.headers.get(theirs):
        found = build_credentials(user, parse_auth(value), method, uri)
        if found is not None:
            return ours, stringify_auth(found)
    return None

"""Challenges to callers who are to prove a password: HTTP digest, as SIP has it (RFC 3261, section 22). Sans-IO.

A nonce is a time and its HMAC, so none is kept that nobody has used. It holds for one caller's address and for
NONCE_S, and each count of it (`nc`) once, so an answer that was overheard opens nothing. The algorithm is MD5, the one
that every PBX has; TLS keeps the exchange itself from others.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from enum import Enum, auto

from aiosipua import AuthChallenge, SipDigestAuth, SipRequest, build_credentials, parse_auth, stringify_auth

REALM = "carlos"
NONCE_S = 60
MAX_NONCES = 2000  # used ones that are remembered; each is void after NONCE_S anyway
_HEX = 16


class Proof(Enum):
    NONE = auto()  # nothing was proven, or another challenge answered: challenge
    STALE = auto()  # the password is right and the nonce is old: challenge again
    WRONG = auto()
    GOOD = auto()


class Digests:
    """`passwords` by user. Times are seconds of a monotonic clock."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = dict(passwords)
        self._key = secrets.token_bytes(32)
        self._counts: OrderedDict[str, int] = OrderedDict()  # nonce: the highest count that was used

    def challenge(self, host: str, now: float, *, stale: bool = False) -> str:
        """Return a value for WWW-Authenticate."""
        params = {"realm": REALM, "nonce": self._nonce(host, int(now)), "algorithm": "MD5", "qop": "auth"}
        return stringify_auth(AuthChallenge("Digest", params | ({"stale": "true"} if stale else {})))

    def proof(self, request: SipRequest, host: str, now: float) -> Proof:
        """Judge a request's Authorization."""
        given = request.headers.get_first("authorization")
        if given is None:
            return Proof.NONE
        params = {name.lower(): value for name, value in parse_auth(given, credentials=True).params.items()}
        nonce = params.get("nonce", "")
        is_right, is_ours = self._is_right(params, request.method), self._is_ours(nonce, host, now)
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
        challenge = AuthChallenge(
            "Digest", {"realm": REALM, "nonce": params.get("nonce", ""), "algorithm": "MD5", "qop": "auth"}
        )
        good = build_credentials(
            SipDigestAuth(user, password),
            challenge,
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

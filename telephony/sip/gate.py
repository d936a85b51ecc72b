"""Whether a stranger's request is acted on: it belongs to a call that was let in, or brings a proof. Sans-IO."""

from __future__ import annotations

from aiosipua import SipRequest, SipResponse
from loguru import logger

from telephony.rate_guards import Bucket
from telephony.sip.callers import Callers
from telephony.sip.digest import Digests, Proof
from telephony.sip.message import answer_to, new_tag, tag_of

WARNINGS_PER_S = 1  # of what is sent to us and is wrong
WARNINGS_AT_ONCE = 20


class Gate:
    def __init__(self, callers: Callers, digests: Digests) -> None:
        self._callers = callers
        self._digests = digests
        self._warnings = Bucket(WARNINGS_PER_S, WARNINGS_AT_ONCE)

    def warn(self, now: float, text: str, *arguments: object) -> None:
        """Tell the log, at a bounded rate."""
        if not self._warnings.push(1, now):
            logger.warning(text, *arguments)

    def answer(self, request: SipRequest, host: str, now: float) -> SipResponse | None:
        """Return what a request without a call is answered that is not let in; None for one that is. Raise PassedOver
        for one that gets no answer."""
        if request.method != "INVITE" or tag_of(request, "to"):
            raise PassedOver
        match self._digests.proof(request, host, now):
            case Proof.GOOD:
                return None
            case Proof.WRONG:
                self.warn(now, "sip: a wrong password")
                self._callers.guessed_wrong(host, now)
                return answer_to(request, 403, new_tag())
            case proof:
                challenged = answer_to(request, 401, new_tag())
                for challenge in self._digests.challenges(host, now, stale=proof is Proof.STALE):
                    challenged.headers.append("WWW-Authenticate", challenge)
                return challenged


class PassedOver(Exception):
    """A stranger's request that gets no answer."""

"""INVITEs of ours, until each has its last answer (RFC 3261, sections 9.1, 13.2 and 17.1.1). No sockets.

CALLING ──1xx──▶ RINGING ──2xx──▶ ACK, a leg
   └────────────────┴── 3xx to 6xx, or nothing in time ──▶ ACK, refused
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiosipua import SipDigestAuth, SipRequest, SipResponse
from aiosipua.headers import CaseInsensitiveDict

from telephony.sip.digest import answered_challenge
from telephony.sip.leg import Leg
from telephony.sip.message import Peer, branch_of, cseq_of, new_branch
from telephony.sip.transactions import Resends, Send

TIMED_OUT, TERMINATED = 408, 487
MAX_CHALLENGES = 2  # of one INVITE: the second says that the nonce was old
MOST_ACKS = 1000  # that are sent again where an answer comes again


class Inviter(Protocol):
    """Who is told what becomes of an INVITE, once."""

    def accepted(self, leg: Leg, answer: str) -> None:
        """Somebody answered; `answer` is his SDP."""
        ...

    def refused(self, status: int) -> None: ...


@dataclass(slots=True, eq=False)
class Invitation:
    request: SipRequest
    peer: Peer
    inviter: Inviter
    auth: SipDigestAuth | None  # for a trunk that wants a proof
    is_ringing: bool = False  # something was answered
    is_cancelled: bool = False
    is_over: bool = False
    challenges: int = 0

    @property
    def branch(self) -> str:
        return branch_of(self.request)


class Invitations:
    """`accept` makes a leg of an answer; what it returns is its ACK."""

    def __init__(
        self, send: Send, resends: Resends, accept: Callable[[Invitation, SipResponse], tuple[Leg, bytes]]
    ) -> None:
        self._send = send
        self._resends = resends
        self._accept = accept
        self._known: dict[str, Invitation] = {}
        self._acks: OrderedDict[str, tuple[bytes, Peer]] = OrderedDict()

    def begin(self, invitation: Invitation) -> None:
        branch = invitation.branch
        self._known[branch] = invitation
        self._resends.begin(
            ("invited", branch), bytes(invitation.request), invitation.peer, lambda: self._refuse(invitation, TIMED_OUT)
        )

    def cancel(self, invitation: Invitation) -> None:
        """Nobody is wanted any more. A CANCEL may not overtake its INVITE: it waits for the first answer."""
        if invitation.is_over or invitation.is_cancelled:
            return
        invitation.is_cancelled = True
        if invitation.is_ringing:
            self._send_cancel(invitation)

    def answered(self, response: SipResponse) -> None:
        branch, status = branch_of(response), response.status_code
        if (ack := self._acks.get(branch)) is not None:  # it comes again
            if status >= 200:
                self._send(*ack)
            return
        invitation = self._known.get(branch)
        if invitation is None:
            return
        self._resends.end(("invited", branch))
        if status < 200:
            self._rings(invitation)
        elif status < 300:
            self._take(invitation, response)
        else:
            self._acknowledge(branch, bytes(_ack_of(invitation.request, response)), invitation.peer)
            if not self._proven(invitation, response):
                self._refuse(invitation, status)

    def _rings(self, invitation: Invitation) -> None:
        first, invitation.is_ringing = not invitation.is_ringing, True
        if first and invitation.is_cancelled:
            self._send_cancel(invitation)

    def _take(self, invitation: Invitation, response: SipResponse) -> None:
        leg, ack = self._accept(invitation, response)
        self._acknowledge(invitation.branch, ack, invitation.peer)
        if self._end(invitation):
            invitation.inviter.accepted(leg, response.text)

    def _refuse(self, invitation: Invitation, status: int) -> None:
        if self._end(invitation):
            invitation.inviter.refused(status)

    def _end(self, invitation: Invitation) -> bool:
        self._known.pop(invitation.branch, None)
        self._resends.end(("cancelled", invitation.branch))
        was_open, invitation.is_over = not invitation.is_over, True
        return was_open

    def _acknowledge(self, branch: str, ack: bytes, peer: Peer) -> None:
        self._send(ack, peer)
        self._acks[branch] = (ack, peer)
        while len(self._acks) > MOST_ACKS:
            self._acks.popitem(last=False)

    def _proven(self, invitation: Invitation, response: SipResponse) -> bool:
        """Answer a trunk's challenge. Return False where there is none, or no answer to it."""
        status = response.status_code
        if status not in (401, 407) or invitation.auth is None or invitation.is_cancelled:
            return False
        if invitation.challenges >= MAX_CHALLENGES:
            return False
        proof = answered_challenge(invitation.auth, response, "INVITE", invitation.request.uri)
        if proof is None:
            return False
        self._known.pop(invitation.branch, None)
        invitation.challenges += 1
        invitation.request = _again(invitation.request, proof)
        self.begin(invitation)
        return True

    def _send_cancel(self, invitation: Invitation) -> None:
        request = _like(invitation.request, "CANCEL")
        key = ("cancelled", invitation.branch)
        self._resends.begin(key, bytes(request), invitation.peer, lambda: self._refuse(invitation, TERMINATED))


def _like(invite: SipRequest, method: str) -> SipRequest:
    """An ACK or a CANCEL of the same transaction (sections 17.1.1.3 and 9.1)."""
    request = SipRequest(CaseInsensitiveDict(), b"", method, invite.uri)
    request.headers.append("Via", invite.headers.get("via")[0])
    for name in ("Max-Forwards", "From", "To", "Call-ID"):
        request.headers.set_single(name, invite.headers.get_first(name) or "")
    request.headers.set_single("CSeq", f"{cseq_of(invite)[0]} {method}")
    return request


def _ack_of(invite: SipRequest, response: SipResponse) -> SipRequest:
    ack = _like(invite, "ACK")
    ack.headers.set_single("To", response.headers.get_first("to") or "")
    return ack


def _again(invite: SipRequest, proof: tuple[str, str]) -> SipRequest:
    """The same INVITE with a proof: a transaction of its own (section 22.2)."""
    request = SipRequest(CaseInsensitiveDict(), invite.body, "INVITE", invite.uri)
    for name, values in invite.headers.items():
        for value in values:
            request.headers.append(name, value)
    via = (invite.headers.get_first("via") or "").replace(branch_of(invite), new_branch())
    request.headers.set_single("Via", via)
    request.headers.set_single("CSeq", f"{cseq_of(invite)[0] + 1} INVITE")
    request.headers.set_single(*proof)
    return request

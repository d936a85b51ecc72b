"""The SIP user agent: which message is about which call, and what is answered. No sockets.

Messages go in with where they came from, and out through `send`. Timers are the event loop's, so a virtual loop does.
Nothing is read, and nothing answered, that `telephony.sip.callers` does not let in.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress

from aiosipua import (
    Dialog,
    SipDigestAuth,
    SipRequest,
    SipResponse,
    create_dialog_from_request,
    parse_params,
    stringify_uri,
)
from aiosipua.headers import CaseInsensitiveDict
from loguru import logger

from common.addresses import bracketed
from telephony.sip.callers import Callers, Standing
from telephony.sip.digest import Digests
from telephony.sip.gate import Gate, PassedOver
from telephony.sip.invitations import Invitation, Invitations, Inviter
from telephony.sip.leg import Ended, Leg, LegMove, LegState
from telephony.sip.message import (
    ALLOW,
    MAX_VALUE_CHARACTERS,
    BadMessage,
    Peer,
    address_of,
    answer_to,
    branch_of,
    cseq_of,
    new_branch,
    new_tag,
    read,
    stamped,
    tag_of,
)
from telephony.sip.refusals import UNAVAILABLE, Refusal
from telephony.sip.session_timer import MIN_SE_S, SessionTimer, TooShort, session_timer
from telephony.sip.transactions import Key, Resends, Send, Transaction, Transactions

SDP = "application/sdp"
MAX_LEGS = 500  # calls in any state; MAX_CALLS bounds those that are answered
_SIPFRAG = re.compile(r"SIP/2\.0 ([1-6]\d\d)")
_KEY = re.compile(r"^\s*Signal\s*=\s*([0-9A-Da-d*#])\s*$", re.MULTILINE)
_KEY_TYPES = frozenset({"application/dtmf-relay"})

type OnCall = Callable[[Leg], None]
type OnAnswer = Callable[[SipResponse | None], None]


class SipEndpoint:
    """`contact` says under which address we are reached by a peer; `on_call` gets each new call, ringing."""

    def __init__(
        self,
        callers: Callers,
        digests: Digests,
        send: Send,
        contact: Callable[[Peer], tuple[str, int]],
        on_call: OnCall,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._callers = callers
        self._gate = Gate(callers, digests)
        self._send = send
        self._contact = contact
        self._on_call = on_call
        self._loop = loop
        self._transactions = Transactions()
        self._resends = Resends(send, loop)
        self._invitations = Invitations(send, self._resends, self._accepted)
        self._legs: dict[str, Leg] = {}
        self._asked: dict[Key, OnAnswer] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._handlers: Mapping[str, Callable[[SipRequest, Transaction], None]] = {
            "INVITE": self._invite,
            "CANCEL": self._cancel,
            "OPTIONS": self._options,
            "BYE": self._bye,
            "UPDATE": self._update,
            "NOTIFY": self._notify,
            "INFO": self._info,
        }

    @property
    def legs(self) -> int:
        return len(self._legs)

    def close(self) -> None:
        """Send nothing more."""
        self._resends.close()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    # --- what comes in ----------------------------------------------------------------------------------------

    def receive(self, data: bytes, peer: Peer) -> None:
        """Handle one message. Never raises for what is in it."""
        if not self._callers.may_be_read(peer.host, self._loop.time()):
            return
        is_known = self._callers.standing(peer.host) is Standing.KNOWN
        if not data.strip(b"\r\n\0 "):  # a keep-alive (RFC 5626, section 3.5.1)
            return
        try:
            message = read(data)
        except BadMessage as bad:
            self._told_badly(bad, peer, is_known=is_known)
            return
        if isinstance(message, SipResponse):
            self._response(message)
        else:
            self._request(message, peer, is_known=is_known)

    def _told_badly(self, bad: BadMessage, peer: Peer, *, is_known: bool) -> None:
        if not is_known:
            return
        self._gate.warn(self._loop.time(), "sip: a message from {} that cannot be acted on: {}", peer.host, bad)
        if bad.request is not None and bad.request.method != "ACK":
            to = stamped(bad.request, peer)
            self._send(bytes(answer_to(bad.request, bad.status, new_tag(), bad.headers)), to)

    def _response(self, response: SipResponse) -> None:
        _, method = cseq_of(response)
        if method == "INVITE":
            self._invitations.answered(response)
            return
        key = ("asked", branch_of(response), method)
        if response.status_code < 200:
            return
        self._resends.end(key)
        if (on_answer := self._asked.pop(key, None)) is not None:
            on_answer(response)

    def _request(self, request: SipRequest, peer: Peer, *, is_known: bool) -> None:
        key = (peer.host, branch_of(request), request.method)
        to = stamped(request, peer)
        if request.method == "ACK":
            self._ack(request, (*key[:2], "INVITE"))
            return
        if (known := self._transactions.find(key)) is not None:
            if known.answer is not None:
                self._send(known.answer, to)
            return
        if not is_known and not self._is_let_in(request, key, to):
            return
        self._handlers[request.method](request, self._transactions.begin(key, to, self._loop.time()))

    def _is_let_in(self, request: SipRequest, key: Key, to: Peer) -> bool:
        """Whether a stranger's request is acted on. Where it is not, it has its answer, or gets none."""
        if request.method == "CANCEL":
            return self._transactions.find((*key[:2], "INVITE")) is not None
        if (leg := self._leg_of(request)) is not None and leg.peer.host == to.host:
            return True
        with suppress(PassedOver):
            answer = self._gate.answer(request, to.host, self._loop.time())
            if answer is None:
                return True
            self._send(bytes(answer), to)
        return False

    # --- answers ----------------------------------------------------------------------------------------------

    def _answer(
        self,
        request: SipRequest,
        transaction: Transaction,
        status: int,
        headers: Mapping[str, str] | None = None,
        *,
        tag: str = "",
        body: str = "",
    ) -> bytes:
        response = answer_to(request, status, tag or (new_tag() if status > 100 else ""), headers)
        if body:
            response.headers.set_single("Content-Type", SDP)
            response.text = body
        transaction.answer = bytes(response)
        return transaction.answer

    def _reply(
        self,
        request: SipRequest,
        transaction: Transaction,
        status: int,
        headers: Mapping[str, str] | None = None,
        *,
        tag: str = "",
        body: str = "",
    ) -> None:
        self._send(self._answer(request, transaction, status, headers, tag=tag, body=body), transaction.peer)

    def _refuse(self, request: SipRequest, transaction: Transaction, refusal: Refusal, tag: str = "") -> None:
        """Send the last answer to an INVITE, again and again until its ACK."""
        data = self._answer(request, transaction, refusal.status, refusal.headers, tag=tag)
        self._resends.begin(("refused", *transaction.key), data, transaction.peer)

    # --- requests ---------------------------------------------------------------------------------------------

    def _leg_of(self, request: SipRequest) -> Leg | None:
        """The call that a request belongs to by its tags and Call-ID."""
        leg = self._legs.get(tag_of(request, "to"))
        if leg is None or leg.dialog.call_id != request.call_id or leg.dialog.remote_tag != tag_of(request, "from"):
            return None
        return leg

    def _in_dialog(self, request: SipRequest, transaction: Transaction) -> Leg | None:
        """The same, in order; None where the request was answered: it belongs to no call, or is too old."""
        leg = self._leg_of(request)
        if leg is None:
            self._reply(request, transaction, 481)
            return None
        number, _ = cseq_of(request)
        if number <= leg.dialog.remote_cseq:
            self._reply(request, transaction, 500)
            return None
        leg.dialog.remote_cseq = number
        leg.peer = transaction.peer
        return leg

    def _options(self, request: SipRequest, transaction: Transaction) -> None:
        headers = {"Allow": ALLOW, "Accept": SDP, "Supported": "timer"}
        self._reply(request, transaction, 200, headers)

    def _invite(self, request: SipRequest, transaction: Transaction) -> None:
        if tag_of(request, "to"):
            self._reinvite(request, transaction)
            return
        status = self._unacceptable(request)
        if status is not None:
            self._refuse(request, transaction, Refusal(status))
            return
        if len(self._legs) >= MAX_LEGS:
            self._refuse(request, transaction, UNAVAILABLE)
            return
        try:
            timer = session_timer(request)
        except TooShort:
            self._refuse(request, transaction, Refusal(422, {"Min-SE": str(MIN_SE_S)}))
            return
        leg = Leg(_dialog_of(request), request, transaction, timer)
        transaction.leg_id = leg.id
        self._legs[leg.id] = leg
        self._reply(request, transaction, 100)
        self._on_call(leg)

    def _unacceptable(self, request: SipRequest) -> int | None:
        if request.body and _type_of(request) != SDP:
            return 415
        contacts = request.headers.get("contact")
        if (
            len(contacts) != 1
            or not contacts[0].strip("<> ").lower().startswith(("sip:", "sips:"))
            and ("<sip" not in contacts[0].lower())
        ):
            return 400
        same = (request.call_id, tag_of(request, "from"), cseq_of(request)[0])
        for leg in self._legs.values():
            if (leg.dialog.call_id, leg.dialog.remote_tag, leg.dialog.remote_cseq) == same:
                return 482  # the same INVITE by two ways (RFC 3261, section 8.2.2.2)
        return None

    def _reinvite(self, request: SipRequest, transaction: Transaction) -> None:
        """Hold, resume, another address or codec, or a sign of life."""
        leg = self._leg_of(request)
        if leg is not None and leg.state is not LegState.UP:
            self._refuse(request, transaction, Refusal(491))
            return
        leg = self._in_dialog(request, transaction)
        if leg is None:
            return
        answer = self._agreed(leg, request)
        if answer is None:
            self._refuse(request, transaction, Refusal(488), leg.id)
            return
        self._refresh(leg, request)
        data = self._answer(request, transaction, 200, self._headers_of(leg), tag=leg.id, body=answer)
        self._resends.begin(("accepted", leg.id), data, transaction.peer, lambda: None)

    def _update(self, request: SipRequest, transaction: Transaction) -> None:
        leg = self._in_dialog(request, transaction)
        if leg is None:
            return
        answer = self._agreed(leg, request) if request.body else ""
        if answer is None:
            self._reply(request, transaction, 488, tag=leg.id)
            return
        self._refresh(leg, request)
        self._reply(request, transaction, 200, self._headers_of(leg), tag=leg.id, body=answer)

    def _agreed(self, leg: Leg, request: SipRequest) -> str | None:
        if leg.observer is None or (request.body and _type_of(request) != SDP):
            return None
        contacts = request.contact
        if contacts and contacts[0].uri.host:  # a target refresh (RFC 3261, section 12.2.2)
            leg.dialog.remote_target = create_dialog_from_request(request).remote_target
        return leg.observer.offered(request.text)

    def _bye(self, request: SipRequest, transaction: Transaction) -> None:
        leg = self._in_dialog(request, transaction)
        if leg is not None:
            self._reply(request, transaction, 200, tag=leg.id)
            if leg.state is LegState.RINGING:
                self._refuse(leg.invite, leg.transaction, Refusal(487), leg.id)
            self._end(leg, LegMove.BYE, Ended.BYE)

    def _cancel(self, request: SipRequest, transaction: Transaction) -> None:
        """The INVITE's own answer tells the rest. What was answered already is not cancelled any more."""
        invite = self._transactions.find((*transaction.key[:2], "INVITE"))
        if invite is None:
            self._reply(request, transaction, 481)
            return
        leg = self._legs.get(invite.leg_id)
        self._reply(request, transaction, 200, tag=invite.leg_id)
        if leg is not None and leg.state is LegState.RINGING:
            self._refuse(leg.invite, leg.transaction, Refusal(487), leg.id)
            self._end(leg, LegMove.CANCEL, Ended.CANCELLED)

    def _ack(self, request: SipRequest, invite: Key) -> None:
        if self._resends.end(("refused", *invite)):
            return
        leg = self._leg_of(request)
        if leg is None:
            return
        self._resends.end(("accepted", leg.id))
        if leg.state is LegState.LEAVING:
            self._say_bye(leg)
            self._end(leg, LegMove.ACK, Ended.HUNG_UP)
        elif leg.move(LegMove.ACK):
            self._watch(leg)
            if leg.observer is not None:
                leg.observer.is_up(request.text if _type_of(request) == SDP else "")

    def _notify(self, request: SipRequest, transaction: Transaction) -> None:
        """How our last transfer goes (RFC 3515, section 2.4.5), or one before it, which nobody waits for (2.4.6)."""
        leg = self._in_dialog(request, transaction)
        if leg is None:
            return
        event, _, parameters = (request.headers.get_first("event") or "").partition(";")
        if event.strip().lower() != "refer":
            self._reply(request, transaction, 489, tag=leg.id)
            return
        self._reply(request, transaction, 200, tag=leg.id)
        found = _SIPFRAG.match(request.text.strip())
        is_last = parse_params(parameters).get("id", leg.refer_id) == leg.refer_id
        if found is not None and is_last and leg.observer is not None:
            leg.observer.referred(int(found[1]))

    def _info(self, request: SipRequest, transaction: Transaction) -> None:
        leg = self._in_dialog(request, transaction)
        if leg is None:
            return
        if request.body and _type_of(request) not in _KEY_TYPES:
            self._reply(request, transaction, 415, {"Accept": ", ".join(_KEY_TYPES)}, tag=leg.id)
            return
        self._reply(request, transaction, 200, tag=leg.id)
        found = _KEY.search(request.text[:MAX_VALUE_CHARACTERS])
        if found is not None and leg.observer is not None:
            leg.observer.key(found[1].upper())

    # --- what we do -------------------------------------------------------------------------------------------

    def ring(self, leg: Leg) -> None:
        if leg.state is LegState.RINGING:
            self._reply(leg.invite, leg.transaction, 180, {"Contact": self._contact_of(leg)}, tag=leg.id)

    def refuse(self, leg: Leg, refusal: Refusal) -> None:
        """Turn a ringing call away. Does nothing for one that is over."""
        if leg.state is LegState.RINGING:
            self._refuse(leg.invite, leg.transaction, refusal, leg.id)
            self._end(leg, LegMove.REFUSE, Ended.REFUSED)

    def answer(self, leg: Leg, body: str) -> bool:
        """Take a ringing call, with an SDP answer, or an offer where it brought none. Return False for one that is
        over: it was cancelled."""
        if not leg.move(LegMove.ANSWER):
            return False
        data = self._answer(leg.invite, leg.transaction, 200, self._headers_of(leg), tag=leg.id, body=body)
        self._resends.begin(("accepted", leg.id), data, leg.peer, lambda: self._never_acknowledged(leg))
        return True

    def hang_up(self, leg: Leg) -> None:
        """End a call, in whichever state."""
        if leg.state is LegState.RINGING:
            self.refuse(leg, UNAVAILABLE)
        elif leg.state is LegState.UP:
            self._say_bye(leg)
            self._end(leg, LegMove.HANG_UP, Ended.HUNG_UP)
        else:
            leg.move(LegMove.HANG_UP)

    def refer(self, leg: Leg, target: str, on_answer: OnAnswer) -> None:
        """Ask the caller's side to call `target`, a sip: or tel: address, instead of us (RFC 3515)."""
        request = self._own(leg, "REFER")
        leg.refer_id = str(cseq_of(request)[0])
        request.headers.set_single("Refer-To", f"<{target}>")
        request.headers.set_single("Referred-By", f"<{leg.dialog.local_uri}>")
        self.ask(request, leg.peer, on_answer)

    def invite(
        self,
        target: str,
        sender: str,
        tag: str,
        peer: Peer,
        offer: str,
        inviter: Inviter,
        auth: SipDigestAuth | None = None,
    ) -> Invitation:
        """Call `target` through `peer`, as `sender`; the leg that comes of it will have our `tag` as its id. `inviter`
        is told what becomes of it; `auth` is what the peer may be proven."""
        host, port = self._contact(peer)
        request = SipRequest(CaseInsensitiveDict(), b"", "INVITE", target)
        for name, value in (
            ("Via", f"SIP/2.0/{peer.transport.upper()} {bracketed(host)}:{port};branch={new_branch()};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<{sender}>;tag={tag}"),
            ("To", f"<{target}>"),
            ("Call-ID", new_tag()),
            ("CSeq", "1 INVITE"),
            ("Contact", self._contact_at(peer)),
            ("Allow", ALLOW),
            ("User-Agent", "Carlos"),
            ("Content-Type", SDP),
        ):
            request.headers.set_single(name, value)
        request.text = offer
        invitation = Invitation(request, peer, inviter, auth)
        self._invitations.begin(invitation)
        return invitation

    def cancel(self, invitation: Invitation) -> None:
        """Does nothing for one that has its last answer."""
        self._invitations.cancel(invitation)

    def _accepted(self, invitation: Invitation, response: SipResponse) -> tuple[Leg, bytes]:
        """Return the leg of an answer to our INVITE, and its ACK."""
        request, peer = invitation.request, invitation.peer
        number, _ = cseq_of(request)
        transaction = Transaction((peer.host, invitation.branch, "INVITE"), peer, self._loop.time())
        leg = Leg(_dialog_with(request, response), request, transaction, None)
        leg.state = LegState.UP
        self._legs[leg.id] = leg
        ack = self._own(leg, "ACK")
        ack.headers.set_single("CSeq", f"{number} ACK")
        leg.dialog.local_cseq = number
        return leg, bytes(ack)

    def ask(self, request: SipRequest, peer: Peer, on_answer: OnAnswer) -> None:
        """Send a request. `on_answer` gets the last response, None where none comes in time."""
        key = ("asked", branch_of(request), request.method)
        self._asked[key] = on_answer
        self._resends.begin(key, bytes(request), peer, lambda: self._unanswered(key))

    def _unanswered(self, key: Key) -> None:
        if (on_answer := self._asked.pop(key, None)) is not None:
            on_answer(None)

    def _own(self, leg: Leg, method: str) -> SipRequest:
        host, port = self._contact(leg.peer)
        request = leg.dialog.create_request(
            method, via_host=host, via_port=port, via_transport=leg.peer.transport.upper()
        )
        request.headers.set_single("Contact", self._contact_of(leg))
        request.headers.set_single("User-Agent", "Carlos")
        return request

    def _say_bye(self, leg: Leg) -> None:
        self.ask(self._own(leg, "BYE"), leg.peer, lambda response: None)

    def _never_acknowledged(self, leg: Leg) -> None:
        logger.warning("sip: no ACK for call {}", leg.id)
        self._say_bye(leg)
        self._end(leg, LegMove.NO_ACK, Ended.NO_ACK)

    def _end(self, leg: Leg, move: LegMove, why: Ended) -> None:
        if not leg.move(move):
            return
        self._resends.end(("accepted", leg.id))
        self._legs.pop(leg.id, None)
        if (timer := self._timers.pop(leg.id, None)) is not None:
            timer.cancel()
        if leg.observer is not None:
            leg.observer.is_over(why)

    def _contact_of(self, leg: Leg) -> str:
        return self._contact_at(leg.peer)

    def _contact_at(self, peer: Peer) -> str:
        host, port = self._contact(peer)
        transport = "" if peer.transport == "udp" else f";transport={peer.transport}"
        return f"<sip:carlos@{bracketed(host)}:{port}{transport}>"

    def _headers_of(self, leg: Leg) -> dict[str, str]:
        headers = {"Contact": self._contact_of(leg), "Allow": ALLOW, "Supported": "timer"}
        if leg.timer is not None:
            headers["Session-Expires"] = leg.timer.header
            if not leg.timer.ours:
                headers["Require"] = "timer"
        return headers

    # --- session timers ---------------------------------------------------------------------------------------

    def _refresh(self, leg: Leg, request: SipRequest) -> None:
        try:
            leg.timer = session_timer(request) or leg.timer
        except TooShort:
            logger.debug("sip: a refresh asks for too short an interval; the old one stands")
        self._watch(leg)

    def _watch(self, leg: Leg) -> None:
        if (old := self._timers.pop(leg.id, None)) is not None:
            old.cancel()
        if (timer := leg.timer) is None or leg.state is not LegState.UP:
            return
        if timer.ours:
            self._timers[leg.id] = self._loop.call_later(timer.refresh_s, self._send_refresh, leg, timer)
        else:
            self._timers[leg.id] = self._loop.call_later(timer.gives_up_s, self._expire, leg)

    def _send_refresh(self, leg: Leg, timer: SessionTimer) -> None:
        request = self._own(leg, "UPDATE")
        request.headers.set_single("Session-Expires", f"{timer.interval_s};refresher=uac")
        request.headers.set_single("Supported", "timer")
        self.ask(request, leg.peer, lambda response: self._refreshed(leg, response))

    def _refreshed(self, leg: Leg, response: SipResponse | None) -> None:
        if response is None or response.status_code in (408, 481):
            self._expire(leg)
        else:
            self._watch(leg)

    def _expire(self, leg: Leg) -> None:
        if leg.state is LegState.UP:
            logger.warning("sip: no sign of life in call {}", leg.id)
            self._say_bye(leg)
            self._end(leg, LegMove.EXPIRE, Ended.EXPIRED)


def _dialog_of(request: SipRequest) -> Dialog:
    dialog = create_dialog_from_request(request, local_tag=new_tag())
    sender = address_of(request, "from")
    dialog.remote_tag, dialog.remote_uri = sender.tag or "", stringify_uri(sender.uri)
    return dialog


def _dialog_with(request: SipRequest, response: SipResponse) -> Dialog:
    """The same of an INVITE of ours and its answer (RFC 3261, section 12.1.2)."""
    sender, to = address_of(request, "from"), address_of(response, "to")
    contacts = response.contact
    return Dialog(
        call_id=request.call_id or "",
        local_tag=sender.tag or "",
        remote_tag=to.tag or "",
        local_uri=stringify_uri(sender.uri),
        remote_uri=stringify_uri(to.uri),
        remote_target=stringify_uri(contacts[0].uri) if contacts else request.uri,
        route_set=list(reversed(response.headers.get("record-route"))),
        local_cseq=cseq_of(request)[0],
    )


def _type_of(request: SipRequest) -> str:
    return (request.content_type or "").partition(";")[0].strip().lower()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

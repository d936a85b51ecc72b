"""One call's dialog, seen from the side that is called: its states are a table.

RINGING ──answer──▶ ANSWERED ──ack──▶ UP ──bye, hang_up──▶ OVER
   └ refuse, cancel     │ hang_up        └ expired
                        ▼
                     LEAVING ──ack, no ack──▶ OVER   a BYE may not overtake the ACK (RFC 3261, section 15)
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from typing import Protocol

from aiosipua import SipRequest
from aiosipua.dialog import Dialog

from telephony.sip.message import Peer
from telephony.sip.session_timer import SessionTimer
from telephony.sip.transactions import Transaction


class LegState(Enum):
    RINGING = auto()
    ANSWERED = auto()  # 200 is sent, and no ACK has come
    LEAVING = auto()  # the same, and we have hung up
    UP = auto()
    OVER = auto()


class LegMove(Enum):
    ANSWER = auto()
    REFUSE = auto()
    CANCEL = auto()
    ACK = auto()
    NO_ACK = auto()
    BYE = auto()
    HANG_UP = auto()
    EXPIRE = auto()


TRANSITIONS: Mapping[LegState, Mapping[LegMove, LegState]] = {
    LegState.RINGING: {
        LegMove.ANSWER: LegState.ANSWERED,
        LegMove.REFUSE: LegState.OVER,
        LegMove.CANCEL: LegState.OVER,
        LegMove.BYE: LegState.OVER,
    },
    LegState.ANSWERED: {
        LegMove.ACK: LegState.UP,
        LegMove.NO_ACK: LegState.OVER,
        LegMove.BYE: LegState.OVER,
        LegMove.HANG_UP: LegState.LEAVING,
    },
    LegState.LEAVING: {
        LegMove.ACK: LegState.OVER,
        LegMove.NO_ACK: LegState.OVER,
        LegMove.BYE: LegState.OVER,
    },
    LegState.UP: {
        LegMove.BYE: LegState.OVER,
        LegMove.HANG_UP: LegState.OVER,
        LegMove.EXPIRE: LegState.OVER,
    },
    LegState.OVER: {},
}


class Ended(StrEnum):
    """Why a call is over; the word of its record."""

    CANCELLED = "canceled"
    REFUSED = "refused"
    BYE = "bye"  # the caller hung up
    HUNG_UP = "completed"  # we did
    NO_ACK = "no-ack"
    EXPIRED = "expired"  # its session timer ran out


class LegObserver(Protocol):
    """Who is told what a leg's caller does."""

    def is_up(self, answer: str) -> None:
        """The ACK is here; `answer` is its SDP, where our 200 made the offer."""
        ...

    def is_over(self, why: Ended) -> None: ...

    def offered(self, offer: str) -> str | None:
        """Return the answer to a new offer in the call, or with an empty one ours; None: it cannot be agreed to."""
        ...

    def key(self, digit: str) -> None:
        """A key was pressed, and told by signalling (INFO)."""
        ...

    def referred(self, status: int) -> None:
        """How far the call that a REFER asked for is: a SIP status."""
        ...


class Leg:
    """`id` is our tag, and what everything above SIP calls the call."""

    def __init__(
        self, dialog: Dialog, invite: SipRequest, transaction: Transaction, timer: SessionTimer | None
    ) -> None:
        self.id = dialog.local_tag
        self.dialog = dialog
        self.invite = invite
        self.transaction = transaction
        self.peer: Peer = transaction.peer  # where our requests go
        self.timer = timer
        self.state = LegState.RINGING
        self.refer_id = ""  # of our last REFER
        self.observer: LegObserver | None = None

    def move(self, move: LegMove) -> bool:
        """Go where the table says. Return False where it has no such move."""
        state = TRANSITIONS[self.state].get(move)
        if state is None:
            return False
        self.state = state
        return True

    @property
    def is_over(self) -> bool:
        return self.state is LegState.OVER

"""Messages that are sent again until somebody answers, and requests that come twice (RFC 3261, section 17).

UDP loses messages, so whoever waits for an answer sends again: after T1, then twice as late each time, T2 at most, and
gives up after 64 T1. A request that comes again gets the answer it got before, and nobody acts on it twice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from telephony.sip.message import Peer

T1_S, T2_S = 0.5, 4.0
GIVE_UP_S = 64 * T1_S
SOON_S = 0.001  # a timer that fires a rounding error early is on time
MAX_TRANSACTIONS = 5000  # requests that are remembered
MAX_RESENDS = 2000  # messages under way; what is beyond goes out once

type Send = Callable[[bytes, Peer], None]
type Key = tuple[str, ...]


@dataclass(slots=True)
class _Sent:
    data: bytes
    peer: Peer
    since: float
    interval: float
    gave_up: Callable[[], None] | None
    timer: asyncio.TimerHandle | None = None


class Resends:
    """Messages that wait for an answer, by key."""

    def __init__(self, send: Send, loop: asyncio.AbstractEventLoop) -> None:
        self._send = send
        self._loop = loop
        self._sent: dict[Key, _Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def begin(self, key: Key, data: bytes, peer: Peer, gave_up: Callable[[], None] | None = None) -> None:
        """Send, and send again until `end`; `gave_up` is called where that does not come in time."""
        self.end(key)
        self._send(data, peer)
        if len(self._sent) >= MAX_RESENDS and gave_up is None:
            return
        interval = GIVE_UP_S if peer.is_reliable else T1_S
        sent = self._sent[key] = _Sent(data, peer, self._loop.time(), interval, gave_up)
        sent.timer = self._loop.call_later(interval, self._again, key)

    def end(self, key: Key) -> bool:
        """Return whether anybody waited."""
        sent = self._sent.pop(key, None)
        if sent is not None and sent.timer is not None:
            sent.timer.cancel()
        return sent is not None

    def close(self) -> None:
        for key in list(self._sent):
            self.end(key)

    def _again(self, key: Key) -> None:
        sent = self._sent[key]
        left = sent.since + GIVE_UP_S - self._loop.time()
        if left < SOON_S:
            del self._sent[key]
            if sent.gave_up is not None:
                sent.gave_up()
            return
        self._send(sent.data, sent.peer)
        sent.interval = min(2 * sent.interval, T2_S)
        sent.timer = self._loop.call_later(min(sent.interval, left), self._again, key)


@dataclass(slots=True)
class Transaction:
    """A request of the other side's, and the last answer to it."""

    key: Key
    peer: Peer  # where answers go
    began: float
    answer: bytes | None = None
    final: bool = False
    leg_id: str = ""  # of the call that an INVITE asks for


class Transactions:
    """Requests that came within the last GIVE_UP_S, or are not answered yet."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Transaction] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: Key) -> Transaction | None:
        return self._known.get(key)

    def begin(self, key: Key, peer: Peer, now: float) -> Transaction:
        self._forget(now)
        transaction = self._known[key] = Transaction(key, peer, now)
        return transaction

    def _forget(self, now: float) -> None:
        while self._known:
            oldest = next(iter(self._known.values()))
            if len(self._known) < MAX_TRANSACTIONS and now - oldest.began < GIVE_UP_S:
                return
            del self._known[oldest.key]

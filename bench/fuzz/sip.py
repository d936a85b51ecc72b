"""The SIP line's readers: signalling by datagrams and by a stream, and a call's RTP and RTCP.

`{tag}` in an input stands for the tag that we gave the last call. Time goes on by half a second with each message, as
resends need it; at the end of a conversation all of it must be over, with every port given back.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import Any, cast

from bench.fuzz.mutation import changed_bytes
from common.settings import Settings
from sandbox.sip.message import Message
from telephony.errors import RemoteProtocolError
from telephony.sip import sdp
from telephony.sip.arrivals import FRAME
from telephony.sip.callers import Callers
from telephony.sip.digest import Digests
from telephony.sip.endpoint import SipEndpoint
from telephony.sip.framing import Framing
from telephony.sip.leg import Ended, Leg
from telephony.sip.message import Peer
from telephony.sip.ports import NoPorts, Ports
from telephony.sip.refusals import UNAVAILABLE, Refusal
from telephony.sip.rtp import RtpStream
from telephony.sip.sdp import Agreement, NoAgreement
from telephony.sip.srtp import RTP_HEADER, Crypto, Opener, Protector
from telephony.sip.transactions import GIVE_UP_S

STEP_S = 0.5  # between two messages
LONGEST_S = 4 * GIVE_UP_S  # until every resend has given up
MOST_FRAMES = 200  # of sound that one packet may bring, with all that waited for it
PLAIN = 0x80  # the first byte of an RTP packet without padding, extension and sources
PORTS = range(20_000, 20_008, 2)
KNOWN, STRANGER = "10.0.0.1", "192.0.2.9"
CODECS = ("pcma", "pcmu")


class Timers:
    """As much of an event loop as signalling uses; its time is told."""

    def __init__(self) -> None:
        self._now = 0.0
        self._numbers = count()
        self._due: list[tuple[float, int, Timer]] = []

    def time(self) -> float:
        return self._now

    def call_later(self, seconds: float, callback: Callable[..., Any], *arguments: Any) -> Timer:
        timer = Timer(callback, arguments)
        heapq.heappush(self._due, (self._now + seconds, next(self._numbers), timer))
        return timer

    def go_on(self, seconds: float) -> None:
        until = self._now + seconds
        while self._due and self._due[0][0] <= until:
            self._now, _, timer = heapq.heappop(self._due)
            timer.run()
        self._now = until


class Timer:
    def __init__(self, callback: Callable[..., Any], arguments: Sequence[Any]) -> None:
        self._callback: Callable[..., Any] | None = callback
        self._arguments = arguments

    def cancel(self) -> None:
        self._callback = None

    def run(self) -> None:
        if self._callback is not None:
            self._callback(*self._arguments)


class Called:
    """Whoever answers a leg, as `telephony.sip.call` does, without its sockets (LegObserver)."""

    def __init__(self, leg: Leg, endpoint: SipEndpoint, ports: Ports) -> None:
        self._leg, self._endpoint, self._ports = leg, endpoint, ports
        self._port: int | None = None
        leg.observer = self

    def pick_up(self) -> None:
        try:
            text = self._leg.invite.text if self._leg.invite.body else ""
            body = self.offered(text)
            self._port = self._ports.take()
        except NoPorts:
            self._endpoint.refuse(self._leg, UNAVAILABLE)
            return
        if body is None:
            self._endpoint.refuse(self._leg, Refusal(488))
            return
        self._endpoint.ring(self._leg)
        self._endpoint.answer(self._leg, body)

    def is_up(self, answer: str) -> None:
        """Nothing is said on it."""

    def is_over(self, why: Ended) -> None:
        if self._port is not None:
            self._ports.give_back(self._port)

    def offered(self, offer: str) -> str | None:
        local = ("10.0.0.2", self._port or PORTS.start)
        if not offer:
            return sdp.offer(CODECS, local, 1)
        try:
            agreed, parsed = sdp.agree(offer, CODECS)
        except NoAgreement:
            return None
        return sdp.answer(parsed, agreed, local, 1, Crypto.new(agreed.theirs.tag) if agreed.theirs else None)

    def key(self, digit: str) -> None:
        assert digit in "0123456789ABCD*#"

    def referred(self, status: int) -> None:
        assert 100 <= status < 700


class Signalling:
    """One conversation of datagrams; every fourth message comes from somebody who is not known."""

    def __init__(self, world: object) -> None:
        self._timers = Timers()
        self._ports = Ports(PORTS)
        self._legs: list[Leg] = []
        self._came = 0
        networks = Settings(_env_file=None, sip_allow=(f"{KNOWN}/32",)).sip_networks
        self._endpoint = SipEndpoint(
            Callers(networks, has_users=True),
            Digests({"clinica": "una-clave"}),
            self._send,
            lambda peer: ("10.0.0.2", 5060),
            self._rings,
            cast(asyncio.AbstractEventLoop, self._timers),
        )

    def __call__(self, data: bytes) -> None:
        self._came += 1
        host = STRANGER if self._came % 4 == 0 else KNOWN
        self.receive(data, Peer("udp", host, 5060))

    def receive(self, data: bytes, peer: Peer) -> None:
        tag = self._legs[-1].id if self._legs else "none"
        self._endpoint.receive(data.replace(b"{tag}", tag.encode()), peer)
        self._timers.go_on(STEP_S)

    def _rings(self, leg: Leg) -> None:
        self._legs.append(leg)
        Called(leg, self._endpoint, self._ports).pick_up()

    def _send(self, data: bytes, peer: Peer) -> None:
        """What we send is SIP, whatever it answers: no line of it is broken."""
        assert Message.decode(data).headers["call-id"]
        assert data.count(b"\n") == data.count(b"\r\n")

    def finish(self) -> None:
        """Nothing is left of it. Raises AssertionError for what is."""
        for leg in self._legs:
            self._endpoint.hang_up(leg)
        self._timers.go_on(LONGEST_S)
        assert self._endpoint.legs == 0
        assert self._ports.taken == 0


class Stream(Signalling):
    """The same over a connection, which brings it in pieces."""

    def __init__(self, world: object) -> None:
        super().__init__(world)
        self._framing = Framing()

    def __call__(self, data: bytes) -> None:
        peer, half = Peer("tcp", KNOWN, 40_000, 1), len(data) // 2
        try:
            for piece in (data[:half], data[half:]):
                for message in self._framing.push(piece):
                    self.receive(message, peer)
        except RemoteProtocolError:
            self._framing = Framing()  # of the connection that comes after it
            raise


class Sound:
    """A call's RTP and RTCP: each input is taken for both."""

    def __init__(self, world: object) -> None:
        self._now = 0.0
        self._heard = 0  # frames that an input brought
        agreed = Agreement("pcma", sdp.KEYS_TYPE, ("10.0.0.1", 4000))
        self._stream = RtpStream(agreed, self._hear, self._key, lambda: self._now)

    def __call__(self, data: bytes) -> None:
        self._heard = 0
        self._stream.receive(data)
        self._stream.receive_control(data)
        self._stream.tick()
        assert self._heard <= MOST_FRAMES, "made out of nothing"
        assert self._stream.packet(self._stream.silence())
        assert self._stream.control()
        assert self._stream.report.facts
        self._now += 0.02

    def _hear(self, pcm: bytes) -> None:
        assert len(pcm) == 2 * FRAME
        self._heard += 1

    def _key(self, digit: str) -> None:
        assert digit in "0123456789ABCD*#"


class Sealed(Sound):
    """The same as SRTP, whether it is sealed or only looks so. What was sealed comes out as it went in, once."""

    def __init__(self, world: object) -> None:
        super().__init__(world)
        key = Crypto(1, bytes(range(30)))
        self._opener, self._protector = Opener(key), Protector(key)

    def __call__(self, data: bytes) -> None:
        for opened in (self._opener.rtp(data), self._opener.rtcp(data)):
            assert opened is None, "nobody else has the key"
        if len(data) >= RTP_HEADER and data[0] == PLAIN:
            sealed = self._protector.rtp(data)
            if (opened := self._opener.rtp(sealed)) is not None:
                assert opened == data
                super().__call__(opened)
            assert self._opener.rtp(sealed) is None, "it was here"


NASTY = (
    b"", b" ", b"\t", b";;;,,", b"<sip:", b'"', b"sip:%00@x", b"\xff\xfe", b"-1", b"99999999999999999999", b"0" * 400,
    b"sip:" + b"a" * 3000 + b"@x", b"<" * 200, b"\r\n folded", b"\r\nX: injected", b"SIP/2.0/UDP", b"[::1",
    b"a=b;" * 300, b"sip:x@[fe80::1%25eth0]:99999", b"1 INVITE", b"2147483648 BYE", b"z9hG4bK", b"application/sdp",
    b"m=audio 0 RTP/AVP 8", b"c=IN IP4 224.0.0.1", b"c=IN IP6 ::", b"1800;refresher=uas", b"0;refresher=uac",
    b"Digest " + b'a="b",' * 200,
)  # fmt: skip


def changed_sip(random: Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """`data` with one to three changes: to its lines, to a value in one of them, or to its bytes."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = _changed_line(random, data) if random.random() < 0.7 else changed_bytes(random, data, corpus)
    return data


def _changed_line(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            name, colon, _ = lines[at].partition(b":")
            lines[at] = name + colon + random.choice(NASTY)
        case 4:
            words = lines[at].split(b" ")
            words[random.randrange(len(words))] = random.choice(NASTY)
            lines[at] = b" ".join(words)
        case _:
            lines[at] += random.choice(NASTY)
    return b"\r\n".join(lines)

"""A SIP endpoint without a socket: messages go in and come out as text, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from aiosipua import SipMessage, SipRequest, SipResponse

from telephony.sip.callers import Callers
from telephony.sip.digest import Digests
from telephony.sip.endpoint import SipEndpoint
from telephony.sip.leg import Ended, Leg
from telephony.sip.message import Peer

PBX = Peer("udp", "10.0.0.5", 5060)
STRANGER = Peer("udp", "203.0.113.66", 5060)
OFFER = """v=0
o=pbx 1 1 IN IP4 10.0.0.5
s=-
c=IN IP4 10.0.0.5
t=0 0
m=audio 30000 RTP/AVP 8 0 101
a=rtpmap:101 telephone-event/8000
"""
ANSWER = "v=0\r\n"


def text(method: str, **headers: str | None) -> bytes:
    """A request of a well-behaved PBX. Keywords replace headers, `_` for `-`; None leaves one out; `body`, `uri` and
    `version` are no headers."""
    body = (headers.pop("body", "") or "").replace("\n", "\r\n").encode()
    uri = headers.pop("uri", None) or "sip:carlos@10.0.0.1"
    version = headers.pop("version", None) or "SIP/2.0"
    all_: dict[str, str | None] = {
        "via": "SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-1",
        "from": '"Ana" <sip:+5491155550100@10.0.0.5>;tag=theirs',
        "to": "<sip:carlos@10.0.0.1>",
        "call-id": "call-1@10.0.0.5",
        "cseq": f"1 {method}",
        "contact": "<sip:pbx@10.0.0.5:5060>",
        "max-forwards": "70",
        "content-length": str(len(body)),
        "content-type": "application/sdp" if body else None,
    }
    all_ |= {name.strip("_").replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {uri} {version}", *(f"{name}: {value}" for name, value in all_.items() if value is not None)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Observed:
    """What a leg's observer was told."""

    up: list[str] = field(default_factory=list)
    over: list[Ended] = field(default_factory=list)
    offers: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    agrees: bool = True

    def is_up(self, answer: str) -> None:
        self.up.append(answer)

    def is_over(self, why: Ended) -> None:
        self.over.append(why)

    def offered(self, offer: str) -> str | None:
        self.offers.append(offer)
        return ANSWER if self.agrees else None

    def key(self, digit: str) -> None:
        self.keys.append(digit)

    def referred(self, status: int) -> None:
        self.statuses.append(status)


class Stage:
    """To be made within a running loop."""

    def __init__(
        self,
        allow: Sequence[str] = ("10.0.0.0/24",),
        users: dict[str, str] | None = None,
        digests: Sequence[str] = ("md5",),
    ) -> None:
        self.callers = Callers([ip_network(each) for each in allow], has_users=bool(users))
        self.sent: list[tuple[SipRequest | SipResponse, Peer]] = []
        self.legs: list[Leg] = []
        self.observed: list[Observed] = []
        self.endpoint = SipEndpoint(
            self.callers,
            Digests(users or {}, digests),
            self._send,
            lambda peer: ("10.0.0.1", 5060),
            self._called,
            asyncio.get_running_loop(),
        )

    def _send(self, data: bytes, peer: Peer) -> None:
        self.sent.append((SipMessage.parse(data), peer))

    def _called(self, leg: Leg) -> None:
        leg.observer = Observed()
        self.observed.append(leg.observer)
        self.legs.append(leg)

    def tell(self, message: bytes, peer: Peer = PBX) -> list[int | str]:
        """Give it a message; return what it sent at once: statuses and methods."""
        self.sent.clear()
        self.endpoint.receive(message, peer)
        return self.said

    @property
    def said(self) -> list[int | str]:
        """What was sent since the last message."""
        return [each.status_code if isinstance(each, SipResponse) else each.method for each, _ in self.sent]

    @property
    def last(self) -> SipRequest | SipResponse:
        return self.sent[-1][0]

    def header(self, name: str) -> str | None:
        return self.last.get_header(name)

    def ring(self, peer: Peer = PBX, /, **headers: str | None) -> Leg:
        self.tell(text("INVITE", **({"body": OFFER} | headers)), peer)
        return self.legs[-1]

    def up(self, **headers: str | None) -> Leg:
        """A call that was answered and acknowledged."""
        leg = self.ring(**headers)
        self.endpoint.answer(leg, ANSWER)
        self.tell(self.within(leg, "ACK", 1))
        return leg

    def within(self, leg: Leg, method: str, number: int = 2, **headers: str | None) -> bytes:
        """A request within a call."""
        ours = {
            "to": f"<sip:carlos@10.0.0.1>;tag={leg.id}",
            "cseq": f"{number} {method}",
            "via": f"SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-{method}-{number}",
        }
        return text(method, **(ours | headers))

    def answered(self, status: int, **headers: str) -> bytes:
        """The PBX's answer to the last request that was sent."""
        request = self.last
        assert isinstance(request, SipRequest)
        response = SipResponse(status_code=status, reason_phrase="Said")
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            response.headers.set_single(name, request.get_header(name) or "")
        for name, value in headers.items():
            response.headers.set_single(name.replace("_", "-"), value)
        return bytes(response)

"""A call's RTP and RTCP, both ways. Sans-IO: datagrams and times in, datagrams and PCM out; 20 ms a frame.

What comes goes to `telephony.sip.arrivals`. What goes out has no gap: between Carlos's words there is silence in
packets, since a PBX gives a call without them up, and a firewall closes its hole.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiortp import (
    DtmfReceiver,
    RtcpByePacket,
    RtcpPacket,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
    RtpPacket,
    StreamStatistics,
    get_codec,
)
from aiortp.clock import current_ntp_time
from aiortp.packet import RtcpReceiverInfo, RtcpSenderInfo, RtcpSourceInfo

from telephony.rate_guards import media_ahead
from telephony.sip.arrivals import FRAME, FRAMES_PER_S, Arrivals
from telephony.sip.sdp import CLOCK_HZ, Agreement

SILENCE: Mapping[str, bytes] = {"pcmu": b"\xff" * FRAME, "pcma": b"\xd5" * FRAME}
MAX_PACKET_BYTES = 1500
MAX_PAYLOAD_BYTES = 6 * FRAME  # 120 ms
COMFORT_NOISE = 13  # payload type (RFC 3389)
DIGITS = frozenset("0123456789*#ABCD")
_CNAME = 1  # SDES item


@dataclass(frozen=True, slots=True)
class RtpReport:
    """What a call's record keeps of its media."""

    sent: int
    received: int
    lost: int
    jitter_ms: int
    concealed: int  # frames of 20 ms that were made up
    lost_there: int | None  # as the other side says; None where it never said anything

    @property
    def facts(self) -> dict[str, str]:
        facts = {
            "rtp_sent": str(self.sent),
            "rtp_received": str(self.received),
            "rtp_lost": str(self.lost),
            "rtp_jitter_ms": str(self.jitter_ms),
            "rtp_concealed": str(self.concealed),
        }
        return facts if self.lost_there is None else facts | {"rtp_lost_there": str(self.lost_there)}


class RtpStream:
    """`on_audio` gets what the caller says, 20 ms of PCM at a time, and `on_key` each key, once. `clock` gives seconds
    and never goes back."""

    def __init__(
        self,
        agreed: Agreement,
        on_audio: Callable[[bytes], None],
        on_key: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._on_audio = on_audio
        self._ahead = media_ahead()
        self._concealed = 0  # frames, of terms before
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        self.sent = self._octets = 0
        self._pauses = True  # nothing went out just before: the next packet begins a spurt
        self._on_key = on_key
        self._theirs: int | None = None  # the other side's source
        self._statistics: StreamStatistics | None = None
        self._their_report: RtcpReceiverInfo | None = None
        self._report_at: tuple[int, float] | None = None  # the last sender's report: the middle of its time, and when
        self._keys = DtmfReceiver(self._key)
        self._left = b""  # of a packet whose length is no multiple of a frame
        self._left_at = 0
        self._begin(agreed)

    def agree(self, agreed: Agreement) -> None:
        """Go on with other terms."""
        self._concealed += self._arrivals.concealed
        self._begin(agreed)

    def _begin(self, agreed: Agreement) -> None:
        self._agreed = agreed
        self._codec = get_codec(agreed.payload_type)
        self._arrivals = Arrivals(self._codec.decode, self._on_audio, self._clock(), self.rate)
        self._left = b""

    @property
    def rate(self) -> int:
        """Hz of the PCM that goes in and out."""
        return self._codec.sample_rate

    def silence(self) -> bytes:
        """Return the payload of a frame in which nothing is said."""
        return SILENCE.get(self._agreed.codec) or self.encode(bytes(2 * self.rate // FRAMES_PER_S))

    def encode(self, pcm: bytes) -> bytes:
        """Return a frame's payload. Frames come in the order in which they are sent: G.722 goes on from the last."""
        return self._codec.encode(pcm)

    # --- in ---------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> bool:
        """Take an RTP packet. Return False for what is none of this call's."""
        if len(data) > MAX_PACKET_BYTES:
            return False
        try:
            packet = RtpPacket.parse(data)
        except (ValueError, struct.error):
            return False
        is_key = packet.payload_type == self._agreed.keys_type
        is_audio = packet.payload_type == self._agreed.payload_type
        if not (is_key or is_audio or packet.payload_type == COMFORT_NOISE):
            return False
        if packet.ssrc != self._theirs or self._statistics is None:
            self._theirs, self._statistics, self._left = packet.ssrc, StreamStatistics(CLOCK_HZ), b""
            self._arrivals.restart()
        self._statistics.add(packet)
        if is_audio:
            if not self._ahead.push(len(packet.payload) / CLOCK_HZ, self._clock()):
                self._put(packet)
        elif not is_key:
            self._arrivals.quiet(packet.payload[0] & 0x7F if packet.payload else 127, self._clock())
        elif len(packet.payload) >= 4:
            self._arrivals.restart()  # keys are sent instead of sound
            self._keys.handle_packet(packet)
        return True

    def _put(self, packet: RtpPacket) -> None:
        """In frames of 20 ms, whatever length the other side packs."""
        payload, at = packet.payload[:MAX_PAYLOAD_BYTES], packet.timestamp
        if self._left and self._left_at == at:
            at -= len(self._left)
            payload = self._left + payload
        whole = len(payload) - len(payload) % FRAME
        for start in range(0, whole, FRAME):
            self._arrivals.put((at + start) & 0xFFFFFFFF, payload[start : start + FRAME], self._clock())
        self._left = payload[whole:]
        self._left_at = (at + len(payload)) & 0xFFFFFFFF

    def _key(self, digit: str, duration: int) -> None:
        if digit in DIGITS:
            self._on_key(digit)

    def tick(self) -> None:
        """20 ms have passed, or more."""
        jitter = self._statistics.jitter / CLOCK_HZ if self._statistics is not None else 0.0
        self._arrivals.tick(self._clock(), jitter)

    # --- out --------------------------------------------------------------------------------------------------

    def packet(self, payload: bytes | None) -> bytes | None:
        """Return the packet of the next 20 ms; with None there is none, and the clock goes on."""
        at, self._timestamp = self._timestamp, (self._timestamp + FRAME) & 0xFFFFFFFF
        if payload is None:
            self._pauses = True
            return None
        marker, self._pauses = int(self._pauses), False
        sequence, self._sequence = self._sequence, (self._sequence + 1) & 0xFFFF
        self.sent += 1
        self._octets += len(payload)
        return RtpPacket(self._agreed.payload_type, marker, sequence, at, self._ssrc, payload).serialize()

    # --- RTCP -------------------------------------------------------------------------------------------------

    def receive_control(self, data: bytes) -> None:
        """Take an RTCP packet; what is none is passed over."""
        if len(data) > MAX_PACKET_BYTES:
            return
        try:
            packets = RtcpPacket.parse(data)
        except (ValueError, struct.error, IndexError):
            return
        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                self._report_at = ((packet.sender_info.ntp_timestamp >> 16) & 0xFFFFFFFF, self._clock())
            if isinstance(packet, RtcpSrPacket | RtcpRrPacket):
                for report in packet.reports:
                    if report.ssrc == self._ssrc:
                        self._their_report = report

    def control(self) -> bytes:
        """Return a report of what was sent and received (RFC 3550, section 6.4)."""
        name = RtcpSdesPacket([RtcpSourceInfo(self._ssrc, [(_CNAME, f"{self._ssrc:08x}@carlos".encode())])])
        reports = [report] if (report := self._receiver_report()) is not None else []
        if self.sent:
            sender = RtcpSenderInfo(
                current_ntp_time(), self._timestamp, self.sent & 0xFFFFFFFF, self._octets & 0xFFFFFFFF
            )
            return bytes(RtcpSrPacket(self._ssrc, sender, reports)) + bytes(name)
        return bytes(RtcpRrPacket(self._ssrc, reports)) + bytes(name)

    def goodbye(self) -> bytes:
        return bytes(RtcpByePacket([self._ssrc]))

    def _receiver_report(self) -> RtcpReceiverInfo | None:
        statistics = self._statistics
        if statistics is None or self._theirs is None:
            return None
        last, delay = 0, 0
        if self._report_at is not None:
            last, delay = self._report_at[0], int((self._clock() - self._report_at[1]) * 65536) & 0xFFFFFFFF
        highest = (statistics.cycles + (statistics.max_seq or 0)) & 0xFFFFFFFF
        return RtcpReceiverInfo(
            self._theirs,
            statistics.fraction_lost,
            statistics.packets_lost,
            highest,
            _u32(statistics.jitter),
            last,
            delay,
        )

    @property
    def report(self) -> RtpReport:
        there = self._their_report.packets_lost if self._their_report is not None else None
        if (statistics := self._statistics) is None:
            return RtpReport(self.sent, 0, 0, 0, 0, there)
        lost = max(0, statistics.packets_lost)
        jitter_ms, concealed = statistics.jitter * 1000 // CLOCK_HZ, self._concealed + self._arrivals.concealed
        return RtpReport(self.sent, statistics.packets_received, lost, jitter_ms, concealed, there)


def _u32(number: int) -> int:
    return max(0, min(number, 0xFFFFFFFF))

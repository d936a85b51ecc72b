"""RTP as a plain phone has it, sans-IO: packets (RFC 3550), G.711 at 20 ms (RFC 3551), keys (RFC 4733), and a
judgement of what came that depends on no clock but the sender's.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Self

with warnings.catch_warnings():
    # Python 3.12 still has audioop and warns; from 3.13 the same module comes from audioop-lts.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

RATE = 8000  # Hz
FRAME_S = 0.02
FRAME = 160  # samples, and bytes of G.711
PCMU, PCMA, KEYS = 0, 8, 101  # payload types; that of keys is the offer's choice
NAMES = {PCMU: "PCMU", PCMA: "PCMA"}
SILENCE = b"\xff"  # mu-law
_HEADER = struct.Struct("!BBHII")
_VERSION = 0x80  # 2, without padding, extension or sources
_KEY_FRAMES, _KEY_ENDS = 5, 3  # 100 ms of a key, whose end is sent three times (RFC 4733, 2.5.1.4)
_DIGITS = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class Packet:
    payload_type: int
    marked: bool  # begins a talk spurt
    sequence: int
    timestamp: int  # samples
    source: int
    payload: bytes

    def encode(self) -> bytes:
        kind = self.payload_type | (0x80 if self.marked else 0)
        return _HEADER.pack(_VERSION, kind, self.sequence, self.timestamp, self.source) + self.payload

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises ValueError for what is no plain RTP packet."""
        if len(data) < _HEADER.size or data[0] != _VERSION:
            raise ValueError("no RTP packet without padding, extension and contributing sources")
        _, kind, sequence, timestamp, source = _HEADER.unpack_from(data)
        return cls(kind & 0x7F, bool(kind & 0x80), sequence, timestamp, source, data[_HEADER.size :])


class Sending:
    """A phone's own stream. One packet for each 20 ms, sound or key."""

    def __init__(self, codec: int, seed: int) -> None:
        random = Random(seed)
        self._codec = codec
        self._sequence, self._timestamp = random.getrandbits(16), random.getrandbits(32)
        self._source = random.getrandbits(32)
        self._begins = True

    def frame(self, ulaw: bytes) -> bytes:
        """The next packet, of 20 ms of mu-law."""
        payload = ulaw if self._codec == PCMU else audioop.lin2alaw(audioop.ulaw2lin(ulaw, 2), 2)
        packet = self._packet(self._codec, self._begins, payload)
        self._begins = False
        self._timestamp = (self._timestamp + len(ulaw)) & 0xFFFFFFFF
        return packet

    def key(self, digit: str) -> list[bytes]:
        """The packets of a key, one for each 20 ms; the sound's time goes on over it."""
        packets = []
        for number in range(1, _KEY_FRAMES + _KEY_ENDS):
            last = number >= _KEY_FRAMES
            held = min(number, _KEY_FRAMES) * FRAME
            event = struct.pack("!BBH", _DIGITS.index(digit), 10 | (0x80 if last else 0), held)
            packets.append(self._packet(KEYS, number == 1, event))
        self._timestamp = (self._timestamp + len(packets) * FRAME) & 0xFFFFFFFF
        return packets

    def _packet(self, payload_type: int, marked: bool, payload: bytes) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return Packet(payload_type, marked, self._sequence, self._timestamp, self._source, payload).encode()


@dataclass(slots=True)
class Reception:
    """What came to a phone, in the order in which it came."""

    packets: list[Packet] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)  # seconds, of whichever clock
    malformed: int = 0

    def feed(self, data: bytes, at: float) -> Packet | None:
        """The packet, where it is one."""
        try:
            packet = Packet.decode(data)
        except ValueError:
            self.malformed += 1
            return None
        self.packets.append(packet)
        self.arrivals.append(at)
        return packet

    @property
    def sources(self) -> int:
        return len({packet.source for packet in self.packets})

    @property
    def jumps(self) -> int:
        """How often a sequence number was not the one after the last."""
        return sum((later.sequence - sooner.sequence) & 0xFFFF != 1 for sooner, later in pairwise(self.packets))

    @property
    def longest_gap_ms(self) -> float:
        """The longest time without sound that the sender's own clock leaves within a talk spurt; back in time counts
        as far as it goes."""
        return max((abs(gap) / RATE * 1000 for gap in self._gaps()), default=0.0)

    def _gaps(self) -> Iterator[int]:
        sound = [packet for packet in self.packets if packet.payload_type in NAMES]
        for sooner, later in pairwise(sound):
            if not later.marked:
                yield _signed(later.timestamp - sooner.timestamp) - len(sooner.payload)

    @property
    def longest_wait_ms(self) -> float:
        """The longest wait for a packet that follows without a gap: the network's and both machines' doing."""
        waits = [
            later_at - sooner_at
            for (sooner, sooner_at), (later, later_at) in pairwise(zip(self.packets, self.arrivals, strict=True))
            if _signed(later.timestamp - sooner.timestamp) == len(sooner.payload)
        ]
        return 1000 * max(waits, default=0.0)

    @property
    def codecs(self) -> set[str]:
        return {NAMES.get(packet.payload_type, str(packet.payload_type)) for packet in self.packets}

    def ulaw(self) -> bytes:
        """The sound, each packet at its time; silence where there is none."""
        sound = [packet for packet in self.packets if packet.payload_type in NAMES]
        heard, began = bytearray(), sound[0].timestamp if sound else 0
        for packet in sound:
            if (at := _signed(packet.timestamp - began)) < 0:
                continue
            heard += SILENCE * (at - len(heard))
            heard[at : at + len(packet.payload)] = as_ulaw(packet)
        return bytes(heard)


def as_ulaw(packet: Packet) -> bytes:
    if packet.payload_type == PCMU:
        return packet.payload
    return audioop.lin2ulaw(audioop.alaw2lin(packet.payload, 2), 2)


def _signed(difference: int) -> int:
    """Of two 32-bit times, however they wrap."""
    return (difference + 0x80000000) % 0x100000000 - 0x80000000

"""A call's audio on two UDP sockets, both ways on one clock of 20 ms.

Only packets of the caller's hosts are taken: those that the SDP and the signalling name. Audio goes where they come
from, which passes a NAT (symmetric RTP, RFC 4961); until then, where the SDP says.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from loguru import logger

from agent.audio.pacing import FRAME_S, Pacer
from agent.audio.resample import Resampler
from agent.line import INPUT_RATE, CallerAudio, CallerDigit, LineEvent, MarkBack
from common.log import error_text
from telephony.sip.arrivals import FRAMES_PER_S
from telephony.sip.ports import NoPorts, Ports
from telephony.sip.rtp import RtpStream
from telephony.sip.sdp import CLOCK_HZ, Agreement
from telephony.sip.srtp import Crypto, Opener, Protector

REPORT_S = 5.0  # between RTCP reports (RFC 3550, section 6.2)
LATE_FRAMES = 25  # that a stalled loop makes good; what is later is left out
BIND_TRIES = 20  # ports that other programs may hold

type Item = bytes | str  # PCM of 20 ms, or the name of a mark


class MediaObserver(Protocol):
    """Who gets a call's audio."""

    def happened(self, event: LineEvent) -> None: ...
    def heard_nothing(self, seconds: float) -> None:
        """No packet has come for so long."""
        ...


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """The other side's port is closed, for now or for good: its silence is noticed."""


class Media:
    """`observer` is told what comes; without one nothing is kept. `hosts` may send."""

    def __init__(self, agreed: Agreement, hosts: Iterable[str], ports: Ports) -> None:
        self._loop = asyncio.get_running_loop()
        self.stream = RtpStream(agreed, self._heard, self._key, self._loop.time)
        self.observer: MediaObserver | None = None
        self.port = 0
        self._agreed = agreed
        self.ours: Crypto | None = None  # the key of our packets, where theirs have one
        self._opener: Opener | None = None
        self._protector: Protector | None = None
        self._secure(agreed)
        self._signalling = frozenset(hosts)
        self._ports = ports
        self._remote = self._control = agreed.address
        self._moved_to(agreed)
        self._out: deque[Item] = deque()
        self._upsample = Resampler(CLOCK_HZ, INPUT_RATE)
        self._fitting: tuple[int, int, Resampler] | None = None  # from one rate to another
        self._pacer = Pacer(FRAME_S)
        self._timer: asyncio.TimerHandle | None = None
        self._sockets: list[asyncio.DatagramTransport] = []
        self._report_at = self._heard_at = 0.0

    async def open(self, host: str) -> None:
        """Bind two ports, and begin. Raise NoPorts."""
        for _ in range(min(BIND_TRIES, len(self._ports)) or 1):
            port = self._ports.take()
            try:
                await self._bind(host, port)
            except OSError:
                logger.debug("sip: RTP port {} is taken by another program", port)
                self._let_go()
                self._ports.give_back(port)
            except BaseException:
                self._let_go()
                self._ports.give_back(port)
                raise
            else:
                self.port = port
                self._start()
                return
        raise NoPorts

    async def _bind(self, host: str, port: int) -> None:
        for number, take in ((port, self._receive), (port + 1, self._receive_control)):
            transport, _ = await self._loop.create_datagram_endpoint(partial(_Socket, take), local_addr=(host, number))
            self._sockets.append(transport)

    def _start(self) -> None:
        now = self._loop.time()
        self._heard_at, self._report_at = now, now + REPORT_S
        self._pacer.start(now)
        self._timer = self._loop.call_at(now, self._tick)

    def close(self) -> None:
        """Say goodbye, and give the ports back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sockets:
            self._send_control(self.stream.goodbye())
            self._let_go()
            self._ports.give_back(self.port)
        self._out.clear()

    def _let_go(self) -> None:
        for transport in self._sockets:
            transport.close()
        self._sockets.clear()

    def agree(self, agreed: Agreement) -> None:
        """Go on with other terms: a hold, another address or codec."""
        if (agreed.codec, agreed.keys_type) != (self._agreed.codec, self._agreed.keys_type):
            self.stream.agree(agreed)
        if agreed.theirs != self._agreed.theirs:
            self._secure(agreed)
        moved = agreed.address != self._agreed.address
        self._agreed = agreed
        if moved:
            self._moved_to(agreed)
        self._heard_at = self._loop.time()

    def _secure(self, agreed: Agreement) -> None:
        """Our own key stays what it was, since an answer may be on its way; theirs may change with each offer."""
        if agreed.theirs is None:
            self.ours = self._opener = self._protector = None
            return
        self._opener = Opener(agreed.theirs)
        if self.ours is None or self._protector is None or self.ours.tag != agreed.theirs.tag:
            self.ours = Crypto.new(agreed.theirs.tag)
            self._protector = Protector(self.ours)

    def _moved_to(self, agreed: Agreement) -> None:
        self._hosts = self._signalling | ({agreed.address[0]} if agreed.address else set())
        if agreed.address is not None:
            self._remote = agreed.address
            self._control = (agreed.address[0], min(65535, agreed.address[1] + 1))

    @property
    def agreed(self) -> Agreement:
        return self._agreed

    # --- what comes -------------------------------------------------------------------------------------------

    def _receive(self, data: bytes, source: tuple[str, int]) -> None:
        packet = self._opened(data) if source[0] in self._hosts else None
        if packet is not None and self.stream.receive(packet):
            self._heard_at = self._loop.time()
            if self._agreed.sends:
                self._remote = source

    def _receive_control(self, data: bytes, source: tuple[str, int]) -> None:
        if source[0] not in self._hosts:
            return
        packet = data if self._opener is None else self._opener.rtcp(data)
        if packet is not None:
            self.stream.receive_control(packet)
            self._control = source

    def _opened(self, data: bytes) -> bytes | None:
        return data if self._opener is None else self._opener.rtp(data)

    def _key(self, digit: str) -> None:
        if self.observer is not None:
            self.observer.happened(CallerDigit(digit))

    # --- what goes --------------------------------------------------------------------------------------------

    @property
    def rate(self) -> int:
        """Hz of the PCM that goes out as it is; what is played at another rate is converted."""
        return self.stream.rate

    def play(self, pcm: bytes, rate: int = CLOCK_HZ) -> None:
        """Queue PCM at `rate` Hz; a last piece that is shorter than 20 ms is filled with silence."""
        size = _frame_bytes(rate)
        self._out.extend(pcm[start : start + size].ljust(size, b"\0") for start in range(0, len(pcm), size))

    def mark(self, name: str) -> None:
        """Tell the observer when all that was queued before has gone out."""
        self._out.append(name)
        self._pass_marks()

    def clear(self) -> None:
        """Send nothing of what is queued; its marks come back at once."""
        marks = [item for item in self._out if isinstance(item, str)]
        self._out.clear()
        for name in marks:
            self._returned(name)

    @property
    def plays(self) -> bool:
        return bool(self._out)

    def _tick(self) -> None:
        now = self._loop.time()
        due = self._pacer.due(now)
        if due > LATE_FRAMES:
            self._pacer.start(now)
            due = 1
        self.stream.tick()  # once, also after a stall of ours: what came meanwhile is still in the socket
        for _ in range(due):
            self._speak()
        self._pacer.sent(due)
        self._look_after(now)
        self._timer = self._loop.call_at(self._pacer.next_deadline(), self._tick)

    def _heard(self, pcm: bytes) -> None:
        if self.observer is not None:
            said = pcm if self._agreed.sends else bytes(len(pcm))  # on hold a PBX plays music to us, which nobody says
            self.observer.happened(CallerAudio(said if self.stream.rate == INPUT_RATE else self._upsample.push(said)))

    def _speak(self) -> None:
        """One packet."""
        queued = self._out.popleft() if self._out else b""
        assert isinstance(queued, bytes)  # noqa: S101 - marks never stay at the head
        packet = self.stream.packet(self._coded(queued) if self._agreed.sends else None)
        if packet is not None:
            sealed = packet if self._protector is None else self._protector.rtp(packet)
            self._send(self._sockets[0], sealed, self._remote)
        self._pass_marks()

    def _coded(self, frame: bytes) -> bytes:
        """Return what goes on the wire: of a frame of any rate, or of none."""
        return self.stream.encode(self._fitted(frame)) if frame else self.stream.silence()

    def _fitted(self, frame: bytes) -> bytes:
        """Return the frame at the stream's rate, as many ms late as the filter looks ahead."""
        rate = len(frame) // 2 * FRAMES_PER_S
        if rate == self.stream.rate:
            return frame
        if self._fitting is None or self._fitting[:2] != (rate, self.stream.rate):
            resampler = Resampler(rate, self.stream.rate)
            resampler.push(bytes(len(frame)))  # from here on each frame makes one
            self._fitting = rate, self.stream.rate, resampler
        return self._fitting[2].push(frame)

    def _pass_marks(self) -> None:
        while self._out and isinstance(name := self._out[0], str):
            self._out.popleft()
            self._returned(name)

    def _returned(self, name: str) -> None:
        if self.observer is not None:
            self.observer.happened(MarkBack(name))

    def _look_after(self, now: float) -> None:
        if now >= self._report_at:
            self._report_at = now + REPORT_S
            self._send_control(self.stream.control())
        if self.observer is not None and self._agreed.direction == "sendrecv" and self._agreed.address is not None:
            self.observer.heard_nothing(now - self._heard_at)

    def _send_control(self, packet: bytes) -> None:
        sealed = packet if self._protector is None else self._protector.rtcp(packet)
        self._send(self._sockets[1], sealed, self._control)

    def _send(self, transport: asyncio.DatagramTransport, data: bytes, to: tuple[str, int] | None) -> None:
        if to is not None and not transport.is_closing():
            try:
                transport.sendto(data, to)
            except (OSError, ValueError) as error:  # an address that this host has no way to
                logger.debug("sip: nothing can be sent to {}: {}", to[0], error_text(error))


def _frame_bytes(rate: int) -> int:
    return 2 * rate // FRAMES_PER_S
